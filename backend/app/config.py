"""Process configuration from environment variables, then `jiesu.toml` (contract §2)."""

import os
import secrets
import shlex
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from backend.app.driver_settings import check_drivers, gather_driver_settings
from backend.app.secret_strength import SHARED_BITS, is_strong_secret
from backend.domain.addresses import Addresses, is_anywhere, is_loopback, read_host
from backend.domain.profiles import CHOOSING
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import find_setting
from backend.office.settings import check_profile
from notify.outgoing import Outgoing

LEASE_TIMEOUTS = 3  # time-outs that a lease lasts at least, so that no request outlives it (XR7)
MAX_PROVIDER_TIMEOUT = 40  # seconds; a third of the fixed lease of an SMS (backend/delivery/sms.py)
SANDBOX_MARK = "sandbox:"  # how the key of a rehearsal begins
OWN_URLS = frozenset(("public_url", "database_url", "redis_url"))  # every other address is a provider's


def _is_loopback(written: str) -> bool:
    host = read_host(written)
    return host is not None and is_loopback(host)


def _build_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host and not host.startswith("[") else f"http://{host}:{port}"


class TomlSource(TomlConfigSettingsSource):
    """Settings from `jiesu.toml`, by field name or by environment name: `profile`, `JIESU_PROFILE`."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        settings = {name.lower().removeprefix("jiesu_"): value for name, value in self.init_kwargs.items()}
        self.init_kwargs = {**settings, "drivers": gather_driver_settings(settings, settings_cls.model_fields)}


class DriverSource(PydanticBaseSettingsSource):
    """The settings of drivers from the environment: `JIESU_<DRIVER>_<NAME>`; an empty one is not set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """Return no field on its own."""
        return None, field_name, False

    def __call__(self) -> dict[str, object]:
        """Return the settings by driver."""
        names = {name.lower().removeprefix("jiesu_"): value for name, value in os.environ.items() if _is_ours(name)}
        return {"drivers": gather_driver_settings(names, self.settings_cls.model_fields)}


def _is_ours(name: str) -> bool:
    return name.lower().startswith("jiesu_")


class Config(BaseSettings):
    """The settings of contract §2; the environment variable is `JIESU_` and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="JIESU_", toml_file="jiesu.toml", extra="ignore", env_ignore_empty=True, frozen=False
    )

    data: Path = Path("var")
    #: marks that must outlive the database or be known without it; better on another disk than the data
    state: Path = Field(default_factory=lambda given: given["data"] / "state")
    backup_to: Path | None = None  # folder of the daily backups; none are made without it
    database_url: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    secret_key: SecretStr = SecretStr("")
    secret_key_old: SecretStr = SecretStr("")
    profile: str = Field(default_factory=lambda: find_setting(CHOOSING).default or "")
    timezone: str = "Asia/Shanghai"
    sandbox: bool = False
    sandbox_open: bool = False  # the rehearsal's pages may be reached from other machines, behind sign-in (XS6)
    allowed_hosts: str = ""  # further names, by commas, under which this server is reached
    trusted_proxies: str = ""  # networks of our proxies, by commas: what they say of who asks is believed
    proxy_header: str = "X-Forwarded-For"  # the header they add the address to
    samples: bool = False  # import the invented sample office at the start of a rehearsal (`make run` sets it)
    chat: str = ""  # chat networks, by commas, all at once; empty: those that have been given settings
    voice: str = ""  # voice carriers by preference, by commas; empty: likewise
    sms: str = ""  # SMS gateways, likewise
    #: driver → its settings without their prefix; what each reads, it says itself (notify/driver.py)
    drivers: dict[str, dict[str, str]] = Field(default_factory=dict, repr=False)
    platform_url: str = ""  # where moves are written back when another platform holds the record
    platform_feed_url: str = ""  # where its new demands are fetched
    platform_secret: SecretStr = SecretStr("")
    platform_secret_old: SecretStr = SecretStr("")  # still accepted from the platform during a key change
    alarm_url: str = ""  # alarms are posted there as well
    heartbeat_url: str = ""  # the dead-man's switch: requested each minute, with /fail when red
    outgoing_allow: str = ""  # hosts and networks, by commas, that may be private or without https (XS9)
    scan_command: str = ""  # the malware scanner's program with its arguments; {file} is the path, else it is the input
    scan_infected_status: str = "1"  # exit statuses, by commas, by which it says that it found something
    scan_url: str = ""  # or its address: icap://host[:1344]/service, icaps://…
    scan_timeout_seconds: float = Field(default=30.0, ge=1, le=120)  # longest wait for its verdict on a file
    tick_seconds: float = Field(default=2.0, gt=0, le=3600)
    lease_seconds: float = Field(default=45.0, ge=1, le=3600)
    provider_timeout_seconds: float = Field(default=15.0, ge=1, le=MAX_PROVIDER_TIMEOUT)  # longest wait for a provider
    log_format: Literal["json", "console", ""] = ""
    language: Literal["zh_CN", "en"] = "zh_CN"
    hotline: str = "12345"  # the number requesters may call; its name is spoken in visits
    hotline_name: str = "12345热线"

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, value: str) -> str:
        check_profile(value)  # refused, and not a ValueError: the sentence names the profiles that there are
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"unknown time zone: {value}") from error
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for one in value.split(","):
            if one.strip():
                ip_network(one.strip(), strict=False)  # a ValueError for what is none
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("sqlite", "postgresql"):
            raise ValueError("sqlite:///… or postgresql://… is wanted")
        return value

    @field_validator(
        "public_url",
        "platform_url",
        "platform_feed_url",
        "alarm_url",
        "heartbeat_url",
    )
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        is_plain = parts.hostname and parts.port != 0 and "@" not in parts.netloc
        if value and (parts.scheme not in ("http", "https") or not is_plain):
            raise ValueError("an http or https address is wanted")
        return value.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources by precedence: arguments, environment, file."""
        return init_settings, env_settings, DriverSource(settings_cls), TomlSource(settings_cls)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of days, office hours and spoken times."""
        return ZoneInfo(self.timezone)

    @property
    def resolved_database_url(self) -> str:
        """The database URL; defaults to the embedded file."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'jiesu.db'}"

    @property
    def base_url(self) -> str:
        """The public base URL of this server; webhook signatures are checked against it."""
        return self.public_url or _build_url(self.host, self.port)

    @property
    def addresses(self) -> Addresses:
        """What this server is called: the host of its public address, those named, and where it listens."""
        return Addresses(self.base_url, (*self._list_allowed(), self.host))

    @property
    def infected_statuses(self) -> frozenset[int]:
        """The exit statuses of the scanner's program that mean a find; empty if they are none."""
        written = [one.strip() for one in self.scan_infected_status.split(",")]
        statuses = {int(one) for one in written if one.isascii() and one.isdigit() and 0 < int(one) < 256}
        return frozenset(statuses) if len(statuses) == len(set(written)) else frozenset()

    @property
    def is_called_by_nobody(self) -> bool:
        """Whether it listens for other machines, but goes by no name that they could use."""
        return not _is_loopback(self.host) and not self.addresses.names

    def _list_allowed(self) -> list[str]:
        return [one.strip() for one in self.allowed_hosts.split(",") if one.strip()]

    @property
    def proxies(self) -> list[str]:
        """The networks of our proxies."""
        return [one.strip() for one in self.trusted_proxies.split(",") if one.strip()]

    @property
    def local_url(self) -> str:
        """Where this machine itself reaches this server: a loopback address, also when it listens on all."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        return _build_url(host, self.port)

    def load_secret_key(self) -> str:
        """Return the configured secret key, else the one stored in the data directory (created in the sandbox only).

        Refused `secret_missing` when there is none outside the sandbox, and there also `secret_weak` for one that could
        be guessed and `secret_of_sandbox` for one of a rehearsal (XS9).
        """
        configured = self.secret_key.get_secret_value()
        if configured:
            if not self.sandbox and configured.startswith(SANDBOX_MARK):
                raise Refused("secret_of_sandbox")
            if len(configured) < 16 or not (self.sandbox or is_strong_secret(configured)):
                raise Refused("secret_weak")
            return configured
        stored_key = self.data / "secret.key"
        if not self.sandbox:  # only a rehearsal ever writes that file
            raise Refused("secret_of_sandbox" if stored_key.exists() else "secret_missing")
        if stored_key.exists():
            return stored_key.read_text("ascii").strip()
        self.data.mkdir(parents=True, exist_ok=True)
        stored_key.touch(mode=0o600)
        stored_key.write_text(SANDBOX_MARK + secrets.token_urlsafe(32), "ascii")
        return stored_key.read_text("ascii").strip()

    def check(self) -> None:
        """Refuse to start with unsafe settings (faults, "How it is reached" 9; FT6)."""
        parts = urlsplit(self.base_url)
        if not self.sandbox and parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise Refused("public_url_not_https", url=self.base_url)
        for name in (*self._list_allowed(), *([parts.hostname or ""] if self.public_url else ())):
            host = read_host(name)
            if host is None or is_anywhere(host):
                raise Refused("host_unusable", host=name)
        least = LEASE_TIMEOUTS * self.provider_timeout_seconds
        if self.lease_seconds < least:
            raise Refused("lease_short", lease=f"{self.lease_seconds:g}", least=f"{least:g}")
        if self.sandbox and not _is_loopback(self.host) and not self.sandbox_open:
            raise Refused("sandbox_exposed", host=self.host)
        self.check_scanner()
        for url in self._list_outgoing():
            if not Outgoing(url, self.outgoing_allow).check():
                raise Refused("address_refused", host=urlsplit(url).hostname or "?")
        check_drivers(self)
        self._check_platform()
        self.load_secret_key()

    def _list_outgoing(self) -> list[str]:
        """Return the configured addresses that secrets are sent to; drivers have theirs checked by their settings."""
        names = [name for name in type(self).model_fields if name.endswith("_url") and name not in OWN_URLS]
        return [url for name in names if (url := str(getattr(self, name)))]

    def check_scanner(self) -> None:
        """Refused `scanner_unusable`, with the setting, for two scanners or one that could not be asked (XS13)."""
        wrong = ""
        if self.scan_command and self.scan_url:
            wrong = "JIESU_SCAN_COMMAND, JIESU_SCAN_URL"
        elif not self.infected_statuses:
            wrong = "JIESU_SCAN_INFECTED_STATUS"
        try:
            parts = urlsplit(self.scan_url)
            if self.scan_url and (parts.scheme not in ("icap", "icaps") or parts.port == 0):
                wrong = "JIESU_SCAN_URL"
        except ValueError:
            wrong = "JIESU_SCAN_URL"
        try:
            if self.scan_command and not shlex.split(self.scan_command):
                wrong = "JIESU_SCAN_COMMAND"
        except ValueError:  # a quotation mark without its other half
            wrong = "JIESU_SCAN_COMMAND"
        if wrong:
            raise Refused("scanner_unusable", setting=wrong)

    def _check_platform(self) -> None:
        """Require a secret of at least 16 characters for the external platform."""
        secret = self.platform_secret.get_secret_value()
        if (self.platform_url or self.platform_feed_url) and not is_strong_secret(secret, 16, SHARED_BITS):
            raise Refused("platform_secret_missing")
