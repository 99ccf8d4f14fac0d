"""The limit of an acknowledgement: a bare Starlette route on the same uvicorn."""

import sys

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.web.server import build_server, listen


async def _acknowledge(_request: Request) -> Response:
    return Response(status_code=204)


async def main() -> None:
    """Serve until ended."""
    app = Starlette(routes=[Route("/webhook/{bot}", _acknowledge, methods=["POST"])])
    with listen("127.0.0.1", 0) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await build_server(app).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(main())
