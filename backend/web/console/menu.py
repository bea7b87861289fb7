"""The console's menu: its groups and pages, and who sees which."""

from dataclasses import dataclass
from typing import NamedTuple

from backend.domain.acts import Actor
from backend.domain.permissions import may


class Entry(NamedTuple):
    """A page of the menu: path, text key of its name, the permission to see it (None: everybody), path of its subpages."""

    path: str
    name: str
    permission: str | None = None
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
        Entry("/tickets", "all_tickets"), Entry("/hot", "hot", "triage.read"),
        Entry("/catalogue", "aid.catalogue", "triage.read"), Entry("/knowledge", "scoring.knowledge"),
        Entry("/sync", "sync.title", "platform.read"),
    )),
    ("told", (
        Entry("/deliveries", "deliveries"), Entry("/calls", "calls"),
        Entry("/calls/costs", "costs.title", "call_costs.read"),
    )),
    ("visit", (
        Entry("/visits", "visiting.tasks", "visits.in_menu"), Entry("/visits/do-not-call", "visiting.do_not_call", "visits.in_menu"),
        Entry("/visits/figures", "visiting.figures", "visits.in_menu"),
    )),
    ("marking", (
        Entry("/scores", "scores"), Entry("/bulletins", "bulletins.title", "bulletins.read"),
        Entry("/ledger", "scoring.ledger"), Entry("/runs", "scoring.runs"),
        Entry("/registers/contact", "scoring.registers", under="/registers"),
    )),
    ("units", (
        Entry("/office", "office"), Entry("/rosters", "rosters.title"),
        Entry("/office/readiness", "readiness.title", "readiness.read"), Entry("/imports", "imports.title", "files.import"),
    )),
    ("settings", (
        Entry("/settings", "settings"), Entry("/accounts", "identity.accounts", "accounts.edit"), Entry("/keys", "identity.keys", "office.edit"),
        Entry("/restored", "hold.title", "hold.read"), Entry("/api/docs", "api.title", "office.edit"),
    )),
)  # fmt: skip


def build_menu(actor: Actor | None, here: str) -> ConsoleMenu:
    """Return the menu of this person on this page; empty for those not signed in."""
    if actor is None:
        return ConsoleMenu()
    seen = [(name, [e for e in entries if e.permission is None or may(actor, e.permission)]) for name, entries in MENU]
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
