"""Addresses on the web, as far as they can be checked without calling them."""

from urllib.parse import SplitResult, urlsplit


def loopback_url(host: str, port: int) -> str:
    """Return where what listens on *host* can be reached on this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def split_address(text: str) -> SplitResult:
    """Take an ``http://`` or ``https://`` address apart.

    Raises `ValueError` with the end of a sentence; it never repeats the address.
    """
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not text.isprintable() or " " in text:
        raise ValueError("is not an address: it starts with http:// or https:// and names a host")
    return parts


def web_address(text: str) -> str:
    """Check that *text* is an address, and give it back as it is."""
    split_address(text)
    return text


def base_address(text: str) -> str:
    """Check an address that paths are put behind, and drop its trailing slash."""
    parts = split_address(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or a password: leave out what stands before the @")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError('must end before "?" and "#": paths are put behind it')
    return text.rstrip("/")
