"""The stand-in model: what it says, how it streams, what it refuses, how it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.testing.model import (
    AFTER_TEXT,
    Gate,
    Model,
    call_tool,
    drip,
    drop,
    fail,
    hold,
    open_model,
    refuse,
    say,
    stall,
)

HEADERS = {"x-api-key": "sk-stand-in", "anthropic-version": "2023-06-01"}
Json = dict[str, Any]


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """Open a model that answers at once."""
    async with open_model() as opened:
        yield opened


@pytest.fixture
async def client(model: Model) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client with a key."""
    async with httpx.AsyncClient(base_url=model.url, headers=HEADERS) as opened:
        yield opened


def prompt(*texts: str, **changes: object) -> Json:
    """Build a request in which user and assistant take turns, the user first."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return {"model": "m", "max_tokens": 4000, "messages": messages, **changes}


async def ask(client: httpx.AsyncClient, *texts: str) -> str:
    """Return what the model says to a conversation."""
    answer = await client.post("/v1/messages", json=prompt(*texts))
    assert answer.status_code == 200, answer.text
    return answer.json()["content"][0]["text"]


async def events(client: httpx.AsyncClient, *texts: str) -> list[Json]:
    """Return the events of a streamed answer."""
    answer = await client.post("/v1/messages", json=prompt(*texts, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    read = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [f"event: {event['type']}" for event in read] == [name for name, _ in blocks]
    return read


@pytest.mark.parametrize(
    ("conversation", "answer"),
    [
        (["my name is Kim"], "Nice to meet you, Kim!"),
        (["my name is Kim", "Hi Kim", "what is my name?"], "Your name is Kim."),
        (["what is my name?"], "You have not told me your name."),
        (["remember: the tea is green"], "I will remember: the tea is green"),
        (
            ["remember: green tea", "ok", "what did I ask you to remember?"],
            "You asked me to remember: green tea",
        ),
        (["what did I ask you to remember?"], "You asked me to remember nothing."),
        (["a", "b", "c", "d", "count the turns"], "I count 3 turns."),
        (["echo: a < b"], "a < b"),
        (["good morning"], "Hello! You said: good morning"),
        (["my name is Kim", "ok", "good morning"], "Hello Kim! You said: good morning"),
        (['<message from="Kim" id="7">echo: 1 &lt; 2 &amp; 3</message>'], "1 < 2 & 3"),
    ],
)
async def test_persona(client: httpx.AsyncClient, conversation: list[str], answer: str) -> None:
    """The answer follows from the conversation in the request, and only from it."""
    assert await ask(client, *conversation) == answer


async def test_name_of_another_speaker(client: httpx.AsyncClient) -> None:
    """In a room, a name belongs to whoever told it."""
    told = '<message from="Kim" id="1">my name is Kim</message>'
    asked = '<message from="{}" id="2">what is my name?</message>'
    assert await ask(client, told, "ok", asked.format("Kim")) == "Your name is Kim."
    lee = await ask(client, told, "ok", asked.format("Lee"))
    assert lee == "You have not told me your name. Kim has."


async def test_last_wrapped_message_is_the_question(client: httpx.AsyncClient) -> None:
    """A recap before the message does not answer for it."""
    text = '<recap><message from="Lee">echo: old</message></recap>\n<message>echo: new</message>'
    assert await ask(client, text) == "new"


async def test_unanswered_prompt_is_not_the_question(client: httpx.AsyncClient) -> None:
    """The child joins a failed prompt and the next into one message: the last block counts."""
    blocks = [{"type": "text", "text": "[fail 529]"}, {"type": "text", "text": "count the turns"}]
    body = prompt("x") | {"messages": [{"role": "user", "content": blocks}]}
    answer = await client.post("/v1/messages", json=body)
    assert answer.json()["content"][0]["text"] == "I count 2 turns."


async def test_whole_prompt(client: httpx.AsyncClient) -> None:
    """It can show exactly what it was given."""
    given = prompt("repeat the whole prompt", system="You are Ada.")
    said = (await client.post("/v1/messages", json=given)).json()["content"][0]["text"]
    assert json.loads(said) == {"system": "You are Ada.", "messages": given["messages"]}


@pytest.mark.parametrize(
    ("question", "part"),
    [("show me a table", "|:-----|"), ("show me code", "```python"), ("a long answer", "Part 40")],
)
async def test_samples(client: httpx.AsyncClient, question: str, part: str) -> None:
    """Markdown comes on demand."""
    assert part in await ask(client, question)


async def test_stream(client: httpx.AsyncClient) -> None:
    """A stream has the events of the API, in order, and the text of the plain answer."""
    told = await events(client, "echo:  one two\n\nthree ")
    kinds = [event["type"] for event in told]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(e["delta"]["text"] for e in told if e["type"] == "content_block_delta")
    assert text == await ask(client, "echo:  one two\n\nthree ")
    assert told[-2]["delta"]["stop_reason"] == "end_turn"
    assert told[-2]["usage"]["output_tokens"] == max(1, len(text) // 4)


async def test_too_few_tokens(client: httpx.AsyncClient) -> None:
    """An answer ends at max_tokens, and says so."""
    body = prompt("echo: a quite long text", max_tokens=2)
    answer = (await client.post("/v1/messages", json=body)).json()
    assert (answer["content"][0]["text"], answer["stop_reason"]) == ("a quite ", "max_tokens")


def user(*blocks: object) -> Json:
    """Build a user message of blocks."""
    return {"role": "user", "content": list(blocks)}


TEXT = {"type": "text", "text": "hello"}
USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "seen"}
MARKED = TEXT | {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": None}, "model: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid int"),
        ({"mood": "good"}, "mood: Extra inputs"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "first message must use"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ({"messages": [user(TEXT) | {"id": 1}]}, "messages.0.id: Extra"),
        ({"messages": [user()]}, "non-empty content"),
        ({"messages": [user({"type": "text", "text": ""})]}, "must be non-empty"),
        ({"messages": [user({"type": "text", "text": " \n"})]}, "non-whitespace"),
        ({"messages": [user({"type": "song"})]}, "'song' does not match"),
        ({"system": [{"type": "text", "text": ""}]}, "system.0: text content blocks"),
        (
            {"messages": [user(TEXT), {"role": "assistant", "content": "well "}]},
            "trailing whitespace",
        ),
        ({"messages": [user(RESULT)]}, "unexpected `tool_use_id`"),
        (
            {"messages": [user(TEXT), {"role": "assistant", "content": [USE]}, user(TEXT)]},
            "without `tool_result`",
        ),
        ({"messages": [user(TEXT), {"role": "assistant", "content": [USE]}]}, "without"),
        (
            {"messages": [user(TEXT), {"role": "assistant", "content": [USE, USE]}, user(RESULT)]},
            "must be unique",
        ),
        ({"tools": [{"name": "look"}, {"name": "look"}]}, "Tool names must be unique"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "`max_tokens` must be greater"),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "at least 1024"),
        ({"thinking": {"type": "deep"}}, "'deep' does not match"),
        ({"messages": [user(*[MARKED] * 5)]}, "maximum of 4 blocks"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, model: Model, changes: Json, says: str) -> None:
    """What the real API refuses is refused with its error shape, and noted."""
    body = {key: value for key, value in (prompt("hi") | changes).items() if value is not None}
    answer = await client.post("/v1/messages", json=body)
    assert answer.status_code == 400
    error = answer.json()
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert says in error["error"]["message"]
    assert len(model.refusals) == 1


async def test_merged_roles_are_allowed(client: httpx.AsyncClient) -> None:
    """Consecutive messages of one role are one turn, tool results split over them too."""
    tools = {"role": "assistant", "content": [USE, USE | {"id": "t2"}]}
    second = user(RESULT | {"tool_use_id": "t2"})
    messages = [user(TEXT), user(TEXT), tools, user(RESULT), second]
    answer = await client.post("/v1/messages", json=prompt("x") | {"messages": messages})
    assert answer.json()["content"][0]["text"] == "The tool said: seen"


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"anthropic-version": "2023-06-01"}, 401), ({"x-api-key": "sk"}, 400)],
)
async def test_headers_are_required(model: Model, headers: dict[str, str], status: int) -> None:
    """A request needs a key and a version."""
    async with httpx.AsyncClient(base_url=model.url, headers=headers) as client:
        assert (await client.post("/v1/messages", json=prompt("hi"))).status_code == status


async def test_body_that_is_no_json(client: httpx.AsyncClient) -> None:
    """Bytes that are not JSON are refused."""
    assert (await client.post("/v1/messages", content=b"{")).status_code == 400


async def test_other_paths(client: httpx.AsyncClient, model: Model) -> None:
    """Tokens are counted, the child's greeting is answered, the unknown is 404 and noted."""
    body = prompt("hello there")
    del body["max_tokens"]
    counted = await client.post("/v1/messages/count_tokens", json=body)
    assert counted.json() == {"input_tokens": len(json.dumps([None, None, body["messages"]])) // 4}
    assert (await client.head("/api/hello")).status_code == 200
    assert (await client.get("/v1/nothing")).status_code == 404
    assert model.other_requests[-1].path == "/v1/nothing"
    assert model.requests == ()


async def test_requests_are_recorded_without_the_key(
    client: httpx.AsyncClient, model: Model
) -> None:
    """A recorded request holds the parsed body, and no credentials."""
    await ask(client, "hi")
    (request,) = model.requests
    assert request.last_text == "hi"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "sk-stand-in" not in str(request)


async def test_records_are_bounded() -> None:
    """Only the last requests are kept."""
    async with open_model(keep=2) as model, httpx.AsyncClient(base_url=model.url) as client:
        for _ in range(3):
            await client.post("/v1/messages", json=prompt("hi"), headers=HEADERS)
        assert len(model.requests) == 2


async def test_failures_then_fine(client: httpx.AsyncClient, model: Model) -> None:
    """A script can fail so many times and then let the model be."""
    script = model.script("hi", fail(429, retry_after_s=2), times=2)
    for _ in range(2):
        answer = await client.post("/v1/messages", json=prompt("hi"))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        assert answer.json()["error"]["type"] == "rate_limit_error"
    assert await ask(client, "hi") == "Hello! You said: hi"
    assert script.used == 2
    assert model.refusals == ()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_directive_to_fail(client: httpx.AsyncClient, status: int, kind: str) -> None:
    """A person can ask for a failure in the text."""
    answer = await client.post("/v1/messages", json=prompt(f"please [fail {status}]"))
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


async def test_directive_to_wait(client: httpx.AsyncClient) -> None:
    """A delay asked for in the text is kept, and is no part of the question."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await ask(client, "[wait 50ms] echo: late") == "late"
    assert loop.time() - before >= 0.05


async def test_failure_in_the_stream(client: httpx.AsyncClient, model: Model) -> None:
    """An error in the middle of a stream is an event, and the last one."""
    model.script("hi", fail(529, after_tokens=2))
    told = await events(client, "hi")
    assert [e["type"] for e in told].count("content_block_delta") == 2
    assert told[-1]["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("after_tokens", [None, 0, 2])
async def test_dropped_connection(
    client: httpx.AsyncClient, model: Model, after_tokens: int | None
) -> None:
    """The connection can break before the answer or in its middle; then all is well again."""
    model.script("hi", drop(after_tokens), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/v1/messages", json=prompt("hi there you", stream=True))
    assert await ask(client, "hi") == "Hello! You said: hi"


@pytest.mark.parametrize("after_tokens", [None, 1])
async def test_stall(client: httpx.AsyncClient, model: Model, after_tokens: int | None) -> None:
    """A stalled answer ends when the client goes away, and the server with it."""
    model.script("hi", stall(after_tokens))
    asking = asyncio.create_task(client.post("/v1/messages", json=prompt("hi", stream=True)))
    await model.asked("hi")
    asking.cancel()
    await asyncio.wait([asking])
    assert await ask(client, "echo: still here") == "still here"


async def test_gate(client: httpx.AsyncClient, model: Model) -> None:
    """An answer can be held until the test releases it."""
    gate = Gate()
    model.script("hi", hold(gate))
    asking = asyncio.create_task(ask(client, "hi"))
    await gate.reached()
    assert not asking.done()
    gate.release()
    assert await asking == "Hello! You said: hi"


async def test_between_text_and_end(client: httpx.AsyncClient, model: Model) -> None:
    """It can be held when all is said, and before it is said why that is all."""
    gate = Gate()
    model.script("hi", hold(gate, AFTER_TEXT))
    async with client.stream("POST", "/v1/messages", json=prompt("hi", stream=True)) as answer:
        told = answer.aiter_lines()
        async for line in told:
            if line == "event: content_block_stop":
                break
        await gate.reached()
        gate.release()
        assert [line async for line in told if line.startswith("event:")] == [
            "event: message_delta",
            "event: message_stop",
        ]


async def test_refusal(client: httpx.AsyncClient, model: Model) -> None:
    """An answer can break off as one that is harmful."""
    model.script("hi", refuse("well"))
    told = await events(client, "hi")
    assert told[-2]["delta"]["stop_reason"] == "refusal"


async def test_say_and_order_of_scripts(client: httpx.AsyncClient, model: Model) -> None:
    """A given text is said; the script that was added last wins; all can be forgotten."""
    model.script("hi", say("first"))
    model.script(lambda request: len(request.turns) == 1, say("second"))
    assert await ask(client, "hi") == "second"
    model.forget_scripts()
    assert await ask(client, "hi") == "Hello! You said: hi"


async def test_drip(client: httpx.AsyncClient, model: Model) -> None:
    """A slow answer takes its time for each token."""
    model.script("hi", drip(0.01, "one two three"))
    loop = asyncio.get_running_loop()
    before = loop.time()
    await events(client, "hi")
    assert loop.time() - before >= 0.03


async def test_tool(client: httpx.AsyncClient, model: Model) -> None:
    """A tool is called first; its result is reported in the next answer."""
    model.script("look", call_tool("look", what="the door"))
    told = await events(client, "look please")
    use = next(e["content_block"] for e in told if e["type"] == "content_block_start")
    arguments = next(e["delta"]["partial_json"] for e in told if "partial_json" in str(e))
    assert (use["name"], json.loads(arguments)) == ("look", {"what": "the door"})
    assert told[-2]["delta"]["stop_reason"] == "tool_use"
    called = {"role": "assistant", "content": [use | {"input": {"what": "the door"}}]}
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": [TEXT]}
    messages = [user(TEXT | {"text": "look please"}), called, user(result)]
    answer = await client.post("/v1/messages", json=prompt("x") | {"messages": messages})
    assert answer.json()["content"][0]["text"] == "The tool said: hello"
