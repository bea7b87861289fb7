"""Why something did not answer, in words."""

from backend.domain.texts import Texts


def describe_cause(texts: Texts, code: str) -> str:
    """Return the words of a cause such as `timeout` or `status 3`; of one that nobody foresaw, itself."""
    kind, _, number = code.partition(" ")
    return texts.render(f"why.{kind}", number=number) if texts.has(f"why.{kind}") else code
