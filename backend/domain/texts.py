"""The text catalogue: finds every sentence people see or hear by key and fills in facts; composes none itself."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_PIECE = re.compile(r"\[\[(.*?)]]", re.DOTALL)
_HOLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
#: Texts that are read aloud: their facts are made speakable first (FW13).
SPOKEN = ("phone.", "visit.")
#: Sections with the sentences of refusals: acts, rows of a file, whole files.
_REFUSALS = ("refusal", "rows", "files")
_LONGEST_FACT = 120  # characters of one fact read aloud, about 30 s


class MissingText(KeyError):
    """A key without a text, or a placeholder without a fact: our own mistake, raised at once."""


def sayable(value: object, longest: int = _LONGEST_FACT) -> str:
    """Return one fact fit to be read aloud: no control characters, one line, cut to `longest` characters (FW13)."""
    text = "".join(" " if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 else c for c in str(value))
    text = "".join(c for c in text if not 0xD800 <= ord(c) <= 0xDFFF and ord(c) not in (0xFFFE, 0xFFFF))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[:longest] + "…"


@cache
def _read(language: str) -> dict[str, str | tuple[str, ...]]:
    """Load all texts of a language by dotted key: `LANGUAGE.toml` and any `*.LANGUAGE.toml` beside it."""
    shelf = files("backend").joinpath("data", "texts")
    wanted = [f for f in shelf.iterdir() if f.name == f"{language}.toml" or f.name.endswith(f".{language}.toml")]
    if not any(f.name == f"{language}.toml" for f in wanted):
        raise MissingText(f"no catalogue for {language}")
    texts: dict[str, str | tuple[str, ...]] = {}
    for file in sorted(wanted, key=lambda f: f.name):
        for key, text in _flat("", tomllib.loads(file.read_text(encoding="utf-8"))):
            if key in texts and not key.startswith("meta."):
                raise MissingText(f"{key} is said twice in {language}")
            texts[key] = text
    return texts


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", tuple(str(v) for v in value)
        else:
            yield f"{prefix}{name}", str(value)


def placeholders(text: str) -> frozenset[str]:
    """Return the names a template uses, optional ones included."""
    return frozenset(_HOLE.findall(text))


@cache
def _needed(text: str) -> frozenset[str]:
    return placeholders(_PIECE.sub("", text))


def languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue, in alphabetical order."""
    names = (f.name for f in files("backend").joinpath("data", "texts").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.count(".") == 1 and n.endswith(".toml")))


class Catalogue:
    """The texts of one language, e.g. `Catalogue("zh_CN").say("chat.M10", ticket_no="T1")`.

    Raises MissingText if the language, a key, or a needed fact is missing.
    """

    def __init__(self, language: str = "zh_CN") -> None:
        self.language = language
        self._texts = _read(language)

    def has(self, key: str) -> bool:
        """Return whether the key has a text."""
        return key in self._texts

    def all_keys(self) -> tuple[str, ...]:
        """Return all dotted keys, in file order."""
        return tuple(self._texts)

    def template(self, key: str) -> str:
        """Return the raw template of a key."""
        text = self._texts.get(key)
        if not isinstance(text, str):
            raise MissingText(f"{key} has no text in {self.language}")
        return text

    def say(self, key: str, /, **facts: Any) -> str:
        """Return the text of a key with its facts; optional pieces [[…]] with an empty fact are left out.

        Facts are inserted once, literally: braces inside a fact stay braces. Surplus facts are ignored.
        """
        text = self.template(key)
        aloud = key.startswith(SPOKEN)
        given = {n: sayable(v) if aloud else str(v) for n, v in facts.items() if v is not None and v != ""}
        absent = sorted(n for n in _needed(text) if n not in facts)
        if absent:
            raise MissingText(f"{key} needs {', '.join(absent)}")
        lines = (_line(line, given) for line in text.split("\n"))
        return "\n".join(line for line in lines if line is not None)

    def refusal(self, code: str, facts: Mapping[str, Any]) -> str:
        """Return the sentence of a refusal code; unlike `say` it never fails for a missing fact or text.

        A `state` among the facts is replaced by its word.
        """
        key = next((k for k in (f"{part}.{code}" for part in _REFUSALS) if self.has(k)), "refusal.bad_request")
        needed = placeholders(self.template(key))
        said = {name: facts.get(name) for name in needed}
        if said.get("state") is not None:
            said["state"] = self.word_or("state", str(said["state"]))
        return self.say(key, **said)

    def word(self, group: str, value: object) -> str:
        """Return the word for a stored value, e.g. `word("state", "signed")`; raises MissingText if there is none."""
        return self.template(f"word.{group}.{value}")

    def word_or(self, group: str, value: str) -> str:
        """As `word`, but return an unknown value itself."""
        return self.word(group, value) if self.has(f"word.{group}.{value}") else value

    def buttons(self, key: str) -> tuple[str, ...]:
        """Return the names of the buttons under a chat text, in order; their labels are `button.NAME`."""
        names = self._texts.get(f"buttons.{key.removeprefix('chat.')}", ())
        return names if isinstance(names, tuple) else (names,)


def _line(line: str, given: Mapping[str, str]) -> str | None:
    """Fill one template line; None if it consisted only of optional pieces that were left out."""
    filled: list[str] = []
    for position, piece in enumerate(_PIECE.split(line)):
        optional = position % 2 == 1
        if optional and not placeholders(piece) <= given.keys():
            continue
        filled.append(_HOLE.sub(lambda hole: given.get(hole.group(1), ""), piece))
    said = "".join(filled)
    return None if said == "" and line.strip() else said
