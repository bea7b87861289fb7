"""Writes prompts as NCCO: JSON actions, done in order; a call ends when none is left."""

import json

from notify.message import Ask, Prompt
from notify.plain_text import make_sayable
from notify.voice.vonage.events import Fields

#: characters of one `talk`; of one whole turn (FW13)
TALK_LIMIT, TURN_LIMIT = 500, 1500
#: the longest a keypad is waited for, the most digits, the shortest and longest recording (seconds)
MAX_KEY_SECONDS, MAX_DIGITS, RECORD_SECONDS = 10, 20, (3, 7200)
MAX_HINTS, HINT_CHARS = 50, 50
END_ON_SILENCE = 5
#: languages as the speaking voice knows them
VOICES = {"zh-CN": "cmn-CN"}


class NccoWriter:
    """Renders prompts. `speech_language`: what the recogniser is told to expect of Chinese."""

    def __init__(self, speech_language: str) -> None:
        self._speech_language = speech_language

    def render(self, prompt: Prompt, *, next_url: str, record_url: str, leg_url: str) -> str:
        """Render the prompt; valid and speakable whatever the text holds (FW13).

        `next_url` gives the next turn; recordings are told to `record_url`, the second leg's fate to `leg_url`.
        """
        ncco: list[Fields] = []
        if prompt.pause > 0:
            ncco.append({"action": "wait", "timeout": float(prompt.pause)})
        ncco += self._talk(prompt, barge_in=prompt.ask is not None)
        onward = {"action": "notify", "payload": {"turn": "next"}, "eventUrl": [next_url], "eventMethod": "POST"}
        if prompt.ask:
            ncco.append(self._ask(prompt.ask, next_url))
        elif prompt.record:
            shortest, longest = RECORD_SECONDS
            ncco += [
                {
                    "action": "record",
                    "format": "mp3",
                    "beepStart": True,
                    "endOnSilence": END_ON_SILENCE,
                    "endOnKey": prompt.record.finish_on_key,
                    "timeOut": min(max(prompt.record.seconds, shortest), longest),
                    "eventUrl": [record_url],
                    "eventMethod": "POST",
                },
                onward,
            ]
        elif prompt.connect:
            bridge = prompt.connect
            if bridge.record:
                ncco.append(
                    {
                        "action": "record",
                        "format": "mp3",
                        "split": "conversation",
                        "channels": 2,
                        "eventUrl": [record_url],
                        "eventMethod": "POST",
                    }
                )
            endpoint: Fields = {"type": "phone", "number": bridge.number.lstrip("+")}
            if bridge.announce_url:
                endpoint["onAnswer"] = {"url": bridge.announce_url}
            ncco += [
                {
                    "action": "connect",
                    "endpoint": [endpoint],
                    "from": bridge.caller.lstrip("+"),
                    "timeout": bridge.ring_seconds,
                    "eventType": "synchronous",
                    "eventUrl": [leg_url],
                    "eventMethod": "POST",
                },
                onward,
            ]
        elif prompt.then == "next":
            ncco.append(onward)
        elif not ncco:  # an empty document would leave the former one in force
            ncco.append({"action": "wait", "timeout": 0.1})
        return json.dumps(ncco, ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def _talk(prompt: Prompt, *, barge_in: bool) -> list[Fields]:
        left, spoken = TURN_LIMIT, []
        for sentence in prompt.say:
            # a text that begins with a tag would be taken for SSML
            words = make_sayable(sentence.replace("<", " "), min(TALK_LIMIT, left)) if left > 1 else ""
            if words:
                spoken.append(words)
                left -= len(words)
        language = VOICES.get(prompt.language, prompt.language)
        more = {"bargeIn": True} if barge_in else {}
        return [{"action": "talk", "text": words, "language": language, **more} for words in spoken]

    def _ask(self, ask: Ask, next_url: str) -> Fields:
        # without a finishing key the count ends the input
        ends = {"submitOnHash": True, "maxDigits": MAX_DIGITS} if ask.finish_on_key else {"maxDigits": ask.digits}
        asked: Fields = {
            "action": "input",
            "type": ["dtmf", "speech"] if ask.speech else ["dtmf"],
            "dtmf": {"timeOut": min(max(ask.timeout, 1), MAX_KEY_SECONDS), **ends},
            "eventUrl": [next_url],
            "eventMethod": "POST",
        }
        if ask.speech:
            chinese = ask.language.startswith("zh")
            asked["speech"] = {
                "language": self._speech_language if chinese else ask.language,
                "startTimeout": min(max(ask.timeout, 1), 60),
                "endOnSilence": 1.5,
                "maxDuration": 30,
            }
            hints = [make_sayable(hint, HINT_CHARS) for hint in ask.hints[:MAX_HINTS]]
            if hints := [hint for hint in hints if hint]:
                asked["speech"]["context"] = hints
        return asked
