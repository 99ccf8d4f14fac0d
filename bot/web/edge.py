"""The outermost application: deliveries one way, pages the other."""

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web.bare import Bare
from bot.web.webhook import PREFIX


class Edge:
    """Sends ``/webhook/`` to the route, and everything else to the pages."""

    def __init__(self, webhook: ASGIApp, pages: ASGIApp) -> None:
        self._webhook = webhook
        self._pages = Bare(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._webhook(scope, receive, send)
        else:
            await self._pages(scope, receive, send)
