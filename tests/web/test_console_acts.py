"""The console's forms for rarer acts: an arbitration that names the unit, a flag removed, advice on a reply."""

import pytest

from tests.web.browser import Browser
from tests.web.world import PDF, World

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_the_reviewer_names_the_unit_where_the_return_is_to_be_arbitrated_Q44(
    world: World, browser: Browser
) -> None:
    await world.create_ticket()
    for unit, handler, accept in (("U01", "H1", "yes"), ("U02", "H9", "")):
        await world.act("D1", "T1", "dispatch", unit=unit)
        await world.act(handler, "T1", "sign")
        await browser.sign_in(world.keys[handler])
        fields = {"reason_code": "other", "reason": "不属于", "signed_by": "seal", "files": PDF}
        assert (await browser.post("/tickets/T1/acts/return", **fields))[0] == 303
        await browser.sign_in(world.keys["R1"])
        form = (await browser.page("/tickets/T1")).partition("/acts/decide_return")[2].partition("</form>")[0]
        assert ('name="unit"' in form) is (unit == "U02")
        if accept:
            assert (await browser.post("/tickets/T1/acts/decide_return", accept=accept))[0] == 303
    status, text = await browser.post("/tickets/T1/acts/decide_return", accept="yes", unit="U01", reason="属住建职责")
    assert status == 303, text[-2000:]
    ticket = await world.load()
    assert ticket["state"] == "dispatched" and ticket["assignments"][-1]["unit"] == "U01"


async def test_a_flag_is_removed_as_it_is_set_and_a_curt_reply_gets_advice_first_Q32_A20_XM32(
    world: World, browser: Browser
) -> None:
    await world.sign_ticket()
    await browser.sign_in(world.keys["D1"])
    raised = {"flag": "confidential", "reason": "诉求人要求"}
    assert (await browser.post("/tickets/T1/acts/flag", raised="yes", **raised))[0] == 303
    assert (await world.load())["flags"] == ["confidential"]
    assert (await browser.post("/tickets/T1/acts/flag", raised="no", **raised))[0] == 303
    await browser.sign_in(world.keys["R1"])
    assert "/acts/decide_flag" in await browser.page("/tickets/T1")
    assert (await browser.post("/tickets/T1/acts/decide_flag", flag="confidential", accept="yes"))[0] == 303
    assert (await world.load())["flags"] == []
    await browser.sign_in(world.keys["H1"])
    curt = "这事办不了，您找其他部门吧"
    status, page = await browser.post("/tickets/T1/acts/reply", text=curt, way="phone")
    assert status == 200 and "语气较生硬" in page and "仍然提交" in page and curt in page
    assert (await world.load())["state"] == "signed"  # nothing is kept before it is confirmed (XM32)
    status, page = await browser.post("/tickets/T1/acts/reply", text=curt, way="phone", all_the_same="yes")
    assert status == 303 and (await world.load())["state"] == "replied"
    status, page = await browser.post("/tickets/T1/acts/amend", text="管不了")
    assert status == 200 and "语气较生硬" in page
    assert (await browser.post("/tickets/T1/acts/amend", text="已转供电公司办理，三日内给您回电说明进展。"))[0] == 303
    assert "语气较生硬" not in await browser.page("/tickets/T1")
