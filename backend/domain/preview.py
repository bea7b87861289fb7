"""Previews of every text: filled with sample facts of the same catalogue, its buttons below (texts M, S, P, V)."""

from collections.abc import Sequence

from backend.domain.texts import Texts, find_placeholders

SAMPLE_PREFIX = "sample."
NOT_SENTENCES = (SAMPLE_PREFIX, "meta.", "buttons.")  # facts and lists, no sentences
WORD_PREFIX = "word."
SENT_TO_PEOPLE = ("message.", "sms.", "visit.")  # what a short name means first; labels and columns share such names


def render_preview(texts: Texts, key: str) -> str:
    """Return one text with sample facts; a fact without a sample appears as ‹name›. Raises MissingText."""
    names = find_placeholders(texts.get_template(key))
    text = texts.render(key, **{name: _sample(texts, name) for name in names})
    labels = [texts.render(f"button.{name}") for name in texts.list_buttons(key)] if key.startswith("message.") else []
    return "\n".join([text, *(["".join(f"【{label}】" for label in labels)] if labels else [])])


def _sample(texts: Texts, name: str) -> str:
    key = f"{SAMPLE_PREFIX}{name}"
    if texts.has(key):
        return texts.get_template(key)
    return "3" if len(name) == 1 else f"‹{name}›"


def match_keys(texts: Texts, wanted: str) -> Sequence[str]:
    """Return the keys meant: all for an empty word; else that key, a section, or a text's own name (red_card, S4)."""
    keys = [key for key in texts.list_keys() if not key.startswith(NOT_SENTENCES)]
    if not wanted:
        return keys
    exact = [key for key in keys if key == wanted]
    if exact:
        return exact
    named = [k for k in keys if not k.startswith(WORD_PREFIX) and k.rpartition(".")[2].lower() == wanted.lower()]
    section = [key for key in keys if key.startswith(f"{wanted}.")]
    return section or [key for key in named if key.startswith(SENT_TO_PEOPLE)] or named
