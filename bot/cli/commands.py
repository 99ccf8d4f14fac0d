"""The command line."""

import gc
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.cli import dead_letters
from bot.cli.console import WRONG_CONFIG, err, out, plain_errors
from bot.cli.loop import run
from bot.config.bot_file import bot_file_schema
from bot.config.settings import NO_ACCESS_CURE
from bot.config.survey import survey
from bot.errors import ConfigError
from bot.web.server import listen

app = typer.Typer(
    name="hearth",
    help="A group-chat bot server: a message in a room becomes an answer in that room.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: boxes break sentences apart, which one then cannot search for.
    rich_markup_mode=None,
)


app.add_typer(dead_letters.app)


def _version(asked: bool) -> None:  # noqa: FBT001 - the value of the option, as typer gives it
    if asked:
        out.print(f"hearth {version('hearth')}, claude-agent-sdk {version('claude-agent-sdk')}")
        raise typer.Exit


@app.callback()
def hearth(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say what this is."),
    ] = False,
) -> None:
    """Take the options that are of no command."""


@app.command()
def serve() -> None:
    """Serve the bots of bots.d/ until SIGTERM or Ctrl-C."""
    # What is made now stays; `run_server` collects garbage from when it serves.
    gc.disable()
    with plain_errors():
        found = survey(os.environ)
        if found.mistakes:
            raise ConfigError(found.mistakes)
        with listen(found.settings.host, found.settings.port) as listener:
            # The agent's import takes half a second; what is delivered meanwhile waits.
            from bot.serving import serve as serve_bots  # noqa: PLC0415 - see above

            run(serve_bots(found.settings, os.environ, listener=listener))


@app.command()
def demo(
    *,
    real: Annotated[
        bool, typer.Option("--real", help="Use the real model, with the key in ANTHROPIC_API_KEY.")
    ] = False,
    talk: Annotated[
        bool, typer.Option("--talk", help="Hold the conversation here, and end.")
    ] = False,
    state: Annotated[
        Path, typer.Option(help="Folder in which the demo remembers.", metavar="FOLDER")
    ] = Path("session_cache/demo"),
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="PORT", help="Of the page; 0 takes a free one."),
    ] = 0,
) -> None:
    """Try it all on this machine, without an account and a key.

    It opens a chat room, the real server and agent, and a model that is only a stand-in.
    """
    from bot.cli.demo import run_demo  # noqa: PLC0415 - as above

    with plain_errors():
        run(run_demo(state.absolute(), real=real, talk=talk, port=port, environ=os.environ))


@app.command()
def check(
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a bot file instead.")
    ] = False,
) -> None:
    """Say all that is wrong with the settings and with bots.d/."""
    if schema:
        out.print_json(json.dumps(bot_file_schema()))
        return
    found = survey(os.environ)
    for warning in found.reading.warnings:
        err.print(Text.assemble(("warning: ", "yellow"), str(warning)))
    if not found.settings.agent_access.complete:
        err.print(Text.assemble(("warning: ", "yellow"), NO_ACCESS_CURE))
    for mistake in found.mistakes:
        err.print(Text(str(mistake)))
    if found.mistakes:
        raise typer.Exit(WRONG_CONFIG)
    names = ", ".join(f"{bot.name} ({id_})" for id_, bot in found.reading.bots.items())
    out.print(Text(f"{found.settings.bots_dir}: all right: {names or 'no bots yet'}"))


def main() -> None:
    """Run the command line."""
    app()
