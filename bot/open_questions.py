"""What is open with one person: the question asked last, messages they may reply to, captions they may type (XM9)."""

from datetime import timedelta
from typing import Any

from backend.domain.captions import read_captions
from backend.ports.chat import OpenQuestion
from bot.services import BotServices
from bot.wording import Wording
from notify.chat_network import ChatNetwork
from notify.message import Card

QUESTION_LIFETIME = timedelta(days=1)
MAX_QUESTIONS = 8  # newest questions whose messages may still be replied to


class OpenQuestions(Wording):
    """What is open with the person of this chat; whatever is asked next replaces the question and the captions."""

    def __init__(self, services: BotServices, network: ChatNetwork, user_id: str) -> None:
        super().__init__(services)
        self.network = network
        self.user_id = user_id
        self._captions: dict[str, tuple[str, str]] = {}  # shown in this update: caption → data, message

    async def find_question(self) -> OpenQuestion | None:
        """Return what is open: a question, the captions of the buttons shown last, or only what may be replied to."""
        return await self.services.chat_state.find_question(self.network.name, self.user_id, self.now)

    async def save_question(self, question: str, subject: int, message_id: str | None, **facts: Any) -> None:
        """Store the open question."""
        before = await self.find_question()
        asked = dict(before.facts.get("messages", {})) if before else {}
        if message_id is not None:
            asked[message_id] = [question, subject]
        messages = dict(list(asked.items())[-MAX_QUESTIONS:])
        await self._store(OpenQuestion(question, {**facts, "subject": subject, "messages": messages}))

    async def link_message(self, message_id: str | None, subject: int) -> None:
        """Store that replies to this message are about that assignment; the open question stays open."""
        if message_id is None:
            return
        before = await self.find_question() or OpenQuestion("")
        asked = {**before.facts.get("messages", {}), message_id: ["", subject]}
        messages = dict(list(asked.items())[-MAX_QUESTIONS:])
        await self._store(OpenQuestion(before.question, {**before.facts, "messages": messages}))

    async def close_question(self, question: OpenQuestion) -> None:
        """Close the question for plain text; a reply to its message still answers it."""
        await self._store(OpenQuestion("", {"messages": question.facts.get("messages", {})}))

    async def _store(self, question: OpenQuestion) -> None:
        now = self.now
        if self._captions:
            question = OpenQuestion(question.question, {**question.facts, "captions": self._captions})
        await self.services.chat_state.save_question(
            self.network.name, self.user_id, question, now, now + QUESTION_LIFETIME
        )

    async def delete_question(self) -> None:
        """Clear the open question, which was answered."""
        await self.services.chat_state.delete_question(self.network.name, self.user_id)

    async def keep_captions(self, card: Card, message_id: str) -> None:
        """Keep what the buttons of this message say: typed, they are pressed until the next question."""
        shown = read_captions((button.label, button.data) for row in card.buttons for button in row)
        self._captions |= {caption: (data, message_id) for caption, data in shown.items()}
        await self._store(await self.find_question() or OpenQuestion(""))

    async def drop_captions(self, message_id: str) -> None:
        """Drop the captions of a message whose buttons are gone."""
        before = await self.find_question()
        captions = before.facts.get("captions", {}) if before else {}
        left = {caption: shown for caption, shown in captions.items() if shown[1] != message_id}
        if before and len(left) < len(captions):
            await self._store(OpenQuestion(before.question, {**before.facts, "captions": left}))
