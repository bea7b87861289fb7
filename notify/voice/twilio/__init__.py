"""Twilio, for calls; its account, signature and webhooks serve its SMS as well."""

from notify.carrier import VoiceCarrier
from notify.channel import Settings
from notify.driver import Setting

__all__ = ["NAME", "SETTINGS", "build"]

NAME = "twilio"
SETTINGS = (
    Setting("account_sid", required=True),
    Setting("auth_token", "secret", required=True),
    Setting("auth_token_old", "secret"),
    Setting("from", required=True),
    Setting("api_url", "url"),
    Setting("calls_per_second", "number"),
    Setting("voice"),
)


def build(settings: Settings) -> VoiceCarrier:
    """Build the carrier of these settings."""
    from notify.voice.twilio.carrier import build_carrier

    return build_carrier(settings)
