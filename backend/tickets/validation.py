"""Validate and normalise a demand so that it can become a ticket."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backend.domain.channels import check_channel
from backend.domain.masking import cut
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.similarity import build_caller_key
from backend.office.phone_numbers import normalise_phone
from backend.tickets.form_fields import FileContext
from backend.tickets.new_ticket import TICKET_FIELDS, NewTicket, TicketField

TITLE_LENGTH = 40  # characters of the text used as a missing title
MIN_YEAR = 2000  # year
MAX_AHEAD = timedelta(days=1)  # how far ahead a sender's clock may be
_PLAIN = FileContext()
_TIDIED = tuple(one for one in TICKET_FIELDS if one.tidied)


@dataclass(frozen=True, slots=True)
class CheckedTicket:
    """A valid demand, each field as it is stored. The indices are blind."""

    new: NewTicket
    generated_at: datetime
    phone_index: str | None  # of the requester's number
    text_index: str | None = None  # without a number: of name and text


class FormValidator:
    """Reads forms. `countries` are those whose numbers may be called; `index` computes a blind index."""

    def __init__(self, countries: Collection[str], index: Callable[[str], str]) -> None:
        self._countries = tuple(countries)
        self._index = index

    def validate(self, new: NewTicket, now: datetime, settings: Settings) -> "CheckedTicket | Refused":
        """Check a demand and tidy its fields.

        Returns (not raises) Refused `missing` (no text, title or file, nor a number to ask at; or a field that the office
        requires), `bad_phone`, `bad_field`, `bad_code`, `too_long`, `bad_character`, `bad_word` (none of the office's channels).
        """
        try:
            check_channel(new.channel, settings.strings("ticket.channels"))
            checked = self._validate(new, now)
            for name in settings.strings("ticket.required_fields"):
                if not getattr(checked.new, name):
                    raise Refused("missing", field=name)
            return checked
        except Refused as no:
            return no

    def _validate(self, new: NewTicket, now: datetime) -> CheckedTicket:
        tidy = {one.name: _tidy(one, getattr(new, one.name)) for one in _TIDIED}
        text, name = tidy["text"], tidy["requester_name"]
        if not (text or tidy["title"] or new.files or (new.requester_phone or "").strip()):
            raise Refused("missing", field="text")
        tidy["title"] = tidy["title"] or make_title(text)
        phone = index = None
        if new.requester_phone and new.requester_phone.strip():
            phone, index = self._parse_phone(new.requester_phone)
        tidy["requester_phone"] = phone
        if new.submitted_at is not None:
            _check_instant("submitted_at", new.submitted_at, now)
        said = self._index(build_caller_key(name, text)) if name and text and index is None else None
        changed = {name: value for name, value in tidy.items() if value != getattr(new, name)}
        return CheckedTicket(
            replace(new, **changed) if changed else new,
            _check_instant("generated_at", new.generated_at or now, now), index, said,
        )  # fmt: skip

    def _parse_phone(self, written: str) -> tuple[str, str]:
        plain, _, extension = written.partition(";ext=")
        if plain.startswith("+861") and len(plain) == 14:
            plain = plain[3:]  # a mainland mobile needs no parser
        try:
            number = normalise_phone(plain, countries=self._countries)
        except Refused as no:
            raise Refused(no.code, **{**no.facts, "field": "requester_phone"}) from no
        extension = extension or number.extension or ""
        return f"{number.e164};ext={extension}" if extension else number.e164, self._index(number.e164)


def make_title(text: str) -> str:
    """Return the beginning of a demand's text, for one that has no title."""
    return cut(" ".join(text.split()), TITLE_LENGTH)


def _tidy(one: TicketField, value: str | None) -> Any:
    if not value or value.isspace():
        return one.default
    try:
        return one.parse(value, _PLAIN) or one.default
    except Refused as no:
        raise Refused(no.code, **{**no.facts, "field": one.name}) from no


def _check_instant(name: str, value: datetime, now: datetime) -> datetime:
    """Check an instant of a demand: aware, since 2000, at most a day ahead (FS19). Refused `bad_field`."""
    if value.tzinfo is None or value.year < MIN_YEAR or value.year > now.year + 1 or value > now + MAX_AHEAD:
        raise Refused("bad_field", field=name)
    return value
