"""``hearth demo``: the whole thing on one machine, without an account and without a key."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.text import Text

from bot.cli.console import out
from bot.cli.talk import Talk, hold_conversation
from bot.config.settings import load_settings
from bot.errors import ConfigError, JournalHeld, Mistake
from bot.serving import run_server
from bot.testing.campfire import Campfire, open_campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import BotAccount, Dialect, Message, PersonAccount, RoomKind
from bot.testing.model import open_model

_ADA = """# Ada, the bot of the demo. Change her while the demo runs: no restart needed.
name = "Ada"
platform = "campfire"
key = { env = "ADA_BOT_KEY" }
model = "claude-sonnet-4-5"
system_prompt = "You are Ada, a friendly member of this room. Answer briefly."
"""
#: Slow enough to see the answer coming, fast enough not to wait for it.
_MODEL_LATENCY_S = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A chat with people and a bot, and what a server needs to take part."""

    campfire: Campfire
    #: The Watercooler first, then Kim's direct room with Ada.
    rooms: tuple[Room, ...]
    kim: PersonAccount
    ada: BotAccount
    #: The server's whole environment: nothing of this machine's.
    environ: Mapping[str, str]


async def run_demo(
    folder: Path, *, real: bool, talk: bool, port: int, environ: Mapping[str, str]
) -> None:
    """Run the demo until it is interrupted, or until the conversation of ``--talk`` has ended.

    Raises ConfigError when ``--real`` has no key or another option cannot be followed, and
    DemoFailed when Ada did not answer as she should.
    """
    try:
        async with open_stage(folder, real=real, port=port, environ=environ) as stage:
            if talk:
                talking = Talk(stage.campfire, stage.rooms[0], stage.kim, stage.ada)
                await hold_conversation(talking, partial(serving, stage))
            else:
                await _stay(stage, folder, real=real)
    except* JournalHeld as held:
        what = f"another demo has {folder}: end it, or name another folder"
        raise ConfigError((Mistake(where="--state", line=None, what=what),)) from held


@asynccontextmanager
async def open_stage(
    folder: Path, *, real: bool, port: int, environ: Mapping[str, str]
) -> AsyncIterator[Stage]:
    """Open the chat and the model; what they remember is in *folder*."""
    access = _real_access(environ) if real else {}
    with _cured(folder, port):
        bots = _prepared_bots(folder)
    async with AsyncExitStack() as stack:
        if not real:
            model = await stack.enter_async_context(open_model(latency_s=_MODEL_LATENCY_S))
            access = {
                "ANTHROPIC_API_KEY": "a-key-for-the-stand-in",
                "ANTHROPIC_BASE_URL": model.url,
            }
        with _cured(folder, port):
            campfire = await stack.enter_async_context(
                open_campfire(dialect=Dialect.MAIN, state=folder / "chat.json", port=port)
            )
        kim, lee, ada = (
            campfire.add_person("Kim"),
            campfire.add_person("Lee"),
            campfire.add_bot("Ada"),
        )
        room = campfire.add_room("Watercooler", members=[kim, lee, ada])
        direct = campfire.add_room(kind=RoomKind.DIRECT, members=[kim, ada])
        yield Stage(
            campfire=campfire,
            rooms=(room, direct),
            kim=kim,
            ada=ada,
            environ={
                "HEARTH_CAMPFIRE_URL": campfire.url,
                "HEARTH_BOTS_DIR": str(bots),
                "HEARTH_SESSION_CACHE": str(folder / "session_cache"),
                "HEARTH_PORT": "0",
                "HEARTH_LOG_LEVEL": "warning",
                "ADA_BOT_KEY": ada.key,
                **access,
            },
        )


def _prepared_bots(folder: Path) -> Path:
    """Return the folder with Ada in it; what somebody has changed there stays."""
    bots = folder / "bots.d"
    bots.mkdir(parents=True, exist_ok=True)
    if not (bots / "ada.toml").exists():
        (bots / "ada.toml").write_text(_ADA)
    return bots


@contextmanager
def _cured(folder: Path, port: int) -> Iterator[None]:
    """Say which option is to blame for what the system refuses. Raises ConfigError."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        where, what = "--state", f"{folder} cannot be used: {why}; name a folder of your own"
        if error.filename is None:  # it was no file
            where, what = (
                "--port",
                f"{port} cannot be listened on: {why}; leave it out for a free one",
            )
        raise ConfigError((Mistake(where=where, line=None, what=what),)) from error


@asynccontextmanager
async def serving(stage: Stage) -> AsyncIterator[None]:
    """Run a server on the stage: the real one, which ends with the block as on SIGTERM."""
    stop, listening = asyncio.Event(), asyncio.Event()

    def announce(url: str) -> None:
        stage.campfire.change_webhook(stage.ada, f"{url}/webhook/ada")
        listening.set()

    settings = load_settings(stage.environ)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            run_server(settings, stage.environ, stop=stop, on_listening=announce), name="server"
        )
        await listening.wait()
        try:
            yield
        finally:
            stop.set()


async def _stay(stage: Stage, folder: Path, *, real: bool) -> None:
    """Keep the chat open until Ctrl-C, and show what is said."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(stage), asyncio.TaskGroup() as group:
        _welcome(stage, folder, real=real)
        show = group.create_task(show_messages(stage), name="show messages")
        await stop.wait()
        show.cancel()
        out.print("\nStopping; run it again and Ada still knows.", style="dim")


async def show_messages(stage: Stage) -> None:
    """Print each new message of the rooms, an answer that grows when it is there as a whole."""
    shown = {message.id for message in _messages(stage)}

    def news(_campfire: object = None) -> list[Message]:
        said = (message for message in _messages(stage) if not message.grows)
        return [message for message in said if message.id not in shown]

    while True:
        with suppress(TimeoutError):  # nothing was said for a while
            await stage.campfire.wait_until(lambda campfire: bool(news(campfire)))
        for message in news():
            print_message(message)
            shown.add(message.id)


def print_message(message: Message) -> None:
    """Print who said what."""
    colour = "magenta" if isinstance(message.creator, BotAccount) else "cyan"
    text = message.plain.replace("\n", "\n        ")
    out.print(Text.assemble((f"{message.creator.name:>6}  ", colour), text))


def _messages(stage: Stage) -> list[Message]:
    rooms = (stage.campfire.room(room) for room in stage.rooms)
    return sorted((m for room in rooms for m in room.messages), key=lambda m: m.id)


def _welcome(stage: Stage, folder: Path, *, real: bool) -> None:
    model = "the real model" if real else "a stand-in model: it knows names, and little else"
    out.print()
    out.print(Text.assemble("  Open the chat room   ", (stage.campfire.url, "bold underline")))
    out.print(f"  Ada thinks with      {model}", style="dim")
    out.print(f"  She remembers in     {folder}", style="dim")
    out.print("  Try                  @Ada my name is Kim", style="dim")
    out.print("  Ctrl-C ends it.\n", style="dim")


def _real_access(environ: Mapping[str, str]) -> dict[str, str]:
    key = environ.get("ANTHROPIC_API_KEY", "")
    if not key:
        what = "is not set; `hearth demo --real` needs a key for the real model"
        raise ConfigError((Mistake(where="ANTHROPIC_API_KEY", line=None, what=what),))
    address = environ.get("ANTHROPIC_BASE_URL")
    return {"ANTHROPIC_API_KEY": key, **({"ANTHROPIC_BASE_URL": address} if address else {})}
