"""STYLE.md's habits hold, in our code and in its tests."""

from tests.architecture import habits
from tests.architecture.source import ROOT, modules, own_files, show


def test_only_commands_print() -> None:
    """Everything else logs events."""
    offences = list(habits.printing(modules("bot")))
    assert not offences, show(offences)


def test_every_waiver_has_a_code_and_a_reason() -> None:
    """A rule is switched off one at a time, and a reader learns why."""
    offences = list(habits.unexplained_waivers(modules("bot") + modules("tests")))
    assert not offences, show(offences)


def test_every_task_has_a_parent_and_a_name() -> None:
    """A task that dies is noticed by its group, and known by its name."""
    offences = list(habits.orphan_tasks(modules("bot")))
    assert not offences, show(offences)


def test_tests_do_not_sleep() -> None:
    """A test waits for what must happen; only benchmarks and chaos let time pass."""
    offences = list(habits.real_sleeps(modules("tests")))
    assert not offences, show(offences)


def test_every_test_states_its_behaviour() -> None:
    """A failing test tells what no longer holds."""
    offences = list(habits.silent_tests(modules("tests")))
    assert not offences, show(offences)


def test_nothing_private_of_the_sdk_is_used() -> None:
    """The SDK changes several times a week; only what it offers is built on."""
    offences = list(habits.private_reaches(modules("bot")))
    assert not offences, show(offences)


def test_no_file_names_a_machine_or_an_index() -> None:
    """What is committed works on every machine, with whatever index its pip is set up for."""
    offences = [
        offence
        for path in own_files()
        for offence in habits.foreign_places(
            path.relative_to(ROOT), path.read_text("utf-8", errors="ignore")
        )
    ]
    assert not offences, show(offences)
