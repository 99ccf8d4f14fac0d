import re
import socket

import pytest

from bot.errors import ConfigError
from bot.web.server import listen


def test_a_free_port() -> None:
    """Port 0 takes a free one."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_in_use() -> None:
    """The operator hears which setting to change, in one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as wrong:
            listen("127.0.0.1", port)
    (mistake,) = wrong.value.mistakes
    assert str(mistake) == (
        f"HEARTH_PORT: 127.0.0.1:{port} cannot be listened on: Address already in use;"
        " choose another HEARTH_PORT or end the program that has it"
    )


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1"])
def test_an_address_of_another_machine(host: str) -> None:
    """Then it is not the port that has to change."""
    with pytest.raises(ConfigError) as wrong:
        listen(host, 0)
    (mistake,) = wrong.value.mistakes
    assert re.fullmatch(
        rf"HEARTH_HOST: {re.escape(host)}:0 cannot be listened on: [A-Z][a-z' ]+;"
        " name an address of this machine, such as 127.0.0.1",
        str(mistake),
    )


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_an_address_of_version_6() -> None:
    """A host with colons is an IPv6 address."""
    with listen("::1", 0) as listener:
        assert listener.family is socket.AF_INET6
