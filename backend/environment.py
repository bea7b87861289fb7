"""How this process was told to run: environment variables, or a `jiesu.toml`; the environment wins (contract §2)."""

import secrets
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from backend.domain.refusals import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


class Toml(TomlConfigSettingsSource):
    """`jiesu.toml`, its names written as here or in full as in the environment: `profile`, `JIESU_PROFILE`."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        said = {name.lower().removeprefix("jiesu_"): value for name, value in self.init_kwargs.items()}
        self.init_kwargs = said


class Environment(BaseSettings):
    """The settings of contract §2; `JIESU_` before each name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="JIESU_", toml_file="jiesu.toml", extra="ignore", env_ignore_empty=True, frozen=False
    )

    data: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    secret_key: SecretStr = SecretStr("")
    secret_key_old: SecretStr = SecretStr("")
    profile: Literal["jilin", "beijing_mutual_aid"] = "jilin"
    timezone: str = "Asia/Shanghai"
    sandbox: bool = False
    samples: bool = False  # the invented office of a rehearsal, brought in at the start (`make run` says so)
    telegram_token: SecretStr = SecretStr("")
    telegram_api_url: str = ""
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_secret: SecretStr = SecretStr("")
    telegram_pace: float = Field(
        default=1.0, gt=0, le=1000
    )  # times the public limits, for a Bot API server of one's own
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_auth_token_old: SecretStr = SecretStr("")
    twilio_api_url: str = ""
    twilio_from: str = ""
    twilio_calls_per_second: float = Field(default=1.0, gt=0, le=1000)  # what the carrier has granted the account
    aliyun_access_key_id: str = ""  # named, calls go by Aliyun and not by Twilio
    aliyun_access_key_secret: SecretStr = SecretStr("")
    aliyun_endpoint: str = ""  # host, or http://host:port of one's own; empty for the official one
    aliyun_show_number: str = ""  # the bought number that is shown; empty for the carrier's shared ones
    aliyun_templates: str = ""  # phone.P1=TTS_1,… : the carrier's code of each text (docs/telephone.zh.md)
    aliyun_hook_secret: SecretStr = SecretStr("")  # last part of the address reports are sent to
    platform_url: str = ""  # where moves are written back when another platform holds the record
    platform_feed_url: str = ""  # where its new demands are fetched
    platform_secret: SecretStr = SecretStr("")
    platform_secret_old: SecretStr = SecretStr("")  # still accepted of the platform while it changes over
    tick_seconds: float = Field(default=2.0, gt=0, le=3600)
    lease_seconds: float = Field(default=45.0, ge=1, le=3600)
    log_format: Literal["json", "console", ""] = ""
    language: Literal["zh_CN", "en"] = "zh_CN"
    hotline: str = "12345"  # what callers may ring; its name is spoken in visits
    hotline_name: str = "12345热线"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"unknown time zone: {value}") from error
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("sqlite", "postgresql"):
            raise ValueError("sqlite:///… or postgresql://… is wanted")
        return value

    @field_validator("public_url", "telegram_api_url", "twilio_api_url", "platform_url", "platform_feed_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
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
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, Toml(settings_cls)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days, office hours and words of time are meant."""
        return ZoneInfo(self.timezone)

    @property
    def database(self) -> str:
        """The database's URL, the embedded file unless another was named."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'jiesu.db'}"

    @property
    def address(self) -> str:
        """What the outside calls this server; signatures are checked against it."""
        return self.public_url or f"http://{self.host}:{self.port}"

    def secret(self) -> str:
        """The secret key: the given one; in the sandbox, one kept beside the data.

        Refused `secret_missing` when there is none outside the sandbox, `secret_short` when it is too short.
        """
        given = self.secret_key.get_secret_value()
        if given:
            if len(given) < 16:
                raise Refused("secret_short")
            return given
        kept = self.data / "secret.key"
        if kept.exists():
            return kept.read_text("ascii").strip()
        if not self.sandbox:
            raise Refused("secret_missing")
        self.data.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(32), "ascii")
        return kept.read_text("ascii").strip()

    def check(self) -> None:
        """Refuse to start where starting would be unsafe (faults, "How it is reached" 9; FT6)."""
        parts = urlsplit(self.address)
        if not self.sandbox and parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise Refused("public_url_not_https", url=self.address)
        hooked = self.telegram_token.get_secret_value() and self.telegram_mode == "webhook"
        if hooked and len(self.telegram_secret.get_secret_value()) < 8:
            raise Refused("telegram_secret_missing")
        if self.twilio_account_sid and not self.twilio_auth_token.get_secret_value():
            raise Refused("twilio_token_missing")
        self._check_aliyun()
        self._check_platform()
        self.secret()

    def _check_aliyun(self) -> None:
        """Whoever may report keys pressed must know a secret that nobody guesses (FW1)."""
        if self.aliyun_access_key_id and len(self.aliyun_hook_secret.get_secret_value()) < 16:
            raise Refused("aliyun_secret_missing")

    def _check_platform(self) -> None:
        """The platform is spoken to over https and with a secret, or not at all."""
        for url in filter(None, (self.platform_url, self.platform_feed_url)):
            plain = urlsplit(url)
            if not self.sandbox and plain.scheme != "https" and plain.hostname not in LOOPBACK:
                raise Refused("platform_not_https", url=url)
            if len(self.platform_secret.get_secret_value()) < 16:
                raise Refused("platform_secret_missing")
