import pytest

from bot.errors import Malformed, TooLarge
from bot.web.body import read_body
from tests.web.asgi import Exchange, scope_of


async def body_of(*chunks: bytes, announced: int | None = None, hang_up: bool = False) -> bytes:
    """Read a body of at most ten bytes."""
    exchange = Exchange(chunks, hang_up=hang_up)
    headers = () if announced is None else ((b"content-length", str(announced).encode()),)
    return await read_body(scope_of("/", headers=headers), exchange.receive, 10)


@pytest.mark.parametrize("chunks", [(b"",), (b"0123456789",), (b"01234", b"", b"56789")])
async def test_a_body_within_the_limit(chunks: tuple[bytes, ...]) -> None:
    """It is read whole, in however many pieces it comes."""
    assert await body_of(*chunks, announced=sum(map(len, chunks))) == b"".join(chunks)


async def test_a_body_that_announces_too_much() -> None:
    """It is refused before a byte of it is read."""
    with pytest.raises(TooLarge, match="11 bytes; the limit is 10"):
        await body_of(announced=11, hang_up=True)


async def test_a_body_that_turns_out_too_large() -> None:
    """It is refused as soon as it is over, without reading on."""
    with pytest.raises(TooLarge, match="more than 10"):
        await body_of(b"0123456789", b"!", b"!", hang_up=True)


async def test_a_body_that_ends_too_early() -> None:
    """Who hangs up has sent nothing that could be read."""
    with pytest.raises(Malformed, match="went away"):
        await body_of(b"01234", b"56789", hang_up=True)
