"""How a conversation words things: refusals with names and times, and tickets by number and title (XM11)."""

import contextlib
from datetime import datetime
from typing import Any

from backend.domain.masking import cut, mask
from backend.domain.records import Ticket
from backend.domain.refusals import INSTANTS, Refused
from backend.domain.spoken_time import format_time
from bot.services import BotServices

PEOPLE = ("by", "person", "absent")  # facts of refusals that are people
MAX_TITLE = 24  # characters


class Wording:
    """Words for one chat; `subject` is the ticket it is about, once that is known."""

    def __init__(self, services: BotServices) -> None:
        self.services = services
        self.subject: Ticket | None = None

    @property
    def now(self) -> datetime:
        """The office's current time."""
        return self.services.office.clock.now()

    def render(self, key: str, /, **facts: Any) -> str:
        """Return a text of the catalogue; where it gives the number of the ticket talked about, with its title."""
        if self.subject is not None and facts.get("ticket_no") == self.subject.ticket_no:
            facts["ticket_no"] = self.name_ticket(self.subject)
        return self.services.texts.render(key, **facts)

    def name_subject(self, text: str) -> str:
        """Return a text that names the ticket talked about, which stands before it unless it is in it (XM11)."""
        if self.subject is None or self.subject.ticket_no in text:
            return text
        return self.services.texts.render("message.about", ticket_no=self.name_ticket(self.subject), text=text)

    async def format_refusal(self, refused: Refused) -> str:
        """Return the text of a refusal, with names for codes and formatted times."""
        if refused.code == "unbound":
            return self.render("message.not_bound")
        facts = dict(refused.facts)
        units = (await self.services.office.snapshot()).config.units
        for name in PEOPLE:
            if isinstance(facts.get(name), str):
                facts[name] = await self.get_name(facts[name])
        if (unit := units.get(str(facts.get("unit")))) is not None:
            facts["unit"] = unit.name
        for name in INSTANTS:
            if isinstance(facts.get(name), str):
                with contextlib.suppress(ValueError):
                    facts[name] = self.format_time(datetime.fromisoformat(facts[name]))
        return self.name_subject(self.services.texts.render_refusal(refused.code, facts, first="chat_refusal"))

    async def get_name(self, code: str) -> str:
        """Return the name behind a person's code; the clock is called the system."""
        person = (await self.services.office.snapshot()).by_code.get(code)
        if person is not None:
            return person.name
        texts = self.services.texts
        return texts.get_word("source", "clock") if code == "system" else texts.get_word_or_value("actor", code)

    def get_title(self, ticket: Ticket) -> str:
        """Return a ticket's title, masked; "" for a confidential one."""
        return "" if "confidential" in ticket.flags else cut(mask(ticket.title).strip(), MAX_TITLE)

    def name_ticket(self, ticket: Ticket) -> str:
        """Return a ticket's number with its title (XM11)."""
        return self.services.texts.render("message.named", ticket_no=ticket.ticket_no, title=self.get_title(ticket))

    def format_time(self, at: datetime) -> str:
        """Format an instant as cards do."""
        language = "zh" if self.services.texts.language.startswith("zh") else "en"
        return format_time(at, self.now, language, self.services.office.clock.zone)
