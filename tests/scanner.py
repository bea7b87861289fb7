"""A malware scanner that says what it is told to, and remembers what it was shown."""

from dataclasses import dataclass, field

from notify.scanner import Content, ScannerAway, Verdict


@dataclass
class FakeScanner:
    """It finds `found` in every file (None: nothing), or has no verdict, for the reason `away`."""

    found: str | None = None
    away: str = ""
    shown: list[Content] = field(default_factory=list)

    async def scan(self, content: Content) -> Verdict:
        """Say it."""
        self.shown.append(content)
        if self.away:
            raise ScannerAway(self.away)
        return Verdict(self.found)
