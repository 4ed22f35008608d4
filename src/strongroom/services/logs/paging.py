"""Pages of lists: a cursor behind a token that is good for the same request only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
from strongroom.services.logs import refusals
from strongroom.services.logs.context import TOKENS

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")
Key = tuple[int, str]
"""What a list is ordered by: a number, then a name."""


def scope(call: Call, *parameters: object) -> str:
    """What a token belongs to: operation, account, and what was asked."""
    return f"{call.operation}|{call.identity.account}|{msgspec.json.encode(parameters).decode()}"


def open_token(token_scope: str, token: str | None, parse: Callable[[str], Cursor]) -> Cursor | None:
    """The cursor of a token; ``parse`` raises ValueError for what is none. Raises the API's error."""
    if token is None:
        return None
    try:
        return parse(TOKENS.open(token_scope, token))
    except (InvalidToken, ValueError):
        raise refusals.invalid_token() from None


def page(
    items: Sequence[Item],
    key: Callable[[Item], Key],
    token_scope: str,
    token: str | None,
    limit: int,
    *,
    descending: bool = False,
) -> tuple[Sequence[Item], str | None]:
    """The items behind the token, and the token of the next ones. ``items`` are in the order of their keys."""
    last = open_token(token_scope, token, lambda cursor: msgspec.json.decode(cursor, type=Key))
    if last is not None:
        items = [item for item in items if (key(item) < last if descending else key(item) > last)]
    if len(items) <= limit:
        return items, None
    last_key = msgspec.json.encode(key(items[limit - 1])).decode()
    return items[:limit], TOKENS.issue(token_scope, last_key)
