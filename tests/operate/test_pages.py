import httpx
import pytest

from bot.operate.admin import TRIES, AdminToken
from tests.operate.server import TOKEN, Server

OPEN = ["/health", "/ready"]
GUARDED = ["/metrics", "/session/stats", "/queue/stats", "/health/sessions"]


# ---- who may see what ----


@pytest.mark.parametrize("path", OPEN)
async def test_open_pages_need_no_token(anybody: httpx.AsyncClient, path: str) -> None:
    """A monitor of the platform asks them."""
    assert (await anybody.get(path)).status_code == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("shown", [None, "Bearer wrong", f"Basic {TOKEN}"])
async def test_the_others_do(anybody: httpx.AsyncClient, path: str, shown: str | None) -> None:
    """Without it, they say what is asked for and nothing else."""
    response = await anybody.get(path, headers={"Authorization": shown} if shown else {})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "content-type" not in response.headers
    assert not response.content


@pytest.mark.parametrize("path", GUARDED)
async def test_the_operator_sees_them(operator: httpx.AsyncClient, path: str) -> None:
    """And no cache keeps them."""
    response = await operator.get(path)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"


async def test_guesses_at_a_short_token_are_put_off(server: Server) -> None:
    """With the time after which to come again."""
    server.token = AdminToken("short", now=server.clock.seconds)
    transport = httpx.ASGITransport(server.pages())
    async with httpx.AsyncClient(transport=transport, base_url="http://hearth") as guesser:
        for _ in range(TRIES + 1):
            response = await guesser.get("/metrics", headers={"Authorization": "Bearer guess"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert "content-type" not in response.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [*OPEN, *GUARDED])
async def test_only_reading_is_answered(
    operator: httpx.AsyncClient, path: str, method: str
) -> None:
    """Campfire, pointed at the wrong path, would post anything with a Content-Type."""
    response = await operator.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert "content-type" not in response.headers
    assert not response.content


@pytest.mark.parametrize("path", ["/", "/session", "/health/", "/queue/stats/x"])
async def test_other_paths_are_not_there(operator: httpx.AsyncClient, path: str) -> None:
    """Nor is anybody sent elsewhere."""
    assert (await operator.get(path)).status_code == 404


@pytest.mark.parametrize("path", [*OPEN, *GUARDED])
async def test_head_is_answered_as_get(operator: httpx.AsyncClient, path: str) -> None:
    """Monitors like it."""
    assert (await operator.head(path)).status_code == 200


# ---- /health, /ready, /metrics ----


async def test_health_is_two_letters(anybody: httpx.AsyncClient) -> None:
    """It says that the process answers, whatever else is wrong."""
    response = await anybody.get("/health")
    assert response.text == "ok"
    assert response.headers["content-type"].startswith("text/plain")


async def test_ready_says_what_is_missing(server: Server, anybody: httpx.AsyncClient) -> None:
    """503, so that a balancer looks elsewhere; no path, no secret."""
    assert (await anybody.get("/ready")).json() == {"ready": True}
    server.roster.bots = {}
    server.startable = False
    response = await anybody.get("/ready")
    assert response.status_code == 503
    assert response.json() == {
        "ready": False,
        "why": ["bots: none is loaded", "agent: cannot be started, see the log"],
    }


async def test_metrics_are_prometheus_text(operator: httpx.AsyncClient) -> None:
    """In the version that the library writes."""
    response = await operator.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "\nhearth_messages_open 0.0\n" in response.text
