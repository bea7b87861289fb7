"""Signing in by name and password, the second factor, links, one's sessions, what administrators may do about accounts."""

import asyncio
import re
from datetime import timedelta

import pyotp
import pytest

from backend.domain.acts import OPERATOR, Account, AccountKind
from backend.domain.refusals import Refused
from backend.identity.sign_in import Attempt
from backend.ports.web import SessionOrigin
from tests.web.browser import Browser, build_form
from tests.web.world import World

GOOD = "晚霞照在玻璃厂的烟囱上 7 点"
OTHER = "雨后的青石板路通向旧码头 9 号"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def person(code: str) -> Account:
    """A person's account."""
    return Account(AccountKind.PERSON, code)


async def give_password(world: World, code: str, password: str = GOOD) -> None:
    """A link issued by the command line, and a password chosen by it."""
    link = await world.services.accounts.issue_link(person(code), OPERATOR)
    await world.services.accounts.choose_password(link.token, password)


async def enter(browser: Browser, name: str, password: str = GOOD) -> tuple[int, str]:
    """Sign in; status, and where it leads or what is said."""
    client = browser.world.client
    form = build_form(name=name, password=password)
    async with client.post("/sign-in", data=form, headers={"Accept": "text/html"}, allow_redirects=False) as answer:
        said = re.search(r'role="alert">([^<]+)', await answer.text())
        return answer.status, answer.headers.get("Location") or (said[1] if said else "")


async def step(browser: Browser, path: str, **fields: str) -> tuple[int, str, str]:
    """Open a step's page and send its form; status, page, where it leads."""
    page = await browser.page(path)
    found = CSRF.search(page)
    assert found is not None
    form = build_form(csrf=found[1], **fields)
    sent = {"Accept": "text/html"}
    async with browser.world.client.post(path, data=form, headers=sent, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


async def enrol(browser: Browser, world: World) -> tuple[str, list[str]]:
    """Set up the second factor that is asked for; its seed and the recovery codes."""
    page = await browser.page("/sign-in/enrol")
    seed, csrf = re.search(r'name="seed" value="([A-Z2-7]{32})"', page), CSRF.search(page)
    assert seed is not None and csrf is not None and "data:image/svg+xml" in page
    code = pyotp.TOTP(seed[1]).at(world.services.clock.real_now())
    form = build_form(csrf=csrf[1], seed=seed[1], code=code)
    async with world.client.post("/sign-in/enrol", data=form, headers={"Accept": "text/html"}) as answer:
        text = await answer.text()
        assert answer.status == 200, text
    return seed[1], re.findall(r"<code>([A-Z2-9-]+)</code>", text)


def next_code(world: World, seed: str) -> str:
    """The code of the next step of time."""
    world.later += 31
    return pyotp.TOTP(seed).at(world.services.clock.real_now())


async def test_a_handler_chooses_a_password_by_a_link_and_signs_in_by_code_or_telephone(
    world: World, browser: Browser
) -> None:
    await browser.sign_in(world.keys["A1"])
    _, shown = await browser.post("/accounts/link", kind="person", ref="H1")
    token = re.search(r"/account/link\?token=([\w-]+)", shown)
    assert token is not None
    browser.world.client.session.cookie_jar.clear()
    for _ in range(2):  # looking uses nothing up
        assert "H1" in await browser.page(f"/account/link?token={token[1]}")
    for password, again, said in (
        ("短", "短", "至少需要 15 个字符"), ("a" * 20, "a" * 20, "容易被猜到"), (GOOD, OTHER, "不一致"),
    ):  # fmt: skip
        status, page = await browser.post("/account/link", token=token[1], password=password, again=again)
        assert status == 422 and said in page
    form = build_form(token=token[1], password=GOOD, again=GOOD)
    async with world.client.post("/account/link", data=form, allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith("/sign-in")
    await browser.page(f"/account/link?token={token[1]}", 410)
    for name in ("H1", "Ｈ１", "13800138007", "138 0013 8007"):
        assert await enter(browser, name) == (303, "/"), name
        assert "/sign-out" in await browser.page("/")
    events = [entry.event for entry in (await world.services.audit.list_entries(limit=50)).items]
    assert {"account_link", "password_set", "sign_in"} <= set(events)


async def test_whoever_guesses_is_told_the_same_of_known_and_unknown_names_FA10(world: World, browser: Browser) -> None:
    await give_password(world, "H1")
    answers = {
        await enter(browser, name, word) for name, word in (("H1", "x"), ("H2", "x"), ("nobody", GOOD), ("A1", ""))
    }
    assert answers == {(401, "账号或密码不正确。")}


async def test_a_known_browser_signs_in_while_strangers_guess_and_no_restart_forgets_them_FA1_XS5(
    world: World, browser: Browser
) -> None:
    await give_password(world, "H1")
    assert (await enter(browser, "H1"))[0] == 303
    device = next(c.value for c in world.client.session.cookie_jar if c.key == "jiesu_device")
    stranger = Attempt(SessionOrigin("password", "", "203.0.113.9"))

    async def guess() -> str:
        try:
            await world.services.sign_in.enter("H1", "a guess", stranger)
        except Refused as refused:
            return refused.code
        return "in"

    codes = [*await asyncio.gather(*(guess() for _ in range(50)))]
    assert codes.count("sign_in_failed") == 10 and codes.count("too_many") == 40
    await world.change()  # another process, the same database
    assert await guess() == "too_many"
    opened = await world.services.sign_in.enter("H1", GOOD, Attempt(stranger.origin, device))
    assert opened.stage == "open"
    for minutes in (1, 2, 4, 8, 15, 15):
        world.later += 60 * minutes + 1
        assert [await guess(), await guess()] == ["sign_in_failed", "too_many"], minutes
    link = await world.services.accounts.issue_link(person("H1"), OPERATOR)  # a link never waits
    await world.services.accounts.choose_password(link.token, OTHER)


async def test_an_address_that_tries_many_names_waits_but_known_browsers_there_do_not_XS5(world: World) -> None:
    await give_password(world, "H1")
    there = SessionOrigin("password", "", "203.0.113.9")
    known = (await world.services.sign_in.enter("H1", GOOD, Attempt(there))).device
    codes = []
    for n in range(25):
        with pytest.raises(Refused) as refused:
            await world.services.sign_in.enter(f"name{n}", "x", Attempt(there))
        codes.append(refused.value.code)
    assert codes == ["sign_in_failed"] * 21 + ["too_many"] * 4
    with pytest.raises(Refused) as refused:
        await world.services.sign_in.enter("H1", GOOD, Attempt(there))
    assert refused.value.code == "too_many"
    assert (await world.services.sign_in.enter("H1", GOOD, Attempt(there, known))).stage == "open"
    elsewhere = SessionOrigin("password", "", "203.0.113.10")
    assert (await world.services.sign_in.enter("H1", GOOD, Attempt(elsewhere))).stage == "open"


async def test_whose_role_needs_a_second_factor_sets_it_up_before_anything_opens_FA9(
    world: World, browser: Browser
) -> None:
    await give_password(world, "D1", "旧码头的灯塔在雨里")
    assert await enter(browser, "D1", "旧码头的灯塔在雨里") == (303, "/sign-in/enrol")
    async with world.client.get("/tickets", allow_redirects=False, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 303
    before = next(c.value for c in world.client.session.cookie_jar if c.key == "jiesu_session")
    status, page, _ = await step(browser, "/sign-in/enrol", seed="A" * 32, code="000000")
    assert status == 422 and "验证码不正确" in page
    seed, codes = await enrol(browser, world)
    assert len(codes) == 10 and all(len(code.replace("-", "")) == 24 for code in codes)
    assert "/sign-out" in await browser.page("/")
    assert await world.services.keys.get_session(before, world.at) is None, "the token of before opens nothing"
    used = pyotp.TOTP(seed).at(world.services.clock.real_now())
    world.client.session.cookie_jar.clear()
    assert await enter(browser, "D1", "旧码头的灯塔在雨里") == (303, "/sign-in/factor")
    assert (await step(browser, "/sign-in/factor", code=used))[0] == 422, "a step is good for once"
    status, _, onward = await step(browser, "/sign-in/factor", code=next_code(world, seed))
    assert (status, onward) == (303, "/")
    for code, status in ((codes[0].lower(), 303), (codes[0], 422), (codes[1].replace("-", " "), 303)):
        world.client.session.cookie_jar.clear()
        await enter(browser, "D1", "旧码头的灯塔在雨里")
        assert (await step(browser, "/sign-in/factor", code=code))[0] == status, code


async def test_a_step_and_a_link_used_by_many_at_once_open_one_session_FA9(world: World) -> None:
    link = await world.services.accounts.issue_link(person("H1"), OPERATOR)
    tries = (world.services.accounts.choose_password(link.token, GOOD) for _ in range(20))
    chosen = await asyncio.gather(*tries, return_exceptions=True)
    assert [isinstance(one, Refused) for one in chosen].count(False) == 1
    accounts, own = world.services.accounts, person("H1")
    seed = accounts.create_seed()
    await accounts.enrol(own, seed, pyotp.TOTP(seed).at(world.services.clock.real_now()))
    code = next_code(world, seed)
    attempt, keys = Attempt(SessionOrigin()), world.services.keys
    halves = [await world.services.sign_in.enter("H1", GOOD, attempt) for _ in range(8)]
    sessions = [await keys.get_session(half.session.token, world.at) for half in halves]
    finished = await asyncio.gather(
        *(
            world.services.sign_in.finish(session, half.session.token, code, attempt)
            for session, half in zip(sessions, halves, strict=True)
            if session is not None
        ),
        return_exceptions=True,
    )
    assert [isinstance(one, Refused) for one in finished].count(False) == 1


async def test_a_changed_password_ends_other_sessions_and_one_ends_ones_own_FA8(world: World, browser: Browser) -> None:
    await give_password(world, "H1")
    attempt, keys = Attempt(SessionOrigin("password", "Firefox · Linux")), world.services.keys
    other = await world.services.sign_in.enter("H1", GOOD, attempt)
    assert (await enter(browser, "H1"))[0] == 303
    page = await browser.page("/account")
    found = CSRF.search(page)
    assert found is not None and "Firefox · Linux" in page and "本次登录" in page
    browser.csrf = found[1]
    status, said = await browser.post("/account/password", old="wrong", new=OTHER, again=OTHER)
    assert status == 422 and "当前密码不正确" in said
    assert (await browser.post("/account/password", old=GOOD, new=OTHER, again=OTHER))[0] == 303
    assert await keys.get_session(other.session.token, world.at) is None
    assert "密码已修改" in await browser.page("/account")
    assert (await enter(browser, "H1", OTHER))[0] == 303
    another = await world.services.sign_in.enter("H1", OTHER, attempt)
    csrf = CSRF.search(await browser.page("/account"))
    assert csrf is not None
    browser.csrf = csrf[1]
    assert (await browser.post("/account/sessions"))[0] == 303
    assert await keys.get_session(another.session.token, world.at) is None
    assert "/sign-out" in await browser.page("/")


async def test_five_sessions_at_once_the_oldest_ends(world: World) -> None:
    await give_password(world, "H1")
    opened = []
    for _ in range(7):
        world.at += timedelta(seconds=1)
        opened.append((await world.services.sign_in.enter("H1", GOOD, Attempt(SessionOrigin()))).session.token)
    alive = [await world.services.keys.get_session(token, world.at) is not None for token in opened]
    assert alive == [False] * 2 + [True] * 5


async def test_a_second_factor_is_taken_away_by_two_administrators_only(world: World) -> None:
    await give_password(world, "H1")
    accounts = world.services.accounts
    seed = accounts.create_seed()
    await accounts.enrol(person("H1"), seed, pyotp.TOTP(seed).at(world.services.clock.real_now()))
    snapshot = await world.services.office.snapshot()
    from backend.domain.acts import Actor

    one, two = Actor.of(snapshot.by_code["A1"]), Actor.of_administrator("root")
    assert await accounts.remove_factor(person("H1"), one) is False
    with pytest.raises(Refused, match="same_person"):
        await accounts.remove_factor(person("H1"), one)
    with pytest.raises(Refused, match="forbidden"):
        await accounts.remove_factor(person("H1"), Actor.of(snapshot.by_code["D1"]))
    assert await accounts.remove_factor(person("H1"), two) is True
    stored = await accounts.find_own(person("H1"))
    assert stored is not None and stored.factor is None and stored.codes_left == 0


async def test_the_first_link_names_the_first_administrator_and_is_gone_once_there_is_one_FA6(
    world: World, browser: Browser
) -> None:
    accounts = world.services.accounts
    first, again = await accounts.issue_first_link(), await accounts.issue_first_link()
    assert first is not None and again is not None
    for name in ("operator", "a:b", "", "x" * 41):
        with pytest.raises(Refused):
            await accounts.choose_password(again.token, GOOD, name)
    await accounts.choose_password(again.token, GOOD, "王工")
    for token in (first.token, again.token):
        with pytest.raises(Refused, match="link_spent"):
            await accounts.open_link(token)
    assert await accounts.issue_first_link() is None
    assert await enter(browser, "王工") == (303, "/sign-in/enrol")
    await enrol(browser, world)
    page = await browser.page("/accounts")
    found = CSRF.search(page)
    assert found is not None and "王工" in page
    browser.csrf = found[1]
    assert (await browser.post("/settings", key="sign.general.limit", value="2wd"))[0] == 303
    changed = (await world.services.audit.list_entries(limit=5)).items
    assert any(entry.actor == "operator:王工" for entry in changed)
    assert (await browser.post("/accounts/close", kind="administrator", ref="王工"))[0] == 422, "not oneself"


async def test_nothing_that_secures_an_account_changes_on_a_forgotten_screen(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    world.at += timedelta(minutes=6)
    status, page = await browser.post("/accounts/link", kind="person", ref="H1")
    assert status == 403 and "5 分钟内" in page
    for role in ("D1", "S1", "O1", "H1"):
        await browser.sign_in(world.keys[role])
        await browser.page("/accounts", 403)
        assert (await browser.post("/accounts/link", kind="person", ref="H1"))[0] == 403
        status, _ = await world.request(role, "POST", "/account-links", {"person": "H1"})
        assert status == 403
    assert (await world.request("A1", "POST", "/account-links", {"person": "H1"}))[0] == 403, "no key issues a link"


async def test_who_leaves_signs_in_no_more_FA7(world: World, browser: Browser) -> None:
    await give_password(world, "H1")
    assert (await enter(browser, "H1"))[0] == 303
    gone = {"code": "H1", "name": "人H1", "unit": "U01", "role": "handler", "active": False}
    assert (await world.request("A1", "POST", "/people", gone))[0] in (200, 201)
    assert "/sign-in" in await browser.page("/")
    assert await enter(browser, "H1") == (401, "账号或密码不正确。")
    with pytest.raises(Refused, match="unknown_person"):
        await world.services.accounts.issue_link(person("H1"), OPERATOR)


@pytest.mark.proves("identity.second_factor")
async def test_an_office_says_which_roles_need_a_second_factor(world: World, browser: Browser) -> None:
    await give_password(world, "H1")
    await give_password(world, "D1", "旧码头的灯塔在雨里")
    change = {"value": "handler,admin"}
    assert (await world.request("A1", "PUT", "/settings/identity.second_factor", change))[0] == 200
    assert (await enter(browser, "H1"))[1] == "/sign-in/enrol"
    assert (await enter(browser, "D1", "旧码头的灯塔在雨里"))[1] == "/"
    link = await world.services.accounts.issue_link(person("D1"), OPERATOR)
    assert (await world.services.accounts.open_link(link.token)).least == 15, "now it is all that keeps the account"
