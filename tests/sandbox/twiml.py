"""The TwiML that the office of these tests answers with."""

from twilio.twiml.voice_response import Gather, VoiceResponse


def build_say(text: str) -> VoiceResponse:
    """Speak a text and end the call."""
    response = VoiceResponse()
    response.say(text, language="zh-CN")
    return response


def build_menu(text: str, **attributes: object) -> VoiceResponse:
    """Ask for one key or for speech; the answer goes to the webhook `key`."""
    response = VoiceResponse()
    gather = Gather(**{
        "input": "dtmf speech", "num_digits": 1, "action": "/hooks/twilio/key", "language": "cmn-Hans-CN", **attributes,
    })  # fmt: skip
    gather.say(text, language="zh-CN")
    response.append(gather)
    response.say("没有听到您的回答，再见。", language="zh-CN")
    return response
