"""/quiet: a person's own quiet hours, in which general tickets do not disturb them."""

import re
import unicodedata

from backend.domain.refusals import Refused
from bot.conversation import Conversation

SPAN_PATTERN = re.compile(r"(\d{1,2}:\d{2})\s*[-~\u2013\u2014]+\s*(\d{1,2}:\d{2})", re.ASCII)
OFF_WORDS = frozenset({"off", "none", "0"})


async def change_quiet_hours(chat: Conversation, text: str = "") -> None:
    """Handle /quiet: show; /quiet 22:00-07:00: set; /quiet off: clear. Refused `bad_quiet`."""
    rosters, who = chat.services.quiet_hours, chat.bound_person
    rules = (await chat.services.office.snapshot()).settings
    of_unit = rules.text("notify.quiet", who.unit)
    own = await rosters.get_quiet(who.code) if rosters else ""
    said = text.strip()
    if not said:
        await chat.answer_key("office.quiet", quiet=own or of_unit)
        return
    if rosters is None:
        raise Refused("unavailable")
    if said.lower() in OFF_WORDS:
        await rosters.set_quiet(who.code, None)
        await chat.audit("quiet_cleared")
        await chat.answer_key("office.quiet_off", quiet=of_unit)
        return
    span = SPAN_PATTERN.fullmatch(unicodedata.normalize("NFKC", said))  # accept full-width colons and digits
    if span is None:
        raise Refused("bad_quiet", value=said[:40])
    begin, end = (part.zfill(5) for part in span.groups())
    try:
        now = await rosters.set_quiet(who.code, begin, end)
    except Refused as refused:
        raise Refused("bad_quiet", value=said[:40]) if refused.code == "bad_hours" else refused from None
    await chat.audit("quiet_set", hours=now)
    await chat.answer_key("office.quiet_set", quiet=now)
