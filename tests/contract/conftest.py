"""The faults of the whole server's tests, for other clients."""

from tests.e2e.conftest import disk

__all__ = ["disk"]
