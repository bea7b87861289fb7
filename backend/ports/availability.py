"""A database that does not answer, or cannot serve us now: what every door and every worker takes calmly."""

#: Causes that are told by their own code; all others are `unavailable`.
OWN_CODES = frozenset(("read_only", "disk_full", "version_gate", "held"))


class Unavailable(Exception):
    """The database cannot serve us now (XR6, XR13, XR15; FD4, FD7-FD9). Nothing was written, or it is unknown whether.

    `cause`: `away` it does not answer; `pool` all our connections are taken; `locked` another holds what we need;
    `read_only` it is damaged, and what was asked would write or cannot be read; `disk_full` it cannot grow (XR4);
    `unreadable` something stored there is not what it was written as; `version_gate` only code of another version may
    work there (FD12); `held` it was restored and nobody has released it (FD13).
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches for its end and speaks of it, so that who meets it keeps silent."""
        return self.cause != "unreadable"

    @property
    def code(self) -> str:
        """The code by which people are refused."""
        return self.cause if self.cause in OWN_CODES else "unavailable"
