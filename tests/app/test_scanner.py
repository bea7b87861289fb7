"""A configured scanner stands before every file of the running application, and the doctor tries it (XS13)."""

import shlex
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from backend.app.build import open_application
from backend.app.build_scanner import build_scanner
from backend.app.build_services import open_services
from backend.app.config import Config
from backend.cli.doctor import run_checks
from backend.domain.acts import OPERATOR
from backend.domain.refusals import Refused
from notify.scanner import build_test_file
from tests.cli.test_config import STRONG, refusal
from tests.domain.file_structure.samples import PDF, pdf, stream
from tests.notify.icap_server import CLEAN, IcapServer, Received, encapsulate

INFECTED = pdf(stream(build_test_file()))
SCAN = "import sys; found = b'EICAR' in sys.stdin.buffer.read(); print('Eicar FOUND' if found else 'OK'); sys.exit(7 * found)"
COMMAND = shlex.join((sys.executable, "-I", "-c", SCAN))


def find_eicar(received: Received) -> bytes:
    blocked = encapsulate("HTTP/1.1 403 Forbidden", b"no", headers="X-Virus-ID: Eicar\r\n")
    return blocked if b"EICAR" in received.file else CLEAN


@pytest.mark.parametrize("how", ["command", "icap"])
async def test_uploads_and_imports_pass_the_configured_scanner_XS13(tmp_path: Path, sqlite_url: str, how: str) -> None:
    server = IcapServer(respond=find_eicar)
    listening = await server.start()
    chosen: dict[str, Any] = (
        {"scan_url": server.url} if how == "icap" else {"scan_command": COMMAND, "scan_infected_status": "7, 9"}
    )
    config = Config(
        data=tmp_path / "var", database_url=sqlite_url, port=0, sandbox=True, samples=True, tick_seconds=600, **chosen
    )
    rows = "code,name,kind,region\nU9,测试局,handling,A市\n".encode()
    infected_rows = rows + b"U8," + build_test_file().replace(b",", b"") + b",handling,\n"
    async with open_application(config) as app, aiohttp.ClientSession() as http:

        async def send(path: str, content: bytes) -> tuple[int, str]:
            form = aiohttp.FormData()
            form.add_field("file", content, filename="f")
            headers = {"Authorization": f"Bearer {app.services.process_token}"}
            async with http.post(f"{app.config.base_url}/api/v1{path}", data=form, headers=headers) as answer:
                return answer.status, (await answer.json()).get("error", {}).get("code", "")

        assert await send("/files", PDF) == (201, "")
        assert await send("/files", INFECTED) == (422, "file_infected")
        assert await send("/imports/units", infected_rows) == (422, "file_infected")
        assert (await send("/imports/units", rows))[0] in (200, 201)
        assert [one.event for one in (await app.services.audit.list_entries()).items].count("file_infected") == 2
    file = tmp_path / "units.csv"
    file.write_bytes(infected_rows)
    async with open_services(config) as built:  # as a command does without a server
        with pytest.raises(Refused, match="file_infected"):
            await built.services.imports.import_file("units", "units.csv", file, OPERATOR)
        report = await built.services.imports.import_file("units", "feed", infected_rows, OPERATOR, is_ours=True)
        assert report["read"] == 2, "what was put together here is no file"
    listening.close()
    assert server.refusals == [] and len(server.received) == (5 if how == "icap" else 0)


WRONG: dict[str, dict[str, Any]] = {
    "JIESU_SCAN_COMMAND, JIESU_SCAN_URL": {"scan_command": "scan", "scan_url": "icap://127.0.0.1/x"},
    "JIESU_SCAN_COMMAND": {"scan_command": "scan 'x"},
    "JIESU_SCAN_URL": {"scan_url": "http://127.0.0.1/x"},
    "JIESU_SCAN_INFECTED_STATUS": {"scan_infected_status": "0"},
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_scanner_that_could_not_be_asked_is_refused_at_the_start_XS13(tmp_path: Path, setting: str) -> None:
    base: dict[str, Any] = {"data": tmp_path, "secret_key": STRONG}
    assert refusal(**base, **WRONG[setting]) == "scanner_unusable"
    assert refusal(**base, scan_url="icap://10.1.2.3/scan") == "address_refused"
    assert refusal(**base, scan_url="icap://10.1.2.3/scan", outgoing_allow="10.1.2.3") == ""
    assert refusal(**base, scan_url="icaps://scan.example/scan") == ""
    assert refusal(**base, scan_command="clamdscan --fdpass {file}", scan_infected_status="1,3") == ""


EXAMINED = {
    COMMAND: ("ok", "scanner"),
    shlex.join((sys.executable, "-I", "-c", "import sys; sys.stdin.read()")): ("broken", "scanner_blind"),
    shlex.join((sys.executable, "-I", "-c", "import sys; sys.exit(7)")): ("broken", "scanner_strict"),
    "/no/such/program": ("broken", "scanner_silent"),
    f"{shlex.join((sys.executable, '-I', '-c', 'import time; time.sleep(9)'))}": ("broken", "scanner_silent"),
    "": ("ok", "absent"),
}  # fmt: skip


@pytest.mark.parametrize("command", EXAMINED)
async def test_the_doctor_shows_it_a_plain_file_and_the_test_virus_XS13(tmp_path: Path, command: str) -> None:
    config = Config(data=tmp_path, sandbox=True, scan_command=command, scan_infected_status="7", scan_timeout_seconds=1)
    (found,) = [check for check in await run_checks(config, lambda *_: {}) if check.name == "scanner"]
    assert (str(found.health), found.what) == EXAMINED[command]
    assert build_scanner(Config(data=tmp_path)) is None
