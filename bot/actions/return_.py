"""申请退单: collects reason, statement and seal or signature in any order, then requests the return."""

from typing import Any

from backend.domain.reply_parser import ParsedReply, guess_reason_code
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

VERB = "return"


async def start_return(chat: Conversation, context: TicketContext) -> None:
    """Handle the button; warn of a late return before asking anything (M9a)."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB)
    if context.is_late_for_return(chat.now) and not draft.get("late_ok"):
        await _warn_late(chat, context)
        return
    await chat.ask("ask.return", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def collect_return(
    chat: Conversation, context: TicketContext, parsed: ParsedReply, files: list[str], album: str | None
) -> None:
    """Handle a reply with text, files or both."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB)
    if parsed.text:
        draft |= {"reason": parsed.text, "reason_code": parsed.reason_code or guess_reason_code(parsed.text)}
        if album is None and (signature := _find_signature(chat, parsed.text)):
            draft["signed_by"] = signature
    loose = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "attach")
    draft["files"] = [*dict.fromkeys([*draft.get("files", ()), *loose.get("files", ()), *files])]
    quiet = album is not None and draft.get("album") == album
    await _proceed(chat, context, draft | {"album": album}, quiet=quiet)


async def set_signature(chat: Conversation, context: TicketContext, by: str) -> None:
    """Handle the buttons 公章 and 领导签字."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB)
    await chat.remove_buttons()
    await _proceed(chat, context, draft | {"signed_by": by})


async def continue_late_return(chat: Conversation, context: TicketContext) -> None:
    """Handle 继续退单: the return goes on although it is late."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB) | {
        "late_ok": True
    }
    await chat.remove_buttons()
    if draft.get("reason") or draft.get("files"):
        await _proceed(chat, context, draft)
        return
    await chat.services.chat_state.save_draft(chat.bound_person.code, context.assignment_id, VERB, draft, chat.now)
    await chat.ask("ask.return", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def continue_with_files(chat: Conversation, context: TicketContext) -> None:
    """Continue a started return after files were attached: they may be what was missing."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB)
    loose = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "attach")
    draft["files"] = [*dict.fromkeys([*draft.get("files", ()), *loose.get("files", ())])]
    await _proceed(chat, context, draft)


async def cancel_drafts(chat: Conversation, context: TicketContext) -> None:
    """Handle 返回办理: drop the started drafts."""
    for verb in (VERB, "extend", "close"):
        await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, verb)
    await chat.delete_question()
    await chat.remove_buttons()
    await chat.answer_key("toast.cancelled")


async def _proceed(chat: Conversation, context: TicketContext, draft: dict[str, Any], *, quiet: bool = False) -> None:
    await chat.services.chat_state.save_draft(chat.bound_person.code, context.assignment_id, VERB, draft, chat.now)
    missing = await _list_missing(chat, draft)
    if missing:
        if not quiet:
            await _ask_missing(chat, context, missing)
        return
    if context.is_late_for_return(chat.now) and not draft.get("late_ok"):
        await _warn_late(chat, context)
        return
    await chat.act(VERB, assignment_id=context.assignment_id, reason=draft["reason"], reason_code=draft["reason_code"],
                   files=draft["files"], signed_by=draft.get("signed_by"))  # fmt: skip
    for verb in (VERB, "attach"):
        await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, verb)
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


async def _ask_missing(chat: Conversation, context: TicketContext, missing: list[str]) -> None:
    """Send M9b, with buttons for how the statement is signed."""
    listed = chat.render("bot.and").join(chat.render(f"ask.missing_{name}") for name in missing)
    sign: ButtonRows = (
        (("button.seal", context.build_button_data("seal")), ("button.leader", context.build_button_data("leader"))),
    )
    sent = await chat.send_text(chat.render("chat.M9b", missing=listed), sign if "signature" in missing else ())
    await chat.save_question(VERB, context.assignment_id, sent)
    await chat.show_toast(chat.render("toast.asked"))


async def _warn_late(chat: Conversation, context: TicketContext) -> None:
    """Send M9a: the return will count as late; the person decides."""
    keys: ButtonRows = (
        (
            ("button.continue_return", context.build_button_data("go_on")),
            ("button.go_back", context.build_button_data("go_back")),
        ),
    )
    await chat.link_message(await chat.send_text(chat.render("chat.M9a"), keys), context.assignment_id)
    await chat.show_toast(chat.render("toast.asked"))


def _find_signature(chat: Conversation, text: str) -> str | None:
    """Return how the text says the statement was signed, None if it does not."""
    return next((by for by in ("seal", "leader") if chat.render(f"button.{by}") in text), None)
