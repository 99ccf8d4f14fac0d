"""Which texts are commands, and who may use them."""

from dataclasses import replace

import pytest

from bot.config.bot import Bot, CommandRules
from bot.journal.orders import Renew, Stop
from bot.records import MessageKind
from bot.rooms.command_sentences import plain
from bot.rooms.commands import Command, command_of, may_use, order_of
from bot.rooms.lane import lane_of
from tests.rooms.people import KIM, LANE, LEE, a_bot, said


def ruled(scope: str = "room", **rules: object) -> Bot:
    """Return Ada under some rules; Lee is an operator."""
    commands = replace(CommandRules(operators=frozenset({LEE.id})), **rules)  # type: ignore[arg-type]  # a test's words
    return replace(a_bot(scope=scope), commands=commands)


@pytest.mark.parametrize("text", ["stop", "/stop", "Stop", "STOP!", " stop. ", "\nstop\n"])
def test_one_word_is_a_command(text: str) -> None:
    """In any case, with a slash or a full stop, and space around it."""
    assert command_of(said(text)) is Command.STOP


@pytest.mark.parametrize(
    "text",
    ["", "stop it", "please stop", "/ stop", "//stop", "stop?", "stop!!", "/clear", "st\u200bop"],
)
def test_everything_else_is_none(text: str) -> None:
    """Above all sentences in which such a word occurs, and the commands of the child."""
    assert command_of(said(text)) is None


@pytest.mark.parametrize("kind", [MessageKind.UPLOAD, MessageKind.BARE])
def test_only_text_is_obeyed(kind: MessageKind) -> None:
    """A file called so is a file."""
    assert command_of(said("stop", kind=kind)) is None


def test_commands_wait_for_no_turn() -> None:
    """They have a lane of their own; nothing else changes its lane."""
    assert lane_of(a_bot(), said("stop")) == f"!{LANE}/ada"
    assert lane_of(a_bot(), said("stop it")) == LANE


@pytest.mark.parametrize(
    ("rule", "scope", "author", "reaches"),
    [
        ("asker", "room", KIM, KIM.id),
        ("asker", "room", LEE, None),
        ("anyone", "room", KIM, None),
        ("operators", "room", LEE, None),
        ("anyone", "user", KIM, KIM.id),
        ("operators", "user", LEE, LEE.id),
    ],
)
def test_whom_a_stop_reaches(rule: str, scope: str, author: object, reaches: str | None) -> None:
    """One's own, or everybody's; with a session each never anybody else's."""
    message = said("stop", author=author)  # type: ignore[arg-type]  # Kim or Lee
    assert order_of(ruled(scope, stop=rule), Command.STOP, message) == Stop(author=reaches)


@pytest.mark.parametrize(("scope", "user"), [("room", None), ("user", KIM.id)])
def test_whose_session_begins_anew(scope: str, user: str | None) -> None:
    """The room's, or one's own."""
    assert order_of(ruled(scope), Command.NEW, said("new")) == Renew(user=user)


@pytest.mark.parametrize("command", [Command.STOP, Command.NEW])
def test_who_may_not_has_no_effect(command: Command) -> None:
    """What is for operators does nothing for others."""
    bot = ruled(**{command: "operators"})
    assert order_of(bot, command, said(command)) is None
    assert not may_use(bot, command, KIM.id)
    assert may_use(bot, command, LEE.id)


def test_questions_have_no_effect() -> None:
    """They only tell."""
    for command in (Command.STATUS, Command.HELP, Command.USAGE):
        assert order_of(ruled(), command, said(command, author=LEE)) is None


def test_a_name_says_nothing_but_itself() -> None:
    """Marks are shown, line breaks are not, and it ends somewhere."""
    assert plain("*Kim*\n# x") == r"\*Kim\* \# x"
    assert len(plain("x" * 1000)) == 80
