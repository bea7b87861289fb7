"""Schemas of the request bodies for ledgers, contests, registers and score explanations."""

from pydantic import Field

from backend.web.schemas import Code, Flag, Int32, LongText, RequestBody, ShortText


class CorrectionBody(RequestBody):
    """What differs from the corrected line, and why; `void`: nothing replaces it."""

    reason: ShortText
    void: Flag = False
    count: Int32 | None = None
    level: ShortText | None = None
    matter: ShortText | None = None
    points: ShortText | None = None
    timely: Int32 | None = None
    total: Int32 | None = None
    note: ShortText | None = None
    month: ShortText | None = None
    document_date: ShortText | None = None
    files: list[ShortText] | None = None
    tickets: list[ShortText] | None = None


class DecisionBody(RequestBody):
    """A clerk's opinion on a contest; `exclude` names the tickets to exclude."""

    accept: Flag
    reason: ShortText
    exclude: list[ShortText] | None = None


class ExclusionBody(RequestBody):
    """Tickets to exclude from an item."""

    month: ShortText
    unit: Code
    item: ShortText
    tickets: list[ShortText]
    reason: ShortText


class WhatIfBody(RequestBody):
    """Settings to change and pending decisions to assume."""

    month: ShortText
    unit: Code
    settings: dict[str, ShortText] = Field(default_factory=dict)
    ledger: list[Int32] = Field(default_factory=list, max_length=200)
    contests: list[Int32] = Field(default_factory=list, max_length=200)
    exclusions: list[Int32] = Field(default_factory=list, max_length=200)
    requests: list[Int32] = Field(default_factory=list, max_length=200)


class KnowledgeBody(RequestBody):
    """A record of the knowledge base."""

    title: ShortText
    body: LongText
    unit: Code | None = None
    replaces: Int32 | None = None


class OpinionBody(RequestBody):
    """Accept a record or refuse it, and why."""

    accept: Flag
    opinion: ShortText = ""


class RegisterBody(RequestBody):
    """A register entry; each register defines which fields it takes."""

    unit: Code | None = None
    name: ShortText
    on_date: ShortText | None = None
    files: list[ShortText] | None = None
    role: ShortText | None = None
    holder: ShortText | None = None
    judgement: ShortText | None = None
    what: ShortText | None = None
    came: ShortText | None = None
    excuse: ShortText | None = None
    version: ShortText | None = None
    text: LongText | None = None


class MonthBody(RequestBody):
    """A month."""

    month: ShortText
