"""A bot file: what it may say, and the sentences for what it may not."""

import dataclasses
import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.bot import (
    AgentRules,
    CommandRules,
    LoopRules,
    McpServer,
    ReplyRules,
    SessionRules,
    TurnRules,
)
from bot.config.bots_dir import read_bots
from bot.config.prompt import LONGEST_PROMPT_BYTES
from bot.config.settings import Settings, load_settings
from tests.config.conftest import ADA, ADA_KEY, BO, ENVIRON, Read

GOLDEN = Path(__file__).with_name("mistakes.golden")

#: Somebody who is neither root nor whoever runs the tests.
OTHER_USER = next(user.pw_name for user in pwd.getpwall() if user.pw_uid not in {0, os.geteuid()})


def test_the_least_a_bot_needs(folder: Path, read: Read) -> None:
    """Five keys are enough; everything else has the defaults of the design."""
    (folder / "ada.toml").write_text(ADA)
    bot = read().bots["ada"]
    assert (bot.id, bot.name, bot.platform) == ("ada", "Ada", "campfire")
    assert bot.model == "claude-sonnet-4-5"
    assert bot.system_prompt == "You are Ada, who keeps the release notes."
    assert (bot.credentials.bot, bot.credentials.key) == ("ada", ADA_KEY)
    assert bot.credentials.webhook_secret is None
    assert bot.session == SessionRules(scope="room", ttl_s=86_400)
    assert bot.turn == TurnRules(timeout_s=180, when_busy="queue", lane="room", silence_s=60)
    assert bot.agent == AgentRules(
        thinking="off",
        max_turns=20,
        max_budget_usd=None,
        max_output_tokens=None,
        fallback_model=None,
        tools=(),
        user=None,
        mcp_servers=(),
        mcp_tools=None,
        tools_from=(),
    )


FULL = f"""
webhook_secret = {{ file = "secret.txt" }}
language = "de"
operators = ["42", "7"]
[session]
scope = "user"
ttl = "7d"
record = false
recap_expired = true
context_messages = 0
max_context_tokens = 50_000
[turn]
timeout = 90
silence = "2m"
when_busy = "collect"
lane = "bot"
max_waiting = 5
max_waiting_each = 2
progress = false
notice_after = "0s"
[reply]
mention = "always"
attachments = true
[commands]
stop = "operators"
new = "operators"
status = "operators"
help = "operators"
usage = "anyone"
[loops]
depth = 2
rate = 3
[agent]
thinking = "high"
max_turns = 5
max_budget_usd = 2
max_output_tokens = 4096
fallback_model = "claude-haiku-4-5"
tools = ["WebSearch", "Bash", "WebSearch"]
user = "{OTHER_USER}"
mcp_tools = ["mcp__notes__search", "mcp__web"]
tools_from = ["our_tools.notes:server"]
[agent.mcp_servers.notes]
command = "notes-mcp"
args = ["--read-only"]
env = {{ NOTES_TOKEN = {{ env = "ADA_BOT_KEY" }}, MODE = "fast" }}
[agent.mcp_servers.web]
type = "http"
url = "https://tools.example.com/mcp?team=1"
headers = {{ Authorization = {{ file = "secret.txt" }} }}
"""


def test_everything_a_bot_may_say(folder: Path, read: Read) -> None:
    """Every key arrives in the record, secrets looked up."""
    (folder / "ada.toml").write_text(ADA + FULL)
    (folder / "secret.txt").write_text("correct-horse-battery\n")
    reading = read()
    assert reading.mistakes == reading.warnings == ()
    bot = reading.bots["ada"]
    assert bot.credentials.webhook_secret == "correct-horse-battery"
    assert bot.language == "de"
    assert bot.session == SessionRules(
        scope="user",
        ttl_s=604_800,
        record=False,
        recap_expired=True,
        context_messages=0,
        max_context_tokens=50_000,
    )
    assert bot.turn == TurnRules(
        timeout_s=90,
        when_busy="collect",
        lane="bot",
        silence_s=120,
        max_waiting=5,
        max_waiting_each=2,
        progress=False,
        notice_after_s=0,
    )
    assert bot.reply == ReplyRules(mention="always", attachments=True)
    assert bot.commands == CommandRules(
        stop="operators",
        new="operators",
        status="operators",
        help="operators",
        usage="anyone",
        operators=frozenset({"42", "7"}),
    )
    assert bot.loops == LoopRules(depth=2, rate=3)
    agent = bot.agent
    assert (agent.thinking, agent.max_turns, agent.max_budget_usd) == ("high", 5, 2)
    assert (agent.max_output_tokens, agent.fallback_model) == (4096, "claude-haiku-4-5")
    assert (agent.tools, agent.user) == (("WebSearch", "Bash"), OTHER_USER)
    assert agent.tools_from == ("our_tools.notes:server",)
    assert [server.as_option() for server in agent.mcp_servers] == [
        {
            "type": "stdio",
            "command": "notes-mcp",
            "args": ["--read-only"],
            "env": {"MODE": "fast", "NOTES_TOKEN": ADA_KEY},
        },
        {
            "type": "http",
            "url": "https://tools.example.com/mcp?team=1",
            "headers": {"Authorization": "correct-horse-battery"},
        },
    ]
    assert agent.allowed_tools == ("WebSearch", "Bash", "mcp__notes__search", "mcp__web")


def test_json_says_the_same(folder: Path, read: Read) -> None:
    """A bot file in JSON has the same keys and gives the same bot."""
    content = {
        "name": "Ada",
        "platform": "campfire",
        "key": {"env": "ADA_BOT_KEY"},
        "model": "claude-sonnet-4-5",
        "system_prompt": "You are Ada, who keeps the release notes.",
    }
    (folder / "ada.json").write_text(json.dumps(content))
    from_json = read().bots["ada"]
    (folder / "ada.json").unlink()
    (folder / "ada.toml").write_text(ADA)
    assert from_json == read().bots["ada"]


def test_all_tools_of_listed_servers_are_allowed_by_default(folder: Path, read: Read) -> None:
    """Whoever lists a server wants its tools."""
    (folder / "ada.toml").write_text(f'{ADA}[agent.mcp_servers.notes]\ncommand = "x"\n')
    assert read().bots["ada"].agent.allowed_tools == ("mcp__notes",)


def test_the_ttl_of_the_settings_is_the_default(folder: Path) -> None:
    """HEARTH_SESSION_TTL counts for bots that say nothing."""
    settings = load_settings({"HEARTH_CAMPFIRE_URL": "http://x", "HEARTH_SESSION_TTL": "2h"})
    (folder / "ada.toml").write_text(ADA)
    bots = read_bots(folder, environ=ENVIRON, settings=settings).bots
    assert bots["ada"].session.ttl_s == 7_200


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ('{ env = "ADA_BOT_KEY" }', ADA_KEY),
        ('{ file = "key.txt" }', "9-FromAFile12"),
        ('"7-Literal12345"', "7-Literal12345"),
    ],
)
def test_a_secret_comes_from_three_places(folder: Path, read: Read, key: str, secret: str) -> None:
    """From the environment, from a file (line end dropped), or as it is written."""
    (folder / "key.txt").write_text("9-FromAFile12\n")
    (folder / "ada.toml").write_text(ADA.replace('{ env = "ADA_BOT_KEY" }', key))
    assert read().bots["ada"].credentials.key == secret


def test_a_prompt_may_stand_in_a_file_of_its_own(folder: Path, read: Read) -> None:
    """The file may lie in a folder below, and be reached by a link that stays inside."""
    (folder / "prompts").mkdir()
    (folder / "prompts/ada.md").write_text("\ufeffYou are Ada.\n", encoding="utf-8")
    (folder / "link.md").symlink_to("prompts/ada.md")
    lines = ADA.splitlines()[:-1]
    (folder / "ada.toml").write_text("\n".join([*lines, 'system_prompt_file = "link.md"']))
    reading = read()
    assert reading.bots["ada"].system_prompt == "You are Ada.\n"
    assert reading.prompt_files == {folder / "link.md"}


def golden_cases() -> Iterator[tuple[str, str, list[str]]]:
    """Read ``mistakes.golden``: its first paragraph says how it is written."""
    for case in GOLDEN.read_text(encoding="utf-8").split("\n== ")[1:]:
        title, *lines = case.strip().splitlines()
        said = {sign: [line[2:] for line in lines if line[0] == sign] for sign in "-+>"}
        kept = [line for line in ADA.splitlines() if line.split(" =")[0] not in said["-"]]
        sentences = [f"bots.d/{sentence}" for sentence in said[">"]]
        yield title, "\n".join([*kept, *said["+"]]), sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [pytest.param(text, sentences, id=title) for title, text, sentences in golden_cases()],
)
def test_a_mistake_is_said_with_place_value_rule_and_cure(
    folder: Path, read: Read, text: str, sentences: list[str]
) -> None:
    """These are the very lines that an operator sees; no secret is among them."""
    folder.parent.joinpath("outside.md").write_text("You are outside.")
    (folder / "ada.md").write_text("You are Ada.")
    (folder / "escape.md").symlink_to("../outside.md")
    (folder / "latin1.md").write_bytes("Grüße".encode("latin-1"))
    (folder / "huge.md").write_bytes(b"x" * (2**20 + 1))
    (folder / "ada.toml").write_text(text, encoding="utf-8")
    reading = read()
    assert [str(mistake) for mistake in reading.mistakes] == sentences
    assert reading.bots == {}
    assert "hunter2" not in repr(reading)


def test_a_prompt_is_measured_in_bytes(folder: Path, read: Read) -> None:
    """The kernel counts an argument in bytes, and an umlaut has two."""
    prompt = "ä" * (LONGEST_PROMPT_BYTES // 2)
    text = ADA.replace("You are Ada, who keeps the release notes.", prompt)
    (folder / "ada.toml").write_text(text, encoding="utf-8")
    assert read().bots["ada"].system_prompt == prompt
    (folder / "ada.toml").write_text(text.replace(prompt, f"{prompt}ä"), encoding="utf-8")
    assert [str(mistake) for mistake in read().mistakes] == [
        (
            "bots.d/ada.toml:5: system_prompt is 100,002 bytes long; at most 100,000 are allowed, "
            "because it travels as an argument of the agent's program"
        ),
    ]


def test_a_number_without_end_is_not_repeated(folder: Path, read: Read) -> None:
    """A hexadecimal number of TOML may have any length."""
    (folder / "ada.toml").write_text(f"{ADA}[agent]\nmax_turns = 0x{'f' * 5000}\n")
    assert [str(mistake) for mistake in read().mistakes] == [
        "bots.d/ada.toml:7: agent.max_turns = a very large number must be at most 1,000",
    ]


def test_every_mistake_of_a_file_comes_at_once(folder: Path, read: Read) -> None:
    """Unknown keys, wrong values, missing variables and contradictions do not hide each other."""
    (folder / "ada.toml").write_text(
        'name = 3\nplatform = "campfire"\nkey = { env = "NOPE" }\nmodle = "x"\n'
        '[agent]\ntools = ["Bash"]\nmax_turns = 0\n'
    )
    assert [mistake.line for mistake in read().mistakes] == [None, None, 1, 3, 4, 6, 7]


def test_a_campfire_bot_needs_the_address_of_campfire(folder: Path) -> None:
    """Without HEARTH_CAMPFIRE_URL the bot could hear and not answer."""
    (folder / "ada.toml").write_text(ADA)
    reading = read_bots(folder, environ=ENVIRON, settings=Settings())
    assert [str(mistake) for mistake in reading.mistakes] == [
        (
            'bots.d/ada.toml:2: platform = "campfire" needs the address of your Campfire: '
            "set HEARTH_CAMPFIRE_URL, such as https://chat.example.com"
        )
    ]


def test_the_missing_address_is_said_once(folder: Path) -> None:
    """Not for each bot; none of them is served, and what else is wrong with them is said."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "bo.toml").write_text(f"{BO}modle = 1\n")
    (folder / "cy.toml").write_text(ADA.replace("Ada", "Cy").replace("ADA_BOT_KEY", "CY_BOT_KEY"))
    reading = read_bots(folder, environ=ENVIRON, settings=Settings())
    assert [mistake.where for mistake in reading.mistakes if "CAMPFIRE_URL" in mistake.what] == [
        "bots.d/ada.toml"
    ]
    assert ["modle" in mistake.what for mistake in reading.mistakes].count(True) == 1
    assert ["CY_BOT_KEY" in mistake.what for mistake in reading.mistakes].count(True) == 1
    assert (dict(reading.bots), reading.broken) == ({}, {"ada", "bo", "cy"})


def test_secrets_in_the_file_work_with_a_warning(folder: Path, read: Read) -> None:
    """A literal is served; `hearth check` says how to keep it out."""
    (folder / "ada-2.toml").write_text(
        ADA.replace('{ env = "ADA_BOT_KEY" }', '"7-hunter2hunter2"')
        + 'webhook_secret = "hunter2"\n[agent.mcp_servers.n]\ncommand = "x"\n'
        'env = { API_TOKEN = "hunter2", MODE = "fast" }\n'
    )
    reading = read()
    assert reading.mistakes == ()
    assert [str(warning) for warning in reading.warnings] == [
        (
            "bots.d/ada-2.toml:3: key is written into the file: "
            'better keep it out, with { env = "ADA_2_BOT_KEY" }'
        ),
        (
            "bots.d/ada-2.toml:6: webhook_secret is written into the file: "
            'better keep it out, with { env = "ADA_2_SECRET" }'
        ),
        "bots.d/ada-2.toml:6: webhook_secret is easy to guess: take 16 characters or more",
        (
            "bots.d/ada-2.toml:9: agent.mcp_servers.n.env.API_TOKEN is written into the file: "
            'better keep it out, with { env = "…" }'
        ),
    ]
    assert "hunter2" not in repr(reading)


def test_the_digest_follows_what_shapes_the_agent(folder: Path, read: Read) -> None:
    """Secrets of MCP servers count, rules for turns and sessions do not."""
    (folder / "ada.toml").write_text(ADA + FULL)
    (folder / "secret.txt").write_text("correct-horse-battery\n")
    ada = read().bots["ada"]
    assert ada.digest == read().bots["ada"].digest
    longer = dataclasses.replace(ada, turn=dataclasses.replace(ada.turn, timeout_s=1))
    assert longer.digest == ada.digest
    (server, *rest) = ada.agent.mcp_servers
    changed = dataclasses.replace(server, env=(("NOTES_TOKEN", "another"),))
    agent = dataclasses.replace(ada.agent, mcp_servers=(changed, *rest))
    others = [
        dataclasses.replace(ada, agent=agent),
        dataclasses.replace(ada, model="claude-haiku-4-5"),
        dataclasses.replace(ada, system_prompt="You are somebody else."),
        dataclasses.replace(ada, agent=dataclasses.replace(ada.agent, thinking="low")),
    ]
    assert len({ada.digest, *(other.digest for other in others)}) == 5


def test_no_repr_of_a_server_shows_what_may_be_a_token() -> None:
    """People put tokens into arguments and addresses, too."""
    server = McpServer(
        name="n",
        transport="http",
        args=("--token=hunter2",),
        url="https://x/?token=hunter2",
        headers=(("Authorization", "hunter2"),),
        env=(("A", "hunter2"),),
    )
    assert "hunter2" not in repr(server)
