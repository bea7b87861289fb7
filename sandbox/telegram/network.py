"""The simulated chat network: its chats, and the people and groups that tests and the page operate."""

from sandbox.telegram.chats import Chats
from sandbox.telegram.model import Account, Chat
from sandbox.telegram.users import ChatUser, GroupChat


class ChatNetwork(Chats):
    """One bot and the people who talk with it."""

    def get_user(self, name: str, phone: str) -> ChatUser:
        """Return the person with this phone (E.164), created if new."""
        account = next((one for one in self.accounts.values() if one.phone == phone), None)
        if account is None:
            account = Account(max([10_000_000, *self.accounts]) + 1, name, phone)
            self.accounts[account.id] = account
            self.chats[account.id] = Chat(account.id, "private", members=[account.id])
            self.broadcast.notify()
        return ChatUser(self, self.chats[account.id], account)

    def create_group(self, title: str, members: list[ChatUser]) -> GroupChat:
        """Create a group of the bot and these people; the bot gets my_chat_member."""
        chat_id = min([-4_000_000_000, *(one for one in self.chats if one > -(10**12))]) - 1
        chat = Chat(chat_id, "group", title, [one.account.id for one in members])
        self.chats[chat_id] = chat
        if members:
            self.send_membership(chat, members[0].account, "member")
        return GroupChat(self, chat)
