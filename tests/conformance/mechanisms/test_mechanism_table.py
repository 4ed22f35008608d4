"""The library offers what the table of mechanisms says, in both modes; what Mode FIPS leaves out is refused."""

from __future__ import annotations

import os
import tomllib

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptoki import CryptokiError
from cryptoki_mechanisms import mechanism
from vector_files import ROOT

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
TABLE = tomllib.loads((ROOT / "tables/mechanisms.toml").read_text())["mechanism"]
CKF_HW, CKF_EC = 0x1, 0x100000 | 0x800000 | 0x1000000
"""Done by the device; and prime fields, named curves and uncompressed points."""
CKF_ENCRYPT, CKF_SIGN, CKF_MESSAGE_SIGN = 0x100, 0x800, 0x8
CKF_MESSAGES = 0x2 | 0x4 | 0x20
"""Message-based encryption and decryption, of several messages."""
CKF_SIGNED_MESSAGES = CKF_MESSAGE_SIGN | 0x10 | 0x20
"""Message-based signatures and their verification."""
FLAGS = {
    "generate": CKF_HW | 0x8000,
    "generate_pair": CKF_HW | 0x10000,
    "sign": CKF_HW | 0x800 | 0x2000,
    "recover": CKF_HW | 0x1000 | 0x4000,
    "encrypt": CKF_HW | 0x100 | 0x200,
    "wrap": CKF_HW | 0x20000 | 0x40000,
    "derive": CKF_HW | 0x80000,
    "encapsulate": CKF_HW | 0x10000000 | 0x20000000,
    "digest": 0x400,
}
"""CKF_* of each function."""


@pytest.mark.parametrize("slot", [0, 1], ids=["non-fips", "fips"])
def test_the_library_offers_what_the_table_says(library, slot):
    expected = {}
    for row in TABLE:
        refused = row.get("fips_refuses", [] if row["fips"] else row["does"]) if slot == 1 else []
        flags = sum({FLAGS[function] & ~CKF_HW for function in row["does"] if function not in refused})
        if "sign" in row["does"] and "sign" not in refused and row["name"] != "AES_GMAC":
            flags |= CKF_SIGNED_MESSAGES
        if row.get("fips_legacy") and slot == 1:
            flags &= ~(CKF_ENCRYPT | CKF_SIGN | CKF_MESSAGE_SIGN)
        if row["name"] in {"AES_GCM", "AES_CCM"}:
            flags |= CKF_MESSAGES
        if flags:
            is_hardware = row["does"] != ["digest"]
            is_curve = "ec" in row["keys"]
            expected[row["code"]] = (*row["sizes"], flags | CKF_HW * is_hardware | CKF_EC * is_curve)
    with library.opened(slot) as session:
        assert {kind: session.mechanism_info(kind) for kind in session.mechanisms()} == expected


def test_mode_fips_refuses_what_it_does_not_offer(fips_session):
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.private_numbers()
    public = fips_session.create(keys.rsa_public(numbers.public_numbers.n, 65537))
    private = fips_session.create(keys.rsa_private(numbers.public_numbers.n, 65537, numbers.d, numbers.p, numbers.q))
    edwards = fips_session.create(keys.ed25519_private(os.urandom(32)))
    secret = fips_session.create(keys.secret(os.urandom(32)))
    pkcs1 = mechanism(Mechanism.RSA_PKCS)
    calls = [
        lambda: fips_session.encrypt(pkcs1, public, b"data"),
        lambda: fips_session.decrypt(pkcs1, private, bytes(256)),
        lambda: fips_session.wrap(pkcs1, public, secret),
        lambda: fips_session.unwrap(pkcs1, private, bytes(256), keys.new_secret()),
        lambda: fips_session.sign(edwards, b"data", mechanism(Mechanism.EDDSA)),
        lambda: fips_session.generate_pair(
            mechanism(Mechanism.EC_EDWARDS_KEY_PAIR_GEN), {Attribute.EC_PARAMS: keys.ED25519}, {}
        ),
    ]
    for call in calls:
        with pytest.raises(CryptokiError) as refused:
            call()
        assert refused.value.rv == 0x70
    assert fips_session.sign(private, b"data", pkcs1)
