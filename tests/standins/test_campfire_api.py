"""The stand-in's bot API: what each dialect has, how it refuses, and its traps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.testing.campfire import Dialect, Gate, RoomKind, open_campfire
from bot.testing.campfire.plain_text import plain_text
from bot.testing.campfire.sanitizer import lost_tags, shown
from tests.standins.conftest import Place, settled

_HTML = {"Content-Type": "text/html"}


@pytest.fixture(params=list(Dialect))
async def any_place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Open a Campfire of each dialect."""
    async with settled(dialect=request.param) as opened:
        yield opened


async def test_post(any_place: Place) -> None:
    """A post is stored as HTML, and answered with its address."""
    place = any_place
    answer = await place.post("<p>1 &lt; 2</p>")
    (message,) = place.room.messages
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{place.campfire.url}/messages/{message.id}"
    assert (message.creator, message.html, message.plain) == (place.ada, "<p>1 &lt; 2</p>", "1 < 2")
    assert place.campfire.violations == ()


@pytest.mark.parametrize("key", ["3-wrong", "1-", "nonsense", "3-Ü"])
async def test_wrong_key_is_sent_to_the_login(any_place: Place, key: str) -> None:
    """A bad key is no 401, but a redirect to the login page."""
    answer = await any_place.client.post(
        f"/rooms/{any_place.room.id}/{key}/messages", content=b"hi"
    )
    assert answer.status_code == 302
    assert answer.headers["location"].endswith("/session/new")


async def test_old_key_dies(place: Place) -> None:
    """After a change of the key the old one is worthless."""
    place.campfire.change_key(place.ada)
    assert (await place.post("hi")).status_code == 302


@pytest.mark.parametrize(
    ("dialect", "status"), [(Dialect.RELEASED, 500), (Dialect.MAIN, 404), (Dialect.FORK, 500)]
)
async def test_room_without_the_bot(dialect: Dialect, status: int) -> None:
    """A bot can post only where it is a member."""
    async with settled(dialect=dialect) as place:
        closed = place.campfire.add_room("Closed", kind=RoomKind.CLOSED, members=[place.kim])
        for room in (closed.id, 99):
            answer = await place.client.post(f"/rooms/{room}/{place.ada.key}/messages")
            assert answer.status_code == status


async def test_released_has_posts_only(place: Place) -> None:
    """Up to v1.4.9 there is nothing but posting."""
    await place.post("hi")
    assert (await place.client.get(place.posts)).status_code == 404
    assert (await place.client.delete(f"{place.posts}/1")).status_code == 404


async def test_blank_posts(place: Place, modern: Place) -> None:
    """A blank post is refused by the main branch, and shown as a blank message before."""
    assert (await modern.post("  ")).status_code == 422
    assert (await place.post("  ")).status_code == 201
    assert place.room.messages[0].is_blank
    assert [violation.kind for violation in place.campfire.violations] == ["blank"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (None, b"Hello!", 201),
        (None, b"100% done", 400),
        ("application/x-www-form-urlencoded", b"100% done", 400),
        ("application/x-www-form-urlencoded", b"attachment=x", 500),
        ("application/x-www-form-urlencoded", b"a" * (4 * 2**20 + 1), 400),
        ("application/json", b"hello", 400),
        ("application/json", b'{"text": "hi"}', 201),
        ("text/plain; charset=utf-8", b"100% done", 201),
        ("text/html; charset=utf-8", b"attachment=x", 201),
    ],
)
async def test_content_type_decides_how_the_body_is_read(
    place: Place, content_type: str | None, body: bytes, status: int
) -> None:
    """Without a proper Content-Type a text is read as a form, which may fail."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await place.client.post(place.posts, content=body, headers=headers)
    assert answer.status_code == status
    proper = (content_type or "").startswith("text/")
    assert bool(place.campfire.violations) is not proper


async def test_upload(place: Place) -> None:
    """A file comes as the field attachment of a multipart body."""
    files = {"attachment": ("größe.txt", b"content", "text/plain")}
    assert (await place.client.post(place.posts, files=files)).status_code == 201
    (message,) = place.room.messages
    assert (message.plain, message.is_attachment, message.html) == ("größe.txt", True, None)


async def test_sound(place: Place) -> None:
    """A text that is a play command makes a noise, and is noted."""
    await place.post("/play tada")
    assert place.room.messages[0].sound == "tada"
    assert [violation.kind for violation in place.campfire.violations] == ["sound"]


async def test_lost_tags_are_noted(place: Place) -> None:
    """What is posted is kept as it came; that tags will vanish is noted."""
    await place.post("<table><tr><td>x</td></tr></table>")
    assert place.room.messages[0].html == "<table><tr><td>x</td></tr></table>"
    assert "<table>, <tr>, <td> vanished" in place.campfire.violations[0].what


async def test_history(modern: Place) -> None:
    """The history comes in pages of 40, oldest first, with the total and the way to the next."""
    for number in range(45):
        await modern.campfire.say(modern.room, modern.kim, f"n{number}")
    page = await modern.client.get(modern.posts)
    texts = [message["body"]["plain_text"] for message in page.json()]
    assert (texts[0], texts[-1], page.headers["x-total-count"]) == ("n5", "n44", "45")
    older = await modern.client.get(page.links["next"]["url"])
    assert [message["body"]["plain_text"] for message in older.json()] == [
        f"n{number}" for number in range(5)
    ]
    assert "next" not in older.links
    after = await modern.client.get(modern.posts, params={"after": modern.room.messages[42].id})
    assert [message["body"]["plain_text"] for message in after.json()] == ["n43", "n44"]
    first = after.json()[0]
    assert first["creator"]["role"] == "member"
    assert first["body"]["html"] == '<div class="trix-content">\n  <div>n43</div>\n</div>\n'
    assert (await modern.client.get(modern.posts, params={"before": 999})).status_code == 404


async def test_history_of_a_file(modern: Place) -> None:
    """Of a file the history shows the name, and no HTML, not even the frame of a text."""
    await modern.campfire.upload(modern.room, modern.kim, "moon.jpg")
    (message,) = (await modern.client.get(modern.posts)).json()
    assert message["body"] == {"plain_text": "moon.jpg", "html": ""}
    assert message.keys() == {"id", "created_at", "body", "creator", "room", "url"}
    assert message["creator"].keys() == {"id", "name", "role", "avatar_url"}


async def test_version_is_the_controllers(modern: Place, place: Place) -> None:
    """What a controller answers names the version; the page for an error in its place does not."""
    anywhere = f"/rooms/999/{modern.ada.key}/messages"
    refused = await modern.client.get(anywhere)
    assert (refused.status_code, refused.headers["x-version"]) == (404, "main")
    for answer in (
        await modern.client.get(modern.posts, params={"after": 999}),
        await place.client.get(place.posts),
        await place.client.delete(place.posts),
    ):
        assert (answer.status_code, answer.headers.get("x-version")) == (404, None)


async def test_edit_and_delete(modern: Place) -> None:
    """A bot can change and remove its own messages, and nobody else's."""
    await modern.post("one")
    own = modern.room.messages[0].id
    other = (await modern.campfire.say(modern.room, modern.kim, "hi")).id
    html = {"Content-Type": "text/html"}
    answer = await modern.client.patch(f"{modern.posts}/{own}", content=b"two", headers=html)
    assert (answer.status_code, answer.json()["body"]["plain_text"]) == (200, "two")
    assert modern.room.messages[0].edits == ("one",)
    denied = await modern.client.patch(f"{modern.posts}/{other}", content=b"no", headers=html)
    assert denied.status_code == 403
    assert (await modern.client.delete(f"{modern.posts}/{other}")).status_code == 403
    assert (await modern.client.delete(f"{modern.posts}/{own}")).status_code == 204
    assert (await modern.client.delete(f"{modern.posts}/{own}")).status_code == 404
    assert [message.plain for message in modern.room.messages] == ["hi"]


async def test_boosts(modern: Place) -> None:
    """A bot can react to a message, and take that back."""
    message = await modern.campfire.say(modern.room, modern.kim, "hi")
    boosts = f"{modern.posts}/{message.id}/boosts"
    answer = await modern.client.post(boosts, content="👀".encode())
    assert (answer.status_code, answer.json()["content"]) == (201, "👀")
    assert [boost.content for boost in modern.room.messages[0].boosts] == ["👀"]
    assert (await modern.client.post(boosts, content=b" ")).status_code == 422
    removed = await modern.client.delete(f"{boosts}/{answer.json()['id']}")
    assert (removed.status_code, modern.room.messages[0].boosts) == (204, ())
    assert (await modern.client.delete(f"{boosts}/1")).status_code == 404
    assert (await modern.client.post(boosts, content=b"x" * 17)).status_code == 422


async def test_the_main_branch_had_reactions_before_edits() -> None:
    """Between two of its changes a bot could read and react, and change nothing."""
    async with settled(dialect=Dialect.HALFWAY) as place:
        await place.post("one")
        own = f"{place.posts}/{place.room.messages[0].id}"
        assert (await place.client.get(place.posts)).status_code == 200
        assert (await place.client.post(f"{own}/boosts", content=b"ok")).status_code == 201
        for answer in (await place.client.patch(own), await place.client.delete(own)):
            assert (answer.status_code, answer.headers.get("x-version")) == (404, None)


async def test_a_stranger_is_sent_to_the_login_before_anything_is_looked_for(
    modern: Place, place: Place
) -> None:
    """That tells whether there is such a route, and can change nothing."""
    strange = f"/rooms/{modern.room.id}/0-none/messages/0"
    assert (await modern.client.patch(strange)).status_code == 302
    assert (await place.client.patch(strange)).status_code == 404


async def test_failing_and_slow_changes(modern: Place) -> None:
    """Edits, removals and reactions can fail, be done all the same, and be held at a gate."""
    gate = Gate()
    await modern.post("one")
    own = f"{modern.posts}/{modern.room.messages[0].id}"
    modern.campfire.fail_changes(500)
    modern.campfire.fail_changes(504, done=True)
    for status, text in ((500, "one"), (504, "two")):
        answer = await modern.client.patch(own, content=b"two", headers=_HTML)
        assert (answer.status_code, modern.room.messages[0].plain) == (status, text)
    modern.campfire.slow_changes(gate)
    removing = asyncio.create_task(modern.client.delete(own))
    await gate.reached()
    gate.release()
    assert (await removing).status_code == 204


async def test_what_grows_is_no_answer(place: Place) -> None:
    """Whoever waits for an answer waits until a message does not say any more that it goes on."""
    said = await place.campfire.say(place.room, place.kim, "hi")
    await place.post("<p>so far</p><p>⏳</p>")
    waiting = asyncio.create_task(place.campfire.answer_to(said))
    await place.post("done")
    assert (await waiting).plain == "done"


async def test_calls_are_recorded_without_the_key(place: Place) -> None:
    """What was asked of the API can be looked at."""
    answer = await place.post("hi")
    (call,) = place.campfire.api_calls
    assert (call.method, call.status, answer.headers["x-version"]) == ("POST", 201, "1.4.9")
    assert place.ada.key not in str(place.campfire.api_calls)


async def test_failing_posts(place: Place) -> None:
    """So many posts fail as told, then all is well."""
    place.campfire.fail_posts(429, times=2, headers={"Retry-After": "3"})
    answers = [await place.post("hi") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 201]
    assert answers[0].headers["retry-after"] == "3"
    assert len(place.room.messages) == 1


async def test_failing_posts_that_are_stored(place: Place) -> None:
    """A failure may be said of what was done."""
    place.campfire.fail_posts(500, stored=True)
    assert (await place.post("hi")).status_code == 500
    assert [message.plain for message in place.room.messages] == ["hi"]


async def test_a_sender_that_is_gone_has_posted(place: Place) -> None:
    """What was sent whole before its sender was killed is stored, however slow that is."""
    gate = Gate()
    place.campfire.slow_posts(gate)
    posting = asyncio.create_task(place.post("hi"))
    await gate.reached()
    posting.cancel()
    await asyncio.wait([posting])
    gate.release()
    await place.campfire.wait_until(lambda _: bool(place.room.messages))
    assert [message.plain for message in place.room.messages] == ["hi"]


async def test_failing_and_slow_reads(modern: Place) -> None:
    """So many looks at a room fail as told; they can be held at a gate."""
    gate = Gate()
    modern.campfire.slow_reads(gate)
    modern.campfire.fail_reads(503, times=2)
    reading = asyncio.create_task(modern.client.get(modern.posts))
    await gate.reached()
    gate.release()
    answers = [await reading, *[await modern.client.get(modern.posts) for _ in range(2)]]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (await modern.post("hi")).status_code == 201


async def test_lost_answer(place: Place) -> None:
    """A post can be stored without its sender hearing of it."""
    place.campfire.drop_after_accept()
    with pytest.raises(httpx.RemoteProtocolError):
        await place.post("hi")
    assert len(place.room.messages) == 1
    assert (await place.post("again")).status_code == 201


async def test_slow_posts(place: Place) -> None:
    """A post can be held at a gate before it is stored."""
    gate = Gate()
    place.campfire.slow_posts(gate)
    posting = asyncio.create_task(place.post("hi"))
    await gate.reached()
    assert place.room.messages == ()
    gate.release()
    assert (await posting).status_code == 201


async def test_held_post_does_not_hold_the_end() -> None:
    """Campfire closes although a post still waits at a gate."""
    async with settled() as place:
        gate = Gate()
        place.campfire.slow_posts(gate)
        posting = asyncio.create_task(place.post("hi"))
        await gate.reached()
    await asyncio.wait([posting])
    assert isinstance(posting.exception(), httpx.TransportError)


async def test_outage(place: Place) -> None:
    """Campfire can be down, and come back at the same address."""
    assert (await place.post("before")).status_code == 201
    await place.campfire.refuse_connections()
    with pytest.raises(httpx.ConnectError):
        await place.post("meanwhile")
    await place.campfire.accept_connections()
    assert (await place.post("after")).status_code == 201


async def test_state_survives(tmp_path: Path) -> None:
    """With a file, accounts, keys, rooms and messages are there again, and ids go on."""
    state = tmp_path / "campfire.jsonl"
    async with settled(state=state, dialect=Dialect.MAIN) as place:
        key, room_id = place.ada.key, place.room.id
        message = await place.campfire.say(place.room, place.kim, "one")
        await place.client.post(f"{place.posts}/{message.id}/boosts", content=b"+1")
        gone = await place.campfire.say(place.room, place.lee, "two")
        await place.campfire.edit(message, "<div>one, changed</div>")
        await place.campfire.remove(gone)
    state.write_bytes(state.read_bytes() + b'{"message": {"id": 3, "ro')
    async with open_campfire(state=state) as again:
        kim = again.add_person("Kim")
        room = again.add_room("Watercooler")
        assert (room.id, again.add_bot("Ada").key) == (room_id, key)
        (kept,) = room.messages
        assert (kept.plain, kept.edits, kept.created_at) == (
            "one, changed",
            ("<div>one</div>",),
            message.created_at,
        )
        assert [boost.content for boost in kept.boosts] == ["+1"]
        assert (await again.say(room, kim, "three")).id == gone.id + 1


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<b>bold</b> &amp; <i>it", "<b>bold</b> &amp; <i>it</i>"),
        ("Hello <img src=x onerror=alert(1)>World", "Hello World"),
        ("a<table><tr><td>gone</td></tr></table>b", "ab"),
        ("a<u>gone<b>too</b></u>b", "ab"),
        ("a<script>alert('<b>')</script>b", "ab"),
        ('<p class="x" style="color:red" onclick="y()">t</p>', '<p class="x">t</p>'),
        (
            '<a href="javascript:alert(1)">x</a>',
            '<a target="_blank" rel="noopener noreferrer">x</a>',
        ),
        (
            '<a href="/docs">x</a>',
            '<a href="/docs" target="_blank" rel="noopener noreferrer">x</a>',
        ),
        (
            "see https://a.example/x?b=1.",
            (
                'see <a href="https://a.example/x?b=1" target="_blank" rel="noopener noreferrer">'
                "https://a.example/x?b=1</a>."
            ),
        ),
        ("<pre>https://a.example</pre>", "<pre>https://a.example</pre>"),
        ("</div></b>x<br>y", "x<br>y"),
        ("<!-- c --><div><p>open", "<div><p>open</p></div>"),
    ],
)
def test_what_a_room_shows(html: str, expected: str) -> None:
    """Allowed tags stay; others vanish with their content; addresses become links."""
    assert shown(html, {}) == expected


def test_hostile_scheme_in_disguise() -> None:
    """A scheme that browsers would run is dropped however it is written."""
    for address in (
        "JaVaScRiPt:x",
        " javascript:x",
        "java\nscript:x",
        "data:text/html,x",
        "\x01javascript:x",
    ):
        assert "href" not in shown(f'<a href="{address}">x</a>', {}), address


def test_lost_tags() -> None:
    """Each tag that vanishes is named, also inside another one."""
    assert lost_tags("<p>a</p><table><tr></tr></table><img>") == ["table", "tr", "img"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>one<br>two</div><div>three</div>", "one\ntwo\nthree"),
        ("<h1>Title</h1><p>text</p><p>more</p>", "Title\n\ntext\n\nmore"),
        ("<ul><li>a</li><li>b</li></ul>after", "• a\n• b\n\nafter"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>", "1. a\n  • b\n2. c"),
        ("<blockquote>wise</blockquote>", "“wise”"),
        ("a &lt; b", "a < b"),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    """HTML becomes text as ActionText does it."""
    assert plain_text(html, {}) == text
