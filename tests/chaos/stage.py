"""The chat and the model, in this process, and what they have seen in the end."""

import re
import time
from collections import Counter
from pathlib import Path

from bot.language.english import ENGLISH
from bot.testing.campfire import Campfire, Message, Room
from bot.testing.campfire.records import BotAccount, PersonAccount
from bot.testing.model import Behaviour, Model, Request, say
from tests.chaos.plan import Question
from tests.chaos.records import Prompt, Shown

#: The chat says it in the bot's name when the webhook is too slow; it is nobody's answer.
_TIMED_OUT = "Failed to respond within 7 seconds"
_MARK = re.compile(r"token-\d{5}\.\d")
_NUMBER = re.compile(r"token-(\d{5})\.0")

ADMIN_TOKEN = "the-admin-token-of-the-chaos"
GRACE_S = 5.0
#: A model that stalls is waited for so long; a child that boots on a busy machine needs some.
_TURN_S = 15
_BOT_FILE = """\
name = "{name}"
platform = "campfire"
key = {{ env = "{variable}" }}
model = "claude-sonnet-4-5"
system_prompt = "You are {name}."

[turn]
timeout = "{timeout_s}s"
notice_after = "1s"
max_waiting = 10_000  # two people say it all
max_waiting_each = 10_000

[loops]  # those who speak here have no time to be told from machines
depth = 100
rate = 1000
"""


class Stage:
    """Kim and Lee, Ada and Bo, and as many rooms as asked for."""

    def __init__(self, folder: Path, model: Model, campfire: Campfire, *, rooms: int) -> None:
        self.folder = folder
        self.model = model
        self.campfire = campfire
        self.people: list[PersonAccount] = [campfire.add_person(name) for name in ("Kim", "Lee")]
        self.bots: list[BotAccount] = [campfire.add_bot(name) for name in ("Ada", "Bo")]
        everybody: list[PersonAccount | BotAccount] = [*self.people, *self.bots]
        self.rooms: list[Room] = [
            campfire.add_room(f"Room {number}", members=everybody) for number in range(rooms)
        ]
        self.prompts: list[Prompt] = []
        self._write_bots()
        self._watch()

    @property
    def cache(self) -> Path:
        """Where the server keeps its state."""
        return self.folder / "session_cache"

    def environ(self, *, open_conversations: int) -> dict[str, str]:
        """Return the server's settings, with memory for so many conversations."""
        return {
            "HEARTH_CAMPFIRE_URL": self.campfire.url,
            "HEARTH_BOTS_DIR": str(self.folder / "bots.d"),
            "HEARTH_SESSION_CACHE": str(self.cache),
            "HEARTH_GRACE": f"{GRACE_S:g}s",
            "HEARTH_ADMIN_TOKEN": ADMIN_TOKEN,
            "HEARTH_LOG_FORMAT": "json",
            "HEARTH_MEMORY_BUDGET": f"{open_conversations * 120}MiB",
            "ANTHROPIC_API_KEY": "a-made-up-key",
            "ANTHROPIC_BASE_URL": self.model.url,
            "ADA_BOT_KEY": self.bots[0].key,
            "BO_BOT_KEY": self.bots[1].key,
        }

    def call(self, url: str) -> None:
        """Have the chat call the bots at a server's address."""
        self.bots = [
            self.campfire.change_webhook(bot, f"{url}/webhook/{bot.name.lower()}")
            for bot in self.bots
        ]

    async def ask(self, question: Question) -> Message:
        """Have a person say the question in its room, without calling the bot yet."""
        bot, person = self.bots[question.bot], self.people[question.number % len(self.people)]
        return await self.campfire.say(
            self.rooms[question.room],
            person,
            f"@{bot.name} {question.text}",
            mention=[bot],
            deliver=False,
        )

    def misbehave(self, behaviour: Behaviour, *, times: int | None) -> None:
        """Have the model behave so for the next requests, None: for all; the last fault is over."""
        self.model.forget_scripts()
        self.model.script(lambda _: True, behaviour, times=times)
        self._watch()

    def shown(self) -> tuple[Shown, ...]:
        """Return what the bots' messages in all rooms are now."""
        return tuple(
            _shown(message)
            for room in self.rooms
            for message in self.campfire.room(room).messages
            if isinstance(message.creator, BotAccount) and message.plain != _TIMED_OUT
        )

    def complaints(self) -> dict[str, int]:
        """Count what the chat holds against the server, by kind."""
        return dict(Counter(violation.kind for violation in self.campfire.violations))

    def _write_bots(self) -> None:
        folder = self.folder / "bots.d"
        folder.mkdir()
        for name in ("Ada", "Bo"):
            text = _BOT_FILE.format(
                name=name, variable=f"{name}_BOT_KEY".upper(), timeout_s=_TURN_S
            )
            (folder / f"{name.lower()}.toml").write_text(text, encoding="utf-8")

    def _watch(self) -> None:
        """Look at every request first: a script that is asked and never applies."""
        self.model.script(self._look, say(""))

    def _look(self, request: Request) -> bool:
        self.prompts.append(_prompt(request))
        return False


def _shown(message: Message) -> Shown:
    return Shown(
        room=message.room_id,
        message_id=message.id,
        at=message.created_at.timestamp(),
        marks=tuple(_MARK.findall(message.plain)),
        text=message.plain[:200],
        growing=message.grows,
        working=message.plain == ENGLISH.working,
        edits=len(message.edits),
    )


def _prompt(request: Request) -> Prompt:
    """Note which of our questions the conversation holds; what a recap quotes does not count."""
    said = [utterance.text for utterance in request.conversation if utterance.speaker is not None]
    numbers = Counter(int(number) for text in said for number in _NUMBER.findall(text))
    last = _NUMBER.findall(request.question.text)
    return Prompt(
        at=time.time(),
        number=int(last[-1]) if last else None,
        repeated=tuple(number for number, count in numbers.items() if count > 1),
    )
