"""A bot speaks its own language where the server speaks for it."""

from pathlib import Path

import pytest

from bot.config.bot import Language
from bot.language.catalogue import phrases_of
from bot.testing.model import stall
from tests.e2e.watching import Log
from tests.e2e.world import open_world


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh"])
async def test_a_bot_says_our_sentences_in_its_language(tmp_path: Path, language: Language) -> None:
    """They arrive in the room as they are written, marks and accents included."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", f'language = "{language}"\n[turn]\ntimeout = "1s"\n')
        async with world.serving():
            phrases = phrases_of(language)
            assert await world.ask("@Ada") == phrases.bare
            assert await world.ask("@Ada stop") == phrases.nothing_to_stop
            told = await world.ask("@Ada help")
            assert told.startswith(phrases.commands)
            assert f"stop {phrases.does_stop}" in told
            assert await world.ask("@Ada usage") == phrases.not_allowed.format(command="usage")
            world.model.script("the tea", stall(), times=1)
            assert await world.ask("@Ada echo: the tea is cold") == phrases.timed_out


async def test_a_changed_language_is_spoken_at_once(tmp_path: Path, log: Log) -> None:
    """Without a restart, in the same conversation, and by this bot only."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving() as server:
            assert await world.ask("@Ada") == phrases_of("en").bare
            await world.ask("@Ada my name is Kim")
            world.write_bot("ada", 'language = "de"\n')
            await log.until("bots_reloaded", changed=["ada"])
            assert await world.ask("@Ada") == phrases_of("de").bare
            assert "Kim" in await world.ask("@Ada what is my name?")
            said = await world.say("@Bo", mention=[world.bo])
            assert await world.answer(said, by=world.bo) == phrases_of("en").bare
            (session,) = (await server.get("/session/stats"))["sessions"]
            assert session["last_path"] == "hot"
