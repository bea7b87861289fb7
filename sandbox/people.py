"""The simulated people as the page lists them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SimulatedPerson:
    """A person with a telephone; `code` is the product's person code, empty for people without one."""

    name: str
    phone: str
    role: str
    unit: str = ""
    note: str = ""
    code: str = ""
