"""Vonage, for live calls: NCCO documents, an application's JWT, signed webhooks (docs/telephone.zh.md says what is unproven)."""

from notify.carrier import VoiceCarrier
from notify.channel import Settings
from notify.driver import Setting

__all__ = ["NAME", "SETTINGS", "build"]

NAME = "vonage"
SETTINGS = (
    Setting("application_id", required=True),
    Setting("private_key", "secret", required=True),
    Setting("signature_secret", "secret", required=True),
    Setting("from", required=True),
    Setting("api_url", "url"),
    Setting("calls_per_second", "number"),
    Setting("speech_language"),
)


def build(settings: Settings) -> VoiceCarrier:
    """Build the carrier of these settings; `private_key` is a PEM or the path of one. Raises DriverRefused."""
    from notify.voice.vonage.carrier import build_carrier

    return build_carrier(settings)
