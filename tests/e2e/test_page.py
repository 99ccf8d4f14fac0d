"""The demo's page in a real browser: a person writes, and sees the answer come."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from bot.cli.demo import Stage, open_stage, serving
from tests.e2e.world import PATIENCE_S

CHROMIUM = shutil.which("chromium")
#: A browser that keeps to this machine.
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)"
)


@asynccontextmanager
async def page_of(stage: Stage) -> AsyncIterator[Page]:
    """Open the demo's page; what the browser complains of fails the test."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        page = await browser.new_page()
        page.on("console", lambda line: complaints.append(line.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(stage.campfire.url)
        yield page
        await browser.close()
    assert complaints == []


async def say(page: Page, text: str) -> None:
    """Type a message and send it as people do."""
    await page.get_by_role("combobox").press_sequentially(text)
    await page.keyboard.press("Enter")


async def test_kim_writes_and_sees_the_answer(tmp_path: Path) -> None:
    """The answer appears in the open page, nothing is loaded again, and Ada remembers."""
    async with open_stage(tmp_path, real=False, port=0, environ={}) as stage, serving(stage):
        async with page_of(stage) as page:
            await page.evaluate("window.sameAsBefore = true")
            answers = page.get_by_role("log")
            await say(page, "@Ada my name is Kim")
            patience_ms = PATIENCE_S * 1000
            await expect(answers).to_contain_text("Nice to meet you, Kim!", timeout=patience_ms)
            await say(page, "@Ada what is my name?")
            await expect(answers).to_contain_text("Your name is Kim.", timeout=patience_ms)
            assert await page.evaluate("window.sameAsBefore")
        assert stage.campfire.violations == ()


async def test_what_is_typed_while_a_message_is_on_its_way_stays(tmp_path: Path) -> None:
    """The next words are not swept away when the chat answers, nor is what it did not take."""
    stage_opens = open_stage(tmp_path, real=False, port=0, environ={})
    async with stage_opens as stage, page_of(stage) as page:
        sent, let_go = asyncio.Event(), asyncio.Event()

        async def hold(route: Route) -> None:
            sent.set()
            await let_go.wait()
            await route.continue_()

        await page.route("**/demo/say", hold)
        writing = page.get_by_role("combobox")
        await say(page, "how was lunch?")
        await sent.wait()
        await writing.press_sequentially("and dinner?")
        let_go.set()
        await expect(page.get_by_role("log")).to_contain_text("how was lunch?")
        await expect(page.get_by_role("button", name="Send")).to_be_enabled()
        await expect(writing).to_have_value("and dinner?")

        await page.unroute("**/demo/say")
        # Not 4xx or 5xx: the browser complains of those by itself.
        await page.route("**/demo/say", lambda route: route.fulfill(status=300))
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Not sent.")).to_be_visible()
        await expect(writing).to_have_value("and dinner?")
