"""``hearth dead-letters``: what was given up, and the way back."""

import json
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.text import Text

from bot.cli.console import FAILED, err, out, plain_errors
from bot.cli.letters import Letters, Shown, open_letters
from bot.cli.letters_shown import as_letter, as_list
from bot.cli.loop import run
from bot.errors import BotError, ConfigError

app = typer.Typer(
    name="dead-letters",
    help="Messages that were given up: list, show, retry, drop. The server may run meanwhile.",
    no_args_is_help=True,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
_Number = Annotated[int, typer.Argument(min=1, metavar="NUMBER", help="As the list has it.")]
_Numbers = Annotated[list[int], typer.Argument(min=1, metavar="NUMBER", help="As the list has it.")]

#: What a retry does, now and later.
_RETRIED = {
    ("post", True): "the frozen answer is posted",
    ("post", False): "the frozen answer is posted when the server starts",
    ("ask", True): "the agent is asked again",
    ("ask", False): "the agent is asked again when the server starts",
}


@app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="How many.")] = 50,
    before: Annotated[
        int | None,
        typer.Option(min=1, max=10**9 - 1, metavar="NUMBER", help="Only those with a lower one."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """List what was given up and not dropped, newest first."""
    _run(_list(limit, before, as_json=as_json))


@app.command()
def show(seq: _Number, *, as_json: _Json = False) -> None:
    """Show one: what was said, what was tried, why it was given up."""
    _run(_show(seq, as_json=as_json))


@app.command()
def retry(seqs: _Numbers, *, as_json: _Json = False) -> None:
    """Have it answered after all.

    A frozen answer is posted; where there is none, the agent is asked again.
    """
    _run(_each(seqs, lambda letters: letters.retry, _retried, as_json=as_json))


@app.command()
def drop(seqs: _Numbers, *, as_json: _Json = False) -> None:
    """Take it off the list. It stays counted as dead."""
    _run(_each(seqs, lambda letters: letters.drop, _dropped, as_json=as_json))


def _run(command: Coroutine[Any, Any, None]) -> None:
    with plain_errors():
        run(command)


async def _list(limit: int, before: int | None, *, as_json: bool) -> None:
    async with open_letters(os.environ) as (letters, _):
        page = await letters.page(limit=limit, before=before)
    if as_json:
        _print_json(page)
    elif page["dead_letters"]:
        out.print(as_list(page["dead_letters"]))
    else:
        out.print("no dead letters")
    if page["before"] and not as_json:
        out.print(f"for older ones: --before {page['before']}", style="dim")


async def _show(seq: int, *, as_json: bool) -> None:
    async with open_letters(os.environ) as (letters, _):
        letter = await letters.show(seq)
    if as_json:
        _print_json(letter)
    else:
        out.print(as_letter(letter))


async def _each(
    seqs: list[int],
    action: Callable[[Letters], Callable[[int], Awaitable[Shown]]],
    sentence: Callable[[Shown, bool], str],
    *,
    as_json: bool,
) -> None:
    """Do it to each; one that cannot be done does not keep the others from it."""
    failed = False
    async with open_letters(os.environ) as (letters, server_runs):
        for seq in seqs:
            try:
                done = await action(letters)(seq)
            except ConfigError:
                raise
            except BotError as error:
                err.print(Text(str(error)))
                failed = True
                continue
            _print_json(done) if as_json else out.print(sentence(done, server_runs))
    if failed:
        raise typer.Exit(FAILED)


def _retried(done: Shown, server_runs: bool) -> str:  # noqa: FBT001 - one of two sentences
    return f"{done['seq']}: {_RETRIED[done['retry'], server_runs]}"


def _dropped(done: Shown, _server_runs: bool) -> str:  # noqa: FBT001 - as above
    return f"{done['seq']}: dropped"


def _print_json(content: Shown) -> None:
    """Print one line, as it is: a program reads it."""
    out.print(Text(json.dumps(content)))
