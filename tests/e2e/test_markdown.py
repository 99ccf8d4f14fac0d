"""What an agent writes in Markdown, as the room shows it."""

from pathlib import Path

from bot.platforms.campfire.markup import PART_LIMIT
from bot.testing.campfire.sanitizer import lost_tags, shown
from bot.testing.model import say
from tests.e2e.world import World, open_world

EVERYTHING = """\
# Release notes

Some **bold**, *italic*, ~~gone~~, `code`, [a link](https://example.org/x) and 🎉.

- one
  - two
    - three
      1. four
- [ ] to do
- [x] done

7. seven
8. eight

> A quote
> - with a list

| 名前 | People |
|:-----|-------:|
| 山田 | 7 |

```python
if a < b:
    print("c")
```

<script>alert(1)</script>
"""

SHOWN = (
    "<h1>Release notes</h1>"
    "<p>Some <strong>bold</strong>, <em>italic</em>, <del>gone</del>, <code>code</code>,"
    ' <a href="https://example.org/x" target="_blank" rel="noopener noreferrer">a link</a>'
    " and 🎉.</p>"
    "<ul><li>one<ul><li>two<ul><li>three<ol><li>four</li></ol></li></ul></li></ul></li>"
    "<li>☐ to do</li><li>☑ done</li></ul>"
    "<ul><li>7. seven</li><li>8. eight</li></ul>"
    "<blockquote><p>A quote</p><ul><li>with a list</li></ul></blockquote>"
    "<pre>名前 | People\n-----+-------\n山田 |      7</pre>"
    '<pre>if a &lt; b:\n    print("c")</pre>'
    "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
)


async def parts(world: World, markdown: str) -> list[str]:
    """Have Ada say something; return what the room shows of each part."""
    world.model.script("show me", say(markdown))
    asked = await world.say("@Ada show me")
    await world.answer(asked)
    later = [m for m in world.campfire.room(world.room).messages if m.id > asked.id]
    return [shown(message.html or "", {}) for message in later]


async def test_every_construct(tmp_path: Path) -> None:
    """Each has its form, nothing vanishes, and nothing is taken for a tag."""
    async with open_world(tmp_path) as world, world.serving():
        assert await parts(world, EVERYTHING) == [SHOWN]
        assert world.campfire.violations == ()


async def test_long_answers_come_in_parts(tmp_path: Path) -> None:
    """A table repeats its head, code stays code and is cut at lines, a list goes on counting."""
    table = "| n | square |\n|--:|--:|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(1500))
    code = "```python\n" + "".join(f"line_{n} = {n}\n" for n in range(1500)) + "```\n"
    items = "".join(f"{n}. item number {n} of the list\n" for n in range(1, 600))
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("show me", say(f"{table}\n{code}\n{items}"))
        asked = await world.say("@Ada show me")
        await server.settled()
        later = [m for m in world.campfire.room(world.room).messages if m.id > asked.id]
        htmls = [message.html or "" for message in later]
        assert len(htmls) >= 5
        assert all(0 < len(html) <= PART_LIMIT for html in htmls)
        assert not any(lost_tags(html) for html in htmls)
        tables = [html for html in htmls if " | " in html]
        assert len(tables) > 1
        assert all("n |  square\n" in html.replace("   n", "n", 1) for html in tables)
        everything = "".join(htmls)
        assert all(f"line_{n} = {n}\n" in everything for n in range(1498))
        assert f"<li>{450}. item number 450" in everything
        assert world.campfire.violations == ()
