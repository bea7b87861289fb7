"""Previews of every text: filled with sample facts of the same catalogue, its buttons below (texts M, S, P, V)."""

from collections.abc import Sequence

from backend.domain.texts import Catalogue, placeholders

SAMPLE = "sample."
NOT_SAID = (SAMPLE, "meta.", "buttons.")  # facts and lists, no sentences
WORDS = "word."


def preview(catalogue: Catalogue, key: str) -> str:
    """Return one text with sample facts; a fact without a sample appears as ‹name›. Raises MissingText."""
    asked = placeholders(catalogue.template(key))
    said = catalogue.say(key, **{name: _sample(catalogue, name) for name in asked})
    labels = [catalogue.say(f"button.{name}") for name in catalogue.buttons(key)] if key.startswith("chat.") else []
    return "\n".join([said, *(["".join(f"【{label}】" for label in labels)] if labels else [])])


def _sample(catalogue: Catalogue, name: str) -> str:
    key = f"{SAMPLE}{name}"
    if catalogue.has(key):
        return catalogue.template(key)
    return "3" if len(name) == 1 else f"‹{name}›"


def matching(catalogue: Catalogue, wanted: str) -> Sequence[str]:
    """Return the keys meant: all for an empty word; else that key, a section, or a text's own name (M1, S4)."""
    keys = [key for key in catalogue.all_keys() if not key.startswith(NOT_SAID)]
    if not wanted:
        return keys
    exact = [key for key in keys if key == wanted]
    if exact:
        return exact
    named = [k for k in keys if not k.startswith(WORDS) and k.rpartition(".")[2].lower() == wanted.lower()]
    return [key for key in keys if key.startswith(f"{wanted}.")] or named
