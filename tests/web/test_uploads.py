"""Files at the doors of the web: judged as a whole and scanned, refused in words, and nothing lost (XS13)."""

from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import func, select

from backend.tickets.files import MAX_NAME_LENGTH, to_safe_name
from storage import tables as t
from tests.domain.file_structure.samples import JPEG, PDF, PNG, archive, pdf
from tests.web.browser import Browser
from tests.web.world import World

ACTIVE_PDF = pdf(b"7 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n")
POLYGLOT = PNG + archive()


async def count_files(world: World) -> int:
    return await world.db.read(lambda c: c.execute(select(func.count()).select_from(t.files)).scalar_one())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (POLYGLOT, "file_disguised"), (JPEG + archive(), "file_disguised"), (PDF + archive(), "file_disguised"),
        (b"\n" + PDF, "file_type"), (b"GIF89a=1;alert(1)//", "file_type"), (PNG[:-1], "file_broken"),
    ],
)  # fmt: skip
async def test_a_file_that_is_two_things_is_refused_by_the_api_XS13(
    sqlite_world: World, content: bytes, code: str
) -> None:
    status, answer = await sqlite_world.upload("H1", content)
    assert (status, answer["error"]["code"]) == (422, code) and len(answer["error"]["message"]) > 8
    assert await count_files(sqlite_world) == 0 and sqlite_world.scanner.shown == []


async def test_what_a_camera_appended_is_not_stored_XS13(sqlite_world: World) -> None:
    status, file = await sqlite_world.upload("H1", JPEG + b"\0\0\0\x18ftypmp42" + bytes(99), "照片.jpg")
    assert (status, file["size"], file["kind"]) == (201, len(JPEG), "jpeg")


async def test_malware_is_refused_and_on_record_XS13(world: World) -> None:
    world.scanner.found = "Eicar-Signature"
    status, answer = await world.upload("H1", PDF)
    assert (status, answer["error"]["code"]) == (422, "file_infected") and "Eicar-Signature" in answer["error"][
        "message"
    ]
    assert world.scanner.shown == [PDF] and await count_files(world) == 0
    entries = (await world.services.audit.list_entries()).items
    (entry,) = [one for one in entries if one.event == "file_infected"]
    assert entry.actor == "H1" and entry.facts["found"] == "Eicar-Signature" and len(entry.facts["sha256"]) == 64


async def test_while_the_scanner_is_away_nothing_is_taken_and_it_goes_again_under_one_key_XS13(world: World) -> None:
    world.scanner.away = "timeout"

    async def send() -> tuple[int, Any, str | None]:
        form = FormData()
        form.add_field("file", PDF, filename="a.pdf")
        headers = {"Authorization": f"Bearer {world.keys['H1']}", "Idempotency-Key": "f"}
        async with world.client.post("/api/v1/files", data=form, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers.get("Retry-After")

    status, answer, later = await send()
    assert (status, answer["error"]["code"], later) == (503, "scanner_away", "5")
    assert world.alarms == [("scanner_away", {"why": "timeout"})] and await count_files(world) == 0
    world.scanner.away = ""
    assert (await send())[0] == 201 and await count_files(world) == 1


@pytest.mark.parametrize(
    ("content", "scanner", "words"),
    [
        (POLYGLOT, {}, "夹带着其他内容"),
        (PDF, {"found": "Eicar"}, "未通过病毒查杀（Eicar）"),
        (PDF, {"away": "silent"}, "病毒查杀暂时不可用"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_form_of_the_console_says_so_and_keeps_what_was_typed_XS13(
    world: World, browser: Browser, content: bytes, scanner: dict[str, str], words: str
) -> None:
    await world.dispatch_ticket()
    await world.act("H1", "T1", "sign")
    await browser.sign_in(world.keys["H1"])
    for name, value in scanner.items():
        setattr(world.scanner, name, value)
    fields = {"reason_code": "other", "reason": "不属于我局职责", "signed_by": "seal", "files": content}
    status, page = await browser.post("/tickets/T1/acts/return", **fields)
    assert status in (422, 503) and words in page and "不属于我局职责" in page
    assert (await world.load())["state"] == "signed" and await count_files(world) == 0


async def test_while_the_scanner_is_away_every_page_and_the_probe_say_so_and_the_office_is_alive_XS13(
    world: World, browser: Browser
) -> None:
    await browser.sign_in(world.keys["A1"])
    for away, degraded in (("timeout", ["scanner_away"]), ("", [])):
        world.scanner.away = away
        await world.screening.probe()
        assert ("病毒查杀不可用" in await browser.page("/")) is bool(degraded)
        status, report = await world.request(None, "GET", "/readyz")
        assert (status, report["degraded"]) == (200 if report["ok"] else 503, degraded)
        assert "scanner_away" not in report["red"]


NAMES = {
    ("report.exe", "png"): "report.png", ("照片.PNG", "png"): "照片.PNG", ("photo.jpeg", "jpeg"): "photo.jpeg", ("a.JPG", "jpeg"): "a.JPG",
    ("a.pdf.exe", "pdf"): "a.pdf", ("a.png", "pdf"): "a.pdf", ("情况说明2026.11.30", "pdf"): "情况说明2026.11.30.pdf", ("说明", "png"): "说明.png",
    ("..exe", "png"): "exe.png", ("", "png"): "file.png", ("../../x.sh", "pdf"): "x.pdf", ("a.\u202egnp.exe", "png"): "a.gnp.png",
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind"), NAMES)
def test_a_file_is_called_by_what_it_is_XS13(given: str, kind: str) -> None:
    assert to_safe_name(given, kind) == NAMES[given, kind]
    assert len(to_safe_name("x" * 300 + given, kind)) <= MAX_NAME_LENGTH


async def test_a_picture_is_not_handed_out_as_a_program_XS13(sqlite_world: World) -> None:
    status, stored = await sqlite_world.upload("H1", PNG, "report.exe")
    assert (status, stored["name"]) == (201, "report.png")
    async with sqlite_world.client.get(
        f"/api/v1/files/{stored['id']}", headers={"Authorization": f"Bearer {sqlite_world.keys['H1']}"}
    ) as answer:
        assert "report.png" in answer.headers["Content-Disposition"]
    status, answer = await sqlite_world.upload("H1", ACTIVE_PDF)
    assert (status, answer["error"]["code"]) == (422, "file_active")
