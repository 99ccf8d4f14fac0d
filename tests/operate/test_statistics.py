import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bot.operate.page import MOST_ROWS, ROWS, Window
from bot.operate.statistics import SessionRows
from bot.operate.waiting import Waiting
from bot.records import Outcome
from bot.sessions.statistics import Warmth
from tests.operate.characters import (
    LANE,
    NOON,
    WATERCOOLER,
    make_bot,
    make_message,
    make_session,
    make_statistics,
)
from tests.operate.server import Server

# ---- /session/stats ----


async def test_a_session_shows_all_that_is_known(
    server: Server, operator: httpx.AsyncClient
) -> None:
    """The session's own figures, with the queue of its room and the time it has left."""
    server.sessions = make_statistics(make_session(state=Warmth.HOT, used_s_ago=600))
    await server.journal.accept(make_message(), lane=LANE)
    shown = (await operator.get("/session/stats")).json()
    assert shown.pop("sessions") == [
        {
            "room": WATERCOOLER,
            "bot": "ada",
            "user": None,
            "session_id": "5a3c1b1e-0000-4000-8000-000000000000",
            "state": "hot",
            "last_path": None,
            "turns": 3,
            "created_at": "2026-01-01T07:00:00+00:00",
            "last_used": "2026-01-01T11:50:00+00:00",
            "memory_bytes": 100,
            "cost_usd": 0.25,
            "busy": False,
            "boots": 0,
            "evictions": 0,
            "recycles": 0,
            "spare_hits": 0,
            "age_s": 18000.0,
            "queue": 1,
            "ttl_left_s": 3000.0,
        }
    ]
    assert shown == {
        "total": 1,
        "offset": 0,
        "hot": 1,
        "hot_limit": 4,
        "spares": 1,
        "memory_bytes": 1000,
        "memory_budget_bytes": 2000,
        "cost_usd": 0.25,
        "hits": {"hot": 5, "spare": 7, "cold": 1},
        "spare_hits": 7,
        "boots": 9,
        "boots_waiting": 3,
        "lost": 0,
        "recapped": 0,
        "evicted": 2,
        "recycled": 4,
        "compactions": 6,
        "died": 0,
        "silenced": 6,
    }


async def test_a_session_whose_bot_is_gone_is_shown(
    server: Server, operator: httpx.AsyncClient
) -> None:
    """With the TTL of the settings; what is overdue has nothing left, and is cold."""
    gone, overdue = make_session(bot="cy", used_s_ago=30), make_session(bot="bo", used_s_ago=61)
    server.sessions = make_statistics(gone, overdue)
    rows = (await operator.get("/session/stats")).json()["sessions"]
    assert [(row["queue"], row["ttl_left_s"]) for row in rows] == [(0, 70.0), (0, 0.0)]
    assert [row["state"] for row in rows] == ["warm", "cold"]
    counted = (await operator.get("/metrics")).text
    assert all(f'hearth_sessions{{state="{state}"}} 1.0' in counted for state in ("warm", "cold"))


async def test_sessions_come_in_pages_the_newest_first(
    server: Server, operator: httpx.AsyncClient
) -> None:
    """Totals count all of them."""
    server.sessions = make_statistics(
        *(make_session(str(number), used_s_ago=number % 300) for number in range(300))
    )
    shown = (await operator.get("/session/stats")).json()
    assert (shown["total"], len(shown["sessions"])) == (300, ROWS)
    shown = (await operator.get("/session/stats?limit=2&offset=297")).json()
    assert [row["room"] for row in shown["sessions"]] == ["297", "298"]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=all", "offset=1e9", "limit=٣", "offset=99999999999999"]
)
@pytest.mark.parametrize("path", ["/session/stats", "/queue/stats"])
async def test_a_wrong_window_is_refused(
    operator: httpx.AsyncClient, path: str, query: str
) -> None:
    """With the rule, without repeating what was sent."""
    response = await operator.get(f"{path}?{query}")
    assert response.status_code == 400
    assert "must be a whole number from 0 on" in response.json()["error"]


async def test_a_page_is_bounded(server: Server, operator: httpx.AsyncClient) -> None:
    """Whatever is asked for."""
    server.sessions = make_statistics(*(make_session(str(n)) for n in range(MOST_ROWS + 1)))
    shown = (await operator.get("/session/stats?limit=5000")).json()
    assert len(shown["sessions"]) == MOST_ROWS


def test_ten_thousand_sessions_are_shown_at_once() -> None:
    """The loop has messages to answer meanwhile: 50 ms at most."""
    sessions = tuple(make_session(str(n), used_s_ago=n * 7 % 10_000) for n in range(10_000))
    rows = SessionRows(Waiting(()), serving={"ada": make_bot()}.get, ttl_s=lambda _: 60.0, now=NOON)
    statistics = make_statistics(*sessions)
    best = min(_seconds(lambda: rows.show(statistics, Window(offset=0, limit=200))) for _ in "abc")
    assert best < 0.05


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


# ---- /queue/stats ----


async def test_queues_show_the_equation_and_what_waits(
    server: Server, operator: httpx.AsyncClient
) -> None:
    """The longest waiting lane first."""
    for number, room in ((1, WATERCOOLER), (2, WATERCOOLER), (3, "8")):
        await server.journal.accept(make_message(number, room=room), lane=f"campfire/{room}")
        server.clock.pass_(10)
    entry = await server.journal.head("campfire/8")
    assert entry is not None
    await server.journal.settle(entry, outcome=Outcome.SKIPPED)
    first = await server.journal.head(LANE)
    assert first is not None
    server.running, server.ended = {LANE: first}, {"answered": 4}
    assert (await operator.get("/queue/stats")).json() == {
        "messages": {
            "accepted": 3,
            "answered": 0,
            "told": 0,
            "stopped": 0,
            "skipped": 1,
            "dead": 0,
            "open": 2,
            "balanced": True,
        },
        "turns": {"answered": 4},
        "running": 1,
        "total": 1,
        "offset": 0,
        "lanes": [{"lane": LANE, "open": 2, "running": True, "oldest_s": 30.0}],
    }


async def test_lanes_come_in_pages(server: Server, operator: httpx.AsyncClient) -> None:
    """A day's backlog is not one answer."""
    for number in range(5):
        await server.journal.accept(
            make_message(number, room=str(number)), lane=f"campfire/{number}"
        )
    shown = (await operator.get("/queue/stats?limit=2&offset=1")).json()
    assert shown["total"] == 5
    assert [lane["lane"] for lane in shown["lanes"]] == ["campfire/1", "campfire/2"]


@pytest.mark.parametrize("path", ["/session/stats", "/queue/stats"])
async def test_a_journal_that_fails_is_said(
    server: Server, operator: httpx.AsyncClient, path: str
) -> None:
    """Without the place where it lies."""
    await server.journal._writer.close()
    response = await operator.get(path)
    assert response.status_code == 503
    assert response.json() == {"error": "the journal cannot be read, see the log"}


# ---- /health/sessions ----


async def test_session_health_is_one_word_and_its_reasons(
    server: Server, operator: httpx.AsyncClient
) -> None:
    """A child that died is trouble for a while."""
    server.sessions = make_statistics(make_session(state=Warmth.HOT, busy=True))
    assert (await operator.get("/health/sessions")).json()["status"] == "ok"
    server.sessions = replace(server.sessions, died=1)
    shown = (await operator.get("/health/sessions")).json()
    assert shown == {
        "status": "degraded",
        "reasons": ["children: 1 ended on their own of late"],
        "known": 1,
        "hot": 1,
        "hot_limit": 4,
        "busy": 1,
        "lost": 0,
        "lost_recently": 0,
        "died": 1,
        "died_recently": 1,
        "evicted": 2,
    }
    server.clock.pass_(timedelta(minutes=6).total_seconds())
    assert (await operator.get("/health/sessions")).json()["status"] == "ok"
