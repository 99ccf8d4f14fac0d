"""The page on which people chat, without a browser: what it gets and what it sends."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.standins.conftest import Place


async def news(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """Yield the events of a stream: name and value."""
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_page_is_self_contained(place: Place) -> None:
    """The page loads nothing from elsewhere, and runs only its own script."""
    page = await place.client.get("/")
    policy = page.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert f'<script nonce="{nonce[1]}">' in page.text
    assert "default-src 'none'" in policy
    assert not re.search(r"""(?:src|href)=["']https?:""", page.text)
    assert (await place.client.get("/")).headers["content-security-policy"] != policy


async def test_saying_something(place: Place) -> None:
    """What is sent on the page goes the way of every message, with real mentions."""
    asked = {"room": place.room.id, "person": place.kim.id, "text": "hello @Ada, a < b\nbye"}
    answer = await place.client.post("/demo/say", json=asked)
    assert answer.status_code == 201
    await place.campfire.delivered()
    assert place.webhook.texts == ["hello , a < b\nbye"]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"text": " "}, 422), ({"person": 3}, 422), ({"room": 9}, 400), ({"text": "x" * 70000}, 413)],
)
async def test_what_cannot_be_said(place: Place, change: dict[str, Any], status: int) -> None:
    """Blank, too long, as a bot, or nowhere: refused."""
    asked = {"room": place.room.id, "person": place.kim.id, "text": "hi"} | change
    assert (await place.client.post("/demo/say", json=asked)).status_code == status


async def test_other_sites_cannot_speak(place: Place) -> None:
    """Only JSON is taken: a form or a script of a foreign page cannot send that."""
    body = json.dumps({"room": 1, "person": place.kim.id, "text": "hi"})
    answer = await place.client.post("/demo/say", content=body)
    assert answer.status_code == 415


async def test_live_news(place: Place) -> None:
    """The stream tells everything once, and then each message as the room shows it."""
    await place.campfire.say(place.room, place.kim, "hi", mention=[place.ada])
    async with place.client.stream("GET", "/demo/events") as response:
        stream = news(response)
        name, everything = await anext(stream)
        (room,) = everything["rooms"]
        assert (name, [person["name"] for person in everything["people"]]) == (
            "all",
            ["Kim", "Lee"],
        )
        assert room["messages"][0]["html"] == '<div><span class="mention">@Ada</span> hi</div>'
        await place.post("<b>yes</b><img src=x>")
        name, told = await anext(stream)
        assert (name, told["html"], told["bot"]) == ("message", "<b>yes</b>", True)
        await place.campfire.edit(place.room.messages[1], "no")
        _, told = await anext(stream)
        assert (told["html"], told["edited"]) == ("no", True)
        await place.campfire.remove(place.room.messages[1])
        assert await anext(stream) == ("removed", {"id": told["id"]})
        await stream.aclose()
