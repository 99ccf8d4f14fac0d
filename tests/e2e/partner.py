"""A bot of somebody else's server, or a bot with a person's account, that answers all Ada says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from bot.testing.campfire import Campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.markup import compose
from bot.testing.campfire.records import Account, BotAccount, Message
from tests.e2e.world import PATIENCE_S, World


class Partner:
    """Answers each message of Ada's once, with a mention of her, beginning with the last one."""

    def __init__(
        self, world: World, account: Account, room: Room, answer: Callable[[str], str]
    ) -> None:
        self.account = account
        self.said = 0
        self._world = world
        self._room = room
        self._answer = answer
        self._heard = max(0, len(self._heard_of(world.campfire)) - 1)

    async def begin(self, text: str) -> None:
        """Say something to Ada."""
        html = compose(text, [self._world.ada])
        if isinstance(self.account, BotAccount):
            await self._post(self.account, html)
        else:
            await self._world.campfire.say(self._room, self.account, "", html=html)
        self.said += 1

    async def work(self) -> None:
        """Answer, for ever."""
        while True:
            await self._world.campfire.wait_until(self._is_answered, timeout_s=PATIENCE_S)
            message = self._heard_of(self._world.campfire)[self._heard]
            self._heard += 1
            await self.begin(self._answer(message.plain))

    async def _post(self, account: BotAccount, html: str) -> None:
        """Post as another server's bot does: by the bot API, which calls the bots mentioned."""
        url = f"{self._world.campfire.url}/rooms/{self._room.id}/{account.key}/messages"
        headers = {"content-type": "text/html; charset=utf-8"}
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(url, content=html.encode(), headers=headers)).raise_for_status()

    def _is_answered(self, campfire: Campfire) -> bool:
        return len(self._heard_of(campfire)) > self._heard

    def _heard_of(self, campfire: Campfire) -> list[Message]:
        messages = campfire.room(self._room).messages
        return [message for message in messages if message.creator.id == self._world.ada.id]


@asynccontextmanager
async def partner(
    world: World, account: Account, answer: Callable[[str], str], *, room: Room | None = None
) -> AsyncIterator[Partner]:
    """Have somebody answer all that Ada says in a room, from now to the end of the block."""
    somebody = Partner(world, account, room or world.room, answer)
    async with asyncio.TaskGroup() as group:
        work = group.create_task(somebody.work(), name="partner")
        try:
            yield somebody
        finally:
            work.cancel()
