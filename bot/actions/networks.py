"""/chat: on which networks a person is bound, and which of them tells them first."""

from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.typed_numbers import read_typed
from bot.conversation import Conversation

OFF_WORDS = frozenset({"off", "none", "0"})


async def choose_chat(chat: Conversation, text: str = "") -> None:
    """Handle /chat: show; /chat NAME: be told there first; /chat off: as the office has it. Refused `not_bound_there`."""
    who, said = chat.bound_person.code, read_typed(text).strip()
    person = (await chat.services.office.snapshot()).by_code.get(who, chat.bound_person)
    if not said:
        await chat.answer_key("networks.shown", networks=_name_all(chat, person))
        return
    wanted = None if said.lower() in OFF_WORDS else _find_network(chat, person, said)
    person = await chat.services.people.prefer_chat(who, wanted, who)
    await chat.answer_key("networks.chosen", network=_name(chat, person.chat), networks=_name_all(chat, person))


def _find_network(chat: Conversation, person: Person, said: str) -> str:
    for one in person.chats:
        if said.lower() in (one.network.lower(), _name(chat, one.network).lower()):
            return one.network
    raise Refused("not_bound_there", network=said[:40])


def _name_all(chat: Conversation, person: Person) -> str:
    return chat.render("networks.then").join(_name(chat, one.network) for one in person.chats)


def _name(chat: Conversation, network: str | None) -> str:
    return chat.services.texts.get_word_or_value("source", network or "")
