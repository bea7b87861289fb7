"""`jiesu verify`: recompute the journal's hash chain and report what was altered (G22)."""

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, open_services, print_json, run_async
from backend.integrity.journal import VerifyReport


@click.command(help=get_texts().render("cli.help.verify"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def verify(as_json: bool) -> int:
    """Exit status 1 if anything was found."""
    verdict = run_async(_verify_journal())
    if as_json:
        print_json({
            "tickets": verdict.tickets, "lines": verdict.lines, "seals": verdict.seals, "seal": verdict.seal,
            "findings": [{"what": f.code, "ticket": f.ticket, "version": f.version} for f in verdict.findings],
        })  # fmt: skip
    for f in verdict.findings:
        print_text(f"found.{f.code}", ticket=f.ticket, version=f.version)
    print_text("verified", tickets=verdict.tickets, lines=verdict.lines, seals=verdict.seals,
         found=len(verdict.findings) or None, seal=verdict.seal[:16] or None)  # fmt: skip
    return 1 if verdict.findings else 0


async def _verify_journal() -> VerifyReport:
    async with open_services(load_config(), writing=False) as services:
        return await services.journal.verify()
