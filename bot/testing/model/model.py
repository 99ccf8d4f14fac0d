"""The stand-in model as a test sees it: what it was asked, and how it shall behave."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.testing.model.behaviour import Behaviour, Pace, asked_for
from bot.testing.model.failure import Failure
from bot.testing.model.request import Request

Matches = Callable[[Request], bool] | str


@dataclass(slots=True)
class Script:
    """A behaviour, and for which requests."""

    matches: Callable[[Request], bool]
    behaviour: Behaviour
    #: How often it still applies; None for always.
    left: int | None
    #: How often it has applied.
    used: int = 0

    def applies(self, request: Request) -> bool:
        """Whether it is this script's turn; counted when it is."""
        if self.left == 0 or not self.matches(request):
            return False
        self.used += 1
        if self.left is not None:
            self.left -= 1
        return True


class Model:
    """The stand-in's memory of its callers (of their conversations it has none)."""

    def __init__(self, pace: Pace, *, keep: int) -> None:
        #: How long an answer takes when nothing else is asked for.
        self.pace = pace
        #: Base address, for ``ANTHROPIC_BASE_URL``.
        self.url = ""
        self._requests: deque[Request] = deque(maxlen=keep)
        self._others: deque[Request] = deque(maxlen=keep)
        self._refusals: deque[Failure] = deque(maxlen=keep)
        self._scripts: list[Script] = []
        self._changed = asyncio.Condition()

    @property
    def requests(self) -> tuple[Request, ...]:
        """What came to ``/v1/messages``, oldest first, refused ones included."""
        return tuple(self._requests)

    @property
    def other_requests(self) -> tuple[Request, ...]:
        """What came to any other path, known or not."""
        return tuple(self._others)

    @property
    def refusals(self) -> tuple[Failure, ...]:
        """How the API's rules were violated; a scripted failure is not among them."""
        return tuple(self._refusals)

    def script(self, matches: Matches, behaviour: Behaviour, *, times: int | None = None) -> Script:
        """Behave so when *matches* holds; a string must occur in the last user text.

        The script added last is asked first. With *times* it applies so often, then no more.
        """
        test = matches if callable(matches) else lambda request: matches in request.last_text
        script = Script(test, behaviour, times)
        self._scripts.insert(0, script)
        return script

    def forget_scripts(self) -> None:
        """Behave normally again."""
        self._scripts.clear()

    async def asked(self, about: str = "", *, times: int = 1, timeout_s: float = 10) -> Request:
        """Wait until *times* requests held *about* in their last text; return the last of them."""

        def found() -> list[Request]:
            return [request for request in self._requests if about in request.last_text]

        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]

    async def record(self, request: Request, refused: Failure | None) -> None:
        """Remember that *request* came."""
        async with self._changed:
            self._requests.append(request)
            if refused is not None:
                self._refusals.append(refused)
            self._changed.notify_all()

    def record_other(self, request: Request) -> None:
        """Remember a request to another path."""
        self._others.append(request)

    def behaviour_for(self, request: Request) -> Behaviour:
        """Return what a script, else the text of the question, else nobody asks for."""
        for script in self._scripts:
            if script.applies(request):
                return script.behaviour
        return asked_for(request.question.text) or Behaviour()
