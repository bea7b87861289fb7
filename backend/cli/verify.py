"""`jiesu verify`: recompute the journal's hash chain and report what was altered (G22)."""

import click

from backend.cli import tell, words
from backend.cli.local import answer, environment, local_house, now
from backend.integrity.journal import VerifyReport


@click.command(help=words().render("cli.help.verify"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def verify(as_json: bool) -> int:
    """Exit status 1 if anything was found."""
    verdict = now(_look())
    if as_json:
        answer({
            "tickets": verdict.tickets, "lines": verdict.lines, "seals": verdict.seals, "seal": verdict.seal,
            "findings": [{"what": f.code, "ticket": f.ticket, "version": f.version} for f in verdict.findings],
        })  # fmt: skip
    for f in verdict.findings:
        tell(f"found.{f.code}", ticket=f.ticket, version=f.version)
    tell("verified", tickets=verdict.tickets, lines=verdict.lines, seals=verdict.seals,
         found=len(verdict.findings) or None, seal=verdict.seal[:16] or None)  # fmt: skip
    return 1 if verdict.findings else 0


async def _look() -> VerifyReport:
    async with local_house(environment(), writing=False) as house:
        return await house.verifier.verify()
