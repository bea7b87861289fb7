"""Why something did not answer, or a message did not arrive, in words."""

from backend.domain.texts import Texts


def describe_cause(texts: Texts, code: str) -> str:
    """Return the words of a cause such as `timeout` or `status 3`; of one that nobody foresaw, itself."""
    kind, _, number = code.partition(" ")
    return texts.render(f"why.{kind}", number=number) if texts.has(f"why.{kind}") else code


def describe_failure(texts: Texts, error: str) -> str:
    """Return the words of a stored error of a message: `dead_number`, or `permanent blocked`, a kind with its code.

    A code without words, which is a provider's own, stands in brackets behind the kind.
    """
    kind, _, code = error.partition(" ")
    said = _get_failure(texts, kind) or kind
    if not code or code == kind:
        return said
    return _get_failure(texts, code) or texts.render("console.failure_coded", said=said, code=code)


def _get_failure(texts: Texts, code: str) -> str | None:
    """Return the words of a failed message; a call's outcomes have one table, wherever they are said."""
    groups = ("message_error", "call_outcome")
    return next((texts.get_word(group, code) for group in groups if texts.has(f"word.{group}.{code}")), None)


def describe_dial(texts: Texts, outcome: str | None, status: str | None) -> str:
    """Return the words of a dial: its outcome; until that is known what the carrier says (`ringing`, `no-answer`)."""
    if not outcome and texts.has(f"word.call_status.{status}"):
        return texts.get_word("call_status", status)
    return texts.get_word_or_value("call_outcome", outcome or (status or "").replace("-", "_"))
