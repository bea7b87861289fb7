"""A month of a hotline office: its handlers, callers and agents at their chats and telephones, day by day."""

import io
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import aiohttp

from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from sandbox.twilio.behaviour import MACHINE, NO_ANSWER, HangUp, Prompt, Reply
from tests.stories.office import Office
from tests.stories.plans import Case, at, workday
from tests.stories.tally import Tally

PIN = "4862"
HANDLER = {f"U0{n}": f"H{n}01" for n in range(1, 7)}
DEPUTY = {f"U0{n}": f"H{n}02" for n in range(1, 7)}
ANSWERS = {"1": "satisfied", "2": "basically_satisfied", "3": "unsatisfied"}

Doing = Callable[[Case], Awaitable[None]]


class Month:
    """The people of the story; `todo` is what they mean to do at which hour."""

    def __init__(self, office: Office, cases: list[Case], end: datetime) -> None:
        self.office = office
        self.end = end  # of the month that is counted
        self.cases = {case.no: case for case in cases}
        self.hands: dict[str, ChatUser] = {}
        self.todo: dict[datetime, list[tuple[Doing, Case]]] = {}
        self.tally = Tally()
        self.dispatched_in_time = 0
        self.lives: list[dict[str, Any]] = []
        self.by_tail: dict[str, Case] = {}

    def plan(self, day: date, clock: str, doing: Doing, case: Case) -> None:
        """Mean to do something."""
        self.todo.setdefault(at(day, clock), []).append((doing, case))

    # -- people come to work

    async def move_in(self) -> None:
        """Chats are bound, PINs chosen, telephones lie ready."""
        for unit, code in HANDLER.items():
            self.hands[unit] = await self.office.bound(code)
            for person in (code, DEPUTY[unit]):
                await self.office.pin(person, PIN)
                neighbour = next(one for one in self.office.town.people.values() if one.code == person)
                self.office.phone(neighbour.phone).answer_with(self._handler)
        for case in self.cases.values():
            phone = self.office.phone(case.phone)
            match case.caller:
                case "nobody":
                    phone.set_behaviours(NO_ANSWER)
                case "machine":
                    phone.set_behaviours(MACHINE)
                case _:
                    phone.answer_with(self._caller(case))

    def _handler(self, heard: Prompt) -> str | Reply:
        """A handler at the telephone: says he has heard, or signs with his PIN what he means to sign so."""
        if "签收密码" in heard.text:
            return f"{PIN}#"
        tail = heard.text.partition("编号后四位 ")[2].partition("，")[0].replace(" ", "")
        case = self.by_tail.get(tail)
        if case is None or case.signing != "phone" or case.life.get("signed_at"):
            return "1"
        self._signed(case)
        return "2"

    def _caller(self, case: Case) -> Callable[[Prompt], str | Reply]:
        """A caller who is rung back: four keys, or his own way."""

        def answer(heard: Prompt) -> str | Reply:
            if "方便接听" in heard.text:
                return "3" if case.caller == "peace" else "1"
            if "不满意的原因" in heard.text:
                return "#"
            if "是否满意" not in heard.text:
                return "1"
            if case.caller == "hangs_up":
                return HangUp()
            case.life["visits"].append(
                {"kind": "auto", "at": self.office.now.isoformat(), "answer": ANSWERS[case.caller]}
            )
            return case.caller

        return answer

    # -- the office

    async def bring(self, name: str, content: bytes) -> dict[str, Any]:
        """A file handed to the importer."""
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(content), filename=name)
        url = f"http://{self.office.house.config.host}:{self.office.house.config.port}/api/v1/imports/tickets"
        headers = {"Authorization": f"Bearer {await self.office.key('dispatcher')}"}
        async with self.office.http.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def morning(self, cases: list[Case], rows: dict[str, dict[str, Any]]) -> None:
        """The day's petitions with the numbers their callers left come in and go to their units."""
        lines = [
            json.dumps({**rows[c.no], "category": c.category, "grade": "urgent" if c.urgent else "general",
                        "channel": "web", "region": "云岭市", "requester_phone": c.phone}, ensure_ascii=False)
            for c in cases
        ]  # fmt: skip
        report = await self.bring("day.jsonl", "\n".join(lines).encode())
        assert (report["imported"], report["refused"]) == (len(cases), []), report
        for case in cases:
            self.dispatched_in_time += 1
            await self.give(case)

    async def give(self, case: Case) -> None:
        """One petition goes to its unit, whose people plan what they will do about it."""
        self.by_tail[case.no[-4:]] = case
        case.life = {"unit": case.unit, "lead": True, "visits": [], "extensions": []}
        case.life["dispatched_at"] = self.office.now.isoformat()
        await self.office.act(case.no, "dispatch", "dispatcher", unit=case.unit)
        due = case.due("close", datetime.fromisoformat(case.life["dispatched_at"]))
        case.life["close_due_at"] = due.isoformat()
        self.plan_of(case)

    def plan_of(self, case: Case) -> None:
        """What the unit's people mean to do, and on which days."""
        day, last = case.day, case.last_day
        if case.signing in ("button", "word"):
            self.plan(day, "10:30", self.sign, case)
        if case.urgent:
            self.plan(day, "14:30", self.close, case)
            return
        ready = workday(day, 1 if case.signing in ("button", "word") else 2)  # who is signed for learns of it next day
        match case.fate:
            case "close":
                self.plan(ready, "14:30", self.close, case)
            case "late":
                self.plan(workday(last), "14:30", self.close, case)
            case "return" | "return_refused":
                self.plan(day if case.signing in ("button", "word") else ready, "10:40", self.give_back, case)
            case "extend" | "extend_refused" | "extend_late" | "extend_twice":
                self.plan(ready, "10:40", self.ask_for_time, case)
            case "never":
                pass

    # -- the unit

    def _signed(self, case: Case) -> None:
        case.life |= {"signed": "manual", "signed_at": self.office.now.isoformat()}

    def card(self, case: Case) -> Message:
        """The card of a case in its handler's chat, as it arrived; its words have changed since."""
        seen = self.office.town.chat.arrivals[self.hands[case.unit].chat.id]
        head = f"【{'紧急' if case.urgent else '新'}工单】{case.no}"
        return next(one.message for one in reversed(seen) if not one.is_edit and one.text.startswith(head))

    async def sign(self, case: Case) -> None:
        """签收 by the button, or by answering the card."""
        hand, card = self.hands[case.unit], self.card(case)
        self._signed(case)
        if case.signing == "word":
            await hand.reply(card, "签收")
        else:
            toast = await hand.press(card, "签收")
            assert toast is not None and "已签收" in toast, (case, toast)

    async def close(self, case: Case) -> None:
        """答复 and 办结 by words."""
        hand, card = self.hands[case.unit], self.card(case)
        case.life["closed_at"] = self.office.now.isoformat()
        await hand.reply(card, "答复 已派人到现场处理完毕，并已电话告知诉求人。")
        await hand.reply(card, "办结 诉求人表示知晓")

    async def give_back(self, case: Case) -> None:
        """退单 with a photo of the statement; late ones are warned of and go on."""
        hand, card = self.hands[case.unit], self.card(case)
        late = self.office.now > case.due("sign", datetime.fromisoformat(case.life["dispatched_at"]))
        case.life["return"] = {"submitted_at": self.office.now.isoformat()}
        if int(case.no[-1]) % 2:
            await hand.send_photo(caption="退单 不属于本单位职责，加盖公章", reply_to=card)
        else:
            await hand.send_document(caption="退单 不属于本单位职责，领导签字", reply_to=card)
        if late:
            warned = await hand.expect("已超过签收时限。继续退单")
            await hand.press(warned, "继续退单")
        self.plan(self.office.now.date(), "15:10", self.decide_return, case)

    async def ask_for_time(self, case: Case) -> None:
        """延期 by words that say the caller was told."""
        case.tries += 1
        await self.hands[case.unit].reply(self.card(case), "延期 3 需要等待配件到货，已电话告知诉求人")
        self.plan(self.office.now.date(), "15:10", self.decide_extension, case)

    # -- the office decides

    async def decide_return(self, case: Case) -> None:
        """The reviewer accepts, and it goes to the next unit; or refuses, and it is handled on."""
        accept = case.fate == "return"
        await self.office.act(case.no, "decide_return", "reviewer", accept=accept, reason="经核对职责清单")
        decision = "accepted" if accept else "refused"
        case.life["return"] |= {"decision": decision, "decided_at": self.office.now.isoformat()}
        if not accept:
            self.plan(workday(self.office.now.date()), "14:30", self.close, case)
            return
        self.lives.append(self.life_of(case))
        units = sorted(self.hands)
        case.unit = units[(units.index(case.unit) + 1) % len(units)]
        case.day, case.signing, case.fate = self.office.now.date(), "phone", "close"
        case.life = {}
        await self.give(case)

    async def decide_extension(self, case: Case) -> None:
        """Granted or refused; a second one is asked for when the first was not enough."""
        grant = case.fate != "extend_refused"
        await self.office.act(case.no, "decide_extension", "reviewer", accept=grant, reason="情况属实")
        today = self.office.now.date()
        if not grant:
            self.plan(workday(today), "14:30", self.close, case)
            return
        new_last = workday(datetime.fromisoformat(case.life["close_due_at"]).date(), 3)
        new_due = at(new_last, "17:00").isoformat()
        case.life["close_due_at"] = new_due
        case.life["extensions"].append({"granted_at": self.office.now.isoformat(), "new_due_at": new_due})
        if case.fate == "extend_twice" and case.tries == 1:
            self.plan(workday(today), "10:40", self.ask_for_time, case)
        elif case.fate == "extend_late":
            self.plan(workday(new_last), "14:30", self.close, case)
        else:
            self.plan(new_last, "14:30", self.close, case)

    async def ring_the_unsatisfied(self) -> None:
        """The revisit agent rings whoever waits for a person, and writes down what was said."""
        for ticket in await self.office.items("/tickets", state="revisit_manual"):
            case = self.cases[ticket["ticket_no"]]
            said = case.second if case.caller == "3" else "satisfied"
            await self.office.act(
                case.no, "visit", "agent", kind="manual", answer=said, note="按原话记录",
                **({} if said == "unreached" else {"contacted": "yes", "resolved": "partly_resolved"}),
            )  # fmt: skip
            case.life["visits"].append({"kind": "manual", "at": self.office.now.isoformat(), "answer": said})

    # -- time

    async def until(self, end: datetime) -> None:
        """Let everybody do what they mean to, hour by hour."""
        while due := sorted(moment for moment in self.todo if moment <= end):
            if due[0] > self.office.now:
                await self.office.until(due[0])
            for doing, case in self.todo.pop(due[0]):
                await doing(case)
            await self.office.settle()

    # -- the books of the story

    def life_of(self, case: Case) -> dict[str, Any]:
        """The petition in this unit's hands, as contract §4 writes a life."""
        life = {k: v for k, v in case.life.items() if k != "visits"}
        life["sign_due_at"] = case.due("sign", datetime.fromisoformat(life["dispatched_at"])).isoformat()
        if "signed_at" not in life:
            life |= {"signed": "auto", "signed_at": life["sign_due_at"]}
        return {
            "ticket_no": case.no, "category": case.category, "grade": "urgent" if case.urgent else "general",
            "region": "云岭市", "assignments": [life], "visits": case.life["visits"],
        }  # fmt: skip

    def count(self) -> list[dict[str, Any]]:
        """Count everything that was done in the month, a life at a time; the lives, for a second opinion."""
        lives = [*self.lives, *(self.life_of(case) for case in self.cases.values())]
        for life in lives:
            self._count(life)
        return lives

    def _count(self, life: dict[str, Any]) -> None:
        a = life["assignments"][0]
        unit, one = a["unit"], self.tally.one
        by_hand = a["signed"] == "manual"
        one(unit, "sign", by_hand)  # whoever signs in this story signs in time
        if a.get("return", {}).get("decision") == "accepted":
            one(unit, "return", by_hand and a["return"]["submitted_at"] <= a["sign_due_at"])
            return
        due = datetime.fromisoformat(a["close_due_at"])
        closed = datetime.fromisoformat(a["closed_at"]) if "closed_at" in a else None
        late = closed is None or closed > due
        one(unit, "red_card", late and due < self.end)
        if closed is None or closed >= self.end:  # counted in the month of the closing (Q14)
            return
        one(unit, "on_time", not late)
        one(unit, "extension", len(a["extensions"]))
        if life["category"] != "suggestion":
            spoken = [v["answer"] for v in life["visits"] if v["answer"] != "unreached"]
            tried = any(v["answer"] == "unreached" for v in life["visits"])
            one(unit, "satisfaction", tried or not spoken or spoken[-1] != "unsatisfied")
