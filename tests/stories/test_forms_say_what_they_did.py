"""Every form of the console: what it did is said once on the page that follows, or why it did nothing."""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pyotp
import pytest

from backend.app.build import build_web_app
from backend.domain.acts import OPERATOR, Account, AccountKind
from tests.stories.console import DONE, Console, open_browser, sign_in
from tests.stories.office import PHONES, REQUESTER, Office
from tests.stories.test_a_month_is_checked import CARRIED, import_october, office
from tests.stories.test_visits_by_people import UNSATISFIED

__all__ = ["office"]
REFUSED = re.compile(r'role="alert">')
SHOWN = re.compile(r'class="(?:card )?shown" role="status"')
TICKET = "/tickets/JS0001"
OTHER = "+8613900000002"  # another requester
BODY = "已更换灯具，当日亮灯。"


@dataclass
class People:
    """Who sits at the console, each signed in once; `tried` are the forms they sent, by route."""

    office: Office
    stack: AsyncExitStack
    at: dict[str, Console] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    async def send(self, who: str, route: str, said: Any, page: str = "", **fields: Any) -> None:
        """Send a form; `page` holds it, and its number is read there. `said`: what follows, or the pattern of that."""
        if who not in self.at:
            self.at[who] = await self.stack.enter_async_context(sign_in(self.office, who))
        console = self.at[who]
        path = fields.pop("path", route)
        if page:
            numbered = re.escape(path).replace(r"\{id\}", r"(\d+)")
            found = re.search(f'action="{numbered}"', await console.get(page))
            assert found is not None, (path, page)
            path = path.replace("{id}", found[1]) if "{id}" in path else path
        status = fields.pop("status", 200)
        shown = await console.post(path, status, **fields)
        self.tried.add(route)
        if isinstance(said, re.Pattern):
            assert said.search(shown), (path, re.findall(r"<p class=.*", shown))
        else:
            assert DONE.findall(shown) == [said], (path, re.findall(r'role="alert">([^<]+)', shown))
            assert DONE.findall(await console.get("/")) == [], "once"


def list_forms(office: Office) -> set[str]:
    """The routes of the console that take a form."""
    routes = build_web_app(office.application).router.routes()
    paths = {r.resource.canonical for r in routes if r.method == "POST" and r.resource is not None}
    return {path for path in paths if not path.startswith(("/api/", "/hooks/", "/sandbox", "/rate/"))}


async def keep_accounts(people: People) -> None:
    """Somebody gets a password, changes it and sets up a second factor; an administrator ends what is theirs to end."""
    accounts, whose = people.office.application.services.accounts, {"kind": "person", "ref": "H102"}
    await people.send("admin", "/accounts/link", SHOWN, **whose)
    link = await accounts.issue_link(Account(AccountKind.PERSON, "H102"), OPERATOR)
    old, new = "晚霞照在玻璃厂的烟囱上 7 点", "雨后的青石板路通向旧码头 9 号"
    await accounts.choose_password(link.token, old)
    people.at["H102"] = await people.stack.enter_async_context(open_browser(people.office))
    await people.at["H102"].post("/sign-in", name="H102", password=old)
    changed = {"old": old, "new": new, "again": new}
    await people.send("H102", "/account/password", "密码已修改，其他设备已退出。", "/account", **changed)
    await people.send("H102", "/account/sessions", "已退出 0 个设备。")
    seed = re.search(r'name="seed" value="(\w+)"', await people.at["H102"].get("/account/factor"))
    assert seed is not None
    code = pyotp.TOTP(seed[1]).at(people.office.application.core.clock.real_now())
    await people.send("H102", "/account/factor", SHOWN, seed=seed[1], code=code)
    await people.send("H102", "/account/codes", SHOWN)
    key = "/keys/{id}"
    await people.send("admin", "/keys", SHOWN, name="大屏", role="auditor", days="30")
    number = (await people.office.application.services.api_keys.list_all())[0].id
    await people.send("admin", f"{key}/rotate", SHOWN, path=f"/keys/{number}/rotate")
    await people.send("admin", f"{key}/revoke", "密钥“大屏”已停用。", path=f"/keys/{number}/revoke")
    await people.send("admin", "/accounts/factor", "已申请解除第二验证，等待另一位管理员同意。", **whose)
    await people.send("admin", "/accounts/sessions", "已退出 1 个设备。", **whose)
    await people.send("admin", "/accounts/close", "账号已停用，其设备均已退出。", **whose)
    page = await people.at["H102"].post("/sign-in/rehearsal", person="H102")
    assert "李" in page or "H102" in page
    people.tried |= {
        "/sign-in/rehearsal",
        "/sign-in/factor",
        "/sign-in/enrol",
        "/account/link",
    }  # tests/web/test_sign_in.py


async def handle_tickets(people: People) -> None:
    """A ticket goes its way, and a second one is rated by hand."""
    act = "/tickets/{no}/acts/{verb}"

    async def do(who: str, verb: str, said: str, **fields: str) -> None:
        await people.send(who, act, said, path=f"{TICKET}/acts/{verb}", **fields)

    await do("dispatcher", "dispatch", "已派单给市住房和城乡建设局。", unit="U01")
    await do("H101", "sign", "已签收。")
    await do("H101", "contact", "联系情况已登记。", way="phone", reached="yes")
    await people.send("H101", "/tickets/{no}/bridge", SHOWN, path=f"{TICKET}/bridge")
    await people.send("H101", "/tickets/{no}/reveal", SHOWN, path=f"{TICKET}/reveal", reason="核实地址")
    await people.send("dispatcher", "/tickets/find", SHOWN, phone=REQUESTER, reason="来电查询")
    await do("supervisor", "supervise", "督办已发出。", reason="请尽快办理")
    await do("H101", "report_progress", "办理进展已反馈。", text="已购灯具")
    await do("supervisor", "accept_progress", "办理进展已认可。", accept="yes")
    await do("H101", "reply", "答复已登记。", text=BODY, way="phone", all_the_same="yes")
    await do("H101", "close", "已办结。", close_type="solved", feedback="认可", no_objection="yes")
    await do("reviewer", "send_back", "已退回承办单位补正。", reason="未附照片")
    await do("H101", "close", "已办结。", close_type="solved", feedback="认可", no_objection="yes", text=BODY, all_the_same="yes")  # fmt: skip
    await people.send("agent", "/tickets/{no}/rating-page", SHOWN, path=f"{TICKET}/rating-page")
    await do("admin", "review", "评议结论已登记。", conclusion="办理及时")


async def visit(people: People) -> None:
    """A requester who is not satisfied is visited by a person, one without a number rates on a page."""
    office, task = people.office, "/visits/tasks/{no}"
    office.phone(OTHER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0002", phone=OTHER)
    await office.close_ticket("JS0003", phone=None)
    await office.advance("6h")
    office.phone(OTHER).ring_out()
    await people.send("agent", f"{task}/rating-page", SHOWN, path="/visits/tasks/JS0003/rating-page")
    await people.send("agent", f"{task}/call", SHOWN, path="/visits/tasks/JS0002/call")
    fields = {"contacted": "yes", "resolved": "resolved", "answer": "satisfied"}
    await people.send(
        "agent", f"{task}/record", "JS0002的回访结果已登记。", path="/visits/tasks/JS0002/record", **fields
    )
    bar, calls = "/visits/do-not-call", "/visits/recordings/{dial}"
    await people.send("agent", bar, "已列入不再回访名单。", phone=REQUESTER, reason="本人要求")
    page = await people.at["agent"].get(bar)
    ref = re.search(r'name="ref" value="([^"]+)"', page)
    assert ref is not None
    await people.send("agent", bar, "已移出不再回访名单。", ref=ref[1], reason="本人同意")
    await people.send("agent", calls, REFUSED, path="/visits/recordings/1", status=404)
    await people.send("admin", "/calls/invalid-numbers", REFUSED, key="1", status=404)


async def bind_twice(office: Office) -> None:
    """H101 has a chat on two networks."""
    people = office.application.services.people
    for network in ("telegram", "feishu"):
        opened = await people.create_binding_code("H101", "admin")
        await people.start_binding(network, "7", f"{network}-7", opened.code)
        await people.confirm_binding(network, "7", "7", PHONES["H101"])


async def keep_house(people: People) -> None:
    """Settings, people, shifts, the catalogue and projects."""
    await people.send("admin", "/settings", "已保存：人工回访次数。", key="visit.manual.attempts", value="4")
    await people.send("admin", "/settings", "工作日调整已保存。", day="2026-12-25", value="off")
    binding = "/office/people/{code}/binding"
    await people.send("L101", binding, SHOWN, path="/office/people/H101/binding")
    await bind_twice(people.office)
    chats, path = "/office/people/{code}/chats/{network}/end", "/office/people/H101"
    prefer = "/office/people/{code}/chat-preference"
    await people.send(
        "H101", prefer, "已保存：给李建国的消息先发到Telegram。", path=f"{path}/chat-preference", network="telegram"
    )
    await people.send("admin", chats, "已解除李建国的feishu绑定。", path=f"{path}/chats/feishu/end")
    note = {"path": "/office/readiness/U01", "note": "电话催报"}
    await people.send("dispatcher", "/office/readiness/{code}", "催报已登记。", **note)

    async def change(what: str, said: str, page: str = "", **fields: str) -> None:
        await people.send("L101", "/rosters/{what}", said, page, path=f"/rosters/{what}", unit="U01", **fields)

    shift = {"day": "2026-11-20", "begin": "08:00", "end": "20:00", "person": "H101"}
    await change("keep", "班次已保存。", month="2026-11", **shift)
    page = await people.at["L101"].get("/rosters", unit="U01", month="2026-11")
    number = re.search(r'/rosters/strike".*?name="id" value="(\d+)"', page)
    assert number is not None
    await change("strike", "班次已撤销。", month="2026-11", id=number[1])
    away = {"absent": "H101", "person": "H102", "from": "2026-11-10T08:00", "to": "2026-11-12T08:00"}
    await change("stand-in", "代班已登记。", **away)
    number = re.search(r'/rosters/back".*?name="id" value="(\d+)"', await people.at["L101"].get("/rosters"))
    assert number is not None
    await change("back", "已登记返岗，代班结束。", id=number[1])
    await change("note", "交班事项已登记。", text="灯具到货")
    await change("quiet", "免打扰时段已保存。", begin="22:00", end="07:00")
    row = {"unit": "U01", "keywords": "路灯"}
    await people.send("dispatcher", "/catalogue", "派单目录已新增一条。", **row)
    await people.send("dispatcher", "/catalogue/{id}/remove", "已从派单目录删除一条。", "/catalogue")
    project = {"topic": "路灯不亮", "cause": "老化", "measures": "更换", "tickets": "JS0001"}
    await people.send("dispatcher", "/governance", "治理事项已新建。", **project)

    async def step(who: str, what: str, said: str, **fields: str) -> None:
        await people.send(who, "/governance/{id}/{step}", said, "/hot", path=f"/governance/{{id}}/{what}", **fields)

    await step("dispatcher", "save", "治理事项已保存。", **project)
    await step("dispatcher", "close", "治理事项已办结，等待另一人审核。")
    await step("clerk", "accept", "治理事项已认定，计入当月赋分。")
    await people.send("dispatcher", "/governance", "治理事项已新建。", **project)
    await step("dispatcher", "drop", "治理事项已搁置。")


async def score(people: People) -> None:
    """October is scored, contested and locked; the ledger, registers and knowledge are kept."""
    await import_october(people.office)
    line: Mapping[str, str] = {"kind": "exposure", "unit": "U01", "month": "2026-11", "count": "1", **CARRIED}
    entered, review = "台账已登记一条，等待另一人审核。", "/ledger/{id}/review"
    await people.send("clerk", "/ledger", entered, **line)
    await people.send("admin", review, "该条台账未采纳。", "/ledger?state=entered", accept="no")
    await people.send("clerk", "/ledger", entered, **line)
    await people.send("admin", review, "该条台账已采纳。", "/ledger?state=entered", accept="yes")
    correct, accepted = "/ledger/{id}/correct", "/ledger?state=accepted&month=2026-11"
    await people.send("clerk", correct, "更正已提交，等待另一人审核。", accepted, note="更正", count="2", reason="漏记")
    await people.send("admin", review, "该条台账未采纳。", "/ledger?state=entered", accept="no")
    await people.send("clerk", correct, "作废申请已提交，等待另一人审核。", accepted, void="yes", reason="重复")
    await people.send("clerk", "/ledger/drafts", "已按工单查找，待确认的事项列在下面。", month="2026-11")
    contact = {"path": "/registers/contact", "unit": "U01", "name": "李四", "on_date": "2026-11-01", "role": "leader"}
    await people.send("clerk", "/registers/{kind}", "登记簿已登记一条。", **contact)
    ended = "/registers/contact/{id}/end"
    await people.send("clerk", "/registers/{kind}/{id}/end", "该条登记已终止。", "/registers/contact", path=ended)
    knowledge = {"title": "路灯报修", "body": "拨打热线", "unit": "U01"}
    for accept, said in (("no", "该条知识未采纳。"), ("yes", "该条知识已采纳。")):
        await people.send("dispatcher", "/knowledge", "知识已提交，等待审核。", **knowledge)
        await people.send("reviewer", "/knowledge/{id}/review", said, "/knowledge", accept=accept)

    october = {"unit": "U01", "month": "2026-10"}
    await people.send("clerk", "/scores/unit", re.compile('id="then"'), **october)
    for accept, said in (("no", "未同意剔除。"), ("yes", "已同意剔除。")):
        wanted = {**october, "item": "sign", "tickets": "E1", "reason": "平台故障"}
        await people.send("clerk", "/exclusions", "剔除已登记，等待另一人审核。", **wanted)
        await people.send("admin", "/exclusions/{id}/review", said, "/runs?month=2026-10", accept=accept)
    await people.send("clerk", "/runs", "试算已完成。", period="2026-10")
    run = (await people.office.request("GET", "/score-runs", "clerk"))["items"][0]["id"]
    await people.send("clerk", "/runs/{id}/check", "核对已开始，已通知各单位。", path=f"/runs/{run}/check")
    contest = {"unit": "U01", "item": "sign", "words": "平台故障", "path": f"/runs/{run}/contest"}
    await people.send("H101", "/runs/{id}/contest", "异议已提交，等待处理。", **contest)
    decided = ("/contests/{id}/decision", "处理意见已提交，等待另一人确认。", "/runs")
    await people.send("clerk", *decided, accept="no", reason="平台正常")
    await people.send("admin", "/contests/{id}/confirmation", "处理意见已退回重核。", "/runs", accept="no")
    await people.send("clerk", *decided, accept="no", reason="平台正常")
    await people.send("admin", "/contests/{id}/confirmation", "处理意见已确认。", "/runs", accept="yes")
    await people.office.advance("7d")
    await people.send("admin", "/runs/{id}/lock", "已定稿。", path=f"/runs/{run}/lock")
    await people.send("clerk", "/bulletins", "已开始生成，完成后可在本页下载。", period="2026-10")
    await people.send("clerk", "/imports", REFUSED, kind="connect", file=b"\x00\x01", status=422)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_every_form_says_what_it_did_or_why_it_did_nothing(office: Office) -> None:
    async with AsyncExitStack() as stack:
        people = People(office, stack)
        await office.create_ticket("JS0001")
        await keep_accounts(people)
        await handle_tickets(people)
        await visit(people)
        await keep_house(people)
        await score(people)
        await people.send("admin", "/sync/{id}", REFUSED, path="/sync/1", what="again", status=404)
        await people.send("admin", "/restored", REFUSED, mode="all", status=422)  # signed in long ago
        people.tried |= {"/sign-in", "/sign-out"}
        assert list_forms(office) - people.tried == set()
