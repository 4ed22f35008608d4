from __future__ import annotations

import re

import msgspec
import pytest

from strongroom.aws.access_keys import AccessKeys, create_access_key
from strongroom.storage.interface import Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary import records

ACCOUNT = "111122223333"


def seal(context: str, plaintext: bytes) -> bytes:
    return context.encode() + b"|" + plaintext[::-1]


def open_sealed(context: str, sealed: bytes) -> bytes:
    bound, _, secret = sealed.partition(b"|")
    assert bound == context.encode()
    return secret[::-1]


def test_a_key_is_made_sealed_and_found():
    store = MemoryStore()
    key = create_access_key(store, ACCOUNT, seal, 1.0)
    assert re.fullmatch("AKIA[A-Z2-7]{16}", key.access_key_id)
    assert re.fullmatch("[A-Za-z0-9+/]{40}", key.secret_access_key)
    record = store.get(f"access-key/{key.access_key_id}")
    assert record is not None
    assert key.secret_access_key.encode() not in record.value
    credential = AccessKeys(store, open_sealed)(key.access_key_id)
    assert credential is not None
    assert (credential.account, credential.secret) == (ACCOUNT, key.secret_access_key)
    assert key.secret_access_key not in repr(credential) + repr(key)


def test_keys_differ():
    store = MemoryStore()
    keys = [create_access_key(store, ACCOUNT, seal, 1.0) for _ in range(20)]
    assert len({key.access_key_id for key in keys}) == len({key.secret_access_key for key in keys}) == 20


def test_an_unknown_key_is_not_found():
    assert AccessKeys(MemoryStore(), open_sealed)("AKIAAAAAAAAAAAAAAAAA") is None


@pytest.mark.parametrize("gone", [True, False])
def test_a_key_that_is_deactivated_or_deleted_stops_at_once(gone):
    store = MemoryStore()
    key = create_access_key(store, ACCOUNT, seal, 1.0)
    keys = AccessKeys(store, open_sealed)
    assert keys(key.access_key_id) is not None
    name = f"access-key/{key.access_key_id}"
    record = msgspec.msgpack.decode(store.get(name).value, type=records.AccessKey)
    value = None if gone else msgspec.msgpack.encode(msgspec.structs.replace(record, active=False))
    store.transact(Transaction(writes=(Write(name, value),)))
    assert keys(key.access_key_id) is None


@pytest.mark.parametrize("account", ["", "1", "1111222233334", "11112222333x", "１１１１２２２２３３３３"])
def test_what_is_no_account_number_gets_no_key(account):
    with pytest.raises(ValueError, match="12 digits"):
        create_access_key(MemoryStore(), account, seal, 1.0)
