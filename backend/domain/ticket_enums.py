"""The enumerations of a ticket: states, grades, categories, roles, as they are stored and used by the API."""

import re
from enum import StrEnum

NETWORK_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # as drivers are named


class Category(StrEnum):
    """类别: the kind of demand."""

    CONSULT = "consult"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    PRAISE = "praise"


class Grade(StrEnum):
    """级别: 一般 or 紧急 (Q28)."""

    GENERAL = "general"
    URGENT = "urgent"

    @property
    def is_urgent(self) -> bool:
        """Whether it has the short limits and is told at any hour (Q28)."""
        return self is Grade.URGENT


class State(StrEnum):
    """States of tickets and assignments; exactly the strings of the API (lifecycle §6.2)."""

    REGISTERED = "registered"
    PENDING_DISPATCH = "pending_dispatch"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    REPLIED = "replied"
    CLOSED = "closed"
    REVISIT_AUTO = "revisit_auto"
    REVISIT_MANUAL = "revisit_manual"
    FINALIZED = "finalized"
    ARCHIVED = "archived"
    RETURN_REVIEW = "return_review"
    EXTENSION_REVIEW = "extension_review"
    UNREASONABLE_REVIEW = "unreasonable_review"
    REWORK = "rework"
    MERGED = "merged"
    CANCELLED = "cancelled"
    RETURNED = "returned"  # an assignment only: 退单 accepted, another unit will be found

    @property
    def is_unsigned(self) -> bool:
        """Whether the unit has it and has not signed for it."""
        return self is State.DISPATCHED


class Role(StrEnum):
    """What a person is in the office or the unit."""

    HANDLER = "handler"  # 经办人员
    LIAISON = "liaison"  # 联络员
    LEADER = "leader"  # 分管领导
    DISPATCHER = "dispatcher"  # 派单员
    REVIEWER = "reviewer"  # 审核员
    REVISIT_AGENT = "revisit_agent"  # 回访员
    SUPERVISOR = "supervisor"  # 督办员
    SCORE_CLERK = "score_clerk"  # 赋分员
    ADMIN = "admin"
    AUDITOR = "auditor"


class UnitKind(StrEnum):
    """Kinds of units in the organisation tree (A2)."""

    MANAGEMENT = "management"
    HANDLING = "handling"
    INTERNAL = "internal"


class Channel(StrEnum):
    """渠道: where a demand came in."""

    PHONE = "phone"
    WEB = "web"
    WECHAT = "wechat"
    APP = "app"
    LETTER = "letter"
    VISIT = "visit"
    TRANSFER = "transfer"
    OTHER = "other"


class Source(StrEnum):
    """Where an act came in (contract §8): one of these, or the name of a chat network, as its driver calls itself."""

    PHONE = "phone"
    SMS = "sms"
    PAGE = "page"  # the one-time page for rating (XM30)
    CONSOLE = "console"
    API = "api"
    IMPORT = "import"
    CLOCK = "clock"

    @classmethod
    def _missing_(cls, value: object) -> "Source | None":
        """Return the source of a chat network; any word in the form of a driver's name is one."""
        if not isinstance(value, str) or not NETWORK_NAME.fullmatch(value):
            return None
        network = str.__new__(cls, value)
        network._name_, network._value_ = value.upper(), value
        return network


class Obligation(StrEnum):
    """时限义务: the duties with a time limit; what is scored."""

    DISPATCH = "dispatch"
    SIGN = "sign"
    RETURN = "return"
    CONTACT = "contact"
    REPLY = "reply"
    CLOSE = "close"
    REVISIT = "revisit"
    SUPERVISE = "supervise"
    REVIEW = "review"
    REWORK = "rework"


class Outcome(StrEnum):
    """How an obligation ended; absent while it is open."""

    TIMELY = "timely"
    LATE = "late"
    AUTO = "auto"  # auto-signed: a late signing (B33)
    VOID = "void"

    @property
    def is_void(self) -> bool:
        """Whether the duty does not count: nobody met it."""
        return self is Outcome.VOID

    @property
    def is_late(self) -> bool:
        """Whether the duty was not met in time."""
        return self in (Outcome.LATE, Outcome.AUTO)


class Answer(StrEnum):
    """The answer of a return visit (B42, Q35-Q39); silence is never recorded as satisfied."""

    SATISFIED = "satisfied"
    BASICALLY_SATISFIED = "basically_satisfied"
    UNSATISFIED = "unsatisfied"
    UNCLEAR = "unclear"
    NO_REPLY = "no_reply"
    UNREACHED = "unreached"


class Contacted(StrEnum):
    """V2 响应: whether the requester was contacted (A35)."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class Resolved(StrEnum):
    """V3 解决: whether the matter is settled."""

    RESOLVED = "resolved"
    PARTLY_RESOLVED = "partly_resolved"
    UNRESOLVED = "unresolved"
