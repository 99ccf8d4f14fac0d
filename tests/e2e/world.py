"""A whole world on loopback: chat, model, and the real server with the SDK's real child."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bot.config.settings import load_settings
from bot.serving import run_server
from bot.testing.campfire import Campfire, open_campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import BotAccount, Dialect, Message, PersonAccount, RoomKind
from bot.testing.model import Model, open_model

ADMIN_TOKEN = "the-admin-token-of-the-tests"
#: Boots of many children on two cores take their time.
PATIENCE_S = 60.0

BOT_FILE = """\
name = "{name}"
platform = "campfire"
key = {{ env = "{variable}" }}
model = "claude-sonnet-4-5"
system_prompt = "You are {name}."
"""
#: Lets people speak as fast, and as often the same, as only tests do.
UNGUARDED = "[loops]\ndepth = 100\nrate = 1000\n"


class Running:
    """A server that runs in this process."""

    def __init__(self, url: str, stop: asyncio.Event) -> None:
        self.url = url
        self.stop = stop

    async def get(self, path: str) -> Any:
        """Return the JSON of a page, as an operator."""
        response = await self.request("GET", path)
        response.raise_for_status()
        return response.json()

    async def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Send a request as an operator."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}", **how.pop("headers", {})}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, f"{self.url}{path}", headers=headers, **how)

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask for a page again and again until it says what *holds* wants; return it."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        async with (
            asyncio.timeout(PATIENCE_S),
            httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False) as client,
        ):
            while not holds(page := (await client.get(path)).raise_for_status().json()):
                pass
        return page

    async def until_ready(self) -> None:
        """Wait until the server says that it is ready."""
        await self._until_readiness(lambda why: not why)

    async def until_draining(self) -> None:
        """Wait until the server says that it is stopping."""
        await self._until_readiness(lambda why: any("stop" in reason for reason in why))

    async def _until_readiness(self, holds: Callable[[list[str]], bool]) -> None:
        async with (
            asyncio.timeout(PATIENCE_S),
            httpx.AsyncClient(base_url=self.url, trust_env=False) as client,
        ):
            while not holds((await client.get("/ready")).json().get("why", [])):
                pass

    async def settled(self) -> dict[str, int]:
        """Wait until nothing is open; return the equation."""
        queues = await self.until("/queue/stats", lambda page: page["messages"]["open"] == 0)
        assert queues["messages"].pop("balanced")
        return {name: count for name, count in queues["messages"].items() if count}


class World:
    """Kim and Lee, Ada and Bo, the Watercooler and a direct room of Kim and Ada."""

    def __init__(self, folder: Path, model: Model, campfire: Campfire) -> None:
        self.folder = folder
        self.model = model
        self.campfire = campfire
        self.kim = campfire.add_person("Kim")
        self.lee = campfire.add_person("Lee")
        self.ada = campfire.add_bot("Ada")
        self.bo = campfire.add_bot("Bo")
        everybody = [self.kim, self.lee, self.ada, self.bo]
        self.room = campfire.add_room("Watercooler", members=everybody)
        self.direct = campfire.add_room(kind=RoomKind.DIRECT, members=[self.kim, self.ada])
        self.bots_dir = folder / "bots.d"
        self.cache = folder / "session_cache"
        self.bots_dir.mkdir(exist_ok=True)
        self.write_bot("ada")

    def write_bot(self, bot_id: str, more: str = "") -> Path:
        """Write a bot's file; *more* comes after the usual keys."""
        path = self.bots_dir / f"{bot_id}.toml"
        name = bot_id.capitalize()
        text = BOT_FILE.format(name=name, variable=f"{bot_id.upper()}_BOT_KEY") + more
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def environ(self) -> dict[str, str]:
        """The server's whole environment."""
        return {
            "HEARTH_CAMPFIRE_URL": self.campfire.url,
            "HEARTH_BOTS_DIR": str(self.bots_dir),
            "HEARTH_SESSION_CACHE": str(self.cache),
            "HEARTH_PORT": "0",
            "HEARTH_GRACE": "10s",
            "HEARTH_ADMIN_TOKEN": ADMIN_TOKEN,
            # Nothing that a test did not ask for boots beside what it looks at.
            "HEARTH_SPARES": "0",
            "HEARTH_WARM_ROOMS": "0",
            "HEARTH_LOG_FORMAT": "json",
            "HEARTH_LOG_LEVEL": "debug",
            "ANTHROPIC_API_KEY": "sk-a-key-of-the-tests",
            "ANTHROPIC_BASE_URL": self.model.url,
            "ADA_BOT_KEY": self.ada.key,
            "BO_BOT_KEY": self.bo.key,
        }

    def call(self, url: str) -> None:
        """Have the chat call the bots at a server's address."""
        self.campfire.change_webhook(self.ada, f"{url}/webhook/ada")
        self.campfire.change_webhook(self.bo, f"{url}/webhook/bo")

    @asynccontextmanager
    async def serving(self, settings: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
        """Run the server until the block ends, which stops it in order."""
        stop, listening = asyncio.Event(), asyncio.Event()
        environ = {**self.environ, **(settings or {})}
        urls: list[str] = []

        def announce(url: str) -> None:
            urls.append(url)
            self.call(url)
            listening.set()

        async with asyncio.TaskGroup() as group:
            server = run_server(load_settings(environ), environ, stop=stop, on_listening=announce)
            group.create_task(server, name="server")
            await listening.wait()
            try:
                yield Running(urls[0], stop)
            finally:
                stop.set()

    async def say(
        self,
        text: str,
        *,
        person: PersonAccount | None = None,
        room: Room | None = None,
        mention: Iterable[BotAccount] | None = None,
    ) -> Message:
        """Have Kim (or another) say something to Ada (or another) in the Watercooler."""
        return await self.campfire.say(
            room or self.room,
            person or self.kim,
            text,
            mention=[self.ada] if mention is None else mention,
        )

    async def answer(self, message: Message, by: BotAccount | None = None) -> str:
        """Wait for the answer to a message; return its text."""
        answer = await self.campfire.answer_to(message, by=by or self.ada, timeout_s=PATIENCE_S)
        return answer.plain

    async def ask(
        self, text: str, *, person: PersonAccount | None = None, room: Room | None = None
    ) -> str:
        """Say something to Ada and return her answer."""
        return await self.answer(await self.say(text, person=person, room=room))

    def said_by(self, account: BotAccount, room: Room | None = None) -> list[str]:
        """Return what a bot has said in a room."""
        messages = self.campfire.room(room or self.room).messages
        return [message.plain for message in messages if message.creator.id == account.id]

    def session_files(self) -> list[Path]:
        """Return the session files there are."""
        return sorted(self.cache.glob("session_*.json"))

    def transcripts(self, bot_id: str = "ada") -> list[Path]:
        """Return the transcripts that a bot's children have written."""
        return sorted((self.cache / "agent" / bot_id / "projects").glob("*/*.jsonl"))

    async def written(self, words: str, *, times: int = 1) -> None:
        """Wait until Ada's transcripts hold so many prompts with *words*.

        The child writes in bundles. Whoever is killed before that leaves no prompt behind, and
        what becomes of one cannot be seen.
        """
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(self._prompts_with, words) < times:
                pass

    def _prompts_with(self, words: str) -> int:
        lines = (line for path in self.transcripts() for line in path.read_text().splitlines())
        return sum(words in line and '"parentUuid"' in line for line in lines)


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    dialect: Dialect = Dialect.MAIN,
    workers: int = 1,
    prepare: Callable[[Campfire], object] = lambda _: None,
) -> AsyncIterator[World]:
    """Open a world without a server; see `World.serving`. *prepare* meets the chat still empty."""
    async with (
        open_model() as model,
        open_campfire(dialect=dialect, workers=workers) as campfire,
    ):
        prepare(campfire)
        yield World(folder, model, campfire)
