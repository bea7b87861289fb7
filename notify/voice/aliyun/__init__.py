"""Aliyun, for calls inside the mainland: it gets the whole menu up front and reports the pressed key afterwards."""

from notify.carrier import VoiceCarrier
from notify.channel import Settings
from notify.driver import Setting

__all__ = ["NAME", "SETTINGS", "build"]

NAME = "aliyun"
SETTINGS = (
    Setting("access_key_id", required=True),
    Setting("access_key_secret", "secret", required=True),
    Setting("templates", required=True),
    Setting("hook_secret", "shared", required=True),
    Setting("show_number"),
    Setting("endpoint", "url"),
    Setting("calls_per_second", "number"),
)


def build(settings: Settings) -> VoiceCarrier:
    """Build the carrier of these settings; `templates` are "phone.call_to_sign=TTS_1,…"."""
    from notify.voice.aliyun.carrier import build_carrier

    return build_carrier(settings)
