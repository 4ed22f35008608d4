"""Each thing that somebody with the database can do to audit logs, and where verification says that the log breaks."""

from __future__ import annotations

import datetime
import hashlib
import sqlite3
from collections.abc import Callable

import msgspec
import pytest
from audit_evidence import Evidence, entry_of, put_entry
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.audit.checkpoints import SIGNATURE_CONTEXT
from strongroom.audit.export import lines_of
from strongroom.audit.hsm_logs import HsmLog
from strongroom.audit.receipts import heads_of
from strongroom.audit.verify import verify
from strongroom.storage.sqlite import SqliteStore
from strongroom.vocabulary.records import AuditEntry, AuditIdentity, Checkpoint

Alteration = Callable[[sqlite3.Connection], object]
LOG, CHECKPOINTS = "audit/hsm-1", "checkpoint/hsm-1"


def last(connection: sqlite3.Connection, log: str = LOG) -> int:
    (sequence,) = connection.execute("SELECT max(sequence) FROM log_entry WHERE log = ?", (log,)).fetchone()
    return int(sequence)


def newest_checkpoint(connection: sqlite3.Connection) -> tuple[int, Checkpoint]:
    number, value = connection.execute(
        "SELECT sequence, value FROM log_entry WHERE log = ? ORDER BY sequence DESC LIMIT 1", (CHECKPOINTS,)
    ).fetchone()
    return number, msgspec.msgpack.decode(value, type=Checkpoint)


def put_checkpoint(connection: sqlite3.Connection, number: int, checkpoint: Checkpoint) -> None:
    connection.execute(
        "UPDATE log_entry SET value = ? WHERE log = ? AND sequence = ?",
        (msgspec.msgpack.encode(checkpoint), CHECKPOINTS, number),
    )


def remove(first: int, count: int = 1) -> Alteration:
    return lambda connection: connection.execute(
        "DELETE FROM log_entry WHERE log = ? AND sequence >= ? AND sequence < ?", (LOG, first, first + count)
    )


def change(sequence: int, **members: object) -> Alteration:
    def alter(connection: sqlite3.Connection) -> None:
        put_entry(connection, sequence, msgspec.structs.replace(entry_of(connection, sequence), **members))

    return alter


def garble(sequence: int) -> Alteration:
    return lambda connection: put_entry(connection, sequence, b"\xff\xfe")


def change_and_chain_again(sequence: int) -> Alteration:
    """What somebody does who knows the chain: everything after it fits."""

    def alter(connection: sqlite3.Connection) -> None:
        changed = msgspec.structs.replace(entry_of(connection, sequence), username="mallory")
        digest = put_entry(connection, sequence, changed)
        for number in range(sequence + 1, last(connection) + 1):
            digest = put_entry(
                connection, number, msgspec.structs.replace(entry_of(connection, number), previous=digest)
            )

    return alter


def remove_and_number_again(sequence: int) -> Alteration:
    def alter(connection: sqlite3.Connection) -> None:
        end = last(connection)
        digest = hashlib.sha256(msgspec.msgpack.encode(entry_of(connection, sequence - 1))).digest()
        for number in range(sequence, end):
            moved = msgspec.structs.replace(entry_of(connection, number + 1), sequence=number, previous=digest)
            digest = put_entry(connection, number, moved)
        remove(end)(connection)

    return alter


def swap(one: int, other: int) -> Alteration:
    def alter(connection: sqlite3.Connection) -> None:
        first, second = entry_of(connection, one), entry_of(connection, other)
        put_entry(connection, one, second)
        put_entry(connection, other, first)

    return alter


def duplicate(sequence: int) -> Alteration:
    return lambda connection: put_entry(connection, last(connection) + 1, entry_of(connection, sequence))


def foreign(sequence: int) -> Alteration:
    return lambda connection: put_entry(connection, sequence, entry_of(connection, 1, "hsm-2"))


def cut_off(sequence: int) -> Alteration:
    return lambda connection: connection.execute(
        "DELETE FROM log_entry WHERE log = ? AND sequence >= ?", (LOG, sequence)
    )


def forge(connection: sqlite3.Connection) -> None:
    """A checkpoint for another hash, with a signature by a key of one's own."""
    number, checkpoint = newest_checkpoint(connection)
    changed = msgspec.structs.replace(checkpoint, entry_hash=bytes(32), signature=b"")
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(SIGNATURE_CONTEXT + msgspec.msgpack.encode(changed), ec.ECDSA(hashes.SHA384()))
    put_checkpoint(connection, number, msgspec.structs.replace(changed, signature=signature))


def take_checkpoint_of_the_other_hsm(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE log_entry SET value = (SELECT value FROM log_entry WHERE log = 'checkpoint/hsm-2' AND sequence = 0) "
        "WHERE log = ? AND sequence = 0",
        (CHECKPOINTS,),
    )


def remove_identity(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM record WHERE key = 'identity/hsm-1'")


def take_identity_of_the_other_hsm(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE record SET value = (SELECT value FROM record WHERE key = 'identity/hsm-2') WHERE key = 'identity/hsm-1'"
    )


def sign_everything_anew(connection: sqlite3.Connection) -> None:
    """An installation of one's own that vouches for an altered log: certificates, chain and checkpoints all fit."""
    change_and_chain_again(6)(connection)
    (raw,) = connection.execute("SELECT value FROM record WHERE key = 'identity/hsm-1'").fetchone()
    identity = msgspec.msgpack.decode(raw, type=AuditIdentity)
    originals = [x509.load_der_x509_certificate(der) for der in identity.certificates]
    root_key, host_key, own_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
    root = certificate(originals[2].subject, root_key, originals[2].subject, root_key, authority=True)
    host = certificate(originals[1].subject, host_key, originals[2].subject, root_key, authority=True)
    leaf = certificate(originals[0].subject, own_key, originals[1].subject, host_key, authority=False)
    ders = [each.public_bytes(serialization.Encoding.DER) for each in (leaf, host, root)]
    connection.execute(
        "UPDATE record SET value = ? WHERE key = 'identity/hsm-1'",
        (msgspec.msgpack.encode(msgspec.structs.replace(identity, certificates=ders)),),
    )
    for number, value in connection.execute(
        "SELECT sequence, value FROM log_entry WHERE log = ?", (CHECKPOINTS,)
    ).fetchall():
        checkpoint = msgspec.msgpack.decode(value, type=Checkpoint)
        entry = msgspec.msgpack.encode(entry_of(connection, checkpoint.sequence))
        changed = msgspec.structs.replace(checkpoint, entry_hash=hashlib.sha256(entry).digest(), signature=b"")
        signature = own_key.sign(SIGNATURE_CONTEXT + msgspec.msgpack.encode(changed), ec.ECDSA(hashes.SHA384()))
        put_checkpoint(connection, number, msgspec.structs.replace(changed, signature=signature))


def certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA384())
    )


ALTERATIONS: dict[str, tuple[Alteration, list[tuple[int | None, str]]]] = {
    "an entry is removed": (remove(6), [(6, "entry 0x6 is missing")]),
    "the first entry is removed": (remove(0), [(0, "entry 0x0 is missing")]),
    "entries are removed": (remove(6, 3), [(6, "entries 0x6 to 0x8 are missing")]),
    "an entry is changed": (
        change(6, username="mallory"),
        [(6, "entry 0x6 is not the one that entry 0x7 was chained to: it was altered")],
    ),
    "the first entry is changed": (
        change(0, response=1),
        [(0, "entry 0x0 is not the one that entry 0x1 was chained to: it was altered")],
    ),
    "an entry's time is changed": (
        change(6, time_us=1),
        [
            (6, "entry 0x6 is older than the one before it: it was altered"),
            (6, "entry 0x6 is not the one that entry 0x7 was chained to: it was altered"),
        ],
    ),
    "the reboot counter is changed": (
        change(5, reboot_counter=7),
        [
            (6, "the reboot counter goes back in entry 0x6: it was altered"),
            (5, "entry 0x5 is not the one that entry 0x6 was chained to: it was altered"),
        ],
    ),
    "the time under which an entry stands is changed": (
        lambda connection: connection.execute(
            "UPDATE log_entry SET time_us = 1 WHERE log = ? AND sequence = 6", (LOG,)
        ),
        [(6, "stands in the store under the time 1970-01-01T00:00:00.000001Z, which is not its own: that was altered")],
    ),
    "an entry is garbled": (garble(6), [(6, "entry 0x6 is not an audit entry: it was altered")]),
    "an entry is changed and all after it are chained anew": (
        change_and_chain_again(6),
        [(None, "is not the one for which the HSM has signed: it, or one before it after entry 0x3, was altered")],
    ),
    "an entry is removed and all after it are numbered anew": (
        remove_and_number_again(6),
        [(None, "is not the one for which the HSM has signed: it, or one before it after entry 0x3, was altered")],
    ),
    "two entries are swapped": (
        swap(6, 7),
        [(6, "entry 0x6 is missing"), (6, "entry 0x6 stands after entry 0x7: it was moved or duplicated")],
    ),
    "an entry is duplicated": (duplicate(6), [(6, "it was moved or duplicated")]),
    "an entry of another HSM takes a place": (
        foreign(6),
        [(6, "an entry of hsm-2 stands where entry 0x6 belongs"), (6, "entry 0x6 is missing")],
    ),
    "the end is cut off, the checkpoints are not": (cut_off(6), [(6, "are missing, for which the HSM has signed")]),
    "the whole log is removed, the checkpoints are not": (
        cut_off(0),
        [(0, "are missing, for which the HSM has signed")],
    ),
    "an entry becomes text that is none": (
        lambda connection: put_entry(connection, 6, b"\x81\xa6hsm_id\xa2\xff\xfe"),
        [(6, "entry 0x6 is not an audit entry: it was altered")],
    ),
    "a checkpoint becomes text that is none": (
        lambda connection: connection.execute(
            "UPDATE log_entry SET value = ? WHERE log = ? AND sequence = 0",
            (b"\x81\xa6hsm_id\xa2\xff\xfe", CHECKPOINTS),
        ),
        [(None, "a checkpoint cannot be read: it was altered")],
    ),
    "the identity becomes text that is none": (
        lambda connection: connection.execute(
            "UPDATE record SET value = ? WHERE key = 'identity/hsm-1'", (b"\x81\xa6hsm_id\xa2\xff\xfe",)
        ),
        [(None, "its identity cannot be read: it was altered")],
    ),
    "a checkpoint is forged": (forge, [(None, "a checkpoint was forged or altered")]),
    "a checkpoint of another HSM takes a place": (
        take_checkpoint_of_the_other_hsm,
        [(None, "a checkpoint of hsm-2 in ")],
    ),
    "the identity is removed": (remove_identity, [(None, "its identity is missing")]),
    "the identity is another HSM's": (take_identity_of_the_other_hsm, [(None, "its identity is that of hsm-2 in ")]),
    "everything is signed anew by another installation": (
        sign_everything_anew,
        [(None, "the hardware root of its identity is not the trust anchor")],
    ),
}


def test_what_nobody_has_touched_holds_and_it_is_said_what_is_not_proven(evidence: Evidence, tmp_path):
    store = evidence.altered(tmp_path / "copy.db", lambda _connection: None)
    report = evidence.verify(store)
    assert report.all_breaks == []
    one, two = report.hsms
    assert (one.hsm_id, two.hsm_id) == ("hsm-1", "hsm-2")
    assert one.entries == one.last + 1
    assert one.proven is not None
    # Killed between entries and their checkpoint: those are chained, and not proven.
    assert one.last - one.proven >= 3
    assert two.proven == two.last
    assert one.head is two.head is None
    compared = evidence.verify(store, with_receipt=True)
    assert [(hsm.head, hsm.breaks) for hsm in compared.hsms] == [(one.last, []), (two.last, [])]
    store.close()


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_of_the_database_is_found_at_its_place(evidence: Evidence, tmp_path, name):
    alteration, expected = ALTERATIONS[name]
    store = evidence.altered(tmp_path / "altered.db", alteration)
    found = evidence.verify(store).all_breaks
    store.close()
    assert {each.hsm_id for each in found} == {"hsm-1"}
    for sequence, text in expected:
        matching = [each for each in found if text in each.text]
        assert matching, found
        assert sequence is None or matching[0].sequence == sequence
    named = [each for each in found if any(text in each.text for _, text in expected)]
    unproven = [each for each in found if "has signed" in each.text]
    assert len(named) + len([each for each in unproven if each not in named]) == len(found), found


def test_a_tail_that_is_cut_off_with_its_checkpoints_is_found_by_a_receipt_only(evidence: Evidence, tmp_path):
    def cut(connection: sqlite3.Connection) -> None:
        cut_off(6)(connection)
        connection.execute("DELETE FROM log_entry WHERE log = ? AND sequence > 0", (CHECKPOINTS,))

    store = evidence.altered(tmp_path / "cut.db", cut)
    without = evidence.verify(store)
    assert without.holds
    assert (without.hsms[0].proven, without.hsms[0].last, without.hsms[0].head) == (3, 5, None)
    (found,) = evidence.verify(store, with_receipt=True).all_breaks
    store.close()
    end = next(head.sequence for head in evidence.receipt if head.hsm_id == "hsm-1")
    assert (found.sequence, found.text) == (
        6,
        f"entries 0x6 to {end:#x} are missing, which the receipt has seen",
    )


def test_an_export_holds_against_a_log_that_went_on_since_and_not_against_one_that_was_altered(
    evidence: Evidence, tmp_path
):
    def early(connection: sqlite3.Connection) -> None:
        cut_off(6)(connection)
        connection.execute("DELETE FROM log_entry WHERE log = ? AND sequence > 0", (CHECKPOINTS,))

    before = evidence.altered(tmp_path / "before.db", early)
    now = evidence.altered(tmp_path / "now.db", lambda _connection: None)
    changed = evidence.altered(tmp_path / "changed.db", change(5, username="mallory"))
    empty = evidence.altered(tmp_path / "empty.db", cut_off(0))

    def logs(store: SqliteStore) -> list[HsmLog]:
        return [HsmLog(evidence.cluster.cluster_id, "hsm-1", store)]

    def texts(export: SqliteStore, live: list[HsmLog]) -> list[str]:
        return [each.text for each in verify(lines_of(logs(export), "", {}), live=live).all_breaks]

    report = verify(lines_of(logs(before), "", {}), live=logs(now))
    assert (report.all_breaks, report.hsms[0].head) == ([], 5)
    assert texts(before, logs(changed)) == [
        "entry 0x5 is not the one that this installation has: one of them was altered"
    ]
    for lacking in (logs(empty), []):
        assert texts(before, lacking) == ["entry 0x5 is missing from this installation: its log was cut off"]
    end = heads_of(logs(now))[0].sequence
    assert texts(now, logs(before)) == [f"entry {end:#x} is missing from this installation: its log was cut off"]
    for store in (before, now, changed, empty):
        store.close()


def test_the_heads_of_before_a_time_are_those_of_the_entries_own_times(evidence: Evidence, tmp_path):
    store = evidence.altered(
        tmp_path / "times.db", lambda connection: connection.execute("UPDATE log_entry SET time_us = 1")
    )
    logs = [HsmLog(evidence.cluster.cluster_id, "hsm-1", store)]
    times = [msgspec.msgpack.decode(row.value, type=AuditEntry).time_us for row in store.scan(LOG)]
    assert heads_of(logs, times[0]) == []
    for time_us in (*times[1:], times[-1] + 1):
        earlier = sum(each < time_us for each in times)
        found = [(head.sequence, head.time_us) for head in heads_of(logs, time_us)]
        assert found == ([(earlier - 1, times[earlier - 1])] if earlier else [])
    assert heads_of(logs) == heads_of(logs, times[-1] + 1)
    store.close()


def test_an_hsm_that_is_removed_with_everything_is_found_by_a_receipt(evidence: Evidence, tmp_path):
    def forget(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM log_entry WHERE log IN ('audit/hsm-2', 'checkpoint/hsm-2')")
        connection.execute("DELETE FROM record WHERE key = 'identity/hsm-2'")

    store = evidence.altered(tmp_path / "forgotten.db", forget)
    assert evidence.verify(store).holds
    (found,) = evidence.verify(store, with_receipt=True).all_breaks
    store.close()
    assert found.text == "the log of hsm-2 is missing, which the receipt has seen"


def test_the_unsigned_tail_is_held_by_a_receipt(evidence: Evidence, tmp_path):
    """Entries that a killed HSM had not signed yet: a receipt from before shows that one was rewritten."""
    end = next(head.sequence for head in evidence.receipt if head.hsm_id == "hsm-1")
    store = evidence.altered(tmp_path / "tail.db", change(end, username="mallory"))
    assert evidence.verify(store).holds
    (found,) = evidence.verify(store, with_receipt=True).all_breaks
    store.close()
    assert (found.sequence, found.text) == (
        end,
        f"entry {end:#x} is not the one that the receipt has seen: it was altered",
    )


def test_a_checkpoint_that_was_kept_counts_as_a_head_if_it_is_signed(evidence: Evidence, tmp_path):
    connection = sqlite3.connect(evidence.database)
    _, kept = newest_checkpoint(connection)
    connection.close()

    def cut(connection: sqlite3.Connection) -> None:
        cut_off(6)(connection)
        connection.execute("DELETE FROM log_entry WHERE log = ? AND sequence > 0", (CHECKPOINTS,))

    store = evidence.altered(tmp_path / "cut.db", cut)
    logs = [HsmLog(evidence.cluster.cluster_id, "hsm-1", store)]
    (found,) = verify(lines_of(logs, "", {}), checkpoints=[kept]).all_breaks
    assert found.text == f"entries 0x6 to {kept.sequence:#x} are missing, which the checkpoint that was given has seen"
    unsigned = msgspec.structs.replace(kept, entry_hash=bytes(32))
    (found,) = verify(lines_of(logs, "", {}), checkpoints=[unsigned]).all_breaks
    assert "a checkpoint was forged or altered" in found.text
    assert heads_of(logs)[0].sequence == 5
    store.close()
