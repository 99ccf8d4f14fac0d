"""What the benchmarks of turns stand on: stand-ins here, the server in a process of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.testing.campfire import ApiCall, Campfire, open_campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import Dialect, Message
from bot.testing.model import Model, open_model
from tests.benchmarks.servers import Served, serve_hearth

_BOT_FILE = """\
name = "Ada"
platform = "campfire"
key = { env = "ADA_BOT_KEY" }
model = "claude-sonnet-4-5"
system_prompt = "You are Ada."

[loops]  # whoever asks the same as fast as it can be answered looks like a machine
depth = 100
rate = 1000
"""
_PATIENCE_S = 120.0


class WrongAnswer(AssertionError):
    """The room was answered, but not what it was to be."""


class Stage:
    """A chat, a model, and a folder for the server."""

    def __init__(self, folder: Path, model: Model, campfire: Campfire) -> None:
        self.folder = folder
        self.model = model
        self.campfire = campfire
        self.kim = campfire.add_person("Kim")
        self.ada = campfire.add_bot("Ada")
        (folder / "bots.d").mkdir(exist_ok=True)
        (folder / "bots.d" / "ada.toml").write_text(_BOT_FILE)

    def room(self, name: str) -> Room:
        """Return a room with Kim and Ada."""
        return self.campfire.add_room(name, members=[self.kim, self.ada])

    @asynccontextmanager
    async def serving(self, **settings: str) -> AsyncIterator[Served]:
        """Run the server."""
        environ = {
            "HEARTH_CAMPFIRE_URL": self.campfire.url,
            "ANTHROPIC_API_KEY": "a-made-up-key",
            "ANTHROPIC_BASE_URL": self.model.url,
            "ADA_BOT_KEY": self.ada.key,
            **settings,
        }
        async with serve_hearth(self.folder, environ) as served:
            self.campfire.change_webhook(self.ada, f"{served.url}/webhook/ada")
            yield served

    async def say(self, room: Room, text: str) -> Message:
        """Say something to Ada."""
        return await self.campfire.say(room, self.kim, f"@Ada {text}", mention=[self.ada])

    async def ask(self, room: Room, text: str) -> str:
        """Say something to Ada and wait for her answer."""
        said = await self.say(room, text)
        answer = await self.campfire.answer_to(said, by=self.ada, timeout_s=_PATIENCE_S)
        return answer.plain

    async def timed(self, room: Room, text: str, *, expect: str = "") -> float:
        """Ask Ada and return the seconds from the webhook's sending until her answer has come.

        What the stand-in Campfire does before and after that is not counted. Raises WrongAnswer
        when the answer does not hold what is expected, or TimeoutError.
        """
        said = await self.say(room, text)
        answer = await self.campfire.answer_to(said, by=self.ada, timeout_s=_PATIENCE_S)
        if expect not in answer.plain:
            raise WrongAnswer(answer.plain)
        # Both are noted when they have ended, and the answer is read before that.
        await self.campfire.wait_until(
            lambda _: bool(self._calls(answer) and self._sent_at(said)), timeout_s=_PATIENCE_S
        )
        return self._calls(answer)[-1].came_at - self._sent_at(said)[0]

    def _sent_at(self, said: Message) -> list[float]:
        return [one.sent_at for one in self.campfire.deliveries if one.message_id == said.id]

    def _calls(self, answer: Message) -> list[ApiCall]:
        """Return what has made the answer: a post, or the last edit of a message that grew."""
        return [call for call in self.campfire.api_calls if call.message_id == answer.id]


@asynccontextmanager
async def open_stage(
    folder: Path, *, workers: int = 8, dialect: Dialect = Dialect.MAIN
) -> AsyncIterator[Stage]:
    """Open chat and model on loopback."""
    async with (
        open_model(keep=10) as model,
        open_campfire(dialect=dialect, workers=workers) as campfire,
    ):
        yield Stage(folder, model, campfire)
