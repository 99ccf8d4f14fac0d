from dataclasses import replace

import httpx
import pytest

from bot.journal import Journal
from bot.operate.letters import headline
from bot.records import Entry, Outcome, PartKind
from tests.operate.characters import LANE, NOON, make_message
from tests.operate.server import SECRET, Server

LIST = "/admin/dead-letters"
TRACEBACK = f"""\
Traceback (most recent call last):
  File "bot/rooms/turn.py", line 1, in run
ZeroDivisionError: at /rooms/1/{SECRET}/messages

During handling of the above exception, another exception occurred:

KeyError: 'x'
"""


async def give_up(
    journal: Journal, number: int = 1, *, text: str = "What is new?", reason: str = "302"
) -> Entry:
    """Accept what Kim says, and give it up."""
    await journal.accept(replace(make_message(number), text=text), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.DEAD, reason=reason)
    return entry


async def test_the_list_comes_in_pages(journal: Journal, operator: httpx.AsyncClient) -> None:
    """Newest first, with the number to go on from."""
    assert (await operator.get(LIST)).json() == {"dead_letters": [], "before": None}
    for number in (1, 2, 3):
        await give_up(journal, number)
    first = (await operator.get(f"{LIST}?limit=2")).json()
    assert [row["seq"] for row in first["dead_letters"]] == [3, 2]
    last = (await operator.get(f"{LIST}?limit=2&before={first['before']}")).json()
    assert [row["seq"] for row in last["dead_letters"]] == [1]
    assert last["before"] is None
    assert (await operator.get(f"{LIST}?limit=x")).status_code == 400


async def test_the_list_is_short_of_words(journal: Journal, operator: httpx.AsyncClient) -> None:
    """One line of what was said, one of what went wrong, and no secret."""
    await give_up(journal, text=f"First {'x' * 80}\nand more", reason=TRACEBACK)
    (row,) = (await operator.get(LIST)).json()["dead_letters"]
    assert row == {
        "seq": 1,
        "bot": "ada",
        "room": "7",
        "room_name": "Watercooler",
        "author": "Kim",
        "received_at": NOON.isoformat(),
        "settled_at": NOON.isoformat(),
        "first_line": f"First {'x' * 53}…",
        "reason": "ZeroDivisionError: at /rooms/1/<secret>/messages",
    }


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("", ""),
        ("302: the key is wrong\nmore", "302: the key is wrong"),
        (TRACEBACK, f"ZeroDivisionError: at /rooms/1/{SECRET}/messages"),
        ("Traceback (most recent call last):\n  cut", ""),
    ],
)
def test_the_headline_of_a_reason(reason: str, line: str) -> None:
    """Its first line; of a traceback, the one that says something."""
    assert headline(reason) == line


async def test_one_is_shown_in_full(journal: Journal, operator: httpx.AsyncClient) -> None:
    """What was said, what was tried, what was to be posted, and the whole reason."""
    await journal.accept(replace(make_message(), text="One.\nTwo."), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    (part,) = await journal.freeze(
        entry,
        ["<p>Much.</p>"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=attempt,
        answer_text="Much.",
    )
    await journal.kill_part(part, error=f"302 for {SECRET}")
    await journal.settle(entry, outcome=Outcome.DEAD, reason=TRACEBACK)
    shown = (await operator.get(f"{LIST}/1")).json()
    assert shown["text"] == "One.\nTwo."
    assert shown["reason"] == TRACEBACK.replace(SECRET, "<secret>")
    assert (shown["retry"], shown["dropped_at"], shown["message_id"]) == ("post", None, "1")
    (tried,) = shown["attempts"]
    assert (tried["state"], tried["session_id"]) == ("answered", "s")
    (reply,) = shown["parts"]
    assert (reply["state"], reply["html"], reply["error"]) == (
        "dead",
        "<p>Much.</p>",
        "302 for <secret>",
    )


async def test_a_retry_wakes_the_lane(
    journal: Journal, server: Server, operator: httpx.AsyncClient
) -> None:
    """It is open again before its lane hears of it, and a second retry is too late."""
    await give_up(journal)
    response = await operator.post(f"{LIST}/1/retry")
    assert (response.status_code, response.json()) == (202, {"seq": 1, "retry": "ask"})
    assert server.enqueued == [LANE]
    assert await journal.open_lanes() == (LANE,)
    again = await operator.post(f"{LIST}/1/retry")
    assert (again.status_code, server.enqueued) == (409, [LANE])
    assert "message 1 is no dead letter" in again.json()["error"]


async def test_a_dropped_one_is_off_the_list(
    journal: Journal, server: Server, operator: httpx.AsyncClient
) -> None:
    """It can still be shown, and the equation still has it."""
    await give_up(journal)
    response = await operator.post(f"{LIST}/1/drop")
    assert (response.status_code, response.json()) == (200, {"seq": 1, "dropped": True})
    assert (await operator.get(LIST)).json()["dead_letters"] == []
    assert (await operator.get(f"{LIST}/1")).json()["dropped_at"] == NOON.isoformat()
    assert (await journal.tally()).dead == 1
    assert server.enqueued == []


@pytest.mark.parametrize("number", ["2", "0", "x", "-1", "9" * 18, "9" * 19, "9" * 9999, "²"])
async def test_an_unknown_number(operator: httpx.AsyncClient, number: str) -> None:
    """Whatever is written there: it is not found, and nothing breaks."""
    for response in (
        await operator.get(f"{LIST}/{number}"),
        await operator.post(f"{LIST}/{number}/retry"),
        await operator.post(f"{LIST}/{number}/drop"),
    ):
        assert response.status_code == 404
        said = number if number in {"2", "9" * 18} else "that was asked for"
        assert f"no message has the number {said}" in response.json()["error"]


async def test_other_messages_are_left_alone(
    journal: Journal, server: Server, operator: httpx.AsyncClient
) -> None:
    """An open message is nobody's dead letter, whatever is asked."""
    await journal.accept(make_message(), lane=LANE)
    for response in (
        await operator.get(f"{LIST}/1"),
        await operator.post(f"{LIST}/1/retry"),
        await operator.post(f"{LIST}/1/drop"),
    ):
        assert response.status_code == 409
    assert server.enqueued == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", LIST, "GET, HEAD"),
        ("DELETE", f"{LIST}/1", "GET, HEAD"),
        ("GET", f"{LIST}/1/retry", "POST"),
        ("GET", f"{LIST}/1/drop", "POST"),
    ],
)
async def test_each_route_has_its_method(
    operator: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    """A link that somebody follows changes nothing."""
    response = await operator.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert "content-type" not in response.headers


async def test_nobody_else_gets_in(journal: Journal, anybody: httpx.AsyncClient) -> None:
    """Without the token there is neither a list nor a way to change it."""
    await give_up(journal)
    for response in (
        await anybody.get(LIST),
        await anybody.get(f"{LIST}/1"),
        await anybody.post(f"{LIST}/1/retry"),
        await anybody.post(f"{LIST}/1/drop", headers={"Authorization": "Bearer wrong"}),
    ):
        assert (response.status_code, response.content) == (401, b"")
        assert "content-type" not in response.headers
    assert len(await journal.letters.listed()) == 1


async def test_what_was_off_the_record_is_nobodys_to_read(
    journal: Journal, operator: httpx.AsyncClient
) -> None:
    """An operator sees that there was something, and can neither read nor retry it."""
    message = replace(make_message(1), text="the cake is in the fridge", off_record=True)
    await journal.accept(message, lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.DEAD, reason="302")
    (row,) = (await operator.get(LIST)).json()["dead_letters"]
    assert row["first_line"] == "(off the record)"
    shown = (await operator.get(f"{LIST}/1")).json()
    assert (shown["text"], shown["retry"]) == ("", "no")
    refused = await operator.post(f"{LIST}/1/retry")
    assert refused.status_code == 409
    assert (await journal.tally()).dead == 1
    assert (await operator.post(f"{LIST}/1/drop")).status_code == 200
