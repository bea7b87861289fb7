"""A month of a hotline office: its handlers, requesters and agents at their chats and telephones, day by day."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from sandbox.telephone.behaviour import MACHINE, NO_ANSWER, HangUp, Prompt, Reply
from tests.stories.api import Response
from tests.stories.office import Office
from tests.stories.plans import Case, at, workday
from tests.stories.tally import Tally

PIN = "4862"
HANDLER = {f"U0{n}": f"H{n}01" for n in range(1, 7)}
DEPUTY = {f"U0{n}": f"H{n}02" for n in range(1, 7)}
KEYS = {"1": "satisfied", "2": "basically_satisfied", "3": "unsatisfied"}

Action = Callable[[Case], Awaitable[None]]


class Month:
    """The people of the story; `todo` is what they will do at which time."""

    def __init__(self, office: Office, cases: list[Case], end: datetime) -> None:
        self.office = office
        self.end = end  # of the month that is counted
        self.cases = {case.no: case for case in cases}
        self.handlers: dict[str, ChatUser] = {}
        self.todo: dict[datetime, list[tuple[Action, Case]]] = {}
        self.tally = Tally()
        self.finished: list[dict[str, Any]] = []  # histories of units that returned their petition
        self.by_tail: dict[str, Case] = {}

    def plan(self, day: date, clock: str, action: Action, case: Case) -> None:
        """Plan to do something at a time."""
        self.todo.setdefault(at(day, clock), []).append((action, case))

    # -- people come to work

    async def prepare(self) -> None:
        """Bind chats, set PINs, and tell everybody what to do when their telephone rings."""
        for unit, code in HANDLER.items():
            self.handlers[unit] = await self.office.bind(code)
            for person in (code, DEPUTY[unit]):
                await self.office.set_pin(person, PIN)
                self.office.phone(self.office.find_phone(person)).answer_with(self._answer_as_handler)
        for case in self.cases.values():
            phone = self.office.phone(case.phone)
            match case.answer:
                case "nobody":
                    phone.set_behaviours(NO_ANSWER)
                case "machine":
                    phone.set_behaviours(MACHINE)
                case _:
                    phone.answer_with(self._answer_as_requester(case))

    def _answer_as_handler(self, heard: Prompt) -> str | Reply:
        """A handler at the telephone confirms, or signs by PIN what they planned to sign by telephone."""
        if "签收密码" in heard.text:
            return f"{PIN}#"
        tail = heard.text.partition("编号后四位 ")[2].partition("，")[0].replace(" ", "")
        case = self.by_tail.get(tail)
        if case is None or case.signing != "phone" or case.history.get("signed_at"):
            return "1"
        self._signed(case)
        return "2"

    def _answer_as_requester(self, case: Case) -> Callable[[Prompt], str | Reply]:
        """A requester who is called back presses four keys, or does something else."""

        def answer(heard: Prompt) -> str | Reply:
            if "方便接听" in heard.text:
                return "3" if case.answer == "no_more" else "1"
            if "不满意的原因" in heard.text:
                return "#"
            if "是否满意" not in heard.text:
                return "1"
            if case.answer == "hangs_up":
                return HangUp()
            case.history["visits"].append(
                {"kind": "auto", "at": self.office.now.isoformat(), "answer": KEYS[case.answer]}
            )
            return case.answer

        return answer

    # -- the office

    async def import_tickets(self, name: str, content: bytes) -> Response:
        """Import a file of tickets."""
        report = await self.office.upload("/imports/tickets", name, content, "dispatcher")
        assert report.status == 200, report.body
        return report

    async def begin_day(self, cases: list[Case], rows: dict[str, dict[str, Any]]) -> None:
        """The day's petitions are imported, with the numbers their requesters left, and dispatched."""
        lines = [
            json.dumps({**rows[c.no], "category": c.category, "grade": "urgent" if c.urgent else "general",
                        "channel": "web", "region": "云岭市", "requester_phone": c.phone}, ensure_ascii=False)
            for c in cases
        ]  # fmt: skip
        report = await self.import_tickets("day.jsonl", "\n".join(lines).encode())
        assert (report["imported"], report["refused"]) == (len(cases), []), report.body
        for case in cases:
            await self.dispatch(case)

    async def dispatch(self, case: Case) -> None:
        """Dispatch one petition to its unit, whose people plan what they will do about it."""
        self.by_tail[case.no[-4:]] = case
        case.history = {"unit": case.unit, "lead": True, "visits": [], "extensions": []}
        case.history["dispatched_at"] = self.office.now.isoformat()
        await self.office.act(case.no, "dispatch", "dispatcher", unit=case.unit)
        due = case.due("close", datetime.fromisoformat(case.history["dispatched_at"]))
        case.history["close_due_at"] = due.isoformat()
        self.plan_case(case)

    def plan_case(self, case: Case) -> None:
        """Plan what the unit's people will do, and on which days."""
        day, last = case.day, case.last_day
        if case.signing in ("button", "reply"):
            self.plan(day, "10:30", self.sign, case)
        if case.urgent:
            self.plan(day, "14:30", self.close, case)
            return
        # they learn of an automatic signing on the next day
        ready = workday(day, 1 if case.signing in ("button", "reply") else 2)
        match case.outcome:
            case "close":
                self.plan(ready, "14:30", self.close, case)
            case "late":
                self.plan(workday(last), "14:30", self.close, case)
            case "return" | "return_refused":
                self.plan(day if case.signing in ("button", "reply") else ready, "10:40", self.return_it, case)
            case "extend" | "extend_refused" | "extend_late" | "extend_twice":
                self.plan(ready, "10:40", self.ask_for_extension, case)
            case "never":
                pass

    # -- the unit

    def _signed(self, case: Case) -> None:
        case.history |= {"signed": "manual", "signed_at": self.office.now.isoformat()}

    def card(self, case: Case) -> Message:
        """The card of a case in its handler's chat, found by the text it arrived with; that has changed since."""
        arrivals = self.office.simulator.chat.arrivals[self.handlers[case.unit].chat.id]
        head = f"【{'紧急' if case.urgent else '新'}工单】{case.no}"
        return next(one.message for one in reversed(arrivals) if not one.is_edit and one.text.startswith(head))

    async def sign(self, case: Case) -> None:
        """签收 by the button, or by replying to the card."""
        handler, card = self.handlers[case.unit], self.card(case)
        self._signed(case)
        if case.signing == "reply":
            await handler.reply(card, "签收")
        else:
            toast = await handler.press(card, "签收")
            assert toast is not None and "已签收" in toast, (case, toast)

    async def close(self, case: Case) -> None:
        """答复 and 办结 by replying to the card."""
        handler, card = self.handlers[case.unit], self.card(case)
        case.history["closed_at"] = self.office.now.isoformat()
        await handler.reply(card, "答复 已派人到现场处理完毕，并已电话告知诉求人。")
        await handler.reply(card, "办结 诉求人表示知晓")

    async def return_it(self, case: Case) -> None:
        """退单 with a photo or file as the statement; late returns are warned of and submitted all the same."""
        handler, card = self.handlers[case.unit], self.card(case)
        late = self.office.now > case.due("sign", datetime.fromisoformat(case.history["dispatched_at"]))
        case.history["return"] = {"submitted_at": self.office.now.isoformat()}
        if int(case.no[-1]) % 2:
            await handler.send_photo(caption="退单 不属于本单位职责，加盖公章", reply_to=card)
        else:
            await handler.send_document(caption="退单 不属于本单位职责，领导签字", reply_to=card)
        if late:
            warned = await handler.expect("已超过签收时限。继续退单")
            await handler.press(warned, "继续退单")
        self.plan(self.office.now.date(), "15:10", self.decide_return, case)

    async def ask_for_extension(self, case: Case) -> None:
        """延期 by a reply which says that the requester was told."""
        case.extension_requests += 1
        await self.handlers[case.unit].reply(self.card(case), "延期 3 需要等待配件到货，已电话告知诉求人")
        self.plan(self.office.now.date(), "15:10", self.decide_extension, case)

    # -- the institution decides

    async def decide_return(self, case: Case) -> None:
        """The reviewer accepts, and it is dispatched to the next unit; or refuses, and its handler goes on."""
        accept = case.outcome == "return"
        await self.office.act(case.no, "decide_return", "reviewer", accept=accept, reason="经核对职责清单")
        decision = "accepted" if accept else "refused"
        case.history["return"] |= {"decision": decision, "decided_at": self.office.now.isoformat()}
        if not accept:
            self.plan(workday(self.office.now.date()), "14:30", self.close, case)
            return
        self.finished.append(self.build_history(case))
        units = sorted(self.handlers)
        case.unit = units[(units.index(case.unit) + 1) % len(units)]
        case.day, case.signing, case.outcome = self.office.now.date(), "phone", "close"
        case.history = {}
        await self.dispatch(case)

    async def decide_extension(self, case: Case) -> None:
        """The reviewer grants or refuses it; where one is not enough a second is asked for."""
        grant = case.outcome != "extend_refused"
        await self.office.act(case.no, "decide_extension", "reviewer", accept=grant, reason="情况属实")
        today = self.office.now.date()
        if not grant:
            self.plan(workday(today), "14:30", self.close, case)
            return
        new_last = workday(datetime.fromisoformat(case.history["close_due_at"]).date(), 3)
        new_due = at(new_last, "17:00").isoformat()
        case.history["close_due_at"] = new_due
        case.history["extensions"].append({"granted_at": self.office.now.isoformat(), "new_due_at": new_due})
        if case.outcome == "extend_twice" and case.extension_requests == 1:
            self.plan(workday(today), "10:40", self.ask_for_extension, case)
        elif case.outcome == "extend_late":
            self.plan(workday(new_last), "14:30", self.close, case)
        else:
            self.plan(new_last, "14:30", self.close, case)

    async def call_the_unsatisfied(self) -> None:
        """The revisit agent calls whoever waits for a person, and records what was said."""
        for ticket in await self.office.list_items("/tickets", state="revisit_manual"):
            case = self.cases[ticket["ticket_no"]]
            answer = case.second_answer if case.answer == "3" else "satisfied"
            await self.office.act(
                case.no, "visit", "agent", kind="manual", answer=answer, note="按原话记录",
                **({} if answer == "unreached" else {"contacted": "yes", "resolved": "partly_resolved"}),
            )  # fmt: skip
            case.history["visits"].append({"kind": "manual", "at": self.office.now.isoformat(), "answer": answer})

    # -- time

    async def advance_to(self, end: datetime) -> None:
        """Let everybody do what they planned until `end`, then move the clock there."""
        while due := sorted(moment for moment in self.todo if moment <= end):
            if due[0] > self.office.now:
                await self.office.advance_to(due[0])
            for action, case in self.todo.pop(due[0]):
                await action(case)
            await self.office.settle()
        if end > self.office.now:
            await self.office.advance_to(end)

    # -- what the story counted

    def build_history(self, case: Case) -> dict[str, Any]:
        """The petition in this unit's hands, in the form of contract §4."""
        assignment = {k: v for k, v in case.history.items() if k != "visits"}
        assignment["sign_due_at"] = case.due("sign", datetime.fromisoformat(assignment["dispatched_at"])).isoformat()
        if "signed_at" not in assignment:
            assignment |= {"signed": "auto", "signed_at": assignment["sign_due_at"]}
        return {
            "ticket_no": case.no, "category": case.category, "grade": "urgent" if case.urgent else "general",
            "region": "云岭市", "assignments": [assignment], "visits": case.history["visits"],
        }  # fmt: skip

    def count(self) -> list[dict[str, Any]]:
        """Count everything that was done in the month; return the histories, for a second count."""
        histories = [*self.finished, *(self.build_history(case) for case in self.cases.values())]
        for history in histories:
            self._count(history)
        return histories

    def _count(self, history: dict[str, Any]) -> None:
        a = history["assignments"][0]
        unit, add = a["unit"], self.tally.add
        by_hand = a["signed"] == "manual"
        add(unit, "sign", by_hand)  # whoever signs in this story signs in time
        if a.get("return", {}).get("decision") == "accepted":
            add(unit, "return", by_hand and a["return"]["submitted_at"] <= a["sign_due_at"])
            return
        due = datetime.fromisoformat(a["close_due_at"])
        closed = datetime.fromisoformat(a["closed_at"]) if "closed_at" in a else None
        late = closed is None or closed > due
        add(unit, "red_card", late and due < self.end)
        if closed is None or closed >= self.end:  # counted in the month of the closing (Q14)
            return
        add(unit, "on_time", not late)
        add(unit, "extension", len(a["extensions"]))
        if history["category"] != "suggestion":
            answers = [v["answer"] for v in history["visits"] if v["answer"] != "unreached"]
            tried = any(v["answer"] == "unreached" for v in history["visits"])
            add(unit, "satisfaction", tried or not answers or answers[-1] != "unsatisfied")
