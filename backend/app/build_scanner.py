"""Builds the malware scanner of a configuration (XS13)."""

import shlex

from backend.app.config import Config
from notify.icap import IcapScanner
from notify.outgoing import Outgoing
from notify.scan_command import CommandScanner
from notify.scanner import FileScanner


def build_scanner(config: Config) -> FileScanner | None:
    """Build the scanner; None without one. Refused `scanner_unusable`."""
    config.check_scanner()
    seconds = config.scan_timeout_seconds
    if config.scan_url:
        return IcapScanner(config.scan_url, seconds, Outgoing(config.scan_url, config.outgoing_allow))
    if config.scan_command:
        return CommandScanner(shlex.split(config.scan_command), config.infected_statuses, seconds, config.data)
    return None
