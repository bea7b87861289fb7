"""联系督办人员: shows the supervisors and their duty phone; a message to them is passed on and audited."""

from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut, mask
from backend.domain.records import Person
from backend.domain.ticket import Role
from bot.case import Case
from bot.talk import Talk
from notify.message import Button, Card

WHAT = "call_supervisor"
LONGEST = 600  # characters passed on


async def start(talk: Talk, case: Case) -> None:
    """Handle the button: name the supervisors and ask for the message."""
    people, phone = await _people(talk, case), await _phone(talk)
    if not people:
        await talk.say(talk.say_key("order.no_supervisor", duty_phone=phone))
        return
    names = talk.say_key("bot.and").join(p.name for p in people)
    await talk.ask("order.ask_call_supervisor", WHAT, case.id, no=case.no, said={"names": names, "duty_phone": phone})


async def words(talk: Talk, case: Case, text: str) -> None:
    """Send the message to every supervisor with a chat, masked by the rules for what a chat may show."""
    if not text:
        await start(talk, case)
        return
    snapshot = await talk.house.office.snapshot()
    unit, name = snapshot.config.units.get(talk.who.unit), await talk.house.book.get_requester_name(case.snap.ticket.id)
    shape = snapshot.settings.text("privacy.phone_mask")
    shown = cut(mask(text, (name,) if name else (), phone_mask=shape), LONGEST)
    card = Card(
        talk.say_key("order.message", unit=unit.name if unit else talk.who.unit, name=talk.who.name,
                     ticket_no=case.no, text=shown),
        ((Button(talk.say_key("button.whole"), encode(ButtonData("whole", case.id, case.assignment.version))),),),
    )  # fmt: skip
    told = [p.code for p in await _people(talk, case) if p.address and await talk.send(p.address, card)]
    if not told:
        await talk.told("order.no_supervisor", duty_phone=await _phone(talk))
        return
    await talk.note("asked_supervisor", ticket=case.no, told=told)
    await talk.settled()
    await talk.told("order.done_call_supervisor", ticket_no=case.no)


async def _people(talk: Talk, case: Case) -> list[Person]:
    snapshot = await talk.house.office.snapshot()
    here = snapshot.people(case.snap.ticket.management or "", Role.SUPERVISOR)
    return [p for p in here if p.chat and p.address]


async def _phone(talk: Talk) -> str:
    phones = (await talk.house.office.snapshot()).settings.strings("notify.duty_phone")
    return phones[0] if phones else ""
