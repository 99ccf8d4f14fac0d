"""What is read out of a transcript, whole or damaged. Entries are as the pinned child writes."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.compaction import cut_torn_summary
from bot.agent.start import Orphan
from bot.agent.transcript import (
    Transcript,
    delete_transcript,
    find_transcript,
    is_session_id,
    read_transcript,
)

SESSION = "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d"


def entry(uuid: str, parent: str | None, **fields: Any) -> str:
    """Return a line of the chain."""
    return json.dumps({"parentUuid": parent, "uuid": uuid, "sessionId": SESSION, **fields})


def prompt(uuid: str, parent: str | None = None, text: str = "hello") -> str:
    """Return a prompt that we sent."""
    message = {"role": "user", "content": text}
    return entry(uuid, parent, type="user", promptSource="sdk", message=message)


def said(uuid: str, parent: str, *texts: str, stop: str | None = "end_turn", **fields: Any) -> str:
    """Return a message of the agent."""
    content = [{"type": "text", "text": text} for text in texts]
    message = {"role": "assistant", "content": content, "stop_reason": stop}
    return entry(uuid, parent, type="assistant", message=message, **fields)


def tool_result(uuid: str, parent: str) -> str:
    """Return what a tool gave back: said by the user, as the API has it, but no prompt."""
    content = [{"type": "tool_result", "content": "x"}]
    return entry(uuid, parent, type="user", message={"role": "user", "content": content})


def cost(dollars: object) -> str:
    """Return the line in which the child keeps what it spent."""
    return f'{{"type":"cost-state","sessionId":"{SESSION}","totalCostUSD":{json.dumps(dollars)}}}'


ANSWERED = [prompt("p1"), entry("a1", "p1", type="attachment"), said("m1", "a1", "Hi.")]


def test_answer_hangs_on_its_prompt() -> None:
    """All that was said up to the next prompt is the answer, tool calls passed over."""
    lines = [
        *ANSWERED,
        prompt("p2", "m1"),
        said("m2", "p2", "Let me look.", stop="tool_use"),
        tool_result("t2", "m2"),
        said("m3", "t2", "Found it.", "There."),
        prompt("p3", "m3"),
    ]
    transcript = Transcript(lines)
    assert transcript.answer_to("p1") == "Hi."
    assert transcript.answer_to("p2") == "Let me look.\n\nFound it.\n\nThere."
    assert transcript.answer_to("p3") is None
    assert transcript.answer_to("never sent") is None


def test_answered_session_has_no_orphan() -> None:
    """What was answered and not recorded by us is found as an answer."""
    assert Transcript(ANSWERED).orphan() is None


def test_prompt_without_an_answer_is_an_orphan() -> None:
    """It names the entry before it, to which a resume goes back."""
    lines = [*ANSWERED, prompt("p2", "m1"), entry("a2", "p2", type="attachment")]
    assert Transcript(lines).orphan() == Orphan(prompt_uuid="p2", after="m1")


def test_first_prompt_may_be_the_orphan() -> None:
    """There is nothing before it to go back to."""
    assert Transcript([prompt("p1")]).orphan() == Orphan(prompt_uuid="p1", after=None)


@pytest.mark.parametrize("stop", [None, "tool_use", "pause_turn"])
def test_turn_that_broke_off_is_unanswered(stop: str | None) -> None:
    """Words before a tool call, or half a message, are no answer."""
    lines = [prompt("p1"), said("m1", "p1", "Let me look.", stop=stop)]
    assert Transcript(lines).answer_to("p1") is None
    assert Transcript(lines).orphan() is not None


def test_failed_call_is_no_answer() -> None:
    """The child writes its own words on an API error as if the agent had said them."""
    lines = [prompt("p1"), said("m1", "p1", "API Error: 529", isApiErrorMessage=True)]
    assert Transcript(lines).answer_to("p1") is None
    assert Transcript(lines).orphan() is not None


def test_interrupted_prompt_is_unanswered() -> None:
    """The note that the child leaves is said by the user, but it is no prompt."""
    note = entry("n1", "m1", type="user", message={"role": "user", "content": "[interrupted]"})
    lines = [prompt("p1"), said("m1", "p1", "Ha", stop=None), note]
    assert Transcript(lines).answer_to("p1") is None
    assert Transcript(lines).orphan() == Orphan(prompt_uuid="p1", after=None)


def test_last_prompt_decides() -> None:
    """An earlier one without an answer was told, and is history."""
    lines = [prompt("p1"), prompt("p2", "p1"), said("m2", "p2", "Hi.")]
    assert Transcript(lines).orphan() is None


def test_cost_is_the_last_that_was_written() -> None:
    """A child that was killed goes on from what an earlier one wrote down."""
    assert Transcript([]).cost_usd == 0.0
    assert Transcript([cost(0.5), *ANSWERED, cost(0.75)]).cost_usd == 0.75


@pytest.mark.parametrize("dollars", [None, "1", [], float("nan"), float("inf"), 10**400])
def test_rubbish_costs_nothing(dollars: object) -> None:
    """Only a number of dollars counts."""
    assert Transcript([cost(dollars)]).cost_usd == 0.0


def test_damage_is_passed_over() -> None:
    """A line that was cut short, NULs, and objects of other shapes take nothing else along."""
    lines = [
        "\0" * 4096,
        "[]",
        '{"parentUuid": 1, "uuid": "x", "type": "user"}',
        '{"parentUuid": {}, "uuid": [], "type": "user"}',
        '{"parentUuid": null, "uuid": "y", "type": "assistant", "message": "text"}',
        *ANSWERED,
        prompt("p2", "m1")[:-20],
    ]
    transcript = Transcript(lines)
    assert transcript.answer_to("p1") == "Hi."
    assert transcript.orphan() is None


@pytest.mark.parametrize("parent", [[], {}, 1])
def test_parent_that_is_no_name_is_damage(parent: Any) -> None:
    """The entry is passed over, and the one before it is the last."""
    assert Transcript([prompt("p1"), entry("x", parent, type="user")]).orphan() is not None


def test_ring_of_entries_ends() -> None:
    """Damage may make an entry its own ancestor; reading it still comes to an end."""
    assert Transcript([said("m1", "m2", "x"), said("m2", "m1", "x")]).orphan() is None
    assert Transcript([said("m1", "m1", "x")]).orphan() is None


@pytest.mark.parametrize(("lines", "empty"), [([], True), (["garbage"], True), (ANSWERED, False)])
def test_nothing_to_resume_is_empty(lines: list[str], *, empty: bool) -> None:
    """A file that holds no entry is as good as none."""
    assert Transcript(lines).empty is empty


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["p1", "m1", "x"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
_NAMES = ("message", "promptSource", "isApiErrorMessage")
_MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "content": _VALUES
        | st.lists(st.fixed_dictionaries({"type": st.just("text")}, optional={"text": _VALUES})),
        "stop_reason": _VALUES,
    },
)
_ENTRIES = st.fixed_dictionaries(
    {
        "uuid": st.sampled_from(["p1", "m1", "x"]) | _VALUES,
        "parentUuid": st.sampled_from(["p1", "m1", "x", None]) | _VALUES,
        "type": st.sampled_from(["user", "assistant"]) | _VALUES,
    },
    optional=dict.fromkeys(_NAMES, _VALUES | _MESSAGES),
).map(json.dumps)


@given(st.lists(st.text() | _ENTRIES | _VALUES.map(cost)))
def test_no_line_can_break_the_reading(lines: list[str]) -> None:
    """Whatever stands in a transcript, reading it gives an answer."""
    transcript = Transcript(lines)
    transcript.orphan()
    for uuid in ("p1", "m1", "x"):
        transcript.answer_to(uuid)
    assert transcript.cost_usd == transcript.cost_usd


def place(config: Path, session_id: str, folder: str = "-a-folder") -> Path:
    """Return where a transcript is, its folder made."""
    path = config / "projects" / folder / f"{session_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_transcript_is_found_wherever_it_lies(tmp_path: Path) -> None:
    """The folder is named after a working directory, and other sessions' files lie beside it."""
    for folder in ("-somewhere-else", f"-state-work-ada-{SESSION}"):
        other = place(tmp_path, str(uuid4()), folder)
        other.write_text("\n".join(ANSWERED))
        path = place(tmp_path, SESSION, folder)
        path.write_text(prompt("mine"))
        assert find_transcript(tmp_path, SESSION) == path
        found = read_transcript(tmp_path, SESSION)
        assert found is not None
        assert found.orphan() == Orphan(prompt_uuid="mine", after=None)
        delete_transcript(tmp_path, SESSION)
        assert other.exists()


def test_deleted_transcript_leaves_nothing(tmp_path: Path) -> None:
    """What tools wrote beside it goes too, and the folder when nothing else is in it."""
    path = place(tmp_path, SESSION)
    path.write_text("x")
    path.with_suffix("").mkdir()
    (path.with_suffix("") / "tool-result.txt").write_text("x")
    delete_transcript(tmp_path, SESSION)
    assert list((tmp_path / "projects").iterdir()) == []
    delete_transcript(tmp_path, SESSION)


def test_unreadable_transcript_is_none(tmp_path: Path) -> None:
    """There is nothing to resume from what cannot be read, and nothing to fail for."""
    place(tmp_path, SESSION).mkdir()
    assert read_transcript(tmp_path, SESSION) is None
    assert read_transcript(tmp_path / "nowhere", SESSION) is None


@pytest.mark.parametrize("name", ["", "..", "*", "a title", SESSION + "x", "../" + SESSION])
def test_only_uuids_name_a_session(tmp_path: Path, name: str) -> None:
    """Anything else would be a pattern for us, and a title for the child."""
    place(tmp_path, SESSION).write_text("x")
    assert not is_session_id(name)
    assert read_transcript(tmp_path, name) is None


def handed(uuid: str, parent: str, source: str) -> str:
    """Return how the model was given a prompt in the middle of a turn."""
    attachment = {"type": "queued_command", "prompt": "x", "source_uuid": source}
    return entry(uuid, parent, type="attachment", attachment=attachment)


def test_a_prompt_given_with_a_tools_result_shares_that_turns_answer() -> None:
    """It is named with the prompt that the turn began with, under which the answer is found."""
    lines = [
        prompt("p1"),
        said("m1", "p1", "Let me look.", stop="tool_use"),
        tool_result("t1", "m1"),
        handed("h1", "t1", "p2"),
        said("m2", "h1", "Found both."),
    ]
    transcript = Transcript(lines)
    assert transcript.answered_with("p1", ["p2", "p3"]) == ("p2", "p1")
    assert transcript.answer_to("p1") == "Let me look.\n\nFound both."


def test_prompts_that_were_merged_are_found_under_the_last() -> None:
    """The child kept what came while it spoke, and made one prompt of it, twice."""
    lines = [
        *ANSWERED,
        prompt("p3", "m1"),
        said("m3", "p3", "Two and three."),
        prompt("p5", "m3"),
        said("m5", "p5", "Four and five."),
    ]
    transcript = Transcript(lines)
    added = ["p2", "p3", "p4", "p5", "p6"]
    assert transcript.answered_with("p1", added) == ("p1",)
    assert transcript.answered_with("p2", added) == ("p2", "p3")
    assert transcript.answered_with("p3", added) == ("p2", "p3")
    assert transcript.answered_with("p4", added) == ("p4", "p5")
    assert transcript.answered_with("p6", added) == ("p6",)
    assert transcript.answer_to("p6") is None


def test_an_addition_to_a_merged_prompt_is_no_part_of_the_next() -> None:
    """What was given to the model in one turn is not taken for merged into another."""
    lines = [
        *ANSWERED,
        prompt("p2", "m1"),
        said("m2", "p2", stop="tool_use"),
        tool_result("t2", "m2"),
        handed("h2", "t2", "p3"),
        said("m3", "h2", "Two and three."),
        prompt("p4", "m3"),
        said("m4", "p4", "Four."),
    ]
    transcript = Transcript(lines)
    added = ["p2", "p3", "p4"]
    assert transcript.answered_with("p2", added) == ("p3", "p2")
    assert transcript.answered_with("p4", added) == ("p4",)


def boundary(uuid: str) -> str:
    """Return the entry with which a summary begins."""
    return entry(uuid, None, type="system", subtype="compact_boundary").replace('": "', '":"')


def test_a_summary_is_whole_or_torn() -> None:
    """Without an entry that hangs on it, a boundary would hide all that was said."""
    summary = entry("s1", "b1", type="user", isCompactSummary=True)
    assert Transcript([]).torn is None
    assert Transcript(ANSWERED).torn is None
    assert Transcript([*ANSWERED, boundary("b1"), summary]).torn is None
    assert Transcript([*ANSWERED, boundary("b1")]).torn == "b1"
    assert Transcript([*ANSWERED, boundary("b1"), summary, boundary("b2")]).torn == "b2"


def test_what_was_answered_before_a_summary_is_found() -> None:
    """The entries stay, and the last prompt is not taken for one without an answer."""
    summary = entry("s1", "b1", type="user", isCompactSummary=True)
    transcript = Transcript([*ANSWERED, boundary("b1"), summary])
    assert transcript.answer_to("p1") == "Hi."
    assert transcript.orphan() is None


def test_a_torn_summary_is_cut_off(tmp_path: Path) -> None:
    """Byte for byte the transcript of before; a boundary that is not there costs nothing."""
    path = tmp_path / "transcript.jsonl"
    before = "".join(f"{line}\n" for line in [*ANSWERED, prompt("p2", "m1", "b1 Größe")])
    path.write_text(before + boundary("b1") + "\n" + entry("s1", "b1")[:20])
    cut_torn_summary(path, "another")
    assert path.read_text().startswith(before + boundary("b1"))
    cut_torn_summary(path, "b1")
    assert path.read_text() == before


def test_looking_for_one_compiles_no_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each session would be kept by the hundred, in caches that are everybody's."""
    session_id = str(uuid4())
    path = place(tmp_path, session_id, f"-state-work-ada-{session_id}")
    path.touch()
    compiled: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(re, "compile", lambda pattern, _flags=0: compiled.append(pattern))
        found = find_transcript(tmp_path, session_id)
    assert (found, compiled) == (path, [])
