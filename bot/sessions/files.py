"""Session files: which agent session a room has, kept over restarts.

``session_{room}_{bot}.json``, or ``session_{room}_{bot}.{user}.json`` for one person's session. The
name only finds a file: whose session it is stands in its content.
"""

import hashlib
import json
import math
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiofiles
import aiofiles.os

from bot.errors import BotError
from bot.records import SessionKey

_PLAIN = re.compile(r"[^A-Za-z0-9-]")
#: Ending of a file that is still being written.
_FRESH = ".new"
_BOT_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
#: Longer parts of a name are shortened: a file name has 255 bytes.
_MOST_CHARACTERS = 80
#: Longer numbers stay text; Python refuses to convert very long ones.
_MOST_DIGITS = 18
#: A session file is a few hundred bytes; what is larger is something else.
_MOST_BYTES = 64 * 2**10


class SessionFileWrong(BotError):
    """A session file cannot be read; the room goes on with a new session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFile:
    """What is kept of one session."""

    key: SessionKey
    #: The agent's id of the session; not necessarily a UUID in files that others wrote.
    session_id: str
    created_at: datetime
    #: End of the last turn: the TTL runs from here.
    last_used: datetime
    #: Turns that were answered; None in files that others wrote, which do not count them.
    turns: int | None = None
    cost_usd: float = 0.0


def file_name(key: SessionKey) -> str:
    """Return the name of a session's file; two keys never share one."""
    user = f".{_encoded(key.user)}" if key.user is not None else ""
    return f"session_{_encoded(key.room)}_{key.bot}{user}.json"


def parse_session_file(text: str | bytes) -> SessionFile:
    """Read a session file's content; the five fields of the seed format are enough.

    Raises SessionFileWrong.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SessionFileWrong(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SessionFileWrong("not a JSON object")
    user = found.get("user_id")
    bot = _text(found, "bot_id")
    if not _BOT_ID.fullmatch(bot):
        raise SessionFileWrong(f'"bot_id" {bot!r} is not a bot id')
    return SessionFile(
        key=SessionKey(
            room=_text(found, "room_id"),
            bot=bot,
            user=None if user is None else _text(found, "user_id"),
        ),
        session_id=_text(found, "session_id"),
        created_at=_moment(found, "created_at"),
        last_used=_moment(found, "last_used"),
        turns=_count(found),
        cost_usd=_cost(found),
    )


def dump_session_file(file: SessionFile) -> str:
    """Write the content of a session file. Rooms that are numbers stay numbers."""
    key = file.key
    content: dict[str, Any] = {
        "session_id": file.session_id,
        "room_id": _number_or_text(key.room),
        "bot_id": key.bot,
        "last_used": file.last_used.isoformat(),
        "created_at": file.created_at.isoformat(),
    }
    if key.user is not None:
        content["user_id"] = _number_or_text(key.user)
    if file.turns is not None:
        content["turns"] = file.turns
    content["cost_usd"] = round(file.cost_usd, 6)
    return json.dumps(content)


class SessionFiles:
    """The session files of one folder. Writes are atomic; symlinks are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def scan(self) -> tuple[list[SessionFile], list[tuple[str, str]]]:
        """Read all session files, and say which could not be read and why. Blocks: for a thread."""
        found: list[SessionFile] = []
        wrong: list[tuple[str, str]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.startswith(".session_") and entry.name.endswith(_FRESH):
                    Path(entry.path).unlink(missing_ok=True)  # a crash came before its rename
                elif entry.name.startswith("session_") and entry.name.endswith(".json"):
                    try:
                        found.append(_read(entry))
                    except (SessionFileWrong, OSError) as error:
                        wrong.append((entry.name, str(error)))
        return found, wrong

    async def write(self, file: SessionFile) -> None:
        """Put a session file in place, on disk before this returns. Raises OSError.

        For one writer at a time: two of the same session would share a temporary file.
        """
        path = self._folder / file_name(file.key)
        fresh = path.with_name(f".{path.name}{_FRESH}")
        async with aiofiles.open(fresh, "w", encoding="utf-8") as out:
            await out.write(dump_session_file(file))
            await out.flush()
            await aiofiles.os.wrap(os.fsync)(out.fileno())
        await aiofiles.os.replace(fresh, path)
        await aiofiles.os.wrap(_sync_folder)(self._folder)

    async def delete(self, key: SessionKey) -> None:
        """Remove a session's file, if it is there."""
        try:
            await aiofiles.os.remove(self._folder / file_name(key))
        except FileNotFoundError:
            return


def _read(entry: "os.DirEntry[str]") -> SessionFile:
    if not entry.is_file(follow_symlinks=False):
        raise SessionFileWrong("not a regular file")
    if entry.stat(follow_symlinks=False).st_size > _MOST_BYTES:
        raise SessionFileWrong(f"larger than {_MOST_BYTES} bytes")
    file = parse_session_file(Path(entry.path).read_bytes())
    if file_name(file.key) != entry.name:
        raise SessionFileWrong(f"its content belongs to {file_name(file.key)}")
    return file


def _sync_folder(folder: Path) -> None:
    """Make a rename durable: it is the folder that holds a file's name."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _encoded(part: str) -> str:
    """Keep letters, digits and dashes; write the rest as hexadecimal bytes between equal signs."""
    name = _PLAIN.sub(lambda match: f"={match[0].encode('utf-8', 'surrogatepass').hex()}=", part)
    if len(name) <= _MOST_CHARACTERS:
        return name
    return f"~{hashlib.sha256(name.encode()).hexdigest()}"


def _number_or_text(part: str) -> int | str:
    short = part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS
    return int(part) if short and str(int(part)) == part else part


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise SessionFileWrong(f'"{name}" is missing or not a text')
    return value


def _moment(found: dict[str, Any], name: str) -> datetime:
    """Read a time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(_text(found, name))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SessionFileWrong(f'"{name}" is not an ISO 8601 time') from error


def _count(found: dict[str, Any]) -> int | None:
    turns = found.get("turns")
    return turns if isinstance(turns, int) and not isinstance(turns, bool) else None


def _cost(found: dict[str, Any]) -> float:
    try:
        cost = float(found.get("cost_usd", 0.0))
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return cost if math.isfinite(cost) else 0.0
