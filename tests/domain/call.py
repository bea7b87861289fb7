"""A call in memory for the tests of scripts."""

from backend.domain.script_files import load_script
from backend.domain.scripts import CallInput, Effect, EffectKind, Position, Turn, advance, start

FACTS = {
    "org_name": "市总工会", "grade": "紧急", "tail": "1 0 0 1", "category": "求助", "hotline_name": "12351",
    "sign_due_spoken": "今天下午三点", "close_due_spoken": "明天下午五点", "due_spoken": "今天下午五点", "hotline": "12351",
    "date_spoken": "十一月八日", "sign_key": "2", "has_pin": True, "has_duty": True, "pending": True,
}  # fmt: skip
SILENCE = CallInput(timed_out=True)


class Call:
    """A call whose callee presses keys and speaks; collects the effects and the prompts."""

    def __init__(self, name: str, **facts: object) -> None:
        self.script, self.facts = load_script(name), {**FACTS, **facts}
        self.effects: list[Effect] = []
        self.prompts: list[str] = []
        self.turn = self._record(start(self.script, self.facts))

    def _record(self, turn: Turn) -> Turn:
        self.effects += turn.effects
        self.prompts += [say.key for say in turn.say]
        assert sum(map(bool, (turn.ask, turn.needs, turn.end or turn.bridge))) == 1
        assert Position.from_text(turn.position.as_text()) == turn.position
        return turn

    def receive(self, *inputs: CallInput) -> "Call":
        for given in inputs:
            self.turn = self._record(advance(self.script, self.turn.position, given, self.facts))
        return self

    def press(self, *keys: str) -> "Call":
        return self.receive(*(CallInput(digits=key) for key in keys))

    def speak(self, *words: str, confidence: float = 0.9) -> "Call":
        return self.receive(*(CallInput(speech=word, confidence=confidence) for word in words))

    def stay_silent(self, times: int = 1) -> "Call":
        return self.receive(*[SILENCE] * times)

    def give_verdict(self, verdict: str) -> "Call":
        return self.receive(CallInput(verdict=verdict))

    @property
    def kinds(self) -> list[str]:
        """Kinds of the effects so far."""
        return [e.kind.value for e in self.effects]

    @property
    def answers(self) -> dict[str, str]:
        """The last answer to each question."""
        return {k: v for e in self.effects if e.kind is EffectKind.ANSWER for k, v in e.facts.items()}
