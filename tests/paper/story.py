"""A story over the network `paper`, run where the copied drivers' folder has it: bound, told, signed, replied there."""

import asyncio
import sys
from pathlib import Path

from backend.domain.texts import Texts
from notify.chat import paper  # type: ignore[attr-defined]  # the copy
from tests.stories.office import Office, open_office

KEY = "k1"


class Writer:
    """A handler at their desk, who reaches the office over the network only."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.number = 0

    async def post(self, key: str = KEY, **what: object) -> tuple[int, str]:
        """Call the office's webhook, as the network does."""
        self.number += 1
        body = {"id": self.number, "user": "u1", "desk": "d1", **what}
        url, headers = f"{self.office.config.base_url}/hooks/paper", {paper.KEY_HEADER: key}
        async with self.office.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def write(self, text: str, **what: object) -> str:
        """Write something; the newest sheet afterwards."""
        assert (await self.post(text=text, **what))[0] == 200
        await self.office.settle()
        return self.read()

    def read(self) -> str:
        return str(list(paper.DESK.sheets.values())[-1][1].text)


async def tell(folder: Path) -> None:
    """Tell it; whatever is not as it should be raises."""
    async with open_office(folder, f"sqlite:///{folder / 'office.db'}") as office:
        assert sorted(office.application.built.drivers.networks) == ["paper", "telegram"]
        writer = Writer(office)
        assert (await writer.post("wrong", text="你好"))[0] == 401
        opened = await office.request("POST", "/people/H101/binding", "admin", {})
        assert "绑定成功" in await writer.write(f"绑定 {opened['code']}")
        await office.dispatch_ticket("JS0001")
        sheet = str(len(paper.DESK.sheets))
        assert "JS0001" in writer.read()
        button = paper.DESK.sheets[sheet][1].buttons[0][0]
        status, said = await writer.post(sheet=sheet, tick=button.data)
        assert status == 200 and "已签收。" in said and "JS0001" in said, said
        await office.settle()
        assert await office.state("JS0001") == "signed"
        await writer.write("答复 路灯已经更换，今晚起恢复照明，已电话告知。", about=sheet)
        assert await office.state("JS0001") == "replied"
        moves = [move for move in await office.list_moves("JS0001") if move["source"] == "paper"]
        assert [(move["verb"], move["by"]) for move in moves] == [("sign", "H101"), ("reply", "H101")]
        assert Texts().get_word("source", "paper") == "纸条"
        await office.assert_in_order()


if __name__ == "__main__":
    asyncio.run(tell(Path(sys.argv[1])))
    print("told")
