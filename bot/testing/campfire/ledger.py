"""Where the chat survives a restart: a file with one JSON record a line, the last one wins."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.testing.campfire.records import Account, Boost, BotAccount, Message, PersonAccount

Line = dict[str, Any]


class Ledger:
    """Appends to the file; with no file, forgets."""

    def __init__(self, path: Path | None) -> None:
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _mend(path)
            self._file = path.open("a", encoding="utf-8")

    def write(self, kind: str, value: object) -> None:
        """Append a record; it is with the operating system when this returns."""
        if self._file is not None:
            self._file.write(json.dumps({kind: value}, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read(path: Path | None) -> Iterator[tuple[str, Any]]:
    """Yield the records of the file: (kind, value). A last line without its end is left out."""
    if path is None or not path.exists():
        return
    *complete, _ = path.read_bytes().split(b"\n")
    for line in complete:
        yield from json.loads(line).items()


def _mend(path: Path) -> None:
    """Cut off a last line that a crash has left incomplete."""
    if path.exists():
        written = path.read_bytes()
        path.write_bytes(written[: written.rfind(b"\n") + 1])


def account_line(account: Account) -> Line:
    """Return an account as it is written."""
    if isinstance(account, BotAccount):
        bot = {"key": account.key, "webhook_url": account.webhook_url}
        return {"id": account.id, "name": account.name, **bot}
    return {"id": account.id, "name": account.name}


def account_from(line: Line) -> Account:
    """Read an account."""
    return BotAccount(**line) if "key" in line else PersonAccount(**line)


def message_line(message: Message) -> Line:
    """Return a message as it is written."""
    return {
        "id": message.id,
        "room_id": message.room_id,
        "creator": message.creator.id,
        "html": message.html,
        "plain": message.plain,
        "filename": message.filename,
        "created_at": message.created_at.isoformat(),
        "edits": message.edits,
        "boosts": [_boost_line(boost) for boost in message.boosts],
    }


def message_from(line: Line, accounts: dict[int, Account]) -> Message:
    """Read a message by one of *accounts*."""
    changed = {
        "creator": accounts[line["creator"]],
        "created_at": datetime.fromisoformat(line["created_at"]),
        "edits": tuple(line["edits"]),
        "boosts": tuple(_boost_from(boost, accounts) for boost in line["boosts"]),
    }
    return Message(**(line | changed))


def _boost_line(boost: Boost) -> Line:
    at = boost.created_at.isoformat()
    return {"id": boost.id, "content": boost.content, "booster": boost.booster.id, "at": at}


def _boost_from(line: Line, accounts: dict[int, Account]) -> Boost:
    return Boost(
        id=line["id"],
        content=line["content"],
        booster=accounts[line["booster"]],
        created_at=datetime.fromisoformat(line["at"]),
    )
