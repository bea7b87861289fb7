"""/quiet: a person's own quiet hours, in which general tickets do not disturb them."""

import re
import unicodedata

from backend.domain.refusals import Refused
from bot.talk import Talk

SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-~\u2013\u2014]+\s*(\d{1,2}:\d{2})", re.ASCII)
OFF = frozenset({"off", "none", "0"})


async def quiet(talk: Talk, words: str = "") -> None:
    """Handle /quiet: show; /quiet 22:00-07:00: set; /quiet off: clear. Refused `bad_quiet`."""
    rosters, who = talk.house.rosters, talk.who
    rules = (await talk.house.office.snapshot()).settings
    of_unit = rules.text("notify.quiet", who.unit)
    own = await rosters.get_quiet(who.code) if rosters else ""
    said = words.strip()
    if not said:
        await talk.told("office.quiet", quiet=own or of_unit)
        return
    if rosters is None:
        raise Refused("unavailable")
    if said.lower() in OFF:
        await rosters.set_quiet(who.code, None)
        await talk.note("quiet_cleared")
        await talk.told("office.quiet_off", quiet=of_unit)
        return
    span = SPAN.fullmatch(unicodedata.normalize("NFKC", said))  # accept full-width colons and digits
    if span is None:
        raise Refused("bad_quiet", value=said[:40])
    begin, end = (part.zfill(5) for part in span.groups())
    try:
        now = await rosters.set_quiet(who.code, begin, end)
    except Refused as refused:
        raise Refused("bad_quiet", value=said[:40]) if refused.code == "bad_hours" else refused from None
    await talk.note("quiet_set", hours=now)
    await talk.told("office.quiet_set", quiet=now)
