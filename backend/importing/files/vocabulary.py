"""Chinese and English spellings accepted in files for each enum value."""

from enum import StrEnum
from typing import Final

from backend.domain.ticket_enums import Answer, Contacted, Resolved, Role, UnitKind
from backend.tickets.spellings import build_spellings


class VisitKind(StrEnum):
    """How a return visit was made: automatically (自动) or by a person (人工)."""

    AUTO = "auto"
    MANUAL = "manual"


class SignedBy(StrEnum):
    """How an assignment was signed: by a person, or automatically (自动签收)."""

    MANUAL = "manual"
    AUTO = "auto"


class ReturnDecision(StrEnum):
    """Decision on a return (退单): accepted, refused, or withdrawn by the unit."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ClaimDecision(StrEnum):
    """Decision on a claim that a demand is unreasonable (不合理诉求, Q38)."""

    RECOGNISED = "recognised"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Level(StrEnum):
    """The government level of a commendation or criticism; for duty rosters, their state (contract §4)."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    OK = "ok"
    UNREASONABLE = "unreasonable"
    MISSING = "missing"


class LedgerKind(StrEnum):
    """台账 kinds of both annexes (contract §4)."""

    POST_MISSING = "post_missing"
    ROSTER = "roster"
    RULE_MISSING = "rule_missing"
    ESCALATION = "escalation"
    VALID_COMPLAINT = "valid_complaint"
    GOVERNED_CLASS = "governed_class"
    PRAISE = "praise"
    HONOUR = "honour"
    MEDIA = "media"
    COORDINATED = "coordinated"
    KNOWLEDGE = "knowledge"
    EXPOSURE = "exposure"
    CRITICISM = "criticism"
    CONNECT = "connect"
    LEAD_UNIT_MISSING = "lead_unit_missing"
    CONTACT_UNREPORTED = "contact_unreported"
    UNREACHABLE_EVENT = "unreachable_event"
    ABSENCE = "absence"
    FABRICATION = "fabrication"
    NO_REPLY_REPEAT = "no_reply_repeat"
    TASK = "task"
    SUPERVISION_FAILED = "supervision_failed"


class DayKind(StrEnum):
    """The kind of a calendar day."""

    WORKING = "working"  # 工作日, 调休 weekends included
    FREE = "free"  # 休息日, holidays included


ROLE: Final = build_spellings(
    Role,
    {
        "handler": "经办人员|经办人|承办人|办理人员", "liaison": "联络员|联系人", "leader": "分管领导|领导|负责人",
        "dispatcher": "派单员|派单人员|派单", "reviewer": "审核员|审核人员|审核", "revisit_agent": "回访员|回访人员|回访",
        "supervisor": "督办员|督办人员|督办", "score_clerk": "赋分员|考核员|赋分人员", "admin": "管理员|系统管理员",
        "auditor": "审计员|审计|审计人员",
    },
)  # fmt: skip
UNIT_KIND: Final = build_spellings(
    UnitKind,
    {
        "management": "管理机构|接诉即办管理机构|办事处",
        "handling": "承办单位|代办处|办理单位",
        "internal": "业务部门|内设机构|内部部门|科室",
    },
)
ANSWER: Final = build_spellings(
    Answer,
    {
        "satisfied": "满意|非常满意", "basically_satisfied": "基本满意", "unsatisfied": "不满意|非常不满意",
        "unclear": "不明确|未明确|说不清", "no_reply": "未回复|没有回复|未评价|拒绝评价", "unreached": "未接通|联系不上|未联系上|无人接听",
    },
)  # fmt: skip
CONTACTED: Final = build_spellings(
    Contacted,
    {"yes": "是|有|已联系|1|true", "no": "否|没有|未联系|0|false", "unsure": "不清楚|记不清|不确定"},
)
RESOLVED: Final = build_spellings(
    Resolved,
    {"resolved": "已解决|解决|是", "partly_resolved": "部分解决", "unresolved": "未解决|没有解决|没解决|否"},
)
VISIT_KIND: Final = build_spellings(
    VisitKind, {"auto": "自动|自动回访|机器|智能回访", "manual": "人工|人工回访|二次回访|人工二次回访"}
)
SIGNED_BY: Final = build_spellings(SignedBy, {"manual": "人工|手动|主动签收|签收", "auto": "自动|自动签收"})
DECISION: Final = build_spellings(
    ReturnDecision, {"accepted": "同意|通过|已同意", "refused": "不同意|驳回|拒绝", "withdrawn": "撤回|已撤回"}
)
RECOGNITION: Final = build_spellings(
    ClaimDecision,
    {
        "recognised": "认定|同意|认定为不合理|accepted|recognized",
        "refused": "不认定|不同意|驳回",
        "withdrawn": "撤回|已撤回",
    },
)
LEVEL: Final = build_spellings(
    Level,
    {
        "national": "国家级|国家", "province": "省级|省|provincial", "city": "市级|市|市州级", "county": "县级|县|区级|县区级",
        "ok": "合理|正常", "unreasonable": "不合理", "missing": "未制定|缺失",
    },
)  # fmt: skip
LEDGER_KIND: Final = build_spellings(
    LedgerKind,
    {
        "post_missing": "岗位缺失", "roster": "值班计划", "rule_missing": "制度缺失", "escalation": "事态升级",
        "valid_complaint": "有效投诉", "governed_class": "治理同类问题|推动治理", "praise": "群众表扬|表扬",
        "honour": "表彰|通报表彰|批示|肯定性批示", "media": "媒体报道|媒体刊载", "coordinated": "协调办理", "knowledge": "知识库",
        "exposure": "曝光|媒体曝光", "criticism": "通报批评|重点督办", "connect": "接通率",
        "lead_unit_missing": "未明确牵头部门|未确定牵头部门", "contact_unreported": "变动未报备|联络员未报备", "unreachable_event": "联系不上",
        "absence": "缺席会议|未按时报送材料", "fabrication": "弄虚作假", "no_reply_repeat": "未回复致重复投诉|未回复",
        "task": "专题任务|试点调研", "supervision_failed": "督办不落实|督办未落实",
    },
)  # fmt: skip
DAY_KIND: Final = build_spellings(
    DayKind,
    {
        "working": "工作日|上班|调休上班|调休|补班|班|yes|是|1|true|workday",
        "free": "休息日|放假|节假日|假日|休|周末|no|否|0|false|holiday",
    },
)
