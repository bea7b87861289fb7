"""Builds what keeps the installation going: beats, health, alarms and the watch over all processes."""

import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import structlog

from backend.app.build_storage import build_storage_watch
from backend.app.config import Config
from backend.app.core import Core
from backend.app.drivers import Drivers
from backend.integrity.checks import IntegrityChecks
from backend.office.clock import Clock
from backend.office.people import People
from backend.operations.alarm_calls import AlarmCalls
from backend.operations.alarms import AlarmTeller, Post
from backend.operations.beats import BeatListener, Beats, Rhythm, Self
from backend.operations.certificate import CertificateWatch
from backend.operations.clock_watch import ClockWatch
from backend.operations.contacts import AlarmContacts
from backend.operations.health import Health
from backend.operations.outage import OutageWatch
from backend.operations.storage_watch import StorageWatch
from backend.operations.watch import InstallationWatch, Pulse
from notify.carrier import VoiceCarrier
from notify.channel import DeliveryError
from notify.outgoing_request import OutgoingRequests
from storage.integrity.checks import SqlIntegrityStore
from storage.operations.alarms import SqlAlarmBook
from storage.operations.beats import SqlBeatStore
from storage.operations.clock import SqlClockStore
from storage.operations.health import SqlHealthStore

log = structlog.get_logger("operations")
SAFETY_TICKS = 3  # ticks a worker sleeps at most, by the event loop's clock
WITHOUT_CHAT = ("phone", "sms")  # channels of messages that are no chat network
ORDINARY_IDLE = timedelta(seconds=15)  # a worker without work sleeps at most this long, unless the tick is longer


@dataclass(frozen=True)
class OperationParts:
    """What tells how the installation is."""

    beats: Beats
    health: Health
    alarms: AlarmTeller
    clock_watch: ClockWatch
    storage: StorageWatch


def build_operations(
    core: Core,
    roles: Collection[str],
    rhythm: Rhythm | None,
    heartbeats: Mapping[str, float],
    integrity: IntegrityChecks,
    people: People,
    drivers: Drivers,
    followers: Sequence[BeatListener],
) -> OperationParts:
    """Build them; `rhythm` None goes by the lease; `followers` are told of each beat."""
    config, signals = core.config, core.signals
    rhythm = rhythm or Rhythm.of_lease(timedelta(seconds=config.lease_seconds))
    beat_store, store, queues = SqlBeatStore(core.db), SqlHealthStore(core.db), [*drivers.channels, *WITHOUT_CHAT]
    idle = max(timedelta(), SAFETY_TICKS * timedelta(seconds=config.tick_seconds) - ORDINARY_IDLE)
    code = f"{core.db.gate.numbers['schema']:04d}"
    own = Self(core.chance.hex_token(8), socket.gethostname(), tuple(sorted(roles)), code)
    beats = Beats(beat_store, core.clock, own, heartbeats, queues if "worker" in roles else (), rhythm)
    alarms = AlarmTeller(
        SqlAlarmBook(core.db),
        AlarmContacts(core.office, people.get_phone),
        drivers.channels,
        _build_calls(core, drivers),
        _build_post(config),
        core.texts,
        core.clock,
    )
    signals.alarms.add(alarms.tell_soon)
    storage = build_storage_watch(core, roles, alarms)
    health = Health(beat_store, store, integrity.list_findings, rhythm, idle, storage.list_red)
    watch = InstallationWatch(
        beats,
        health,
        store,
        alarms,
        queues,
        core.clock,
        lambda role: core.texts.get_word_or_value("process_role", role),
        _build_pulse(config),
    )
    beats.listeners.extend((*followers, watch.look))
    clock_watch = ClockWatch(
        SqlClockStore(core.db, core.ids),
        SqlIntegrityStore(core.db, core.ids),
        core.clock,
        own.process,
        own.host,
        signals.serving_again,
        core.database_time,
    )
    return OperationParts(beats, health, alarms, clock_watch, storage)


def watch_outages(core: Core) -> OutageWatch:
    """Watch the database of this process."""
    watch = OutageWatch(core.db, core.clock, core.signals.serving_again)
    core.unavailable.add(watch.note)
    return watch


def _build_calls(core: Core, drivers: Drivers) -> AlarmCalls | None:
    config = core.config
    if not drivers.carriers:
        return None

    def hooks_url(carrier: VoiceCarrier) -> str:
        return f"{config.base_url.rstrip('/')}/hooks/{carrier.name}"

    return AlarmCalls(drivers.carriers, hooks_url, core.texts, config.hotline_name)


def _build_post(config: Config) -> Post | None:
    return OutgoingRequests(config.alarm_url, config.outgoing_allow).post if config.alarm_url else None


def _build_pulse(config: Config) -> Pulse | None:
    if not config.heartbeat_url:
        return None
    requests = OutgoingRequests(config.heartbeat_url, config.outgoing_allow)

    async def pulse(green: bool) -> None:
        try:
            await requests.get("" if green else "/fail")
        except DeliveryError as error:  # the switch rings when it hears nothing
            log.warning("heartbeat_not_sent", kind=error.kind, code=error.code)

    return pulse


def build_certificate_watch(config: Config, alarms: AlarmTeller, clock: Clock) -> CertificateWatch | None:
    """Build the watch over the public address's certificate; None where that is not under https."""
    address = urlsplit(config.public_url)
    if address.scheme != "https" or address.hostname is None:
        return None
    return CertificateWatch(address.hostname, address.port or 443, alarms, clock)
