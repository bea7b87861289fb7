"""A database that does not answer, or has no room for us in time: what every door and every worker takes calmly."""


class Unavailable(Exception):
    """The database cannot serve us now (XR6, XR13, XR15; FD4, FD7-FD9). Nothing was written, or it is unknown whether.

    `cause`: `away` it does not answer; `pool` all our connections are taken; `locked` another holds what we need.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause
