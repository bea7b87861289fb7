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
    said = texts.get_word_or_value("message_error", kind)
    if not code or code == kind:
        return said
    if texts.has(f"word.message_error.{code}"):
        return texts.get_word("message_error", code)
    return texts.render("console.failure_coded", said=said, code=code)
