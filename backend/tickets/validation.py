"""Validate and normalise a demand so that it can become a ticket."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.domain.channels import check_channel
from backend.domain.masking import cut
from backend.domain.refusals import Refused
from backend.domain.similarity import build_caller_key
from backend.domain.ticket_enums import Category, Grade
from backend.office.phone_numbers import normalise_phone
from backend.tickets import form_fields

TITLE_LENGTH = 40  # characters of the text used as a missing title
MIN_YEAR = 2000  # year
MAX_AHEAD = timedelta(days=1)  # how far ahead a sender's clock may be
_PLAIN = form_fields.FileContext()


@dataclass(frozen=True, slots=True)
class TicketForm:
    """A demand as submitted (contract §4); absent values are None or empty."""

    ticket_no: str | None = None
    category: Category | None = None
    grade: Grade | None = None
    channel: str | None = None  # one of `ticket.channels`
    title: str = ""
    text: str = ""
    place: str = ""
    region: str = ""
    requester_name: str | None = None
    requester_phone: str | None = None  # in any notation; stored as E.164
    generated_at: datetime | None = None  # default: now
    submitted_at: datetime | None = None
    confidential: bool = False
    do_not_call: bool = False  # the requester asked not to be called (FW33)
    files: tuple[str, ...] = ()  # what the requester sent, stored before (XM25)
    extra: Mapping[str, Any] = field(default_factory=dict)  # provenance, stored as received


@dataclass(frozen=True, slots=True)
class ValidForm:
    """A valid demand. `index` is the blind index of the requester's number."""

    form: TicketForm
    ticket_no: str | None
    title: str
    text: str
    place: str
    region: str
    name: str | None
    phone: str | None  # E.164, with `;ext=` when there is an extension
    phone_index: str | None
    generated_at: datetime
    text_index: str | None = None  # without a number: the blind index of name and text


class FormValidator:
    """Reads forms. `countries` are those whose numbers may be called; `index` computes a blind index."""

    def __init__(self, countries: Collection[str], index: Callable[[str], str]) -> None:
        self._countries = tuple(countries)
        self._index = index

    def validate(self, form: TicketForm, now: datetime, channels: Sequence[str]) -> "ValidForm | Refused":
        """Read a form into a draft.

        Returns (not raises) Refused `bad_phone`, `bad_field`, `bad_code`, `too_long`, `bad_character`, `bad_word` (a channel not
        among `channels`).
        """
        try:
            check_channel(form.channel, channels)
            return self._validate(form, now)
        except Refused as no:
            return no

    def _validate(self, form: TicketForm, now: datetime) -> ValidForm:
        text = _tidy("text", form.text, form_fields.TEXT_MAX, lines=True)
        title = _tidy("title", form.title, 300) or cut(" ".join(text.split()), TITLE_LENGTH)
        phone = index = None
        if form.requester_phone and form.requester_phone.strip():
            phone, index = self._parse_phone(form.requester_phone)
        if form.submitted_at is not None:
            _check_instant("submitted_at", form.submitted_at, now)
        name = _tidy("requester_name", form.requester_name, 200) or None
        said = self._index(build_caller_key(name, text)) if name and text and index is None else None
        return ValidForm(
            form, _parse_ticket_no(form.ticket_no), title, text, _tidy("place", form.place, 500),
            _tidy("region", form.region, 200), name,
            phone, index, _check_instant("generated_at", form.generated_at or now, now), said,
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


def _tidy(field: str, value: str | None, limit: int, *, lines: bool = False) -> str:
    try:
        return form_fields.clean_text(value or "", limit, multiline=lines)
    except Refused as no:
        raise Refused(no.code, **{**no.facts, "field": field}) from no


def _parse_ticket_no(written: str | None) -> str | None:
    if written is None or not written.strip():
        return None
    try:
        return str(form_fields.parse_code(written, _PLAIN))
    except Refused as no:
        raise Refused(no.code, **{**no.facts, "field": "ticket_no"}) from no


def _check_instant(name: str, value: datetime, now: datetime) -> datetime:
    """Check an instant of a demand: aware, since 2000, at most a day ahead (FS19). Refused `bad_field`."""
    if value.tzinfo is None or value.year < MIN_YEAR or value.year > now.year + 1 or value > now + MAX_AHEAD:
        raise Refused("bad_field", field=name)
    return value
