"""Writes the trail as files: a directory that stands for the bucket of a trail, in AWS's layout (ADR 0076).

Every five minutes the new events of each account become a log file, every hour its log files a signed digest; both
also when the service stops. What was written is remembered in the logs store, after it was written: a file that a
crash left is written again under the same name.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa

from strongroom.private_files import make_private_directory, write_private
from strongroom.services.cloudtrail import digest as digests
from strongroom.services.cloudtrail.digest import Digest, DigestedFile
from strongroom.services.cloudtrail.event import moment
from strongroom.services.cloudtrail.signing_key import signing_key
from strongroom.storage.interface import LogEntry, Store, StoreError, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import UNREADABLE, TrailEntry, TrailEvent

DELIVERY_SECONDS: Final = 300
DIGEST_SECONDS: Final = 3600
_RECORD: Final = "trail-files"
_EVENTS_OF_A_FILE: Final = 1_000
_UNSIGNED: Final = "unsigned"

log = structlog.get_logger(__name__)
_decoder = msgspec.msgpack.Decoder(TrailEntry)


class LastDigest(msgspec.Struct, frozen=True):
    """An account's newest digest: what the next one must name."""

    s3_object: str
    hash_value: str
    signature: str


class AccountFiles(msgspec.Struct, frozen=True):
    """An account's files: the newest digest, and what came after it."""

    last_digest: LastDigest | None = None
    files: list[DigestedFile] = []


class Delivered(msgspec.Struct, frozen=True):
    """How far the trail is in files: the last entry, its hash, and the end of the last digests (Unix seconds).

    ``planned_end`` is that of digests that are about to be written, else 0.
    """

    sequence: int = -1
    digest: bytes = b""
    digest_end: int = 0
    accounts: dict[str, AccountFiles] = {}
    planned_end: int = 0


def delivered(logs: Store) -> Delivered:
    """What the logs store remembers."""
    record = logs.get(_RECORD)
    return msgspec.msgpack.decode(record.value, type=Delivered) if record else Delivered()


class TrailFiles:
    """Writes the files in a thread, from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        *,
        logs: Store,
        directory: Path,
        region: str,
        seal: Callable[[str, bytes], bytes],
        open_sealed: Callable[[str, bytes], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._logs = logs
        self._directory = directory
        self._region = region
        self._seal = seal
        self._open_sealed = open_sealed
        self._clock = clock
        self._key: rsa.RSAPrivateKey | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trail-files", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what there is, and the digest of it."""
        self._stop.set()
        self._thread.join()
        self._try(lambda: self.deliver(end=True))

    def deliver(self, *, end: bool = False) -> None:
        """Write log files of what is new; and digests when their hour is over, or when it is the ``end``."""
        make_private_directory(self._directory)
        now = int(self._clock())
        state = delivered(self._logs)
        if state.digest_end == 0:
            state = self._remember(msgspec.structs.replace(state, digest_end=self._beginning(now)))
        if state.planned_end:
            # A stop came between. They are the same again, so they come before anything that is new.
            state = self._remember(self._with_digests(state, state.planned_end))
        while entries := self._logs.scan(records.LOG_TRAIL, after=state.sequence, limit=_EVENTS_OF_A_FILE):
            state = self._remember(self._with_files(state, entries))
        hour = now - now % DIGEST_SECONDS
        has_new = any(account.files for account in state.accounts.values())
        if hour > state.digest_end or (end and has_new):
            # The end is in a digest's name, so no two have the same.
            planned_end = max(now, state.digest_end + 1) if end else hour
            state = self._remember(msgspec.structs.replace(state, planned_end=planned_end))
            self._remember(self._with_digests(state, planned_end))

    def _beginning(self, now: int) -> int:
        """When the first digest starts."""
        first = self._logs.scan(records.LOG_TRAIL, limit=1)
        return first[0].time_us // 1_000_000 if first else now

    def _run(self) -> None:
        while not self._stop.wait(DELIVERY_SECONDS - self._clock() % DELIVERY_SECONDS):
            self._try(self.deliver)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (OSError, StoreError, *UNREADABLE) as error:
            log.error("trail files are not written", directory=str(self._directory), reason=str(error))  # noqa: TRY400
        except Exception:
            # Whatever it is, the next delivery tries again.
            log.exception("trail files are not written", directory=str(self._directory))

    def _remember(self, state: Delivered) -> Delivered:
        self._logs.transact(Transaction(writes=(Write(_RECORD, msgspec.msgpack.encode(state)),)))
        return state

    def _with_files(self, state: Delivered, entries: Sequence[LogEntry]) -> Delivered:
        """Write entries as a file for each account."""
        events: dict[str, list[TrailEvent]] = {}
        for entry in entries:
            event = _decoder.decode(entry.value).event
            events.setdefault(event.account or _UNSIGNED, []).append(event)
        accounts = dict(state.accounts)
        for account, found in events.items():
            # A stop may come between, and more entries then: only the first one stays what it is.
            s3_object = digests.log_object(account, self._region, entries[0].time_us, entries[0].sequence)
            file = self._write_file(s3_object, found)
            before = accounts.get(account, AccountFiles())
            accounts[account] = msgspec.structs.replace(before, files=[*before.files, file])
        last = entries[-1]
        digest = hashlib.sha256(last.value).digest()
        return msgspec.structs.replace(state, sequence=last.sequence, digest=digest, accounts=accounts)

    def _write_file(self, s3_object: str, events: Sequence[TrailEvent]) -> DigestedFile:
        content = ('{"Records":[' + ",".join(event.text for event in events) + "]}").encode()
        self._write(s3_object, digests.compress(content))
        times = [moment(event.time_us // 1_000_000) for event in events]
        return DigestedFile(
            digests.BUCKET, s3_object, hashlib.sha256(content).hexdigest(), "SHA-256", max(times), min(times)
        )

    def _with_digests(self, state: Delivered, end: int) -> Delivered:
        """Write a digest for each account, also for one without new files: it says that there were none."""
        if self._key is None:
            self._key = signing_key(self._logs, self._directory, self._seal, self._open_sealed)
        accounts = {
            account: AccountFiles(last_digest=self._write_digest(self._key, state, account, files, end))
            for account, files in state.accounts.items()
        }
        return msgspec.structs.replace(state, digest_end=end, accounts=accounts, planned_end=0)

    def _write_digest(
        self, key: rsa.RSAPrivateKey, state: Delivered, account: str, files: AccountFiles, end: int
    ) -> LastDigest:
        before = files.last_digest
        digest = Digest(
            aws_account_id=account,
            digest_start_time=moment(state.digest_end),
            digest_end_time=moment(end),
            digest_s3_bucket=digests.BUCKET,
            digest_s3_object=digests.digest_object(account, self._region, end),
            digest_public_key_fingerprint=digests.fingerprint(key.public_key()),
            digest_signature_algorithm=digests.SIGNATURE_ALGORITHM,
            newest_event_time=max((file.newest_event_time for file in files.files), default=None),
            oldest_event_time=min((file.oldest_event_time for file in files.files), default=None),
            previous_digest_s3_bucket=digests.BUCKET if before else None,
            previous_digest_s3_object=before.s3_object if before else None,
            previous_digest_hash_value=before.hash_value if before else None,
            previous_digest_hash_algorithm="SHA-256" if before else None,
            previous_digest_signature=before.signature if before else None,
            log_files=files.files,
            trail_sequence=state.sequence,
            trail_hash=state.digest.hex(),
        )
        content = msgspec.json.encode(digest)
        metadata = digests.sign(key, digest, content)
        self._write(f"{digest.digest_s3_object}{digests.METADATA_SUFFIX}", msgspec.json.encode(metadata))
        self._write(digest.digest_s3_object, digests.compress(content))
        return LastDigest(digest.digest_s3_object, hashlib.sha256(content).hexdigest(), metadata.signature)

    def _write(self, s3_object: str, content: bytes) -> None:
        path = self._directory / s3_object
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, mode=0o700)
        write_private(path, content)
