"""申请退单: collects reason, statement and seal or signature in any order, then requests the return."""

from typing import Any

from backend.domain.reply_parser import ParsedReply, guess_reason_code
from bot.case import Case, check
from bot.talk import Rows, Talk

VERB = "return"


async def start(talk: Talk, case: Case) -> None:
    """Handle the button; warn of a late return before asking anything (M9a)."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB)
    if case.late_for_return(talk.now) and not draft.get("late_ok"):
        await _warn(talk, case)
        return
    await talk.ask("ask.return", VERB, case.id, no=case.no)


async def words(talk: Talk, case: Case, said: ParsedReply, files: list[str], album: str | None) -> None:
    """Handle a reply with text, files or both."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB)
    if said.text:
        draft |= {"reason": said.text, "reason_code": said.reason_code or guess_reason_code(said.text)}
        if album is None and (signed := _signature(talk, said.text)):
            draft["signed_by"] = signed
    loose = await talk.house.drafts.load_draft(talk.who.code, case.id, "attach")
    draft["files"] = [*dict.fromkeys([*draft.get("files", ()), *loose.get("files", ()), *files])]
    quiet = album is not None and draft.get("album") == album
    await _proceed(talk, case, draft | {"album": album}, quiet=quiet)


async def signed(talk: Talk, case: Case, by: str) -> None:
    """Handle the buttons 公章 and 领导签字."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB)
    await talk.strip()
    await _proceed(talk, case, draft | {"signed_by": by})


async def go_on(talk: Talk, case: Case) -> None:
    """Handle 继续退单: the return goes on although it is late."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB) | {"late_ok": True}
    await talk.strip()
    if draft.get("reason") or draft.get("files"):
        await _proceed(talk, case, draft)
        return
    await talk.house.drafts.save_draft(talk.who.code, case.id, VERB, draft, talk.now)
    await talk.ask("ask.return", VERB, case.id, no=case.no)


async def go_on_with(talk: Talk, case: Case) -> None:
    """Continue a started return after files were attached: they may be what was missing."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB)
    loose = await talk.house.drafts.load_draft(talk.who.code, case.id, "attach")
    draft["files"] = [*dict.fromkeys([*draft.get("files", ()), *loose.get("files", ())])]
    await _proceed(talk, case, draft)


async def go_back(talk: Talk, case: Case) -> None:
    """Handle 返回办理: drop the started drafts."""
    for verb in (VERB, "extend", "close"):
        await talk.house.drafts.delete_draft(talk.who.code, case.id, verb)
    await talk.settled()
    await talk.strip()
    await talk.told("toast.cancelled")


async def _proceed(talk: Talk, case: Case, draft: dict[str, Any], *, quiet: bool = False) -> None:
    await talk.house.drafts.save_draft(talk.who.code, case.id, VERB, draft, talk.now)
    missing = await _missing(talk, draft)
    if missing:
        if not quiet:
            await _lacking(talk, case, missing)
        return
    if case.late_for_return(talk.now) and not draft.get("late_ok"):
        await _warn(talk, case)
        return
    await talk.act(VERB, assignment_id=case.id, reason=draft["reason"], reason_code=draft["reason_code"],
                   files=draft["files"], signed_by=draft.get("signed_by"))  # fmt: skip
    for verb in (VERB, "attach"):
        await talk.house.drafts.delete_draft(talk.who.code, case.id, verb)
    await talk.settled()
    await talk.toast(talk.say_key("toast.returned"))


async def _missing(talk: Talk, draft: dict[str, Any]) -> list[str]:
    rules = (await talk.house.office.snapshot()).settings
    lacks = (
        ("reason", not draft.get("reason")),
        ("statement", rules.flag("return.requires_statement") and not draft.get("files")),
        ("signature", rules.flag("return.requires_signature") and not draft.get("signed_by")),
    )
    return [name for name, lacking in lacks if lacking]


async def _lacking(talk: Talk, case: Case, missing: list[str]) -> None:
    """Send M9b, with buttons for how the statement is signed."""
    listed = talk.say_key("bot.and").join(talk.say_key(f"ask.missing_{name}") for name in missing)
    sign: Rows = ((("button.seal", case.press("seal")), ("button.leader", case.press("leader"))),)
    sent = await talk.say(talk.say_key("chat.M9b", missing=listed), sign if "signature" in missing else ())
    await talk.expect(VERB, case.id, sent)
    await talk.toast(talk.say_key("toast.asked"))


async def _warn(talk: Talk, case: Case) -> None:
    """Send M9a: the return will count as late; the person decides."""
    keys: Rows = ((("button.continue_return", case.press("go_on")), ("button.go_back", case.press("go_back"))),)
    await talk.remember(await talk.say(talk.say_key("chat.M9a"), keys), case.id)
    await talk.toast(talk.say_key("toast.asked"))


def _signature(talk: Talk, text: str) -> str | None:
    """Return how the text says the statement was signed, None if it does not."""
    return next((by for by in ("seal", "leader") if talk.say_key(f"button.{by}") in text), None)
