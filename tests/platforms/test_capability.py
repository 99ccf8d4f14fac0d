import pytest

from bot.platforms.campfire.capability import (
    REPROBE_S,
    Capability,
    Missing,
    is_present,
    read_missing,
    read_version,
)


def found(*, present: bool, version: str | None = "1.4.9", at_s: float = 100.0) -> Capability:
    """Return what was found out at *at_s*."""
    return Capability(present=present, version=version, found_at_s=at_s)


@pytest.mark.parametrize("present", [True, False])
def test_holds_for_a_while(present: bool) -> None:  # noqa: FBT001 - parametrized
    """What was found out holds for some minutes, and is asked again after them."""
    capability = found(present=present)
    assert is_present(capability, version="1.4.9", now_s=100.0 + REPROBE_S - 1) is present
    assert is_present(capability, version="1.4.9", now_s=100.0 + REPROBE_S) is None


@pytest.mark.parametrize("version", [None, "1.5.0", ""])
def test_another_version_is_asked_at_once(version: str | None) -> None:
    """An upgrade, or a step back, is noticed by the version that any answer shows."""
    assert is_present(found(present=False), version=version, now_s=100.0) is None


def test_nothing_is_known_at_first() -> None:
    """Before the first answer nobody knows."""
    assert is_present(None, version="1.4.9", now_s=0.0) is None


def test_first_sight_of_a_version_is_a_change() -> None:
    """What was found out before the instance showed its version is asked once more."""
    assert is_present(found(present=False, version=None), version="1.4.9", now_s=100.0) is None
    assert is_present(found(present=False, version=None), version=None, now_s=100.0) is False


@pytest.mark.parametrize(
    ("routed", "anchored", "present", "missing"),
    [
        (True, False, None, Missing.ROOM),
        (True, True, None, Missing.ROOM),
        (True, False, False, Missing.ROOM),
        (False, True, None, Missing.ANCHOR),
        (False, True, True, Missing.ANCHOR),
        (False, True, False, Missing.ANCHOR),
        (False, False, None, Missing.ROUTE),
        (False, False, False, Missing.ROUTE),
        (False, False, True, Missing.ROOM),
    ],
)
def test_missing(
    routed: bool,  # noqa: FBT001 - parametrized
    anchored: bool,  # noqa: FBT001 - parametrized
    present: bool | None,  # noqa: FBT001 - parametrized
    missing: Missing,
) -> None:
    """A version in the headers refuses the room; without one it depends on what was asked."""
    assert read_missing(404, routed=routed, anchored=anchored, present=present) is missing


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize("anchored", [True, False])
def test_wrong_method_is_no_route(
    routed: bool,  # noqa: FBT001 - parametrized
    anchored: bool,  # noqa: FBT001 - parametrized
) -> None:
    """Where a port of Campfire knows the path for posts only, there is no history."""
    for present in (None, True, False):
        missing = read_missing(405, routed=routed, anchored=anchored, present=present)
        assert missing is Missing.ROUTE


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, None),
        ({"x-version": ""}, None),
        ({"x-version": "1.4.9"}, "1.4.9 "),
        ({"x-rev": "abc"}, " abc"),
        ({"x-version": "1.4.9", "x-rev": "abc", "etag": "x"}, "1.4.9 abc"),
        ({"x-version": "x" * 9000}, "x" * 200),
    ],
)
def test_version(headers: dict[str, str], version: str | None) -> None:
    """Both headers make up the version, within bounds; an answer with neither names none."""
    assert read_version(headers) == version
