"""Lets a rehearsal call over the simulated application: `JIESU_VOICE=vonage`."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.carriers import Rehearsed, SimulatedCarrier, Surroundings
from sandbox.telephone.handset_call import HandsetCall
from sandbox.telephone.model import HookUrl
from sandbox.vonage.execution import CallExecution
from sandbox.vonage.network import VonageNetwork
from sandbox.vonage.rest import VonageRest

NUMBER = "+861084012345"
CALLS_PER_SECOND = "200"  # the simulated carrier has lines enough
NAME = "vonage"
KEY_FILE = "sandbox-vonage.pem"


class VonageApplication(VonageNetwork):
    """The application with its API and its number."""

    def build_app(self) -> web.Application:
        """Build its API."""
        return VonageRest(self).build_app()

    async def take_inbound(self, live: HandsetCall) -> None:
        """Put a person through who calls the number."""
        self.conversations[live.sid] = f"CON-{self.create_id()}"
        await CallExecution(self, live).run_inbound(HookUrl(f"{self.public_url}/hooks/vonage/inbound"))

    def adopt_number(self) -> None:
        """Let people who call the office reach this application."""
        self.exchange.take_inbound, self.exchange.create_inbound_id = self.take_inbound, self.create_id


def build_settings(api_url: str, derive_secret: Callable[[str], str], folder: Path) -> dict[str, str]:
    """Return the driver's settings; the application's key is made once and kept with the rehearsal's data."""
    digits = derive_secret("vonage application")
    return {
        "application_id": f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}",
        "private_key": str(_keep_key(folder / KEY_FILE)),
        "signature_secret": derive_secret("vonage signature"),
        "from": NUMBER,
        "api_url": api_url,
        "calls_per_second": CALLS_PER_SECOND,
    }


def create_key() -> str:
    """Return a new private key as PEM."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def _keep_key(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file
    with os.fdopen(handle, "w") as kept:
        kept.write(create_key())
    return file


def build_carrier(around: Surroundings, settings: Mapping[str, str]) -> SimulatedCarrier:
    """Build the application of these settings."""
    given = settings["private_key"]
    key = given if "-----BEGIN" in given else Path(given).read_text("ascii")
    return VonageApplication(
        around.exchange,
        public_url=around.public_url,
        application=settings["application_id"],
        private_key=key,
        secret=settings["signature_secret"],
        number=settings["from"],
        real_time=around.real_time,
        random_bytes=around.random_bytes,
        send_request=around.send_request,
    )


def build(_: Mapping[str, str]) -> Rehearsed:
    """Return what a rehearsal needs of this carrier."""
    return Rehearsed(build_settings, build_carrier)
