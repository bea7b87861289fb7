"""The console's menu: its groups and pages, and who sees which."""

from dataclasses import dataclass
from typing import NamedTuple

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.web.api import bulletins, calls, platform, readiness, similarity

ALL_ROLES: frozenset[Role] = frozenset(Role)
#: Who sees the pages of manual visits.
VISIT_READERS = frozenset({Role.REVISIT_AGENT, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


class Entry(NamedTuple):
    """A page of the menu: path, text key of its name, roles that see it (besides admin), path of its subpages."""

    path: str
    name: str
    roles: frozenset[Role] = ALL_ROLES
    under: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link to render: path, text key of its name, whether it is the current one."""

    path: str
    name: str
    here: bool


@dataclass(frozen=True, slots=True)
class ConsoleMenu:
    """The menu of one page for one person: groups, and the open group's pages (none if it has only one)."""

    groups: tuple[Link, ...] = ()
    pages: tuple[Link, ...] = ()


#: From left to right: daily work, then records and scores, then the office itself.
MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("overview", (Entry("/", "overview"),)),
    ("tickets", (
        Entry("/tickets", "all_tickets"), Entry("/hot", "hot", similarity.OFFICE_ROLES),
        Entry("/catalogue", "aid.catalogue", similarity.OFFICE_ROLES), Entry("/knowledge", "scoring.knowledge"),
        Entry("/sync", "sync.title", platform.READERS),
    )),
    ("told", (
        Entry("/deliveries", "deliveries"), Entry("/calls", "calls"),
        Entry("/calls/costs", "costs.title", calls.COST_READERS),
    )),
    ("visit", (
        Entry("/visits", "visiting.tasks", VISIT_READERS), Entry("/visits/peace", "visiting.do_not_call", VISIT_READERS),
        Entry("/visits/figures", "visiting.figures", VISIT_READERS),
    )),
    ("marking", (
        Entry("/scores", "scores"), Entry("/bulletins", "bulletins.title", bulletins.READERS),
        Entry("/ledger", "scoring.ledger"), Entry("/runs", "scoring.runs"),
        Entry("/registers/contact", "scoring.registers", under="/registers"),
    )),
    ("units", (
        Entry("/office", "office"), Entry("/rosters", "rosters.title"),
        Entry("/office/readiness", "readiness.title", readiness.READERS),
    )),
    ("settings", (Entry("/settings", "settings"),)),
)  # fmt: skip


def build_menu(actor: Actor | None, here: str) -> ConsoleMenu:
    """Return the menu of this person on this page; empty for those not signed in."""
    if actor is None:
        return ConsoleMenu()
    seen = [(name, [e for e in entries if actor.role is Role.ADMIN or actor.role in e.roles]) for name, entries in MENU]
    at = max(
        (e for _, own in seen for e in own if _is_under(here, e)), key=lambda e: len(e.under or e.path), default=None
    )
    opened = next((own for _, own in seen if at in own), [])
    return ConsoleMenu(
        tuple(Link(own[0].path, name, own is opened) for name, own in seen if own),
        tuple(Link(e.path, e.name, e is at) for e in opened if len(opened) > 1),
    )


def _is_under(here: str, entry: Entry) -> bool:
    root = entry.under or entry.path
    return here == root or (root != "/" and here.startswith(f"{root}/"))
