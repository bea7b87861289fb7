"""Finds drivers by the presence of their file, and loads them on first use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from notify.carrier import VoiceCarrier
from notify.channel import Settings
from notify.chat_network import ChatNetwork
from notify.driver import DriverRefused, Setting
from notify.sms_gateway import SmsGateway

Family = Literal["chat", "voice", "sms"]
FAMILIES: tuple[Family, ...] = ("chat", "voice", "sms")


class DriverError(Exception):
    """The driver files themselves are not usable: our own mistake, or an unknown name."""


@dataclass(frozen=True)
class DriverModule:
    """A loaded driver module: its NAME, its SETTINGS, and `build(settings)`; `check(settings)` if they must fit together.

    Settings come without their prefix: JIESU_<DRIVER>_TOKEN is `token` to it.
    """

    family: Family
    name: str
    settings: tuple[Setting, ...]
    build: Callable[[Settings], Any]
    check: Callable[[Settings], None] | None = None  # raises DriverRefused; before anything is built, and light

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the settings it cannot do without."""
        return tuple(setting.name for setting in self.settings if setting.required)


def name_variable(driver: str, setting: str) -> str:
    """Return the environment variable of a driver's setting."""
    return f"JIESU_{driver}_{setting}".upper()


def list_stems(directory: Path) -> list[str]:
    """Return the names of the drivers in a directory: files and packages. `one_http.py` beside `one.py` is its helper."""
    packages = (file.parent for file in directory.glob("*/__init__.py"))
    names = sorted(file.stem for file in (*directory.glob("*.py"), *packages) if not file.stem.startswith("_"))
    return [name for name in names if not any(name.startswith(f"{other}_") for other in names)]


class DriverRegistry:
    """Driver modules by family and name. Nothing is imported before `load`, so a web-only role loads no bot."""

    def __init__(self) -> None:
        self._modules: dict[tuple[Family, str], str] = {}

    @classmethod
    def discover(cls, extra: Iterable[tuple[Family, str, Path]] = ()) -> "DriverRegistry":
        """Find the drivers of this package and of other packages given as (family, package name, directory)."""
        registry = cls()
        here = Path(__file__).parent
        own: list[tuple[Family, str, Path]] = [(family, f"notify.{family}", here / family) for family in FAMILIES]
        for family, package, directory in (*own, *extra):
            for name in list_stems(directory):
                registry.add(family, name, f"{package}.{name}")
        return registry

    def add(self, family: Family, name: str, module: str) -> None:
        """Register a module under a name; raises DriverError when the name is taken."""
        if known := self._modules.get((family, name)):
            raise DriverError(f"{family} driver {name!r} is both {known} and {module}")
        self._modules[(family, name)] = module

    def list_names(self, family: Family) -> tuple[str, ...]:
        """Return the driver names of a family, without loading any."""
        return tuple(sorted(name for kind, name in self._modules if kind == family))

    def load(self, family: Family, name: str) -> DriverModule:
        """Import one driver. Raises DriverError when it is unknown or its NAME is not its file name."""
        module_name = self._modules.get((family, name))
        if module_name is None:
            raise DriverError(f"no {family} driver {name!r}; there are {self.list_names(family)}")
        module = import_module(module_name)
        declared = getattr(module, "NAME", None)
        if declared != name or not callable(getattr(module, "build", None)):
            raise DriverError(f"{module_name} must define NAME = {name!r} and build(settings)")
        return DriverModule(
            family, name, tuple(getattr(module, "SETTINGS", ())), module.build, getattr(module, "check", None)
        )

    def build_network(self, name: str, settings: Settings) -> ChatNetwork:
        """Build a chat network. Raises DriverRefused `driver_setting_missing`, and what it finds wrong itself."""
        network: ChatNetwork = self._build("chat", name, settings)
        return network

    def build_carrier(self, name: str, settings: Settings) -> VoiceCarrier:
        """Build a voice carrier. Raises DriverRefused `driver_setting_missing`, and what it finds wrong itself."""
        line: VoiceCarrier = self._build("voice", name, settings)
        return line

    def build_gateway(self, name: str, settings: Settings) -> SmsGateway:
        """Build an SMS gateway. Raises DriverRefused as `build_carrier` does."""
        texter: SmsGateway = self._build("sms", name, settings)
        return texter

    def _build(self, family: Family, name: str, settings: Settings) -> Any:
        driver = self.load(family, name)
        missing = [need for need in driver.needs if not settings.get(need)]
        if missing:
            raise DriverRefused(
                "driver_setting_missing", setting=", ".join(name_variable(name, need) for need in missing)
            )
        return driver.build(settings)
