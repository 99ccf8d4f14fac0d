"""The command line."""

import gc
import json
import os
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
)


app.add_typer(dead_letters.app)


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
    port: Annotated[int, typer.Option(help="Port of the chat-room page; 0 takes a free one.")] = 0,
) -> None:
    """Try it all on this machine: a chat room, the server, the agent, a stand-in model."""
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
    """Say everything that is wrong with the settings and with bots.d/."""
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
