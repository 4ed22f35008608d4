"""Makes the HSMs of a cluster drop what goes to their audit logs, just before it would be written.

Only for measuring what the entries cost: Python loads this file in every process whose PYTHONPATH names its folder. The
product has no such switch.
"""

import sys

if "strongroom.hsm" in sys.orig_argv:
    from dataclasses import replace

    from strongroom.storage.interface import Transaction
    from strongroom.storage.sqlite.store import SqliteStore
    from strongroom.vocabulary.records import LOG_AUDIT, LOG_CHECKPOINT

    write = SqliteStore.transact

    def without_audit(store: SqliteStore, transaction: Transaction) -> int:
        kept = [append for append in transaction.appends if not append.log.startswith((LOG_AUDIT, LOG_CHECKPOINT))]
        return write(store, replace(transaction, appends=tuple(kept)))

    SqliteStore.transact = without_audit  # type: ignore[method-assign]
