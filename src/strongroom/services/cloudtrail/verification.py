"""Proves trail files and the chain of the log ``trail``, or names what is wrong with them.

The files alone prove that nothing between their first and their last digest was removed, added or changed since a
digest was signed. With the logs store they are also compared with it, and the log with what digests say of it.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from strongroom.services.cloudtrail import digest as digests
from strongroom.services.cloudtrail.digest import Digest, Metadata
from strongroom.services.cloudtrail.event import moment
from strongroom.services.cloudtrail.files import delivered
from strongroom.storage.interface import Store
from strongroom.vocabulary import records
from strongroom.vocabulary.records import UNREADABLE, TrailEntry

_BATCH: Final = 1_000
_MAX_CONTENT_BYTES: Final = 1 << 30


@dataclass(slots=True)
class Verification:
    """What was looked at, and what is wrong; ``not_covered`` are log files that came after the last digest."""

    digests: int = 0
    files: int = 0
    entries: int = 0
    not_covered: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)
    """What valid digests say of the log: the hash of an entry by its sequence."""
    newest: dict[str, Digest] = field(default_factory=dict)
    """The newest digest of each account."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A digest that can be read, and its content."""

    digest: Digest
    content: bytes
    metadata: Metadata


def verify_files(directory: Path, key: rsa.RSAPublicKey) -> Verification:
    """Check every digest and every log file of a directory."""
    found = Verification()
    named: set[str] = set()
    logs = directory / "AWSLogs"
    accounts = sorted(path.name for path in logs.iterdir()) if logs.is_dir() else []
    for account in accounts:
        before: _Read | None = None
        for read in _digests(directory, account, key, found):
            _check_link(read, before, found)
            for file in read.digest.log_files:
                named.add(file.s3_object)
                _check_file(directory, file, found)
            found.heads[read.digest.trail_sequence] = read.digest.trail_hash
            found.newest[account] = read.digest
            before = read
    for path in sorted(logs.glob("*/CloudTrail/**/*.json.gz")):
        s3_object = str(path.relative_to(directory))
        if s3_object not in named:
            found.not_covered.append(s3_object)
    return found


def verify_log(logs: Store, found: Verification) -> None:
    """Check the chain of the log, and that it and the digests tell the same; adds to what was found."""
    state = delivered(logs)
    expected: set[str] = set()
    for account, files in state.accounts.items():
        last, newest = files.last_digest, found.newest.get(account)
        there = newest.digest_s3_object if newest else None
        if newest and state.planned_end and newest.digest_end_time == moment(state.planned_end):
            # A stop came before it was remembered: the next start writes it again.
            there = newest.previous_digest_s3_object
        else:
            expected |= {file.s3_object for file in files.files}
        if last is not None and there != last.s3_object:
            found.problems.append(f"{last.s3_object}: the newest digest of account {account} is missing")
    for s3_object in [name for name in found.not_covered if name not in expected]:
        found.problems.append(f"{s3_object}: no digest names this file")
    for s3_object in sorted(expected - set(found.not_covered)):
        found.problems.append(f"{s3_object}: missing")
    sequence, previous = -1, bytes(32)
    while entries := logs.scan(records.LOG_TRAIL, after=sequence, limit=_BATCH):
        for entry in entries:
            digest = hashlib.sha256(entry.value).digest()
            problem = _entry_problem(entry.value, entry.sequence, sequence + 1, previous)
            if problem:
                found.problems.append(f"log trail, entry {sequence + 1}: {problem}")
            if found.heads.pop(entry.sequence, digest.hex()) != digest.hex():
                found.problems.append(f"log trail, entry {entry.sequence}: it is not the one that a digest covers")
            sequence, previous = entry.sequence, digest
            found.entries += 1
    for missing in sorted(found.heads):
        found.problems.append(f"log trail, entry {missing}: a digest covers it, and the log ends before it")


def _entry_problem(value: bytes, sequence: int, expected: int, previous: bytes) -> str:
    if sequence != expected:
        return "missing"
    try:
        entry = msgspec.msgpack.decode(value, type=TrailEntry)
    except UNREADABLE:
        return "it cannot be read"
    if entry.sequence != sequence:
        return f"it was written as entry {entry.sequence}"
    return "" if entry.previous == previous else "it does not follow the entry before it, one of both was changed"


def _digests(directory: Path, account: str, key: rsa.RSAPublicKey, found: Verification) -> Iterator[_Read]:
    """The digests of an account with a valid signature, oldest first."""
    paths = sorted((directory / "AWSLogs" / account / "CloudTrail-Digest").glob("**/*.json.gz"), key=lambda p: p.name)
    for path in paths:
        s3_object = str(path.relative_to(directory))
        found.digests += 1
        try:
            content = _content(path)
            read = _Read(
                msgspec.json.decode(content, type=Digest),
                content,
                msgspec.json.decode(path.with_name(path.name + digests.METADATA_SUFFIX).read_bytes(), type=Metadata),
            )
            digests.check(key, read.digest, content, read.metadata)
        except InvalidSignature:
            found.problems.append(f"{s3_object}: its signature is not that of this key over this content")
        except FileNotFoundError:
            found.problems.append(f"{s3_object}: its signature is missing")
        except (OSError, EOFError, ValueError, zlib.error, msgspec.DecodeError) as error:
            found.problems.append(f"{s3_object}: it cannot be read: {error}")
        else:
            if read.digest.digest_s3_object == s3_object:
                yield read
            else:
                found.problems.append(f"{s3_object}: it was moved; it is {read.digest.digest_s3_object}")


def _check_link(read: _Read, before: _Read | None, found: Verification) -> None:
    digest = read.digest
    named = (digest.previous_digest_s3_object, digest.previous_digest_hash_value, digest.previous_digest_signature)
    if before is None:
        if named[0] is not None:
            found.problems.append(f"{named[0]}: missing; {digest.digest_s3_object} follows it")
        return
    there = (before.digest.digest_s3_object, hashlib.sha256(before.content).hexdigest(), before.metadata.signature)
    if named != there:
        found.problems.append(
            f"{digest.digest_s3_object}: it follows {named[0] or 'no digest'}, and {there[0]} is before it"
        )


def _check_file(directory: Path, file: digests.DigestedFile, found: Verification) -> None:
    found.files += 1
    try:
        content = _content(directory / file.s3_object)
    except FileNotFoundError:
        found.problems.append(f"{file.s3_object}: missing")
    except (OSError, EOFError, zlib.error) as error:
        found.problems.append(f"{file.s3_object}: it cannot be read: {error}")
    else:
        if hashlib.sha256(content).hexdigest() != file.hash_value:
            found.problems.append(f"{file.s3_object}: its content was changed")


def _content(path: Path) -> bytes:
    """Raises ``OSError``, ``EOFError`` or ``zlib.error`` for a file that is damaged or far too large."""
    with gzip.open(path) as file:
        content = file.read(_MAX_CONTENT_BYTES + 1)
    if len(content) > _MAX_CONTENT_BYTES:
        raise OSError("it is too large")
    return content
