"""A small reader of Dockerfiles: instructions in order, continuation lines joined."""

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: ``RUN``, and what follows it."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Its exec form; a ValueError when it is written in shell form."""
        found: list[str] = json.loads(self.rest)
        return found


def stages(text: str) -> list[list[Instruction]]:
    """Split *text* into its build stages, each beginning with its ``FROM``."""
    result: list[list[Instruction]] = []
    for instruction in _instructions(text):
        if instruction.word == "FROM":
            result.append([])
        result[-1].append(instruction)
    return result


def _instructions(text: str) -> list[Instruction]:
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(kept))
    split = (line.partition(" ") for line in joined.splitlines())
    return [Instruction(word=word.upper(), rest=rest.strip()) for word, _, rest in split]


def assignments(instructions: list[Instruction], word: str) -> dict[str, str]:
    """Return the ``NAME=value`` pairs of every *word* (ENV, LABEL) instruction."""
    pairs = (
        found
        for instruction in instructions
        if instruction.word == word
        for found in re.findall(r'([\w.]+)=("[^"]*"|\S+)', instruction.rest)
    )
    return {name: value.strip('"') for name, value in pairs}
