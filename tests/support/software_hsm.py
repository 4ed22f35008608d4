"""A client double for the SDK: keys of this process in the place of an HSM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.client import Attribute, KeyType, Mechanism, ObjectClass
from strongroom.vocabulary.operations import Operation

EC_REFERENCE = 0x10
EC_PUBLIC_REFERENCE = 0x11
RSA_REFERENCE = 0x20
RSA_PUBLIC_REFERENCE = 0x21
ED25519_REFERENCE = 0x30
AES_REFERENCE = 0x40


@dataclass(frozen=True)
class LoginToken:
    """What :meth:`SoftwareHsm.login_token` gives."""

    token: bytes


class SoftwareHsm:
    """Answers ``call`` with keys of pyca/cryptography; only raw mechanisms, as the HSM gets them from the SDK."""

    def __init__(self) -> None:
        self.ec_key = ec.generate_private_key(ec.SECP256R1())
        self.rsa_key = rsa.generate_private_key(65537, 2048)
        self.ed25519_key = ed25519.Ed25519PrivateKey.generate()
        self.calls: list[tuple[int, dict[str, Any]]] = []
        self.answers: dict[Operation, dict[str, Any] | Exception] = {}
        """What an operation is answered with, in the place of the keys."""

    def login(self, username: str, role: int, password: str) -> dict[str, Any]:
        return {"username": username.lower(), "role": role}

    def login_token(self, username: str, role: int) -> LoginToken:
        return LoginToken(f"token of {username}".encode())

    def login_with_token(
        self, username: str, role: int, password: str, token: LoginToken, signature: bytes
    ) -> dict[str, Any]:
        self.calls.append((Operation.LOGIN_WITH_TOKEN, {"token": token.token, "signature": signature}))
        return self.login(username, role, password)

    def logout(self) -> None:
        self.calls.append((Operation.LOGOUT, {}))

    def is_logged_in(self) -> bool:
        return True

    def members(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        self.calls.append((0, {}))

    def asked(self, operation: Operation) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == operation]

    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, body))
        answer = self.answers.get(Operation(operation))
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        if operation == Operation.FIND:
            wanted = body["template"]
            matching = [o for o in self.objects() if wanted.items() <= o["attributes"].items()]
            rest = [o for o in matching if o["reference"] > body["after"]]
            limit = body["limit"]
            return {"objects": rest[:limit], "more": len(rest) > limit, "total": len(matching)}
        if operation == Operation.ATTRIBUTES:
            return {"objects": [o for o in self.objects() if o["reference"] in body["references"]]}
        assert operation == Operation.SIGN
        return {"data": self._sign(body)}

    def _sign(self, body: dict[str, Any]) -> bytes:
        if body["mechanism"] == Mechanism.ECDSA:
            signature = self.ec_key.sign(body["data"], ec.ECDSA(utils.Prehashed(SHA256())))
            r, s = utils.decode_dss_signature(signature)
            return r.to_bytes(32) + s.to_bytes(32)
        if body["mechanism"] == Mechanism.EDDSA:
            return self.ed25519_key.sign(body["data"])
        if body["mechanism"] == Mechanism.RSA_PKCS_PSS:
            scheme = padding.PSS(padding.MGF1(SHA256()), body["parameters"]["salt_length"])
            return self.rsa_key.sign(body["data"], scheme, utils.Prehashed(SHA256()))
        assert body["mechanism"] == Mechanism.RSA_PKCS
        return self.rsa_key.sign(body["data"], padding.PKCS1v15(), utils.NoDigestInfo())

    def objects(self) -> list[dict[str, Any]]:
        pairs = [
            (EC_REFERENCE, "ca", KeyType.EC, self.ec_key),
            (RSA_REFERENCE, "rsa", KeyType.RSA, self.rsa_key),
            (ED25519_REFERENCE, "ed25519", KeyType.EC_EDWARDS, self.ed25519_key),
        ]
        made = []
        for reference, label, key_type, key in pairs:
            info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            common = {Attribute.LABEL: label, Attribute.KEY_TYPE: key_type, Attribute.PUBLIC_KEY_INFO: info}
            made.append(view(reference, common | {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.SIGN: True}))
            made.append(view(reference + 1, common | {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.VERIFY: True}))
        aes = {Attribute.LABEL: "data", Attribute.KEY_TYPE: KeyType.AES, Attribute.CLASS: ObjectClass.SECRET_KEY}
        flags = {Attribute.TOKEN: True, Attribute.ENCRYPT: True, Attribute.SIGN: False, Attribute.VALUE_LEN: 32}
        return [*made, view(AES_REFERENCE, aes | flags | {Attribute.ID: b"\x01"})]


def view(reference: int, attributes: dict[Attribute, Any]) -> dict[str, Any]:
    plain = {
        number.value: int(v) if isinstance(v, int) and not isinstance(v, bool) else v
        for number, v in attributes.items()
    }
    return {"reference": reference, "attributes": plain, "version": 1, "owner": "alice", "shared_users": []}
