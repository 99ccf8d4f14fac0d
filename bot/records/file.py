"""Files that people give, or the agent makes."""

import mimetypes
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file, on its way into a room or out of it."""

    #: A plain name without a path, fit to be shown.
    name: str
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """What the name says that it is: nobody looks into the content."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"
