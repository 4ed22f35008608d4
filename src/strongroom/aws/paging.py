"""NextTokens: where a list goes on, opaque to the client and good only for the request that they were given for.

A token is the cursor with a MAC over it and over its scope (operation, account, filters), so a token that was edited
or belongs to another request, account or installation is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

_MAC_BYTES: Final = 16
MAX_CHARACTERS: Final = 256
"""Of a token, by the service models."""


class InvalidToken(Exception):
    """The token was not issued by this installation for this request."""


class NextTokens:
    """Issues and opens tokens under one secret key."""

    def __init__(self, key: bytes, *, max_characters: int = MAX_CHARACTERS) -> None:
        self._key = key
        self._max_characters = max_characters

    def issue(self, scope: str, cursor: str) -> str:
        """A token that leads to ``cursor`` (at most 170 bytes, with the usual ``max_characters``)."""
        body = cursor.encode()
        token = base64.urlsafe_b64encode(self._mac(scope, body) + body).rstrip(b"=").decode()
        if len(token) > self._max_characters:
            raise ValueError("a cursor is too long for a token")
        return token

    def open(self, scope: str, token: str) -> str:
        """The cursor of a token. Raises :class:`InvalidToken`."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise InvalidToken from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(scope, body)):
            raise InvalidToken
        return body.decode()

    def _mac(self, scope: str, body: bytes) -> bytes:
        message = len(scope).to_bytes(4, "big") + scope.encode() + body
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_MAC_BYTES]
