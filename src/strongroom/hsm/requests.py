"""Request ids: the result of a create or change is kept for 15 minutes, so that a repeat changes nothing again.

A repeat of the same request gets the same bytes; another request under the same id is refused (ARCHITECTURE, seam 5).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from strongroom._native import IntegrityError
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import AlteredRecord, RequestRule, open_sealed, seal
from strongroom.storage.interface import Compare, CompareFailed, Record, Store, Transaction, Write, prefix_end
from strongroom.vocabulary.records import REQUEST, request_key

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest

log = structlog.get_logger()

NOBODY = "-"
"""Stands for the user in the key of a request without a login."""
REQUEST_ID_LENGTH = 16
_AT_ONCE = 500


class RequestIds:
    """The records under ``request/``."""

    def __init__(self, hsm: Hsm, store: Store, life_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._hsm = hsm
        self._store = store
        self._life = life_seconds
        self._clock = clock

    def key(self, request: ManagedRequest) -> str:
        if request.request_id is None or len(request.request_id) != REQUEST_ID_LENGTH:
            raise Refusal(Rv.ARGUMENTS_BAD, f"the request needs a request id of {REQUEST_ID_LENGTH} bytes")
        return request_key(request.username or NOBODY, request.request_id)

    def earlier(self, request: ManagedRequest) -> tuple[RequestRule | None, Record | None]:
        """The result of the same request, if it has one, and the record that stands under its id.

        Raises :class:`Refusal` when another request has the id.
        """
        key = self.key(request)
        record = self._store.get(key)
        if record is None:
            return None, None
        try:
            rule = open_sealed(self._hsm, key, record.value, RequestRule)
        except (IntegrityError, AlteredRecord) as error:
            raise Refusal(Rv.DEVICE_ERROR, f"the result of this request was altered in the store: {error}") from error
        if rule.expires_at <= self._clock():
            return None, record
        if rule.digest != request.digest or rule.operation != request.operation:
            raise Refusal(
                Rv.ARGUMENTS_BAD, "the request id was used for another request: every new request needs a new one"
            )
        return rule, record

    def result(
        self, request: ManagedRequest, revision: int, response: bytes, *, narrowing: bool, before: Record | None
    ) -> tuple[Write, Compare]:
        """The record of a result, to be written in the transaction of its change."""
        key = self.key(request)
        rule = RequestRule(
            operation=request.operation,
            digest=request.digest,
            response=response,
            revision=revision,
            expires_at=self._clock() + self._life,
            narrowing=narrowing,
        )
        return Write(key, seal(self._hsm, key, revision, rule)), Compare(key, before.revision if before else None)

    def purge(self) -> int:
        """Remove results that have outlived their time; gives how many."""
        now = self._clock()
        old: list[Record] = []
        start, end = REQUEST, prefix_end(REQUEST)
        while records := self._store.list(start, end, limit=_AT_ONCE):
            old += self._outlived(records, now)
            start = records[-1].key + "\0"
        for first in range(0, len(old), _AT_ONCE):
            part = old[first : first + _AT_ONCE]
            compares = tuple(Compare(record.key, record.revision) for record in part)
            try:
                self._store.transact(
                    Transaction(compares=compares, writes=tuple(Write(record.key, None) for record in part))
                )
            except CompareFailed:
                # Another HSM purges too; the next round finds the rest.
                break
        return len(old)

    def _outlived(self, records: Sequence[Record], now: float) -> list[Record]:
        old = []
        for record in records:
            try:
                rule = open_sealed(self._hsm, record.key, record.value, RequestRule)
            except (IntegrityError, AlteredRecord) as error:
                log.warning("request result refused", key=record.key, reason=str(error))
                continue
            if rule.expires_at <= now:
                old.append(record)
        return old
