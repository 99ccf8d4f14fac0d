"""Where a key stands."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.locate import json_lines, line_of, toml_lines
from bot.config.sentences import KeyPath

TOML = '''\
# name = "not this one"
name = "Ada"  # [turn]
prompt = """
[session]
ttl = 'no key' \\
"""
literal = \'\'\'
[agent] it's
\'\'\'\'
"quoted key" = "a # b = [ \\" "
a.b . c = { inner = "x", other = [1, 2] }

  [ session ]
ttl = [
  "]", # ]
  { x = 1 },
]
scope="room"
[agent.mcp_servers."my.notes"]
command = "x"

[[list]]
x = 1
[[list]]
x = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("prompt",), 3),
        (("literal",), 7),
        (("quoted key",), 10),
        (("a",), 11),
        (("a", "b", "c"), 11),
        (("a", "b", "c", "inner"), 11),
        (("session",), 13),
        (("session", "ttl"), 14),
        (("session", "ttl", 1), 14),
        (("session", "scope"), 18),
        (("session", "missing"), 13),
        (("agent",), 19),
        (("agent", "mcp_servers", "my.notes", "command"), 20),
        (("list",), 22),
        (("list", "x"), 23),
        (("turn",), None),
        ((), None),
    ],
)
def test_a_key_of_toml_is_found(path: KeyPath, line: int | None) -> None:
    """Comments, strings over lines, lists and inline tables do not confuse the count."""
    tomllib.loads(TOML)
    assert line_of(toml_lines(TOML), path) == line


JSON = """\
{"name": "A \\"key\\": {",
 "agent": {
   "tools": [
     "x", {"deep": 1}],
   "user": null}, "session":
   {"ttl":
   1}
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("agent",), 2),
        (("agent", "tools"), 3),
        (("agent", "tools", 1), 3),
        (("agent", "tools", 1, "deep"), 4),
        (("agent", "user"), 5),
        (("session",), 5),
        (("session", "ttl"), 6),
        (("session", "scope"), 5),
        (("turn",), None),
    ],
)
def test_a_key_of_json_is_found(path: KeyPath, line: int | None) -> None:
    """Strings that look like keys, and lists, do not confuse the count."""
    json.loads(JSON)
    assert line_of(json_lines(JSON), path) == line


_NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
_VALUES = st.sampled_from(
    ['"x"', "'[a]'", '"""\n[b]\n"""', "[\n1,\n]", "{ y = 1 }", "3", "'''\n'''"]
)


@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=4), max_size=4))
def test_every_key_of_any_toml_is_found(tables: dict[str, dict[str, str]]) -> None:
    """Whatever values stand between them, the line of a key begins with the key."""
    text = "".join(
        f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for table, keys in tables.items()
    )
    tomllib.loads(text)
    lines, rows = toml_lines(text), text.split("\n")
    for table, keys in tables.items():
        assert rows[lines[(table,)] - 1] == f"[{table}]"
        for key in keys:
            assert rows[lines[(table, key)] - 1].startswith(f"{key} = ")
