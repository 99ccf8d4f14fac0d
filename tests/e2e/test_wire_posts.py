"""What reaches the room: the reply as Campfire shows it, whatever Campfire's state is."""

import re
from pathlib import Path

import pytest

from bot.journal import DeadLetter, open_journal
from bot.testing.campfire import Campfire, Dialect, Gate, Message
from bot.testing.model import hold, say
from tests.e2e.watching import Log
from tests.e2e.world import PATIENCE_S, World, open_world

MARKDOWN = """\
# Notes

| City | People |
|:-----|-------:|
| Bern | 134,000 |
| Oslo | 709,000 |

```python
if 1 < 2: print("<b>")
```

![a cat](https://example.com/cat.png) and <u>underlined</u> 100% done & dusted
"""


async def html_of(world: World, message: Message) -> str:
    """Wait for Ada's answer to *message*; return it as it was posted."""
    answer = await world.campfire.answer_to(message, by=world.ada, timeout_s=PATIENCE_S)
    return answer.html or ""


async def dead_letters(world: World) -> tuple[DeadLetter, ...]:
    """Read what was given up, once the server has ended."""
    async with open_journal(world.cache / "journal.db", node="test") as journal:
        return await journal.letters.listed()


async def test_markup_is_text_both_ways(tmp_path: Path) -> None:
    """What somebody writes as HTML reaches the model as written, and comes back as text."""
    markup = "<script>alert(1)</script> & <img src=x>"
    async with open_world(tmp_path) as world, world.serving():
        world.model.script("again", say(f"You wrote {markup}"))
        answer = await html_of(world, await world.say(f"@Ada again: {markup}"))
        assert f"again: {markup}" in world.model.requests[0].last_text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;img" in answer
        assert not re.search(r"<(script|img)", answer)
        assert world.campfire.violations == ()


async def test_markdown_becomes_what_campfire_keeps(tmp_path: Path) -> None:
    """Tables and code are aligned text, images are links, and no tag is lost with its text."""
    async with open_world(tmp_path) as world, world.serving():
        world.model.script("report", say(MARKDOWN))
        answer = await html_of(world, await world.say("@Ada report"))
        table, code = re.findall(r"<pre>(.*?)</pre>", answer, re.DOTALL)
        assert len({len(line) for line in table.strip().splitlines()}) == 1
        assert "Bern" in table
        assert 'if 1 &lt; 2: print("&lt;b&gt;")' in code.replace("&quot;", '"')
        assert 'href="https://example.com/cat.png"' in answer
        assert "100% done &amp; dusted" in answer
        assert world.campfire.violations == ()


async def test_a_long_answer_comes_in_parts(tmp_path: Path) -> None:
    """An answer too long for one message is split, and its parts come in order."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada give me a long answer")
        assert (await server.settled()) == {"accepted": 1, "answered": 1}
        parts = world.said_by(world.ada)
        assert len(parts) > 1
        numbers = re.findall(r"paragraph (\d+) of", "\n".join(parts))
        assert numbers == [str(number) for number in range(1, 41)]
        assert world.campfire.violations == ()


@pytest.mark.parametrize("text", ["/play tada", " \n ", "<!-- nothing -->", "\u200b"])
async def test_neither_sounds_nor_blanks(tmp_path: Path, text: str) -> None:
    """Whatever the model says, the room hears no sound and sees no empty message."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("surprise", say(text))
        await world.ask("@Ada surprise me")
        assert sum((await server.settled()).values()) == 2
        (answer,) = world.said_by(world.ada)
        assert answer
        assert world.campfire.violations == ()


async def test_a_room_waits_and_others_do_not(tmp_path: Path, log: Log) -> None:
    """A post that is refused for now is tried again; the other rooms go on meanwhile."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.campfire.fail_posts(429, headers={"Retry-After": "3"})
        waiting = await world.say("@Ada")
        failed = await log.until("post_failed")
        assert failed["wait_s"] >= 3
        assert "slow down" in failed["why"]
        other = await world.say("", room=world.direct, mention=())  # no model: answered at once
        await world.answer(other)
        assert world.said_by(world.ada) == []
        await world.answer(waiting)
        world.campfire.fail_posts(503)
        assert await world.ask("@Ada") != ""
        assert (await server.settled())["accepted"] == 3
        assert len(world.said_by(world.ada)) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 422])
async def test_what_is_refused_is_not_tried_again(tmp_path: Path, status: int) -> None:
    """Repeating it would change nothing: one post, and a dead letter that says why."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            world.campfire.fail_posts(status)
            await world.say("@Ada")
            assert (await server.settled()) == {"accepted": 1, "dead": 1}
            assert _posts(world) == [status]
        (letter,) = await dead_letters(world)
        assert str(status) in (letter.reason or "")


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_what_fails_for_now_is_tried_again(tmp_path: Path, status: int) -> None:
    """The answer comes with the next try, once, and unmarked."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.campfire.fail_posts(status)
        await world.answer(await world.say("@Ada"))
        assert (await server.settled()) == {"accepted": 1, "told": 1}
        assert _posts(world) == [status, 201]
        assert len(world.said_by(world.ada)) == 1


def _posts(world: World) -> list[int]:
    return [call.status for call in world.campfire.api_calls if call.method == "POST"]


async def test_a_key_that_is_not_accepted(tmp_path: Path, log: Log) -> None:
    """A redirect to the login makes a dead letter, whose reason tells the operator what to do."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("wait", hold(gate))
        async with world.serving() as server:
            await world.say("@Ada wait")
            await gate.reached()
            world.campfire.change_key(world.ada)
            gate.release()
            assert (await server.settled()) == {"accepted": 1, "dead": 1}
            (line,) = log.find("part_dead")
            assert "the key is wrong or expired" in line["why"]
        (letter,) = await dead_letters(world)
        assert "copy the key from Campfire's page of bots" in (letter.reason or "")
        posts = [call for call in world.campfire.api_calls if call.method == "POST"]
        assert [call.status for call in posts] == [302]
        assert world.ada.key not in log.getvalue()


async def test_campfire_is_away_for_a_while(tmp_path: Path, log: Log) -> None:
    """An answer waits until Campfire is back, and comes once."""
    gate = Gate()
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("wait", hold(gate))
        said = await world.say("@Ada wait")
        await gate.reached()
        await world.campfire.refuse_connections()
        gate.release()
        assert "cannot be reached" in (await log.until("post_failed"))["why"]
        await world.campfire.accept_connections()
        await world.answer(said)
        assert (await server.settled()) == {"accepted": 1, "answered": 1}
        assert len(world.said_by(world.ada)) == 1


async def test_a_lost_answer_is_repeated_once(tmp_path: Path, log: Log) -> None:
    """Where no bot can read a room, what may stand there is sent once more, and marked."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world, world.serving() as server:
        world.campfire.drop_after_accept()
        await world.ask("@Ada")
        assert (await server.settled()) == {"accepted": 1, "told": 1}
        assert "may be there" in (await log.until("part_repeated"))["why"]
        assert len(world.said_by(world.ada)) == 2


def posts_of(campfire: Campfire) -> set[str | None]:
    """Return the types with which was posted."""
    return {call.content_type for call in campfire.api_calls if call.method == "POST"}


async def test_every_post_says_what_it_is(tmp_path: Path) -> None:
    """Without a type Campfire would read a reply as a form."""
    async with open_world(tmp_path) as world, world.serving():
        await world.ask("@Ada echo: 100% done&attachment=x")
        assert posts_of(world.campfire) == {"text/html; charset=utf-8"}
        assert "100% done&attachment=x" in world.said_by(world.ada)[0]
