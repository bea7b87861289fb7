"""A field of a ticket is named three times between the edges and the table: `NewTicket`, `Ticket`, the column."""

import ast
from collections.abc import Iterable, Iterator
from typing import get_type_hints

import pytest

from backend.domain.records import Ticket
from backend.importing.files.forms import FORMS
from backend.importing.files.history import KEYS
from backend.tickets.new_ticket import COPIED, TICKET_FIELDS, NewTicket
from backend.web.schemas import TicketBody
from storage.tables import tickets
from tests.house.source import Breach, Source, nothing, sources

FIELD = "place"  # a text that is copied as it is
#: What a demand passes on its way in, from the API's body and the files to the row.
WAY_IN = (
    "backend/domain/records.py", "backend/importing/files/", "backend/importing/history.py", "backend/importing/importers.py",
    "backend/ports/tickets.py", "backend/tickets/", "backend/web/api/tickets.py", "backend/web/schemas.py",
    "storage/importing/", "storage/tables/tickets.py", "storage/tickets/intake.py", "storage/tickets/moves",
)  # fmt: skip
DECLARED = ["backend/domain/records.py", "backend/tickets/new_ticket.py", "storage/tables/tickets.py"]


def named(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files name the field: as an attribute, an argument, a member of a class or a word."""
    for code in codes:
        if not code.name.startswith(WAY_IN):
            continue
        for node, function in code.nodes:
            match node:
                case ast.Attribute(attr=name) | ast.keyword(arg=name) | ast.AnnAssign(target=ast.Name(id=name)):
                    found = name == FIELD
                case ast.Constant(value=str(name)):
                    found = name == FIELD
                case _:
                    found = False
            if found:
                yield code.breach(node, function, f"names {FIELD}")


def test_a_field_of_a_ticket_is_named_three_times_between_the_edges_and_the_table() -> None:
    found = list(named(sources()))
    nothing((one for one in found if one.name not in DECLARED), "let it follow from NewTicket")
    assert [one.name for one in sorted(found)] == DECLARED


@pytest.mark.parametrize(
    "text",
    ["x = row.place\n", "x = dict(place=1)\n", "class Row:\n    place: str\n", 'x = ("title", "place")\n'],
)
def test_a_fourth_place_is_found(text: str) -> None:
    assert len(list(named([Source("backend/importing/files/plant.py", text)]))) == 1
    assert not list(named([Source("backend/triage/plant.py", text)])), "what reads a ticket may name its fields"


def test_each_field_is_in_the_body_the_file_and_the_history() -> None:
    names = {one.name for one in TICKET_FIELDS}
    assert TicketBody.model_fields.keys() == names | {"requester", "files"}
    assert {one.name for one in FORMS["tickets"].fields} == names | {"reply_text", "reply_at"}
    assert names - KEYS == {"requester_name", "requester_phone", "submitted_at"}  # a history has a `requester`


def test_what_is_copied_into_a_ticket_has_its_type_and_a_column() -> None:
    new, kept = get_type_hints(NewTicket), get_type_hints(Ticket)
    assert {"category", "region", "title", "text", "place"} <= set(COPIED)
    assert {name: new[name] for name in COPIED} == {name: kept[name] for name in COPIED}
    assert set(COPIED) <= set(tickets.columns.keys())
