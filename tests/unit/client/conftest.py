"""A client double for the SDK: an RSA and an EC key of this process in the place of an HSM."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from strongroom.client import Cluster, Session, curves
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

EC_REFERENCE = 0x10
EC_PUBLIC_REFERENCE = 0x11
RSA_REFERENCE = 0x20


class SoftwareHsm:
    """Answers ``call`` with keys of pyca/cryptography; only raw mechanisms, as the HSM gets them from the SDK."""

    def __init__(self) -> None:
        self.ec_key = ec.generate_private_key(ec.SECP256R1())
        self.rsa_key = rsa.generate_private_key(65537, 2048)
        self.calls: list[tuple[int, dict[str, Any]]] = []

    def login(self, username: str, role: int, password: str) -> dict[str, Any]:
        return {"username": username.lower(), "role": role}

    def logout(self) -> None:
        self.calls.append((Operation.LOGOUT, {}))

    def is_logged_in(self) -> bool:
        return True

    def members(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        pass

    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, body))
        if operation == Operation.FIND:
            wanted = body["template"]
            matching = [o for o in self._objects() if wanted.items() <= o["attributes"].items()]
            rest = [o for o in matching if o["reference"] > body["after"]]
            limit = body["limit"]
            return {"objects": rest[:limit], "more": len(rest) > limit, "total": len(matching)}
        if operation == Operation.ATTRIBUTES:
            return {"objects": [o for o in self._objects() if o["reference"] in body["references"]]}
        assert operation == Operation.SIGN
        return {"data": self._sign(body)}

    def _sign(self, body: dict[str, Any]) -> bytes:
        if body["mechanism"] == Mechanism.ECDSA:
            signature = self.ec_key.sign(body["data"], ec.ECDSA(utils.Prehashed(SHA256())))
            r, s = utils.decode_dss_signature(signature)
            return r.to_bytes(32) + s.to_bytes(32)
        if body["mechanism"] == Mechanism.RSA_PKCS_PSS:
            scheme = padding.PSS(padding.MGF1(SHA256()), body["parameters"]["salt_length"])
            return self.rsa_key.sign(body["data"], scheme, utils.Prehashed(SHA256()))
        assert body["mechanism"] == Mechanism.RSA_PKCS
        return self.rsa_key.sign(body["data"], padding.PKCS1v15(), utils.NoDigestInfo())

    def _objects(self) -> list[dict[str, Any]]:
        point = self.ec_key.public_key().public_numbers()
        raw = b"\x04" + point.x.to_bytes(32) + point.y.to_bytes(32)
        numbers = self.rsa_key.public_key().public_numbers()
        common = {Attribute.LABEL: "ca", Attribute.KEY_TYPE: KeyType.EC, Attribute.ID: b"\x01"}
        p256 = curves.by_name("secp256r1")
        assert p256 is not None
        return [
            view(EC_REFERENCE, common | {Attribute.CLASS: ObjectClass.PRIVATE_KEY}),
            view(
                EC_PUBLIC_REFERENCE,
                common
                | {
                    Attribute.CLASS: ObjectClass.PUBLIC_KEY,
                    Attribute.EC_PARAMS: p256.parameters,
                    Attribute.EC_POINT: curves.point_attribute(raw),
                },
            ),
            view(
                RSA_REFERENCE,
                {
                    Attribute.LABEL: "rsa",
                    Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                    Attribute.KEY_TYPE: KeyType.RSA,
                    Attribute.MODULUS: numbers.n.to_bytes(256),
                    Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
                },
            ),
        ]


def view(reference: int, attributes: dict[Attribute, Any]) -> dict[str, Any]:
    plain = {
        number.value: int(v) if isinstance(v, int) and not isinstance(v, bool) else v
        for number, v in attributes.items()
    }
    return {"reference": reference, "attributes": plain, "version": 1, "owner": "alice", "shared_users": []}


@pytest.fixture
def hsm() -> SoftwareHsm:
    return SoftwareHsm()


@pytest.fixture
def session(hsm: SoftwareHsm) -> Session:
    return Cluster(hsm).login("alice", Role.CRYPTO_USER, "password")
