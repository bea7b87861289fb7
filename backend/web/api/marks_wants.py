"""Schemas of the request bodies for ledgers, contests, registers and score explanations."""

from pydantic import Field

from backend.web.wants import Code, Flag, Long, Short, Want, Whole


class CorrectWant(Want):
    """What differs from the corrected line, and why; `void`: nothing replaces it."""

    reason: Short
    void: Flag = False
    count: Whole | None = None
    level: Short | None = None
    matter: Short | None = None
    points: Short | None = None
    timely: Whole | None = None
    total: Whole | None = None
    note: Short | None = None
    month: Short | None = None
    document_date: Short | None = None
    files: list[Short] | None = None
    tickets: list[Short] | None = None


class DecideWant(Want):
    """A clerk's opinion on a contest; `exclude` names the tickets to exclude."""

    accept: Flag
    reason: Short
    exclude: list[Short] | None = None


class ExcludeWant(Want):
    """Tickets to exclude from an item."""

    month: Short
    unit: Code
    item: Short
    tickets: list[Short]
    reason: Short


class WhatIfWant(Want):
    """Settings to change and pending decisions to assume."""

    month: Short
    unit: Code
    settings: dict[str, Short] = Field(default_factory=dict)
    ledger: list[Whole] = Field(default_factory=list, max_length=200)
    contests: list[Whole] = Field(default_factory=list, max_length=200)
    exclusions: list[Whole] = Field(default_factory=list, max_length=200)
    requests: list[Whole] = Field(default_factory=list, max_length=200)


class KnowledgeWant(Want):
    """A record of the knowledge base."""

    title: Short
    body: Long
    unit: Code | None = None
    replaces: Whole | None = None


class OpinionWant(Want):
    """Accept a record or refuse it, and why."""

    accept: Flag
    opinion: Short = ""


class RegisterWant(Want):
    """A register entry; each register defines which fields it takes."""

    unit: Code | None = None
    name: Short
    on_date: Short | None = None
    files: list[Short] | None = None
    role: Short | None = None
    holder: Short | None = None
    judgement: Short | None = None
    what: Short | None = None
    came: Short | None = None
    excuse: Short | None = None
    version: Short | None = None
    text: Long | None = None


class MonthWant(Want):
    """A month."""

    month: Short
