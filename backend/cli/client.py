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

from backend.app.runfile import RunFile
from backend.domain.refusals import Refused

PROBE_SECONDS = 3.0  # seconds after which a server that does not answer counts as gone
UPLOAD_SECONDS = 3_600.0  # seconds a large import may take
#: Never through a proxy: both processes run on one machine.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class ServerClient:
    """A client of a running server."""

    url: str
    token: str

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON and return the JSON answer. Refused with the server's code, or `server_silent`."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json", 60.0)

    def download(self, path: str) -> bytes:
        """Download a file. Refused as `ask`."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with _OPEN(request, timeout=60.0) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise _parse_refusal(error) from None
        except OSError:
            raise Refused("server_silent", url=self.url) from None

    def send_file(self, path: str, file: Path, fields: Sequence[tuple[str, str]]) -> Any:
        """Upload a file with form fields and return the JSON answer. Refused as `ask`."""
        boundary = secrets.token_hex(16)
        parts = [_build_part(boundary, f'name="{_escape_header(name)}"', value.encode()) for name, value in fields]
        name = quote(file.name, safe=". ()-")
        parts.append(_build_part(boundary, f'name="file"; filename="{name}"', file.read_bytes()))
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self._send("POST", path, body, f"multipart/form-data; boundary={boundary}", UPLOAD_SECONDS)

    def _send(self, method: str, path: str, data: bytes | None, kind: str, seconds: float) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _OPEN(request, timeout=seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _parse_refusal(error) from None
        except (OSError, ValueError):
            raise Refused("server_silent", url=self.url) from None


def connect(run_file: RunFile) -> ServerClient | None:
    """Return a client of the server in a run file, if it answers."""
    try:
        with _OPEN(f"{run_file.url}/healthz", timeout=PROBE_SECONDS) as answer:
            alive = answer.status == 200
    except (OSError, ValueError):
        return None
    return ServerClient(run_file.url, run_file.token) if alive else None


def _parse_refusal(error: urllib.error.HTTPError) -> Refused:
    try:
        body: Mapping[str, Any] = json.load(error)["error"]
        refused = Refused(str(body["code"]), **{str(k): v for k, v in dict(body.get("details") or {}).items()})
    except (ValueError, KeyError, TypeError):
        return Refused("server_silent", url=error.url)
    return refused


def _build_part(boundary: str, disposition: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def _escape_header(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "").replace("\n", "")
