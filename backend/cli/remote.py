"""Calls the running server over its API, so that only one process writes its database file."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backend.domain.refusals import Refused
from backend.doorplate import Plate

QUICK = 3.0  # seconds after which a server that does not answer counts as gone
PATIENT = 3_600.0  # seconds a large import may take
#: Never through a proxy: both processes run on one machine.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class Server:
    """A client of a running server."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON and return the JSON answer. Refused with the server's code, or `server_silent`."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json", 60.0)

    def take(self, path: str) -> bytes:
        """Download a file. Refused as `ask`."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with _OPEN(request, timeout=60.0) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as no:
            raise _refusal(no) from None
        except OSError:
            raise Refused("server_silent", url=self.url) from None

    def send_file(self, path: str, file: Path, fields: Sequence[tuple[str, str]]) -> Any:
        """Upload a file with form fields and return the JSON answer. Refused as `ask`."""
        edge = secrets.token_hex(16)
        parts = [_part(edge, f'name="{_plain(name)}"', value.encode()) for name, value in fields]
        name = quote(file.name, safe=". ()-")
        parts.append(_part(edge, f'name="file"; filename="{name}"', file.read_bytes()))
        body = b"".join(parts) + f"--{edge}--\r\n".encode()
        return self._send("POST", path, body, f"multipart/form-data; boundary={edge}", PATIENT)

    def _send(self, method: str, path: str, data: bytes | None, kind: str, seconds: float) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _OPEN(request, timeout=seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as no:
            raise _refusal(no) from None
        except (OSError, ValueError):
            raise Refused("server_silent", url=self.url) from None


def server_at(plate: Plate) -> Server | None:
    """Return a client of the server in a run file, if it answers."""
    try:
        with _OPEN(f"{plate.url}/healthz", timeout=QUICK) as answer:
            alive = answer.status == 200
    except (OSError, ValueError):
        return None
    return Server(plate.url, plate.token) if alive else None


def _refusal(no: urllib.error.HTTPError) -> Refused:
    try:
        said: Mapping[str, Any] = json.load(no)["error"]
        refused = Refused(str(said["code"]), **{str(k): v for k, v in dict(said.get("details") or {}).items()})
    except (ValueError, KeyError, TypeError):
        return Refused("server_silent", url=no.url)
    return refused


def _part(edge: str, words: str, content: bytes) -> bytes:
    return f"--{edge}\r\nContent-Disposition: form-data; {words}\r\n\r\n".encode() + content + b"\r\n"


def _plain(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "").replace("\n", "")
