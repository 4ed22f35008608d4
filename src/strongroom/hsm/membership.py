"""Who is in the cluster: tells the engine the active members, answers joiners, and notices its own deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from strongroom.hsm.joining import Doorkeeper
from strongroom.storage.interface import Store, prefix_end
from strongroom.vocabulary.records import DESIRED_HSM, STATUS_HSM, HsmStatus, MembershipRecord
from strongroom.vocabulary.states import HsmHealth

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()


class Membership:
    """Looks at the membership whenever the store changes."""

    def __init__(
        self, hsm: Hsm, store: Store, hsm_id: str, doorkeeper: Doorkeeper, on_deleted: Callable[[], None]
    ) -> None:
        self._hsm = hsm
        self._store = store
        self._hsm_id = hsm_id
        self._doorkeeper = doorkeeper
        self._on_deleted = on_deleted
        self._members: list[dict[str, Any]] = []

    def look(self) -> None:
        """Act on what stands in the store now."""
        desired = {
            record.key.removeprefix(DESIRED_HSM): msgspec.msgpack.decode(record.value, type=MembershipRecord)
            for record in self._store.list(DESIRED_HSM, prefix_end(DESIRED_HSM))
        }
        own = desired.get(self._hsm_id)
        if own is None or own.deleting:
            self._on_deleted()
            return
        self._doorkeeper.answer()
        members = []
        for record in self._store.list(STATUS_HSM, prefix_end(STATUS_HSM)):
            status = msgspec.msgpack.decode(record.value, type=HsmStatus)
            wanted = desired.get(status.hsm_id)
            if wanted is not None and not wanted.deleting and status.health == HsmHealth.ACTIVE:
                members.append({"hsm_id": status.hsm_id, "address": status.address, "port": status.port})
        if members != self._members:
            self._members = members
            self._hsm.set_members(members)
            log.info("members", members=[member["hsm_id"] for member in members])
