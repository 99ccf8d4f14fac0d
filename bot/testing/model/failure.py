"""Errors in the shape of the Messages API."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error."""

    status: int
    #: The API's word for it: ``overloaded_error``.
    kind: str
    message: str
    #: Seconds for the ``retry-after`` header; None for no header.
    retry_after_s: float | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that the API sends."""
        return {"type": "error", "error": {"type": self.kind, "message": self.message}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {} if self.retry_after_s is None else {"retry-after": f"{self.retry_after_s:g}"}


#: What the API says with each status: its type and a sentence.
_SAYINGS = {
    400: ("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use this resource."),
    404: ("not_found_error", "model: no such model"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


def failure(status: int, *, retry_after_s: float | None = None) -> Failure:
    """Return what the API says with *status*; 400 is the empty account."""
    kind, message = _SAYINGS.get(status, ("api_error", "Something failed"))
    return Failure(status, kind, message, retry_after_s)


def invalid(message: str) -> Failure:
    """Return the refusal of a request that is not right."""
    return Failure(400, "invalid_request_error", message)
