"""The audit log as the brain writes it: which operations, with which keys, and when it is signed for."""

from __future__ import annotations

import hashlib
import itertools
import secrets

import msgspec
import pytest

from strongroom.audit.text import KEY_OPERATIONS, render
from strongroom.hsm import audit as hsm_audit
from strongroom.hsm.anchor import Anchor
from strongroom.hsm.audit import AUDIT_ALTERED, END_MARKER, AuditFacts
from strongroom.hsm.checkpoints import publish_identity
from strongroom.hsm.dispatch import HANDLERS
from strongroom.hsm.refusals import SUCCESS
from strongroom.storage.interface import LogEntry, StoreUnavailable, Transaction, Write
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.records import AuditEntry, AuditIdentity, Checkpoint

TOKEN = {1: True}
AUDITED = [operation for operation in HANDLERS if RULES[operation].opcode is not None]
PUBLISHED = {
    "CN_LOGIN": 0xD,
    "CN_LOGOUT": 0xE,
    "CN_CREATE_USER": 0x3,
    "CN_CREATE_CO": 0x4,
    "CN_CREATE_APPLIANCE_USER": 0xFC,
    "CN_DELETE_USER": 0xA1,
    "CN_CHANGE_PSWD": 0x9,
    "CN_GENERATE_KEY": 0x17,
    "CN_GENERATE_KEY_PAIR": 0x19,
    "CN_DESTROY_OBJECT": 0x11,
    "CN_SHARE_OBJECT": 0x12,
    "CN_WRAP_KEY": 0x1A,
    "CN_UNWRAP_KEY": 0x1B,
    "CN_INIT_TOKEN": 0x1,
    "CN_INIT_DONE": 0x95,
    "CN_GEN_PSWD_ENC_KEY": 0x1D,
    "END_MARKER_OPCODE": 0xFFFF,
}
"""The numbers that AWS has published (aws-cloudhsm 7.3)."""
USED = {"unwrapping_key", "base_key", "public_key", "private_key"}
"""Members that name the key that another is made with."""


@pytest.fixture
def alice(hsm):
    hsm.activate()
    return hsm.user(hsm.admin())


def checkpoints(member):
    return [
        msgspec.msgpack.decode(row.value, type=Checkpoint) for row in member.store.scan(f"checkpoint/{member.name}")
    ]


def our_opcodes():
    rules = [rule.opcode for rule in RULES.values() if rule.opcode is not None]
    constants = [value for value in vars(hsm_audit).values() if isinstance(value, tuple) and len(value) == 2]
    return [*rules, *constants, *(facts.opcode for facts in hsm_audit.FIRST_START)]


def test_every_change_and_login_has_an_opcode_and_no_read_has_one():
    for operation, rule in RULES.items():
        changes = rule.retry in {"create", "change"} or operation in {
            Operation.LOGIN,
            Operation.LOGIN_WITH_TOKEN,
            Operation.WRAP_KEY,
        }
        assert (rule.opcode is not None) == changes, operation
        assert rule.opcode is None or (rule.opcode[0] and rule.opcode[1] > 0)
        assert rule.opcode is None or operation in HANDLERS


def test_published_numbers_are_exact_and_no_two_opcodes_share_one():
    found = dict(our_opcodes())
    assert {name: number for name, number in found.items() if name in PUBLISHED} == PUBLISHED
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("operation", AUDITED, ids=lambda operation: operation.name.lower())
def test_a_refused_management_command_has_its_entry(hsm, operation):
    body = {"reference": 0x2A, "key": 0x2A}
    hsm.call(operation, body)
    entry = hsm.entries()[-1]
    assert (entry.opcode, entry.opcode_number) == RULES[operation].opcode
    assert entry.response != 0
    names_an_object = operation in {
        Operation.DESTROY_OBJECT,
        Operation.SET_ATTRIBUTES,
        Operation.SHARE_KEY,
        Operation.UNSHARE_KEY,
        Operation.WRAP_KEY,
        Operation.WRAP_WITH_APPROVAL,
        Operation.SIGN_WITH_APPROVAL,
        Operation.QUORUM_TOKEN,
    }
    assert entry.private_reference == (0x2A if names_an_object else 0)
    assert ("Priv/Secret Key Handle : " in render(entry)) == (entry.operation in KEY_OPERATIONS)


def test_key_commands_tell_the_handles_of_their_keys(hsm, alice):
    pair = {"mechanism": 1, "public_template": TOKEN, "private_template": TOKEN}
    public, private = (made["reference"] for made in hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)["objects"])
    (secret,) = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    (session,) = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": {}}, alice)["objects"]
    wrap = {"wrapping_key": secret["reference"], "mechanism": 1, "parameters": None, "key": private}
    hsm.call(Operation.WRAP_KEY, wrap, alice)
    for reference in (public, private, session["reference"]):
        hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {3: "label"}}, alice)
        hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice)
    told = [(entry.opcode, entry.private_reference, entry.public_reference) for entry in hsm.entries()[-10:]]
    assert told == [
        ("CN_GENERATE_KEY_PAIR", private, public),
        ("CN_GENERATE_KEY", secret["reference"], 0),
        ("CN_GENERATE_KEY", session["reference"], 0),
        ("CN_WRAP_KEY", private, 0),
        ("CN_MODIFY_OBJECT", 0, public),
        ("CN_TOMBSTONE_OBJECT", 0, public),
        ("CN_MODIFY_OBJECT", private, 0),
        ("CN_TOMBSTONE_OBJECT", private, 0),
        ("CN_MODIFY_OBJECT", session["reference"], 0),
        ("CN_DESTROY_OBJECT", session["reference"], 0),
    ]


def test_made_imported_unwrapped_and_derived_keys_are_told_by_their_new_handles(hsm, alice):
    (base,) = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    common = {"mechanism": 1, "parameters": None, "template": TOKEN}
    public = {0: 2, **TOKEN}
    bodies = {
        Operation.CREATE_OBJECT: {"template": public, "template_ticket": public},
        Operation.UNWRAP_KEY: {**common, "unwrapping_key": base["reference"], "wrapped_key": b"wrapped"},
        Operation.DERIVE_KEY: {**common, "base_key": base["reference"]},
        Operation.ENCAPSULATE_KEY: {**common, "public_key": base["reference"]},
        Operation.DECAPSULATE_KEY: {**common, "private_key": base["reference"], "ciphertext": b"ciphertext"},
    }
    for operation, body in bodies.items():
        (made,) = hsm.call(operation, body, alice)["objects"]
        handles = (0, made["reference"]) if operation is Operation.CREATE_OBJECT else (made["reference"], 0)
        entry = hsm.entries()[-1]
        assert (entry.opcode, entry.username) == (RULES[operation].opcode[0], "alice")
        assert (entry.private_reference, entry.public_reference) == handles
        absent = {name: 0x99 if name in USED else value for name, value in body.items()}
        if absent != body:
            assert hsm.call(operation, absent, alice).rv == 0x82
            entry = hsm.entries()[-1]
            assert (entry.response, entry.private_reference, entry.public_reference) == (0x82, 0, 0)


def test_an_entry_reads_as_awss_field_by_field():
    entry = AuditEntry(
        hsm_id="hsm-a",
        reboot_counter=0xE8,
        sequence=0x2A,
        time_us=1_777_796_121_004_512,
        operation="login",
        opcode="CN_LOGIN",
        opcode_number=0xD,
        session=0x2014005,
        response=0,
        response_text="HSM Return: SUCCESS",
        previous=b"",
        username="alice",
        user_type=1,
    )
    assert render(entry).splitlines() == [
        "Time: 05/03/26 08:15:21.004512, usecs:1777796121004512",
        "Sequence No : 0x2a",
        "Reboot counter : 0xe8",
        "Command Type(hex) : CN_MGMT_CMD (0x0)",
        "Opcode : CN_LOGIN (0xd)",
        "Session Handle : 0x2014005",
        "Response : 0:HSM Return: SUCCESS",
        "Log type : MGMT_USER_DETAILS_LOG (2)",
        "User Name : alice",
        "User Type : CN_CRYPTO_USER (1)",
    ]
    key = msgspec.structs.replace(entry, operation="generate_key_pair", private_reference=18, public_reference=17)
    assert render(key).splitlines()[-3:] == [
        "Log type : MGMT_KEY_DETAILS_LOG (1)",
        "Priv/Secret Key Handle : 18",
        "Public Key Handle : 17",
    ]
    minimal = msgspec.structs.replace(entry, operation="init_token", username="")
    assert render(minimal).splitlines()[-1] == "Log type : MINIMAL_LOG_ENTRY (0)"


def test_the_founder_signs_its_first_entries_in_the_same_transaction(hsm):
    (checkpoint,) = checkpoints(hsm)
    rows = hsm.store.scan(hsm.audit.name)
    assert (checkpoint.sequence, checkpoint.entry_hash) == (3, hashlib.sha256(rows[3].value).digest())
    unsigned = msgspec.msgpack.encode(msgspec.structs.replace(checkpoint, signature=b""))
    assert checkpoint.signature == hsm.hsm.sign_checkpoint(unsigned)


def test_fewer_than_a_thousand_entries_stand_unsigned(hsm, alice):
    hsm.hold = True
    for _ in range(2_100):
        body = {"mechanism": 0, "template": {}}
        hsm.call(Operation.GENERATE_KEY, body, alice, request_id=secrets.token_bytes(16))
        if len(hsm.queue) == 64:
            hsm.flush()
    hsm.flush()
    signed = [-1, *(checkpoint.sequence for checkpoint in checkpoints(hsm))]
    ends = [*signed, len(hsm.entries()) - 1]
    assert max(after - before for before, after in itertools.pairwise(ends)) < 1_000
    assert len(signed) == 4


def test_what_is_new_is_signed_once(hsm, alice):
    before = len(checkpoints(hsm))
    hsm.audit.tell(hsm.lease())
    hsm.audit.tell(hsm.lease())
    after = checkpoints(hsm)
    assert len(after) == before + 1
    assert after[-1].sequence == len(hsm.entries()) - 1


def test_an_entry_of_the_hsm_itself_goes_with_its_signature(hsm, alice):
    hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    last = hsm.entries()[-1]
    assert (last.opcode, last.opcode_number, checkpoints(hsm)[-1].sequence) == (*END_MARKER, last.sequence)


def test_a_checkpoint_that_could_not_be_written_is_made_up_for(hsm, alice, monkeypatch):
    def full(_transaction):
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(hsm.store, "transact", full)
    with pytest.raises(StoreUnavailable):
        hsm.audit.tell(hsm.lease())
    monkeypatch.undo()
    hsm.audit.tell(hsm.lease())
    assert checkpoints(hsm)[-1].sequence == len(hsm.entries()) - 1


def test_a_restart_goes_on_with_the_next_sequence_and_a_higher_reboot_counter(cluster, hsm, alice):
    count = len(hsm.entries())
    hsm.audit.tell(hsm.lease())
    again = hsm_audit.AuditLog(hsm.hsm, hsm.store, "cluster-a", hsm.name, 2, hsm.clock)
    assert again.resume() is None
    again.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    entries = hsm.entries()
    assert [entry.sequence for entry in entries] == list(range(count + 1))
    assert [entry.reboot_counter for entry in entries] == [1] * count + [2]


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (0, "entries 0x0 to 0x{last:x} are missing from the audit log, for which this HSM has signed"),
        (7, "entry 0x{last:x} is missing from the audit log, for which this HSM has signed"),
    ],
)
def test_an_hsm_notices_that_the_end_of_its_log_was_cut_off(hsm, alice, keep, said):
    hsm.audit.tell(hsm.lease())
    last = len(hsm.entries()) - 1
    del hsm.store._logs[hsm.audit.name][keep:]
    again = hsm_audit.AuditLog(hsm.hsm, hsm.store, "cluster-a", hsm.name, 2, hsm.clock)
    assert again.resume() == said.format(last=last)
    again.tell(hsm.lease())
    assert again.resume() is None
    assert [entry.sequence for entry in hsm.entries()] == list(range(keep + 1))
    entry = hsm.entries()[-1]
    assert ((entry.opcode, entry.opcode_number), entry.response) == (AUDIT_ALTERED, 0x30)
    assert entry.response_text == f"HSM Error: {said.format(last=last)}"


def test_an_hsm_notices_that_its_last_entry_was_changed(hsm, alice):
    rows = hsm.store._logs[hsm.audit.name]
    changed = msgspec.structs.replace(hsm.entries()[-1], username="mallory")
    rows[-1] = type(rows[-1])(rows[-1].sequence, rows[-1].time_us, msgspec.msgpack.encode(changed))
    last = len(rows) - 1
    assert hsm.audit.resume() == f"entry {last:#x} of the audit log was altered"
    rows[-1] = type(rows[-1])(rows[-1].sequence, rows[-1].time_us, b"nonsense")
    assert hsm.audit.resume() == f"entry {last:#x} of the audit log is not an entry: it was altered"


def test_an_hsm_notices_that_a_signed_entry_was_replaced(hsm, alice):
    hsm.audit.tell(hsm.lease())
    rows = hsm.store._logs[hsm.audit.name]
    rows[-1] = type(rows[-1])(rows[-1].sequence, rows[-1].time_us, rows[-2].value)
    last = len(rows) - 1
    assert hsm.audit.resume() == (
        f"entry {last:#x} of the audit log is not the one that was signed for: it was altered"
    )


def test_an_anchor_shows_what_was_cut_off_with_its_checkpoints_or_replaced(hsm, alice):
    noted = []
    hsm.audit.on_written = lambda entries, last_hash: noted.append(Anchor(entries, last_hash, 0.0))
    hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    (anchor,) = noted
    last = len(hsm.entries()) - 1
    assert (anchor.revision, anchor.head) == (
        last + 1,
        hashlib.sha256(hsm.store.scan(hsm.audit.name)[-1].value).digest(),
    )
    assert hsm.audit.judge_anchor(None) is None
    assert hsm.audit.judge_anchor(anchor) is None
    hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    assert hsm.audit.judge_anchor(anchor) is None
    other = Anchor(anchor.revision, bytes(32), 0.0)
    said = f"entry {last:#x} of the audit log is not the one that this HSM has written"
    assert hsm.audit.judge_anchor(other) == said
    del hsm.store._logs[hsm.audit.name][-2:]
    hsm.store._logs["checkpoint/hsm-a"].clear()
    again = hsm_audit.AuditLog(hsm.hsm, hsm.store, "cluster-a", hsm.name, 2, hsm.clock)
    assert again.resume() is None
    said = f"entry {last:#x} is missing from the audit log, which this HSM has written"
    assert again.judge_anchor(anchor) == said


def cut(rows, signed):
    del rows[-1:]
    signed.clear()


def cut_to_nothing(rows, signed):
    rows.clear()
    signed.clear()


def append_a_forged_entry(rows, _signed):
    last = msgspec.msgpack.decode(rows[-1].value, type=AuditEntry)
    following = hashlib.sha256(rows[-1].value).digest()
    forged = msgspec.structs.replace(last, sequence=last.sequence + 1, previous=following, username="mallory")
    rows.append(LogEntry(forged.sequence, forged.time_us, msgspec.msgpack.encode(forged)))


def append_what_is_no_entry(rows, _signed):
    rows.append(LogEntry(len(rows), 0, b"\x81\xa6hsm_id\xa2\xff\xfe"))


ALTERED_WHILE_IT_RUNS = {
    "cut": (cut, "entry 0x{last:x} is missing from the audit log, which this HSM has written"),
    "cut to nothing": (
        cut_to_nothing,
        "entries 0x0 to 0x{last:x} are missing from the audit log, which this HSM has written",
    ),
    "forged": (append_a_forged_entry, "entry 0x{next:x} of the audit log was altered"),
    "no entry": (append_what_is_no_entry, "entry 0x{next:x} of the audit log is not an entry: it was altered"),
}


@pytest.mark.parametrize("name", ALTERED_WHILE_IT_RUNS)
def test_a_running_hsm_says_with_its_next_entry_that_the_end_of_its_log_was_altered(hsm, alice, name):
    alteration, said = ALTERED_WHILE_IT_RUNS[name]
    hsm.audit.tell(hsm.lease())
    rows = hsm.store._logs[hsm.audit.name]
    last = len(rows) - 1
    alteration(rows, hsm.store._logs["checkpoint/hsm-a"])
    end = len(rows)
    assert hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    told = [msgspec.msgpack.decode(row.value, type=AuditEntry) for row in rows[end:]]
    assert [(entry.sequence, entry.opcode) for entry in told] == [
        (end, AUDIT_ALTERED[0]),
        (end + 1, "CN_GENERATE_KEY"),
    ]
    assert told[0].response_text == "HSM Error: " + said.format(last=last, next=last + 1)
    # It is said once.
    assert hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    assert len(rows) == end + 3


@pytest.mark.parametrize("name", ALTERED_WHILE_IT_RUNS)
def test_a_running_hsm_says_so_before_it_signs(hsm, alice, name):
    alteration, said = ALTERED_WHILE_IT_RUNS[name]
    hsm.audit.tell(hsm.lease())
    rows, signed = hsm.store._logs[hsm.audit.name], hsm.store._logs["checkpoint/hsm-a"]
    last = len(rows) - 1
    alteration(rows, signed)
    end = len(rows)
    hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    told = [msgspec.msgpack.decode(row.value, type=AuditEntry) for row in rows[end:]]
    assert [entry.opcode for entry in told] == [AUDIT_ALTERED[0], END_MARKER[0]]
    assert told[0].response_text == "HSM Error: " + said.format(last=last, next=last + 1)
    assert checkpoints(hsm)[-1].sequence == told[-1].sequence


def test_a_running_hsm_says_that_its_newest_checkpoint_was_removed(hsm, alice):
    hsm.audit.tell(hsm.lease())
    del hsm.store._logs["checkpoint/hsm-a"][-1]
    hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    entry = hsm.entries()[-2]
    said = "HSM Error: the newest checkpoint of the audit log is missing, which this HSM has signed"
    assert (entry.opcode, entry.response_text) == (AUDIT_ALTERED[0], said)


def test_entries_of_a_commit_whose_outcome_was_not_known_are_taken_over_and_are_no_alteration(hsm, alice, monkeypatch):
    transact = hsm.store.transact

    def lost(transaction):
        transact(transaction)
        raise StoreUnavailable("connection lost")

    monkeypatch.setattr(hsm.store, "transact", lost)
    with pytest.raises(StoreUnavailable):
        hsm.audit.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    monkeypatch.undo()
    assert hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)["objects"]
    assert [entry.opcode for entry in hsm.entries()[-2:]] == [END_MARKER[0], "CN_GENERATE_KEY"]


def test_what_this_process_knows_is_kept_while_the_store_cannot_be_read(hsm, alice, monkeypatch):
    last = len(hsm.entries()) - 1
    del hsm.store._logs[hsm.audit.name][-1]
    scan = hsm.store.scan
    calls = iter([True, True, False])

    def sometimes(*arguments, **options):
        if not next(calls, True):
            raise StoreUnavailable("connection lost")
        return scan(*arguments, **options)

    monkeypatch.setattr(hsm.store, "scan", sometimes)
    with pytest.raises(StoreUnavailable):
        hsm.audit.resume()
    said = f"entry {last:#x} is missing from the audit log, which this HSM has written"
    assert hsm.audit.resume() == said


def test_the_time_of_the_last_row_moves_no_entry(hsm, alice):
    """Nothing covers the row's time; an entry that went by it would stand in the future for ever."""
    rows = hsm.store._logs[hsm.audit.name]
    rows[-1] = LogEntry(rows[-1].sequence, 2**62, rows[-1].value)
    again = hsm_audit.AuditLog(hsm.hsm, hsm.store, "cluster-a", hsm.name, 2, hsm.clock)
    assert again.resume() is None
    again.tell(hsm.lease(), (AuditFacts("end", END_MARKER), SUCCESS))
    assert hsm.entries()[-1].time_us == int(hsm.clock() * 1_000_000)


def test_a_name_makes_no_line_and_no_colour(hsm):
    hsm.activate()
    hsm.login("mallory\nUser Name : alice\x1b[2J", "wrong")
    entry = hsm.entries()[-1]
    assert entry.username == "mallory\\nuser name : alice\\x1b[2j"
    assert render(entry).splitlines()[-2] == f"User Name : {entry.username}"


def test_an_identity_is_published_once_and_again_where_it_was_altered(cluster):
    member = cluster.member()
    member.hsm.serial_number = lambda: "100000000001"
    arguments = (member.hsm, member.store, "cluster-a", member.name, member.lease())
    publish_identity(*arguments, 1.0)
    publish_identity(*arguments, 2.0)
    record = member.store.get("identity/hsm-a")
    identity = msgspec.msgpack.decode(record.value, type=AuditIdentity)
    assert (identity.created_at, identity.certificates) == (1.0, [b"identity", b"host", b"root"])
    for altered in (b"nonsense", msgspec.msgpack.encode(msgspec.structs.replace(identity, certificates=[b"x"]))):
        member.store.transact(Transaction(writes=(Write("identity/hsm-a", altered),)))
        publish_identity(*arguments, 3.0)
        written = msgspec.msgpack.decode(member.store.get("identity/hsm-a").value, type=AuditIdentity)
        assert written.certificates == [b"identity", b"host", b"root"]
