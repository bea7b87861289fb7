"""申请退单: collects reason, statement and seal or signature in any order, then requests the return."""

from collections.abc import Sequence
from typing import Any

from backend.domain.button_data import ButtonData
from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply, guess_reason_code
from bot import drafts
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

VERB = "return"
DRAFTS = (VERB, "extend", "close", "reply")  # what may have been begun about an assignment
PLACEHOLDERS: dict[str, Any] = {"reason": "…", "files": ["…"], "signed_by": "seal"}


async def start_return(chat: Conversation, context: TicketContext) -> None:
    """Handle the button; refuse, or warn of a late return, before asking anything (M9a, XM21)."""
    await _check(chat, context)
    draft = await drafts.load(chat, context.assignment_id, VERB)
    if context.is_late_for_return(chat.now) and not draft.get("late_ok"):
        await _warn_late(chat, context, await drafts.keep(chat, context.assignment_id, VERB, draft))
        return
    await chat.ask("ask.return", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def _check(chat: Conversation, context: TicketContext) -> None:
    """Refuse what would be refused however complete it is."""
    check_allowed(chat, context, VERB)
    await chat.check(VERB, context.snap, context.assignment_id, **PLACEHOLDERS)


async def collect_return(
    chat: Conversation, context: TicketContext, parsed: ParsedReply, files: Sequence[str] = (), *,
    album: str | None = None, quiet: bool = False,
) -> None:  # fmt: skip
    """Handle a reply with text, files or both; what is on the ticket from this unit is a statement too."""
    await _check(chat, context)
    draft = await drafts.load(chat, context.assignment_id, VERB)
    if parsed.text:
        is_caption = bool(draft.get("reason") and (parsed.files or files))  # it names the file, and is no other reason
        reason = f"{draft['reason']}\n{parsed.text}" if is_caption else parsed.text
        draft |= {"reason": reason, "reason_code": parsed.reason_code or guess_reason_code(reason)}
        if album is None and (signature := _find_signature(chat, parsed.text)):
            draft["signed_by"] = signature
    attached = context.snap.list_files(chat.actor, context.assignment_id)
    draft["files"] = [*dict.fromkeys([*draft.get("files", ()), *attached, *parsed.files, *files])]
    await _proceed(chat, context, draft, quiet=quiet)


async def set_signature(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle the buttons 公章 and 领导签字. Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    draft = await drafts.take(chat, context.assignment_id, VERB, press.value)
    await chat.remove_buttons()
    await _proceed(chat, context, draft | {"signed_by": press.verb})


async def continue_late_return(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle 继续退单: the return goes on although it is late. Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    draft = await drafts.take(chat, context.assignment_id, VERB, press.value) | {"late_ok": True}
    await chat.remove_buttons()
    if draft.get("reason") or draft.get("files"):
        await _proceed(chat, context, draft)
        return
    await drafts.keep(chat, context.assignment_id, VERB, draft)
    await chat.ask("ask.return", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def drop_draft(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle 返回办理 and the like: drop what this button stands under. Refused `draft_outdated`."""
    for verb in DRAFTS:
        if (await drafts.load(chat, context.assignment_id, verb)).get("number") == press.value:
            await _drop(chat, context, verb)
            return
    raise Refused("draft_outdated")


async def cancel_drafts(chat: Conversation, context: TicketContext) -> None:
    """Handle 继续办理: drop whatever was begun."""
    await _drop(chat, context, *DRAFTS)


async def _drop(chat: Conversation, context: TicketContext, *verbs: str) -> None:
    await drafts.drop(chat, context.assignment_id, *verbs)
    await chat.delete_question()
    await chat.remove_buttons()
    await chat.answer_key("toast.cancelled")


async def _proceed(chat: Conversation, context: TicketContext, draft: dict[str, Any], *, quiet: bool = False) -> None:
    number = await drafts.keep(chat, context.assignment_id, VERB, draft)
    missing = await _list_missing(chat, draft)
    if missing:
        if not quiet:
            await _ask_missing(chat, context, missing, number)
        return
    if context.is_late_for_return(chat.now) and not draft.get("late_ok"):
        await _warn_late(chat, context, number)
        return
    await chat.act(VERB, assignment_id=context.assignment_id, reason=draft["reason"], reason_code=draft["reason_code"],
                   files=draft["files"], signed_by=draft.get("signed_by"))  # fmt: skip
    await drafts.drop(chat, context.assignment_id, VERB)
    await chat.delete_question()
    await chat.show_toast(chat.render("toast.returned"))


async def _list_missing(chat: Conversation, draft: dict[str, Any]) -> list[str]:
    rules = (await chat.services.office.snapshot()).settings
    lacks = (
        ("reason", not draft.get("reason")),
        ("statement", rules.flag("return.requires_statement") and not draft.get("files")),
        ("signature", rules.flag("return.requires_signature") and not draft.get("signed_by")),
    )
    return [name for name, lacking in lacks if lacking]


async def _ask_missing(chat: Conversation, context: TicketContext, missing: list[str], number: int) -> None:
    """Send M9b, with buttons for how the statement is signed."""
    listed = chat.render("bot.and").join(chat.render(f"ask.missing_{name}") for name in missing)
    names = ("seal", "leader")
    sign: ButtonRows = [[(f"button.{by}", ButtonData(by, context.assignment_id, number)) for by in names]]
    sent = await chat.send_text(
        chat.render("message.return_incomplete", missing=listed), sign if "signature" in missing else ()
    )
    await chat.save_question(VERB, context.assignment_id, sent)
    await chat.show_toast(chat.render("toast.asked"))


async def _warn_late(chat: Conversation, context: TicketContext, number: int) -> None:
    """Send M9a: the return will count as late; the person decides."""
    keys: ButtonRows = (
        (
            ("button.continue_return", ButtonData("go_on", context.assignment_id, number)),
            ("button.go_back", ButtonData("drop_draft", context.assignment_id, number)),
        ),
    )
    await chat.link_message(
        await chat.send_text(chat.render("message.late_return_warning"), keys), context.assignment_id
    )
    await chat.show_toast(chat.render("toast.asked"))


def _find_signature(chat: Conversation, text: str) -> str | None:
    """Return how the text says the statement was signed, None if it does not."""
    return next((by for by in ("seal", "leader") if chat.render(f"button.{by}") in text), None)
