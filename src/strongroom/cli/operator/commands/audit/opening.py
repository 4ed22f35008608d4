"""The audit logs of an installation, for the length of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from strongroom.audit.hsm_logs import HsmLog, hsm_logs
from strongroom.cli.operator.refusals import Refusal
from strongroom.installation.keys import open_installation
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.storage.interface import StoreError

Look = Callable[[], list[HsmLog]]


@contextmanager
def audit_logs(state: StateDirectory, cluster_id: str | None = None, hsm_id: str | None = None) -> Iterator[Look]:
    """Gives a function that finds the logs anew; a command that waits for entries calls it again."""
    if not state.exists():
        raise Refusal(f"no installation was made in {state.root}", "make one with `strongroom up`")
    stores = None
    try:
        stores = Stores(state)

        def look() -> list[HsmLog]:
            return [
                log for log in hsm_logs(stores.control, stores.logs, stores, cluster_id) if hsm_id in {None, log.hsm_id}
            ]

        if not look() and (cluster_id or hsm_id):
            raise Refusal(
                f"there is no audit log of {hsm_id or cluster_id} in {state.root}", "see `strongroom audit receipt`"
            )
        yield look
    except StoreError as error:
        raise Refusal(str(error)) from None
    finally:
        if stores is not None:
            stores.close()


def roots(state: StateDirectory) -> dict[str, str]:
    """The installation's root certificates in PEM: the hardware root is what identities of HSMs lead to."""
    installation = open_installation(state)
    return {
        "hardware": installation.hardware_root_certificate(),
        "manufacturer": installation.manufacturer_root_certificate(),
    }


def now() -> str:
    """The time, for documents."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
