"""Settings of drivers: found by their prefix, checked by what each driver says of them; which drivers are chosen."""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

from backend.app.secret_strength import SHARED_BITS, is_strong_secret
from backend.domain.refusals import Refused
from notify.driver import DriverRefused, Setting
from notify.driver_registry import FAMILIES, DriverModule, DriverRegistry, Family, name_variable
from notify.outgoing import Outgoing

MOST = 1000.0  # a number's upper bound


class DriverConfig(Protocol):
    """What is asked of the configuration."""

    chat: str
    voice: str
    sms: str
    drivers: dict[str, dict[str, str]]
    outgoing_allow: str


def gather_driver_settings(given: Mapping[str, object], declared: Container[str]) -> dict[str, dict[str, str]]:
    """Return the settings of drivers among names without `jiesu_`; `declared` names are no driver's, blanks not set."""
    registry = DriverRegistry.discover()
    drivers = {name for family in FAMILIES for name in registry.list_names(family)}
    found: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        owners = [driver for driver in drivers if name.startswith(f"{driver}_")]
        if owners and name not in declared and str(value):
            driver = max(owners, key=len)
            found.setdefault(driver, {})[name.removeprefix(f"{driver}_")] = str(value)
    return found


def choose_drivers(config: DriverConfig, family: Family) -> list[DriverModule]:
    """Return the drivers of `JIESU_CHAT`, `_VOICE`, `_SMS` by preference; unset: those given any required setting, by name.

    Refused `driver_unknown` for a name without a file.
    """
    registry = DriverRegistry.discover()
    names = registry.list_names(family)
    wanted = [one.strip() for one in str(getattr(config, family)).split(",") if one.strip()]
    for name in wanted:
        if name not in names:
            raise Refused("driver_unknown", setting=f"JIESU_{family.upper()}", name=name, names=", ".join(names))
    if wanted:
        return [registry.load(family, name) for name in dict.fromkeys(wanted)]
    given = [registry.load(family, name) for name in names if config.drivers.get(name)]
    return [module for module in given if any(config.drivers[module.name].get(need) for need in module.needs)]


def check_drivers(config: DriverConfig) -> None:
    """Refuse to start with chosen drivers whose settings are unsafe or missing.

    Refused `driver_setting_missing`, `driver_setting_wrong`, `driver_secret_weak`, `address_refused`, `driver_unknown`, and as a driver's own `check`.
    """
    for family in FAMILIES:
        for module in choose_drivers(config, family):
            given = config.drivers.get(module.name, {})
            for setting in module.settings:
                _check(module.name, setting, given.get(setting.name, ""), config.outgoing_allow)
            if module.check is not None:
                with _translate():
                    module.check(given)


def build_driver(config: DriverConfig, module: DriverModule, common: Mapping[str, str]) -> object:
    """Build a driver from its settings and those `common` to all. Refused as the driver itself refuses them."""
    with _translate():
        return module.build({**common, **config.drivers.get(module.name, {})})


@contextmanager
def _translate() -> Iterator[None]:
    try:
        yield
    except DriverRefused as refused:
        raise Refused(refused.code, **refused.facts) from None


def _check(driver: str, setting: Setting, value: str, allow: str) -> None:
    variable = name_variable(driver, setting.name)
    if not value:
        if setting.required:
            raise Refused("driver_setting_missing", setting=variable)
        return
    if setting.choices and value not in setting.choices:
        raise Refused("driver_setting_wrong", setting=variable)
    if setting.kind == "shared" and not is_strong_secret(value, 16, SHARED_BITS):
        raise Refused("driver_secret_weak", setting=variable)
    if setting.kind == "number" and not _is_number(value):
        raise Refused("driver_setting_wrong", setting=variable)
    if setting.kind == "url":
        url = value if "://" in value else f"https://{value}"  # a mere host is reached by https
        try:
            parts = urlsplit(url)
            is_plain = (
                parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
            )
        except ValueError:
            is_plain = False
        if not is_plain:
            raise Refused("driver_setting_wrong", setting=variable)
        if not Outgoing(url, allow).check():
            raise Refused("address_refused", host=parts.hostname or "?")


def _is_number(value: str) -> bool:
    try:
        return 0 < float(value) <= MOST
    except ValueError:
        return False
