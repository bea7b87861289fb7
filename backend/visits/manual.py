"""Manual visits: what is waiting, what was heard, what is missing, and the filled script (7.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.spoken_time import speak_date, speak_time
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Answer
from backend.domain.visit_outcome import ManualRule, find_missing, get_day_part
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.visits import VisitStore, VisitTask

#: Roles that may see the work list; who may record a visit is up to the move table (T26).
MAX_TASKS = 200


@dataclass(frozen=True, slots=True)
class TaskSheet:
    """A task as an agent works with it.

    `missing`: what is missing before silence may be deemed satisfied (Q36), by name; `bands`: the parts of the day
    already tried; `reason`: a word of `word.visit_reason`.
    """

    task: VisitTask
    reason: str
    bands: tuple[str, ...]
    missing: dict[str, int]
    is_late: bool
    script: tuple[str, ...]


class ManualVisits:
    """The work list of revisit agents."""

    def __init__(self, store: VisitStore, office: OfficeCache, texts: Texts, hotline_name: str) -> None:
        self._store = store
        self._office = office
        self._texts = texts
        self._hotline_name = hotline_name

    async def list_tasks(self, by: Actor) -> Sequence[TaskSheet]:
        """List all waiting tasks, earliest due first. Refused `forbidden`."""
        require(by, "visits.read", verb="visit")
        snapshot = await self._office.snapshot()
        return [self._build_sheet(task, by, snapshot) for task in await self._store.list_tasks(MAX_TASKS)]

    async def get_task(self, ticket_no: str, by: Actor) -> TaskSheet:
        """Return one task. Refused `forbidden`; `not_found` if the ticket waits for no manual visit."""
        require(by, "visits.read", verb="visit")
        task = await self._store.find_task(ticket_no)
        if task is None:
            raise Refused("not_found", ticket=ticket_no)
        return self._build_sheet(task, by, await self._office.snapshot())

    async def get_callable_task(self, ticket_no: str, by: Actor) -> TaskSheet:
        """Return a task whose requester may be called. Refused `forbidden`, `not_found`, `left_in_peace` (FW33)."""
        sheet = await self.get_task(ticket_no, by)
        if sheet.task.do_not_call:
            raise Refused("left_in_peace", ticket=ticket_no)
        return sheet

    async def list_awaited(self) -> Sequence[str]:
        """List tickets that wait for a visit result from 12351 (Q45); empty where visits are automatic."""
        snapshot = await self._office.snapshot()
        return [] if snapshot.settings.flag("visit.by_machine") else await self._store.list_awaiting_result(MAX_TASKS)

    def _build_sheet(self, task: VisitTask, by: Actor, snapshot: OfficeSnapshot) -> TaskSheet:
        now, zone = self._office.clock.now(), self._office.clock.zone
        rules = snapshot.settings
        missed = [a for a in task.visits if a.kind == "manual" and a.answer == Answer.UNREACHED]
        tried = [a.at.astimezone(zone) for a in missed]
        rule = ManualRule(rules.integer("visit.manual.attempts"), rules.integer("visit.manual.min_days"))
        bands = tuple(dict.fromkeys(get_day_part(at) for at in tried))
        late = task.due_at is not None and task.due_at < now
        return TaskSheet(
            task,
            find_reason(task),
            bands,
            find_missing(tried, rule),
            late,
            self._render_script(task, by, snapshot, now),
        )

    def _render_script(self, task: VisitTask, by: Actor, snapshot: OfficeSnapshot, now: datetime) -> tuple[str, ...]:
        """Render the lines of texts 7.4; blanks that only the conversation can fill stay blank."""
        language = self._texts.language.split("_")[0]
        zone = self._office.clock.zone
        # the unit contacts them again within its contact limit
        next_contact = snapshot.add_limit(snapshot.settings.text("contact.general.limit"), now, task.management)
        script_text = self._texts.render(
            f"manual_visit.{'unsatisfied' if find_reason(task) == 'unsatisfied' else 'other'}",
            hotline_name=self._hotline_name, agent=_get_badge(by.code, snapshot), name=task.requester or "",
            date=speak_date(task.generated_at, now, language, zone), again=speak_time(next_contact, now, language, zone),
        )  # fmt: skip
        return tuple(script_text.split("\n"))


def _get_badge(code: str, snapshot: OfficeSnapshot) -> str:
    """Return the 工号 an agent says: a person's code with a number; "" for a name or a key."""
    return code if code in snapshot.by_code and any(c.isdecimal() for c in code) else ""


def find_reason(task: VisitTask) -> str:
    """Return why a manual visit is needed, as far as the records tell: a word of `word.visit_reason`."""
    last = next((a for a in reversed(task.visits) if a.kind == "auto"), None)
    if task.urgent or task.heard.get("danger"):
        return "danger"
    if "confidential" in task.flags:
        return "confidential"
    if last is not None and last.answer == Answer.UNSATISFIED:
        return "unsatisfied"
    if task.heard.get("want_person"):
        return "want_person"
    if last is not None and last.answer == Answer.UNREACHED:
        return "capped" if "capped" in last.note.split() else "sampled"
    if last is not None:
        return "unclear"
    if task.phone_tail is None:
        return "no_phone"
    return "rework" if task.round > 1 else "not_imported"
