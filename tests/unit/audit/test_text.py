"""The text of an audit entry, field by field, and what of it stands in the stored entry."""

from __future__ import annotations

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from strongroom.audit.text import render, stored_word
from strongroom.printable import printable
from strongroom.vocabulary.records import AuditEntry
from strongroom.vocabulary.roles import Role

ENTRY = AuditEntry(
    "hsm-1", 0xE8, 0x2A, 1777796121004512, "login", "CN_LOGIN", 0xD, 0x2014005, 0, "HSM Return: SUCCESS", b""
)


def test_the_layout_is_that_of_aws():
    login = msgspec.structs.replace(ENTRY, username="alice", user_type=1)
    assert render(login).split("\n") == [
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
    key = msgspec.structs.replace(ENTRY, operation="generate_key", private_reference=7, public_reference=8)
    assert render(key).split("\n")[-3:] == [
        "Log type : MGMT_KEY_DETAILS_LOG (1)",
        "Priv/Secret Key Handle : 7",
        "Public Key Handle : 8",
    ]
    assert render(ENTRY).endswith("Log type : MINIMAL_LOG_ENTRY (0)")


entries = st.builds(
    AuditEntry,
    hsm_id=st.text(max_size=4),
    reboot_counter=st.integers(0, 2**32),
    sequence=st.integers(0, 2**63 - 1),
    time_us=st.integers(-(2**63), 2**64 - 1) | st.integers(0, 4_000_000_000_000_000),
    operation=st.sampled_from(["login", "generate_key"]),
    opcode=st.text(max_size=8),
    opcode_number=st.integers(0, 2**16),
    session=st.integers(0, 2**63 - 1),
    response=st.integers(0, 2**31),
    response_text=st.text(max_size=12),
    previous=st.binary(max_size=2),
    username=st.text(max_size=8),
    user_type=st.integers(-(2**63), 2**64 - 1) | st.sampled_from(Role).map(int),
    private_reference=st.integers(0, 2**63 - 1),
)


@given(entries)
def test_every_word_of_the_text_that_can_be_told_is_in_the_stored_entry(entry):
    stored = msgspec.msgpack.encode(entry)
    for word in re.findall(r"\w+", render(entry)):
        wanted = stored_word(word)
        assert wanted is None or wanted in stored


def test_what_only_an_attacker_writes_has_a_text_too():
    for time_us in (-(2**63), 2**64 - 1):
        entry = msgspec.structs.replace(ENTRY, time_us=time_us, username="alice", user_type=99)
        assert render(entry).startswith(f"Time: 00/00/00 00:00:00.{time_us % 1_000_000:06d}, usecs:{time_us}\n")
        assert render(entry).endswith("User Type : CN_UNKNOWN (99)")


def test_what_would_make_a_line_or_move_a_terminal_is_escaped():
    assert printable("alice@example.org, Zoë") == "alice@example.org, Zoë"
    assert printable("a\nb\r\x1b[2J\x9b\u2028\u202e\x7f") == "a\\nb\\r\\x1b[2J\\x9b\\u2028\\u202e\\x7f"


def test_what_people_search_for_can_be_told():
    assert stored_word("RET_USER_LOGIN_FAILURE") == b"RET_USER_LOGIN_FAILURE"
    assert stored_word("CN_LOGIN") == b"CN_LOGIN"
    assert stored_word("alice") == b"alice"
    for word in ("Opcode", "0x2a", "dead", "CN_CRYPTO_USER", "HSM Return", "08"):
        assert stored_word(word) is None
