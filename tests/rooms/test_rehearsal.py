"""Rendering what may be an answer, before it is known that it is."""

import asyncio

import pytest

from bot.rooms.rehearsal import Rehearsal


class Renderer:
    """Notes what it rendered."""

    def __init__(self) -> None:
        self.rendered: list[str] = []

    def __call__(self, markdown: str) -> tuple[str, ...]:
        """Render *markdown*."""
        self.rendered.append(markdown)
        if markdown == "a bug":
            raise ZeroDivisionError
        return (f"<p>{markdown}</p>",)


async def test_it_is_rendered_once_and_not_by_who_says_it() -> None:
    """Whoever reads the child for all goes on at once; the turn finds it done."""
    renderer = Renderer()
    async with asyncio.TaskGroup() as group:
        rehearsal = Rehearsal(renderer, group)
        rehearsal.try_out("hello")
        assert renderer.rendered == []
        await asyncio.sleep(0)
        assert renderer.rendered == ["hello"]
        rehearsal.end()
        assert await rehearsal.rendered("hello") == ("<p>hello</p>",)
    assert renderer.rendered == ["hello"]


async def test_what_was_not_all_is_not_taken_for_it() -> None:
    """More followed, or it was something else that was said in the end."""
    async with asyncio.TaskGroup() as group:
        rehearsal = Rehearsal(Renderer(), group)
        assert await rehearsal.rendered("hello") is None
        rehearsal.try_out("hello")
        assert await rehearsal.rendered("hello\n\nKim") is None
        rehearsal.try_out("hello\n\nKim")
        assert await rehearsal.rendered("hello") is None
        assert await rehearsal.rendered("hello\n\nKim") == ("<p>hello\n\nKim</p>",)


async def test_a_long_answer_is_not_rendered_for_nothing() -> None:
    """It takes a while, each time something is added."""
    renderer = Renderer()
    async with asyncio.TaskGroup() as group:
        rehearsal = Rehearsal(renderer, group)
        rehearsal.try_out("x" * 4_001)
        assert await rehearsal.rendered("x" * 4_001) is None
    assert renderer.rendered == []


async def test_the_child_may_speak_on_when_the_turn_has_ended() -> None:
    """It was cut short, and its group is closed."""
    async with asyncio.TaskGroup() as group:
        rehearsal = Rehearsal(Renderer(), group)
        rehearsal.end()
    rehearsal.try_out("hello")
    assert await rehearsal.rendered("hello") is None


async def test_a_bug_costs_the_turn() -> None:
    """It ends in the turn's group, and not with whoever reads the child."""

    async def turn() -> None:
        async with asyncio.TaskGroup() as group:
            Rehearsal(Renderer(), group).try_out("a bug")
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await turn()
    assert caught.group_contains(ZeroDivisionError)
