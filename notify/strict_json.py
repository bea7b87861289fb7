"""Strict JSON of updates: no NaN, no key twice, a bounded depth (FT7)."""

import json

MAX_DEPTH = 64  # nesting levels; no network reaches this


def parse_strict(body: bytes) -> dict[str, object]:
    """Return the object that a body holds. Raises ValueError."""
    try:
        value = json.loads(body, parse_constant=_reject_constant, object_pairs_hook=_reject_duplicates)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    if _is_deeper(value, MAX_DEPTH):
        raise ValueError("nested too deep")
    return value


def _reject_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _reject_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _is_deeper(value: object, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left == 0 or any(_is_deeper(v, left - 1) for v in inner)


def replace_surrogates(body: str) -> str:
    """Return JSON whose lone surrogates, which no database stores, are replaced."""
    if "\\ud" not in body and "\\uD" not in body:
        return body
    plain = json.dumps(json.loads(body), ensure_ascii=False)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
