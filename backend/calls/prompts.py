"""Turn a script's turn into what is said: its facts, its prompt, or the menu of a carrier that asks nothing live."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.calls.dependencies import CallDependencies
from backend.domain import scripts, spoken_time
from backend.domain.move_table import UNIT_ROLES
from backend.domain.records import Person
from backend.domain.script_files import build_menu, load_script
from backend.domain.texts import Texts, find_placeholders, make_sayable
from backend.domain.ticket_enums import Role
from backend.domain.time_words import spell_tail
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import Call
from notify.carrier import Menu
from notify.message import Ask, Connect, Prompt, Record

#: Key 2 of the notification call, where signing by telephone is allowed (Q43).
SIGN_KEY = "2"
DUTY_ROLES = {"duty": (Role.DISPATCHER, Role.SUPERVISOR), "supervisor": (Role.SUPERVISOR, Role.DISPATCHER)}


def collect_facts(call: Call, snapshot: OfficeSnapshot, now: datetime, tools: CallDependencies) -> dict[str, object]:
    """Collect the placeholder values of a call's texts and the conditions its script tests."""
    language = tools.texts.language.split("_")[0]
    zone = tools.office.clock.zone
    about = call.subject
    person = snapshot.by_code.get(call.person or "")
    facts: dict[str, object] = {
        "hotline": tools.hotline, "hotline_name": tools.hotline_name, "org_name": tools.hotline_name,
        "speech": tools.carrier.can.speech, "pending": about is not None, "has_duty": False, "sign_key": "",
        "grade": "", "category": "", "tail": "", "sign_due_spoken": "", "close_due_spoken": "", "due_spoken": "",
        "date_spoken": "",
    }  # fmt: skip
    if about is None:
        return facts

    def speak_time(at: datetime | None) -> str:
        return "" if at is None else spoken_time.speak_time(at, now, language, zone)

    given = call.facts.get("due")
    office = snapshot.config.units.get(about.management or "")
    # a PIN can only be asked for by a live carrier
    may_sign = (
        tools.carrier.can.live
        and person is not None
        and person.role in UNIT_ROLES
        and snapshot.settings.flag("phone_sign.enabled")
    )
    return facts | {
        "org_name": office.name if office else tools.hotline_name,
        "grade": tools.texts.get_word_or_value("grade", about.grade),
        "category": tools.texts.get_word_or_value("category", about.category or ""),
        "tail": spell_tail(about.ticket_no),
        "sign_due_spoken": speak_time(about.sign_due_at),
        "close_due_spoken": speak_time(about.close_due_at),
        "due_spoken": speak_time(datetime.fromisoformat(given) if given else about.close_due_at),
        "date_spoken": spoken_time.speak_date(about.generated_at, now, language, zone),
        "sign_key": SIGN_KEY if may_sign else "",
        "has_duty": bool(tools.carrier.can.bridge and find_duty_contact("duty", call, snapshot, now)),
    }


def find_duty_contact(which: str, call: Call, snapshot: OfficeSnapshot, now: datetime) -> str | Person | None:
    """Return whom key 0 connects: the duty telephone, else the management's person on duty with a phone (Q25)."""
    phones = snapshot.settings.strings("notify.duty_phone")
    if phones:
        return phones[0]
    return next((p for p in list_duty_people(which, call, snapshot, now) if p.has_phone), None)


def list_duty_people(which: str, call: Call, snapshot: OfficeSnapshot, now: datetime) -> list[Person]:
    """Return who answers for the management now: by its roster, then by role; nobody twice."""
    person = snapshot.by_code.get(call.person or "")
    of_ticket = call.subject.management if call.subject else None
    management = of_ticket or snapshot.find_institution(receiver=person.unit if person else None) or ""
    rostered = snapshot.on_duty(management, now)
    return [*rostered, *(p for p in snapshot.people(management, *DUTY_ROLES[which]) if p not in rostered)]


def serialize_turn(turn: scripts.Turn, tools: CallDependencies, version: int) -> dict[str, object]:
    """Convert a turn to plain data with its script's version, so a repeated step sounds the same (FW7); no numbers."""
    words = {s.key: _render(s, tools.texts) for s in turn.say}  # a key said twice is rendered once
    stored_turn: dict[str, object] = {"say": [words[s.key] for s in turn.say], "version": version}
    ask = turn.ask
    if ask and ask.record:
        stored_turn["record"] = {"seconds": ask.timeout_s, "finish_on": ask.finish_on or "#"}
    elif ask:
        stored_turn["ask"] = {
            "digits": ask.digits, "finish_on": ask.finish_on, "speech": ask.speech, "timeout": ask.timeout_s,
        }  # fmt: skip
    elif turn.bridge:
        stored_turn["bridge"] = turn.bridge
    return stored_turn


def _render(say: scripts.Say, texts: Texts) -> str:
    asked = find_placeholders(texts.get_template(say.key))
    return texts.render(say.key, **{name: value for name, value in say.facts.items() if name in asked})


def build_prompt(
    stored_turn: Mapping[str, Any], tools: CallDependencies, number: str | None = None, announce: str = ""
) -> Prompt:
    """Build the prompt of a stored turn; `number` is whom a bridge connects, `announce` its announcement URL (P3)."""
    say, language = tuple(stored_turn.get("say", ())), tools.language
    if ask := stored_turn.get("ask"):
        return Prompt(
            say,
            language=language,
            ask=Ask(
                keys="", digits=ask["digits"], finish_on_key=ask["finish_on"], timeout=ask["timeout"],
                speech=ask["speech"], language=language,
            ),
        )  # fmt: skip
    if record := stored_turn.get("record"):
        return Prompt(say, language=language, record=Record(record["seconds"], record["finish_on"]))
    if stored_turn.get("bridge") and number:
        attempt = Connect(number, announce, record=bool(announce), caller=tools.own_number)
        return Prompt(say, language=language, connect=attempt)
    return Prompt(say, language=language)


def get_script_name(call: Call, tools: CallDependencies) -> str:
    """Return the script a call follows on this carrier: a one-key visit if it is not live."""
    return "visit_menu" if call.script == "visit" and not tools.carrier.can.live else call.script


def build_carrier_menu(call: Call, attempt_id: int, snapshot: OfficeSnapshot, tools: CallDependencies) -> Menu:
    """Build the menu of a call; its reports carry the attempt's id."""
    facts = collect_facts(call, snapshot, tools.now(), tools)
    made = build_menu(load_script(get_script_name(call, tools)), facts)
    after = {key: _get_params(text, facts, tools) for key, text in made.keys.items()}
    return Menu(made.first, _get_params(made.first, facts, tools), made.keys, after, str(attempt_id))


def _get_params(text_key: str, facts: Mapping[str, object], tools: CallDependencies) -> dict[str, str]:
    """Return the values of a text's placeholders; without empty ones, which carriers refuse."""
    names = find_placeholders(tools.texts.get_template(text_key))
    return {name: make_sayable(facts[name]) for name in sorted(names) if facts.get(name)}
