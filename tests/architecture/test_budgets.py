"""STYLE.md's budgets hold."""

from tests.architecture import budgets
from tests.architecture.source import modules, show


def test_files_stay_short() -> None:
    """A file that grows beyond 300 lines holds more than one noun."""
    offences = list(budgets.long_files(modules("bot")))
    assert not offences, show(offences)


def test_functions_stay_short() -> None:
    """No function is longer than 45 lines, signature and docstring included."""
    offences = list(budgets.long_functions(modules("bot")))
    assert not offences, show(offences)


def test_no_body_is_longer_than_forty_lines() -> None:
    """What a function does fits on a page."""
    offences = [
        f"{place}: {lines} lines"
        for lines, place in budgets.bodies(modules("bot"))
        if lines > budgets.BODY_LINES
    ]
    assert not offences, show(offences)


def test_bodies_are_short_as_a_rule() -> None:
    """Half of all bodies have at most 6 lines, nine of ten at most 18."""
    found = budgets.bodies(modules("bot"))
    lengths = [lines for lines, _ in found]
    median, p90 = budgets.quantile(lengths, 0.5), budgets.quantile(lengths, 0.9)
    largest = show(f"{place}: {lines} lines" for lines, place in found[:25])
    assert median <= budgets.BODY_MEDIAN, f"median {median}; the largest:{largest}"
    assert p90 <= budgets.BODY_P90, f"p90 {p90}; the largest:{largest}"


def test_broad_excepts_are_counted() -> None:
    """Bugs travel to the top: at most three places catch whatever may happen."""
    offences = list(budgets.broad_excepts(modules("bot")))
    assert len(offences) <= budgets.BROAD_EXCEPTS, show(offences)
