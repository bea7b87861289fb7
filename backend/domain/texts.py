"""The text catalogue: finds every sentence people see or hear by key and fills in facts; composes none itself."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

#: the package whose drivers bring words of their own
DRIVERS = "notify"
_OPTIONAL = re.compile(r"\[\[(.*?)]]", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
#: Texts that are read aloud: their facts are made speakable first (FW13).
SPOKEN_PREFIXES = ("phone.", "visit.")
#: Sections with the sentences of refusals: acts, rows of a file, whole files.
_REFUSAL_SECTIONS = ("refusal", "rows", "files")
_MAX_FACT_LENGTH = 120  # characters of one fact read aloud, about 30 s


class MissingText(KeyError):
    """A key without a text, or a placeholder without a fact: our own mistake, raised at once."""


def make_sayable(value: object, longest: int = _MAX_FACT_LENGTH) -> str:
    """Return one fact fit to be read aloud: no control characters, one line, cut to `longest` characters (FW13)."""
    text = "".join(" " if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 else c for c in str(value))
    text = "".join(c for c in text if not 0xD800 <= ord(c) <= 0xDFFF and ord(c) not in (0xFFFE, 0xFFFF))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[:longest] + "…"


@cache
def _load(language: str) -> dict[str, str | tuple[str, ...]]:
    """Load all texts of a language by dotted key: `LANGUAGE.toml`, any `*.LANGUAGE.toml` beside it, and drivers' words."""
    folder = files("backend").joinpath("data", "texts")
    sources = [f for f in folder.iterdir() if f.name == f"{language}.toml" or f.name.endswith(f".{language}.toml")]
    sources += _find_driver_texts(language)
    if not any(f.name == f"{language}.toml" for f in sources):
        raise MissingText(f"no catalogue for {language}")
    texts: dict[str, str | tuple[str, ...]] = {}
    for file in sorted(sources, key=lambda f: f.name):
        for key, text in _flatten("", tomllib.loads(file.read_text(encoding="utf-8"))):
            if key in texts and not key.startswith("meta."):
                raise MissingText(f"{key} is said twice in {language}")
            texts[key] = text
    return texts


def _find_driver_texts(language: str) -> list[Traversable]:
    """Find the words that drivers bring: `<family>/<driver>/texts.LANGUAGE.toml` below the drivers' folder."""
    families = [family for family in files(DRIVERS).iterdir() if family.is_dir()]
    drivers = [driver for family in families for driver in family.iterdir() if driver.is_dir()]
    found = [driver.joinpath(f"texts.{language}.toml") for driver in drivers]
    return [file for file in found if file.is_file()]


def _flatten(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", tuple(str(v) for v in value)
        else:
            yield f"{prefix}{name}", str(value)


def find_placeholders(text: str) -> frozenset[str]:
    """Return the names a template uses, optional ones included."""
    return frozenset(_PLACEHOLDER.findall(text))


@cache
def _find_needed(text: str) -> frozenset[str]:
    return find_placeholders(_OPTIONAL.sub("", text))


def list_languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue, in alphabetical order."""
    names = (f.name for f in files("backend").joinpath("data", "texts").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.count(".") == 1 and n.endswith(".toml")))


class Texts:
    """The texts of one language, e.g. `Texts("zh_CN").render("message.return_accepted", ticket_no="T1")`.

    Raises MissingText if the language, a key, or a needed fact is missing.
    """

    def __init__(self, language: str = "zh_CN") -> None:
        self.language = language
        self._texts = _load(language)

    def has(self, key: str) -> bool:
        """Return whether the key has a text."""
        return key in self._texts

    def list_keys(self) -> tuple[str, ...]:
        """Return all dotted keys, in file order."""
        return tuple(self._texts)

    def get_template(self, key: str) -> str:
        """Return the raw template of a key."""
        text = self._texts.get(key)
        if not isinstance(text, str):
            raise MissingText(f"{key} has no text in {self.language}")
        return text

    def render(self, key: str, /, **facts: Any) -> str:
        """Return the text of a key with its facts; optional pieces [[…]] with an empty fact are left out.

        Facts are inserted once, literally: braces inside a fact stay braces. Surplus facts are ignored.
        """
        text = self.get_template(key)
        is_spoken = key.startswith(SPOKEN_PREFIXES)
        given = {n: make_sayable(v) if is_spoken else str(v) for n, v in facts.items() if v is not None and v != ""}
        missing = sorted(n for n in _find_needed(text) if n not in facts)
        if missing:
            raise MissingText(f"{key} needs {', '.join(missing)}")
        lines = (_fill_line(line, given) for line in text.split("\n"))
        return "\n".join(line for line in lines if line is not None)

    def render_refusal(self, code: str, facts: Mapping[str, Any], first: str = "") -> str:
        """Return the sentence of a refusal code; unlike `render` it never fails for a missing fact or text.

        A `state`, a `field` and each of those `allowed` for a field is replaced by its word; `first` is a section looked up
        before the others. The facts of `not_found` name what was not found: each thing has its own sentence.
        """
        keys = [f"{part}.{code}" for part in (first, *_REFUSAL_SECTIONS)]
        keys[1:1] = [f"not_found.{thing}" for thing in facts] if code == "not_found" else []
        key = next((k for k in keys if self.has(k)), "refusal.bad_request")
        needed = find_placeholders(self.get_template(key))
        given = {name: facts.get(name) for name in needed}
        if given.get("state") is not None:
            given["state"] = self.get_word_or_value("state", str(given["state"]))
        if isinstance(codes := given.get("allowed"), tuple):
            given["allowed"] = "、".join(self.get_word_or_value(str(facts.get("field")), one) for one in codes)
        if given.get("field"):
            given["field"] = self.get_word_or_value("field", str(given["field"]))
        return self.render(key, **given)

    def get_word(self, group: str, value: object) -> str:
        """Return the word for a stored value, e.g. `get_word("state", "signed")`; raises MissingText if there is none."""
        return self.get_template(f"word.{group}.{value}")

    def get_word_or_value(self, group: str, value: str) -> str:
        """As `get_word`, but return an unknown value itself."""
        return self.get_word(group, value) if self.has(f"word.{group}.{value}") else value

    def list_buttons(self, key: str) -> tuple[str, ...]:
        """Return the names of the buttons under a chat text, in order; their labels are `button.NAME`."""
        names = self._texts.get(f"buttons.{key.removeprefix('message.')}", ())
        return names if isinstance(names, tuple) else (names,)


def _fill_line(line: str, given: Mapping[str, str]) -> str | None:
    """Fill one template line; None if it consisted only of optional pieces that were left out."""
    filled: list[str] = []
    for position, piece in enumerate(_OPTIONAL.split(line)):
        optional = position % 2 == 1
        if optional and not find_placeholders(piece) <= given.keys():
            continue
        filled.append(_PLACEHOLDER.sub(lambda hole: given.get(hole.group(1), ""), piece))
    text = "".join(filled)
    return None if text == "" and line.strip() else text
