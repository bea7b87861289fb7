"""The measures a scheme may count, and the cohort of each: which obligation, in which month, out of what (Q14-Q23).

The SQL counts in storage and the independent recount in the tests both follow this table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Measure(StrEnum):
    """What can be counted; a scheme's rate items choose among these only."""

    CONNECT = "connect"  # 接通率
    DISPATCH = "dispatch"  # 及时派单率
    SIGN = "sign"  # 及时签收率
    RETURN = "return"  # 及时退单率
    ON_TIME = "on_time"  # 按时办结率
    EXTENSION = "extension"  # 延期办结率
    RED_CARD = "red_card"  # 红牌警告率
    SATISFACTION = "satisfaction"  # 满意率 (over closings, silence is satisfaction)
    RESPONSE = "response"  # 响应率
    CLOSURE = "closure"  # 办结率
    RESOLUTION = "resolution"  # 解决率
    ANSWERED_SATISFACTION = "answered_satisfaction"  # 满意率 (over answers)
    REACHED = "reached"  # 联系到诉求人, of the closings of 满意率 (XD15)
    ANSWERED = "answered"  # 作出评价, of the same
    VISIT_REACHED = "visit_reached"  # 联系到诉求人, of what was visited


class MonthEvent(StrEnum):
    """The event whose local month (Asia/Shanghai) puts an obligation into the denominator (Q14)."""

    TAKEN_IN = "taken_in"  # the call or web item arrived
    GENERATED = "generated"
    DISPATCHED = "dispatched"
    RETURN_SUBMITTED = "return_submitted"
    CLOSED = "closed"
    DUE = "due"
    IN_HAND = "in_hand"  # every month in which the assignment was in hand
    VISITED = "visited"  # the last return visit that answered the question


class Cohort(StrEnum):
    """Which objects are counted at all."""

    INTAKE = "intake"  # calls and web items of the institution
    TICKETS = "tickets"  # tickets requiring dispatch (directly answered ones have no duty, Q17)
    ASSIGNMENTS = "assignments"  # every assignment, lead or assisting, returned ones too (Q19, Q21)
    RETURNS = "returns"  # one per assignment with a return request
    LEADS = "leads"  # 主办 assignments (Q21), accepted returns left out
    LEADS_NO_MASS = "leads_no_mass"  # the same without approved 群体性事件 (Q32)
    LEADS_VISITED = "leads_visited"  # 主办 assignments of consult, help and complaint tickets (Q40)


@dataclass(frozen=True)
class MeasureDefinition:
    """How one measure is counted. `numerator` and `denominator` are in words, after the requirements in `rows`."""

    measure: Measure
    month: MonthEvent
    cohort: Cohort
    numerator: str
    denominator: str
    sources: str
    settings: tuple[str, ...] = ()


def _build_table(*rows: MeasureDefinition) -> Mapping[Measure, MeasureDefinition]:
    return MappingProxyType({row.measure: row for row in rows})


#: Valid for every row:
#: * an event later than the run's `as_of` has not happened; an obligation is in the denominator once it is done or its
#:   limit has come, so that what is not yet due has neither failed nor succeeded (Q9, Q15);
#: * exactly at the due time is timely (Q26); an automatic signature never is (B33, Q18);
#: * the due time of a closing is that of the last granted extension, else the assignment's own (B38);
#: * a repeat merged into a master is not counted beside it (Q23).
MEASURE_DEFINITIONS: Mapping[Measure, MeasureDefinition] = _build_table(
    MeasureDefinition(
        Measure.CONNECT,
        MonthEvent.TAKEN_IN,
        Cohort.INTAKE,
        "calls answered and web items accepted in time",
        "all demands of the month",
        "B15",
    ),
    MeasureDefinition(
        Measure.DISPATCH,
        MonthEvent.GENERATED,
        Cohort.TICKETS,
        "first dispatch at or before the dispatch limit",
        "tickets generated in the month that required dispatch, dispatched or due",
        "B17, Q17",
        ("scoring.dispatch_month", "scoring.dispatch_basis"),
    ),
    MeasureDefinition(
        Measure.SIGN,
        MonthEvent.DISPATCHED,
        Cohort.ASSIGNMENTS,
        "signed by a person at or before the sign limit",
        "assignments dispatched in the month, signed or due",
        "B33, Q18, Q19, Q21",
        ("scoring.sign_month", "scoring.sign_returned", "scoring.assisting"),
    ),
    MeasureDefinition(
        # Basis `submitted` also counts refused and undecided requests; withdrawn ones never count.
        Measure.RETURN,
        MonthEvent.RETURN_SUBMITTED,
        Cohort.RETURNS,
        "submitted at or before the sign limit by a unit that had signed by hand",
        "returns submitted in the month and accepted",
        "B35, B36, Q20",
        ("scoring.return_basis", "scoring.return_month"),
    ),
    MeasureDefinition(
        # Basis `due` takes the month of the (extended) due time, once it has come or the assignment is closed, and
        # for this measure only; extension and satisfaction have months of their own. A master stands for the
        # repeats merged into it as one, or as many as they are (`scoring.merged = each`, Q23).
        Measure.ON_TIME,
        MonthEvent.CLOSED,
        Cohort.LEADS_NO_MASS,
        "closed at or before the (extended) due time",
        "closed in the month",
        "B38, Q16, Q22, Q32",
        ("scoring.closure_basis", "scoring.merged"),
    ),
    MeasureDefinition(
        Measure.EXTENSION,
        MonthEvent.CLOSED,
        Cohort.LEADS_NO_MASS,
        "granted extensions, one or two an assignment",
        "closed in the month",
        "B40, Q31",
        ("scoring.extension_month", "scoring.merged"),
    ),
    MeasureDefinition(
        # In hand = dispatched before the month's end, not closed before its start, and no accepted return
        # submitted before its end ("carried in + newly dispatched - accepted returns"); mass incidents are in hand
        # but get no card. A card belongs to the month of the due time it was issued at (Q33); it exists when the
        # assignment was neither closed nor given back by its (extended) due time as of the run. A later return takes
        # the assignment out of what is in hand from that month on; the card of an earlier month stays (XD1).
        Measure.RED_CARD,
        MonthEvent.IN_HAND,
        Cohort.LEADS,
        "of these, cards issued in the month",
        "in hand at any time in the month",
        "B41, Q17, Q32, Q33",
        ("scoring.red_card_month", "scoring.red_card_basis"),
    ),
    MeasureDefinition(
        # `visit_outcome.decide_verdict` decides; a recognised unreasonable demand stays in the denominator and counts as
        # not unsatisfied, or with `remove_both` an unsatisfied one leaves both sides.
        Measure.SATISFACTION,
        MonthEvent.CLOSED,
        Cohort.LEADS_VISITED,
        "all but the finally unsatisfied",
        "closed in the month: consult, help, complaint",
        "B43, Q35-Q37, Q39, Q40",
        (
            "scoring.unreasonable_mode",
            "scoring.second_visit_unreached",
            "scoring.satisfaction_month",
            "scoring.merged",
        ),
    ),
    MeasureDefinition(
        # Somebody was reached who answered any of the questions; silence on the line is not an answer.
        Measure.REACHED,
        MonthEvent.CLOSED,
        Cohort.LEADS_VISITED,
        "the requester was reached",
        "as of `satisfaction`",
        "B43, Q36, XD15",
        ("scoring.unreasonable_mode", "scoring.second_visit_unreached", "scoring.satisfaction_month", "scoring.merged"),
    ),
    MeasureDefinition(
        # What is counted as satisfied without such an answer is deemed so (视为满意): the denominator less this.
        Measure.ANSWERED,
        MonthEvent.CLOSED,
        Cohort.LEADS_VISITED,
        "the result rests on an answer: satisfied, basically satisfied or unsatisfied",
        "as of `satisfaction`",
        "B43, Q36, Q39, XD15",
        ("scoring.unreasonable_mode", "scoring.second_visit_unreached", "scoring.satisfaction_month", "scoring.merged"),
    ),
    MeasureDefinition(
        Measure.VISIT_REACHED,
        MonthEvent.VISITED,
        Cohort.LEADS,
        "the requester was reached in the month",
        "visited in the month",
        "A35, XD15",
    ),
    MeasureDefinition(
        Measure.RESPONSE,
        MonthEvent.VISITED,
        Cohort.LEADS,
        "the worker says, or by setting a record shows, that they were contacted within the limit",
        "visited and asked in the month",
        "A26, A35, Q41, XD20",
        ("scoring.response_basis",),
    ),
    MeasureDefinition(
        Measure.CLOSURE,
        MonthEvent.DUE,
        Cohort.LEADS,
        "closed as of the run",
        "(extended) due time in the month",
        "A26, A35, Q41",
    ),
    MeasureDefinition(
        Measure.RESOLUTION,
        MonthEvent.VISITED,
        Cohort.LEADS,
        "the requester says it is resolved",
        "visited and answered in the month",
        "A35",
    ),
    MeasureDefinition(
        Measure.ANSWERED_SATISFACTION,
        MonthEvent.VISITED,
        Cohort.LEADS,
        "satisfied or basically satisfied",
        "answered satisfied, basically satisfied or unsatisfied",
        "A26, A35, Q35",
    ),
)

#: measures whose obligations may be open at an instant: neither done nor late, so that nothing can be said of them yet
OPEN_MEASURES: tuple[Measure, ...] = (Measure.DISPATCH, Measure.SIGN, Measure.RED_CARD)

#: names of the settings that change a cohort, without their prefix: the fields of the store's query
COHORT_SETTINGS: tuple[str, ...] = tuple(
    sorted({key.removeprefix("scoring.") for row in MEASURE_DEFINITIONS.values() for key in row.settings})
)


@dataclass(frozen=True)
class Basis:
    """What a satisfaction rate rests on: who was reached, and who answered (None: its whole denominator did)."""

    reached: Measure
    answered: Measure | None


#: 满意率 → what stands beside it wherever it is shown (XD15)
BASES: Mapping[Measure, Basis] = MappingProxyType(
    {
        Measure.SATISFACTION: Basis(Measure.REACHED, Measure.ANSWERED),
        Measure.ANSWERED_SATISFACTION: Basis(Measure.VISIT_REACHED, None),
    }
)


def list_beside(measure: Measure) -> list[Measure]:
    """Return the measures that stand beside one, each counted by its numerator."""
    basis = BASES.get(measure)
    return [] if basis is None else [one for one in (basis.reached, basis.answered) if one is not None]


def list_counted(measures: Iterable[Measure]) -> list[Measure]:
    """Return these measures and those that stand beside them, each once, in the order of their names."""
    return sorted({one for measure in measures for one in (measure, *list_beside(measure))})
