"""Who and which rooms there are in the chat."""

import secrets
import string
from collections.abc import Collection, Iterable
from dataclasses import replace

from bot.testing.campfire.ledger import Ledger, Line, account_from, account_line
from bot.testing.campfire.records import Account, BotAccount, Message, PersonAccount, RoomKind

_KEY_CHARACTERS = string.ascii_letters + string.digits
_KEY_LENGTH = 12


class Room:
    """A room and what was said in it."""

    def __init__(self, room_id: int, name: str | None, kind: RoomKind, members: list[int]) -> None:
        self.id = room_id
        #: None for a direct room.
        self.name = name
        self.kind = kind
        #: Ids of the members.
        self.member_ids = members
        self._messages: dict[int, Message] = {}

    @property
    def messages(self) -> tuple[Message, ...]:
        """What stands in the room now, oldest first."""
        return tuple(self._messages.values())

    def put(self, message: Message) -> None:
        """Add *message*, or put its new version in its place."""
        self._messages[message.id] = message

    def find(self, message_id: int) -> Message | None:
        """Return the message of that id, if it stands in this room."""
        return self._messages.get(message_id)

    def remove(self, message_id: int) -> None:
        """Take a message away."""
        self._messages.pop(message_id, None)


class Directory:
    """All accounts and rooms. To add one that is there returns that one."""

    def __init__(self, ledger: Ledger) -> None:
        self.accounts: dict[int, Account] = {}
        self.rooms: dict[int, Room] = {}
        self._ledger = ledger

    @property
    def names(self) -> dict[int, str]:
        """The names of all accounts by id."""
        return {account.id: account.name for account in self.accounts.values()}

    def person(self, name: str, account_id: int | None = None) -> PersonAccount:
        """Return the person of that name (or id); a new one joins all open rooms."""
        found = self._account(name, account_id)
        if isinstance(found, PersonAccount):
            return found
        person = PersonAccount(id=account_id or _free_id(self.accounts), name=name)
        self._join(person)
        return person

    def bot(
        self, name: str, webhook_url: str | None, account_id: int | None = None, key: str = ""
    ) -> BotAccount:
        """Return the bot of that name (or id), called at *webhook_url* from now on."""
        found = self._account(name, account_id)
        if isinstance(found, BotAccount):
            return self.change(replace(found, webhook_url=webhook_url))
        new = account_id or _free_id(self.accounts)
        bot = BotAccount(id=new, name=name, key=key or _new_key(new), webhook_url=webhook_url)
        self._join(bot)
        return bot

    def change(self, bot: BotAccount) -> BotAccount:
        """Put *bot* in the place of the account with its id."""
        self.accounts[bot.id] = bot
        self._ledger.write("account", account_line(bot))
        return bot

    def give_new_key(self, bot: BotAccount) -> BotAccount:
        """Give *bot* another key; the old one is worthless at once."""
        return self.change(replace(bot, key=_new_key(bot.id)))

    def room(
        self,
        name: str | None,
        kind: RoomKind,
        members: Collection[Account],
        room_id: int | None = None,
    ) -> Room:
        """Return the room of that name, or the direct room of exactly these members.

        Everybody is in an open room, whoever *members* names.
        """
        ids = {member.id for member in members}
        if kind is RoomKind.OPEN:
            ids |= self.accounts.keys()
        for room in self.rooms.values():
            same = set(room.member_ids) == ids if kind is RoomKind.DIRECT else room.name == name
            if room.kind is kind and same and room_id in {None, room.id}:
                return room
        room = Room(room_id or _free_id(self.rooms), name, kind, sorted(ids))
        self.rooms[room.id] = room
        self._write(room)
        return room

    def recall(self, kind: str, value: Line) -> None:
        """Take over a record of the ledger."""
        if kind == "account":
            self.accounts[value["id"]] = account_from(value)
        else:
            room = Room(value["id"], value["name"], RoomKind(value["kind"]), value["members"])
            self.rooms.setdefault(room.id, room).member_ids = room.member_ids

    def _account(self, name: str, account_id: int | None) -> Account | None:
        for account in self.accounts.values():
            if account.id == account_id or (account_id is None and account.name == name):
                return account
        return None

    def _join(self, account: Account) -> None:
        self.accounts[account.id] = account
        self._ledger.write("account", account_line(account))
        for room in self.rooms.values():
            if room.kind is RoomKind.OPEN:
                room.member_ids.append(account.id)
                self._write(room)

    def _write(self, room: Room) -> None:
        line = {"id": room.id, "name": room.name, "kind": room.kind, "members": room.member_ids}
        self._ledger.write("room", line)


def _free_id(taken: Iterable[int]) -> int:
    return max(taken, default=0) + 1


def _new_key(bot_id: int) -> str:
    token = "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(_KEY_LENGTH))
    return f"{bot_id}-{token}"
