"""Byte-exact requests of Campfire, and variations of them."""

import copy
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent

#: The key in the recorded requests.
KEY = "3-AbCdEf123456"


def recorded(name: str) -> bytes:
    """Return the body of the recorded request *name*."""
    return (_FOLDER / f"{name}.http").read_bytes().partition(b"\r\n\r\n")[2]


def varied(name: str = "mention", **changes: Any) -> bytes:
    """Return a recorded body with values put in at paths (``room__name``), or taken out: `GONE`."""
    fields = json.loads(recorded(name))
    for path, value in changes.items():
        *sections, last = path.split("__")
        target = fields
        for section in sections:
            target = target[section]
        if value is GONE:
            del target[last]
        else:
            target[last] = copy.deepcopy(value)
    return json.dumps(fields).encode()


#: Stands for "take this field out".
GONE = object()
