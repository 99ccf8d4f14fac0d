"""Files that an agent has made, and the tricks with them that lead nowhere."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent import made_files
from bot.agent.made_files import MOST_BYTES, MOST_FILES, fit_name, made_since, put_file
from bot.records.file import File

NOON = 1_750_000_000.0


def make(folder: Path, name: str, content: bytes = b"x", *, at: float = NOON + 1) -> Path:
    """Let the agent make a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def names(folder: Path) -> list[str]:
    """Return the names of what would be posted."""
    return [file.name for file in made_since(folder, NOON).files]


def test_files_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """New ones and changed ones, in folders too; what is older was there before the turn."""
    make(tmp_path, "late.csv", b"late", at=NOON + 2)
    make(tmp_path, "below/early.csv", b"early")
    make(tmp_path, "old.csv", at=NOON - 60)
    made = made_since(tmp_path, NOON)
    assert [(f.name, f.content) for f in made.files] == [
        ("early.csv", b"early"),
        ("late.csv", b"late"),
    ]
    assert made.left_out == ()


def test_no_folder_no_files(tmp_path: Path) -> None:
    """A session that was forgotten meanwhile has none."""
    assert made_since(tmp_path / "gone", NOON) == made_files.MadeFiles()


def test_tricks(tmp_path: Path) -> None:
    """Links, pipes, second names and hidden files are passed over; nothing waits for a pipe."""
    work, secret = tmp_path / "work", make(tmp_path, "secret", b"the key")
    make(work, "honest.txt")
    make(work, ".hidden/seen.txt")
    make(work, ".env")
    (work / "link.txt").symlink_to(secret)
    (work / "folder").symlink_to(tmp_path)
    os.link(secret, work / "second-name.txt")
    os.mkfifo(work / "pipe.txt")
    assert names(work) == ["honest.txt"]


def test_bounds(tmp_path: Path) -> None:
    """Too many and too large ones are named, and not read to their end."""
    make(tmp_path, "large.bin", b"x" * (MOST_BYTES + 1))
    for number in range(MOST_FILES + 1):
        make(tmp_path, f"{number}.txt", at=NOON + 2 + number)
    made = made_since(tmp_path, NOON)
    assert [file.name for file in made.files] == [f"{n}.txt" for n in range(MOST_FILES)]
    assert made.left_out == ("large.bin", f"{MOST_FILES}.txt")


def test_bytes_together(tmp_path: Path) -> None:
    """Some files that are not too large each may be so together."""
    for number in range(3):
        make(tmp_path, f"{number}.bin", b"x" * MOST_BYTES, at=NOON + 1 + number)
    made = made_since(tmp_path, NOON)
    assert [len(made.files), made.left_out] == [2, ("2.bin",)]


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("tea.csv", "tea.csv"),
        ("Größe 日本.md", "Größe 日本.md"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("../..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ("a\u202efdp.exe", "a-fdp.exe"),
        ('a`b"c<d>|e%f$g:h*i?j\n', "a-b-c-d-e-f-g-h-i-j-"),
        ("x" * 200 + ".csv", "x" * 96 + ".csv"),
        ("x" * 200, "x" * 100),
    ],
)
def test_names(name: str, fit: str) -> None:
    """A name is shown in a room and stored by the platform: a plain one, with its ending."""
    assert fit_name(name) == fit


@given(st.text(max_size=300))
def test_any_name_can_be_shown(name: str) -> None:
    """Whatever it was, it is short, not empty, no path, and fit as it is."""
    fit = fit_name(name)
    assert 0 < len(fit) <= 100
    assert not {"/", "\\", "\n", "\u202e", "`"} & {*fit}
    assert fit.encode()


def test_put_over_a_link(tmp_path: Path) -> None:
    """A link with the file's name is replaced; what it leads to stays as it was."""
    secret = make(tmp_path, "secret", b"the key")
    work = tmp_path / "work"
    work.mkdir()
    (work / "tea.csv").symlink_to(secret)
    put_file(work, File(name="tea.csv", content=b"cold"))
    assert (work / "tea.csv").read_bytes() == b"cold"
    assert secret.read_bytes() == b"the key"
