"""The console's forms for the rarer rows of the table: an arbitration that names the unit, a flag lifted, advice on a reply."""

import pytest

from tests.web.test_console import Visitor
from tests.web.world import PDF, House

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_the_reviewer_names_the_unit_where_the_return_is_to_be_arbitrated_Q44(house: House) -> None:
    visitor = Visitor(house)
    for unit, handler, accept in (("U01", "H1", "yes"), ("U02", "H9", "")):
        if unit == "U01":
            await house.ticket()
        await house.act("D1", "T1", "dispatch", unit=unit)
        await house.act(handler, "T1", "sign")
        await visitor.sign_in(house.keys[handler])
        words = {"reason_code": "other", "reason": "不属于", "signed_by": "seal", "files": PDF}
        assert (await visitor.post("/tickets/T1/acts/return", **words))[0] == 303
        await visitor.sign_in(house.keys["R1"])
        form = (await visitor.page("/tickets/T1")).partition("/acts/decide_return")[2].partition("</form>")[0]
        assert ('name="unit"' in form) is (unit == "U02")
        if accept:
            assert (await visitor.post("/tickets/T1/acts/decide_return", accept=accept))[0] == 303
    status, text = await visitor.post("/tickets/T1/acts/decide_return", accept="yes", unit="U01", reason="属住建职责")
    assert status == 303, text[-2000:]
    ticket = (await house.ask("A1", "GET", "/tickets/T1"))[1]
    assert ticket["state"] == "dispatched" and ticket["assignments"][-1]["unit"] == "U01"


async def test_a_flag_is_removed_as_it_is_set_and_a_curt_reply_gets_advice_Q32_A20(house: House) -> None:
    visitor = Visitor(house)
    await house.signed()
    await visitor.sign_in(house.keys["D1"])
    raised = {"flag": "confidential", "reason": "诉求人要求"}
    assert (await visitor.post("/tickets/T1/acts/flag", raised="yes", **raised))[0] == 303
    assert (await house.ask("A1", "GET", "/tickets/T1"))[1]["flags"] == ["confidential"]
    assert (await visitor.post("/tickets/T1/acts/flag", raised="no", **raised))[0] == 303
    await visitor.sign_in(house.keys["R1"])
    assert "/acts/decide_flag" in await visitor.page("/tickets/T1")
    assert (await visitor.post("/tickets/T1/acts/decide_flag", flag="confidential", accept="yes"))[0] == 303
    assert (await house.ask("A1", "GET", "/tickets/T1"))[1]["flags"] == []
    await visitor.sign_in(house.keys["H1"])
    assert (await visitor.post("/tickets/T1/acts/reply", text="这事办不了，您找其他部门吧", way="phone"))[0] == 303
    assert "语气较生硬" in await visitor.page("/tickets/T1")
    assert (await visitor.post("/tickets/T1/acts/amend", text="已转供电公司办理，三日内给您回电说明进展。"))[0] == 303
    assert "语气较生硬" not in await visitor.page("/tickets/T1")
