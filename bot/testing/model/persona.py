"""What the stand-in model says: deterministic, and only from the request it was given."""

import json
import re
from collections.abc import Callable

from bot.testing.model.request import Request, Utterance, utterances

_NAMED = re.compile(r"\bmy name is\s+(?P<name>[^\W\d_][\w'’-]*)", re.IGNORECASE)  # noqa: RUF001 -- people type it
_REMEMBER = re.compile(r"\bremember:\s*(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_ECHO = re.compile(r"\becho:\s?(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_SAY_BACK = re.compile(r"\bsay back:\s*(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_RECAP = re.compile(r"<recap>.*?</recap>", re.DOTALL)
_DIRECTIVE = re.compile(r"\[(?:wait|fail|stall|drop|drip)\b[^\]]*\]\s*")

#: Characters of what somebody said that a summary keeps.
_KEPT = 200

TABLE = """\
Here is a table:

| City | People | Founded |
|:-----|-------:|:-------:|
| Bern | 134,000 | 1191 |
| Oslo | 709,000 | 1040 |
"""

CODE = """\
Here is some code:

```python
def greet(name: str) -> str:
    return f"Hello, {name}! 1 < 2 && 3 > 2"
```

Call it with `greet("Kim")`.
"""

_CHAPTER = """\
## Part {number}

This is paragraph {number} of a **long answer**. It goes on for a while, so that whoever \
splits long answers has something to split, and *nothing* of it may get lost on the way.

1. first point of part {number}
2. second point, with `code`
   - and a point below it
"""

LONG = "\n".join(_CHAPTER.format(number=number) for number in range(1, 41))


def reply(request: Request) -> str:
    """Return what the model says to *request*."""
    if request.tool_result is not None:
        return f"The tool said: {request.tool_result or 'nothing'}"
    asked = _DIRECTIVE.sub("", request.question.text).strip()
    for pattern, answer in _ANSWERS:
        if pattern.search(asked):
            return answer(request, asked) or "(nothing)"
    return _friendly(request, asked)


def _own_name(request: Request, _asked: str) -> str:
    speaker = request.question.speaker
    names = [(said.speaker, name) for said in request.conversation if (name := _name_in(said))]
    own = [name for told_by, name in names if told_by in {speaker, None} or speaker is None]
    if own:
        return f"Your name is {own[-1]}."
    others = f" {names[-1][1]} has." if names else ""
    return f"You have not told me your name.{others}"


def _name_in(said: Utterance) -> str | None:
    match = _NAMED.search(said.text)
    return match["name"] if match else None


def _remembered(request: Request, _asked: str) -> str:
    found = [
        match["what"] for said in request.conversation if (match := _REMEMBER.search(said.text))
    ]
    return (
        f"You asked me to remember: {found[-1]}" if found else "You asked me to remember nothing."
    )


def _turns(request: Request, _asked: str) -> str:
    count = len(request.turns)
    return f"I count {count} turn{'' if count == 1 else 's'}."


def _echo(_request: Request, asked: str) -> str:
    match = _ECHO.search(asked)
    return match["what"] if match else asked


def _say_back(request: Request, _asked: str) -> str:
    """Repeat everything that the last prompt asks for, and who asked."""
    asked = _RECAP.sub("", request.last_text)
    said = [(one, _SAY_BACK.search(one.text)) for one in utterances(asked)]
    return "\n\n".join(f"{one.speaker}: {match['what']}" for one, match in said if match)


def _whole_prompt(request: Request, _asked: str) -> str:
    return json.dumps(
        {"system": request.body.get("system", ""), "messages": request.body["messages"]},
        ensure_ascii=False,
        indent=1,
    )


def _summary(request: Request, _asked: str) -> str:
    """Keep all that people said, up to a bound, in the form that the child takes it in."""
    earlier = request.conversation[:-1]
    said = "\n".join(f"{one.speaker or 'Before'}: {one.text[:_KEPT]}" for one in earlier)
    return f"<analysis>People talked.</analysis>\n<summary>\n{said}\n</summary>"


def _note(_request: Request, asked: str) -> str:
    match = _REMEMBER.search(asked)
    return f"I will remember: {match['what']}" if match else asked


def _greet(_request: Request, asked: str) -> str:
    match = _NAMED.search(asked)
    return f"Nice to meet you, {match['name']}!" if match else asked


def _friendly(request: Request, asked: str) -> str:
    names = [name for said in request.conversation if (name := _name_in(said))]
    greeting = f"Hello {names[-1]}!" if names else "Hello!"
    return f"{greeting} You said: {asked}" if asked else f"{greeting} What can I do for you?"


def _sample(text: str) -> Callable[[Request, str], str]:
    return lambda _request, _asked: text


#: The first pattern that is found in the question gives the answer.
_ANSWERS: tuple[tuple[re.Pattern[str], Callable[[Request, str], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), answer)
    for pattern, answer in (
        (r"\bsay back:", _say_back),
        # What the agent's child asks for when a conversation has grown long.
        (r"\bdetailed summary of the conversation so far\b", _summary),
        (r"\becho:", _echo),
        (r"\brepeat the whole prompt\b", _whole_prompt),
        (r"\bwhat(?: is|'s|’s) my name\b", _own_name),  # noqa: RUF001 -- people type it
        (r"\bwhat did i ask you to remember\b", _remembered),
        (r"\bcount the turns\b", _turns),
        (r"\bremember:", _note),
        (r"\bmy name is\b", _greet),
        (r"\bshow me a table\b", _sample(TABLE)),
        (r"\bshow me (?:some )?code\b", _sample(CODE)),
        (r"\blong answer\b", _sample(LONG)),
    )
)
