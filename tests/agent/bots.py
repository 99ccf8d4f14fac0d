"""Ada, as the agent tests configure her."""

from dataclasses import replace
from typing import Any

from bot.config.bot import AgentRules, Bot, SessionRules, TurnRules
from bot.records import Credentials

ADA = Bot(
    id="ada",
    name="Ada",
    platform="campfire",
    credentials=Credentials(bot="ada", key="7-AAAAAAAAAAAA"),
    model="claude-sonnet-4-5",
    system_prompt="You are Ada, who keeps the release notes.",
    session=SessionRules(scope="room", ttl_s=86400.0),
    turn=TurnRules(timeout_s=180.0, when_busy="queue", lane="room"),
    agent=AgentRules(
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
    ),
)


def ada(**rules: Any) -> Bot:
    """Return Ada with other agent rules, or with another system prompt."""
    prompt = rules.pop("system_prompt", ADA.system_prompt)
    return replace(ADA, system_prompt=prompt, agent=replace(ADA.agent, **rules))
