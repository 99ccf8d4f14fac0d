"""Whether a delivery comes from Campfire.

Campfire signs nothing. What only Campfire and the bot's file know is the bot's key, which stands in
``room.path``; bodies of forks and old versions that have no path need a secret in the webhook's
address instead. A path that is there decides alone: a secret does not make a wrong path right.
"""

import hmac

from bot.errors import NotAuthentic
from bot.platforms.campfire.delivery import Delivery
from bot.records import Credentials


def verify(delivery: Delivery, *, credentials: Credentials, secret: str | None) -> None:
    """Return if *delivery* proves that it is meant for the bot; raise `NotAuthentic` if not.

    *secret* is the webhook query's. Comparisons take the same time whatever differs.
    """
    if delivery.room_path is None:
        _verify_secret(credentials, secret)
    else:
        _verify_path(delivery.room_path, room=delivery.room, credentials=credentials)


def _verify_path(path: str, *, room: str | None, credentials: Credentials) -> None:
    expected = f"/rooms/{room}/{credentials.key}/messages"
    # An empty key would make a path authentic that anyone can write.
    if not credentials.key or not _same(path, expected):
        raise NotAuthentic(
            f"room.path does not hold the key of bot {credentials.bot}; "
            "compare `key` in its file with the key on Campfire's page of bots"
        )


def _verify_secret(credentials: Credentials, secret: str | None) -> None:
    expected = credentials.webhook_secret
    if not expected:
        raise NotAuthentic(
            f"the body has no room.path and bot {credentials.bot} has no `webhook_secret`; "
            "set one, and add ?secret=… to the webhook's address in Campfire"
        )
    if secret is None or not _same(secret, expected):
        raise NotAuthentic(
            f"the body has no room.path and the address lacks the secret of bot {credentials.bot}; "
            "add ?secret=… with its `webhook_secret` to the webhook's address in Campfire"
        )


def _same(given: str, expected: str) -> bool:
    # As bytes: on strings compare_digest raises for anything that is not ASCII.
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )
