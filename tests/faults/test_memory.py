"""Issue: keys and passwords stand nowhere but in the memory for keys. Real processes, read from outside as root can.

The memory for keys is what is locked and in no dump: the key arena and the crypto library's heap.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from installed import PROGRAMS, Installation
from one_cluster import OneCluster, generate_aes, generate_p256, sign
from process_memory import found_in_files, found_in_memory, halves
from vector_files import wycheproof
from vectors_post_quantum import records

from strongroom.client import configuration
from strongroom.client.native import Connection
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
CLOUDHSM_CLI = str(PROGRAMS / "cloudhsm-cli")
P256 = bytes.fromhex("06082a8648ce3d030107")
CKO_DATA, CKO_PRIVATE_KEY, CKO_SECRET_KEY = 0, 3, 4
CKK_RSA, CKK_EC, CKK_GENERIC_SECRET, CKK_AES = 0x00, 0x03, 0x10, 0x1F
CKK_DES3, CKK_AES_XTS, CKK_EC_EDWARDS = 0x15, 0x35, 0x40
CKK_ML_KEM, CKK_ML_DSA = 0x49, 0x4A
ED25519 = bytes.fromhex("06032b6570")


def number(value: int, length: int | None = None) -> bytes:
    return value.to_bytes(length or (value.bit_length() + 7) // 8, "big")


class KnownKeys:
    """Keys that the test knows, imported by a crypto-user and used."""

    def __init__(self) -> None:
        self.aes, self.generic = secrets.token_bytes(32), secrets.token_bytes(64)
        self.des3, self.xts, self.seed = secrets.token_bytes(24), secrets.token_bytes(64), secrets.token_bytes(32)
        self.rsa = rsa.generate_private_key(65537, 2048).private_numbers()
        # Of vectors, which say what the seeds are expanded to.
        self.ml_dsa = next(records("asymmetric/MLDSA/kat_MLDSA_65_det_pure.rsp"))
        self.ml_kem = next(test for _, test in wycheproof("mlkem_768_keygen_seed"))
        self.kem_ciphertext = next(
            test for _, test in wycheproof("mlkem_768") if test["seed"] == self.ml_kem["seed"] and test["K"]
        )
        self.data = secrets.token_bytes(64)
        self.scalar = number(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value, 32)

    def needles(self) -> dict[str, bytes]:
        """What must not be found of them."""
        numbers = {
            "the EC scalar": self.scalar,
            "d": number(self.rsa.d),
            "p": number(self.rsa.p),
            "q": number(self.rsa.q),
            "dp": number(self.rsa.dmp1),
            "dq": number(self.rsa.dmq1),
        }
        others = {"the 3DES key": self.des3, "the XTS key": self.xts, "the Ed25519 seed": self.seed}
        ml_dsa, ml_kem = bytes.fromhex(self.ml_dsa["sk"]), bytes.fromhex(self.ml_kem["dk"])
        others |= {
            "the ML-DSA seed": bytes.fromhex(self.ml_dsa["xi"]),
            "the ML-DSA key's K": ml_dsa[32:64],
            "the ML-DSA key's s1": ml_dsa[128:192],
            "the ML-KEM seed": bytes.fromhex(self.ml_kem["seed"]),
            "the ML-KEM key's vector": ml_kem[:64],
            "the secret of the ciphertext": bytes.fromhex(self.kem_ciphertext["K"]),
        }
        return halves(
            {"the AES key": self.aes, "the generic secret": self.generic, "the data": self.data} | others, numbers
        )

    def import_all(self, client: Any) -> dict[str, int]:
        """References by name."""
        public = self.rsa.public_numbers
        numbers = {
            Attribute.MODULUS: public.n,
            Attribute.PUBLIC_EXPONENT: public.e,
            Attribute.PRIVATE_EXPONENT: self.rsa.d,
            Attribute.PRIME_1: self.rsa.p,
            Attribute.PRIME_2: self.rsa.q,
            Attribute.EXPONENT_1: self.rsa.dmp1,
            Attribute.EXPONENT_2: self.rsa.dmq1,
            Attribute.COEFFICIENT: self.rsa.iqmp,
        }
        extractable = {Attribute.EXTRACTABLE: True}
        templates = {
            "aes": {
                Attribute.CLASS: CKO_SECRET_KEY,
                Attribute.KEY_TYPE: CKK_AES,
                Attribute.VALUE: self.aes,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
            }
            | extractable,
            "generic": {
                Attribute.CLASS: CKO_SECRET_KEY,
                Attribute.KEY_TYPE: CKK_GENERIC_SECRET,
                Attribute.VALUE: self.generic,
                Attribute.SIGN: True,
            }
            | extractable,
            "rsa": {
                Attribute.CLASS: CKO_PRIVATE_KEY,
                Attribute.KEY_TYPE: CKK_RSA,
                Attribute.SIGN: True,
                Attribute.DECRYPT: True,
            }
            | {attribute: number(value) for attribute, value in numbers.items()}
            | extractable,
            "ec": {
                Attribute.CLASS: CKO_PRIVATE_KEY,
                Attribute.KEY_TYPE: CKK_EC,
                Attribute.EC_PARAMS: P256,
                Attribute.VALUE: self.scalar,
                Attribute.SIGN: True,
            }
            | extractable,
            "ed25519": {
                Attribute.CLASS: CKO_PRIVATE_KEY,
                Attribute.KEY_TYPE: CKK_EC_EDWARDS,
                Attribute.EC_PARAMS: ED25519,
                Attribute.VALUE: self.seed,
                Attribute.SIGN: True,
            }
            | extractable,
        }
        templates["ml-dsa"] = {
            Attribute.CLASS: CKO_PRIVATE_KEY,
            Attribute.KEY_TYPE: CKK_ML_DSA,
            Attribute.PARAMETER_SET: 2,
            Attribute.SEED: bytes.fromhex(self.ml_dsa["xi"]),
            Attribute.SIGN: True,
        } | extractable
        templates["ml-kem"] = {
            Attribute.CLASS: CKO_PRIVATE_KEY,
            Attribute.KEY_TYPE: CKK_ML_KEM,
            Attribute.PARAMETER_SET: 2,
            Attribute.SEED: bytes.fromhex(self.ml_kem["seed"]),
            Attribute.DECAPSULATE: True,
        } | extractable
        templates["data"] = {Attribute.CLASS: CKO_DATA, Attribute.VALUE: self.data}
        for name, kind, value in (("des3", CKK_DES3, self.des3), ("xts", CKK_AES_XTS, self.xts)):
            templates[name] = {
                Attribute.CLASS: CKO_SECRET_KEY,
                Attribute.KEY_TYPE: kind,
                Attribute.VALUE: value,
                Attribute.ENCRYPT: True,
            } | extractable
        made = {}
        for name, template in templates.items():
            plain = {
                int(attribute): value
                for attribute, value in (template | {Attribute.TOKEN: True, Attribute.LABEL: name}).items()
            }
            answer = client.call(int(Operation.CREATE_OBJECT), {"template": plain, "request_id": os.urandom(16)})
            made[name] = answer["objects"][0]["reference"]
        return made

    def use_all(self, client: Any, made: dict[str, int]) -> None:
        """Sign, encrypt, compute a MAC, wrap: everything for which the keys become the crypto library's objects.

        And read, change and copy data.
        """
        crypt, wrap = int(Operation.ENCRYPT), int(Operation.WRAP_KEY)
        for name, mechanism in (
            ("rsa", Mechanism.SHA256_RSA_PKCS),
            ("ec", Mechanism.ECDSA),
            ("generic", Mechanism.SHA256_HMAC),
            ("generic", Mechanism.SHA3_256_HMAC),
            ("ed25519", Mechanism.EDDSA),
            ("ml-dsa", Mechanism.ML_DSA),
            ("ml-dsa", Mechanism.CLOUDHSM_EXT_MU_ML_DSA),
        ):
            body = {"key": made[name], "mechanism": int(mechanism), "data": bytes(64 if name == "ml-dsa" else 32)}
            client.call(int(Operation.SIGN), body)
        client.call(
            crypt,
            {
                "key": made["aes"],
                "mechanism": int(Mechanism.AES_GCM),
                "data": bytes(1000),
                "parameters": {"tag_bits": 128},
            },
        )
        cbc = {
            "key": made["aes"],
            "mechanism": int(Mechanism.AES_CBC),
            "data": bytes(160),
            "parameters": {"iv": bytes(16)},
        }
        client.call(crypt, cbc)
        in_context = {"key": made["ed25519"], "mechanism": int(Mechanism.EDDSA), "data": bytes(32)}
        client.call(int(Operation.SIGN), in_context | {"parameters": {"context": b"a context"}})
        for name, mechanism, iv in (("des3", Mechanism.DES3_CBC, bytes(8)), ("xts", Mechanism.AES_XTS, bytes(16))):
            body = {"key": made[name], "mechanism": int(mechanism), "data": bytes(160), "parameters": {"iv": iv}}
            client.call(crypt, body)
        secret = {int(Attribute.CLASS): CKO_SECRET_KEY, int(Attribute.KEY_TYPE): CKK_AES, int(Attribute.TOKEN): True}
        body = {
            "private_key": made["ml-kem"],
            "mechanism": int(Mechanism.ML_KEM),
            "ciphertext": bytes.fromhex(self.kem_ciphertext["c"]),
            "template": secret,
            "request_id": os.urandom(16),
        }
        client.call(int(Operation.DECAPSULATE_KEY), body)
        data = made["data"]
        client.call(int(Operation.ATTRIBUTES), {"references": [data]})
        for operation in (Operation.SET_ATTRIBUTES, Operation.COPY_OBJECT):
            client.call(int(operation), {"reference": data, "template": {int(Attribute.VALUE): self.data}})
        wrapping = generate_wrapping_key(client)
        for key in set(made.values()) - {data}:
            body = {"wrapping_key": wrapping, "mechanism": int(Mechanism.AES_KEY_WRAP_KWP), "key": key}
            client.call(wrap, body)


def generate_wrapping_key(client: Any) -> int:
    template = {int(Attribute.TOKEN): True, int(Attribute.VALUE_LEN): 32, int(Attribute.WRAP): True}
    body = {"mechanism": int(Mechanism.AES_KEY_GEN), "template": template}
    return int(client.call(int(Operation.GENERATE_KEY), body)["objects"][0]["reference"])


def test_an_hsm_holds_known_keys_and_passwords_in_its_memory_for_keys_alone(cluster: OneCluster):
    canary = "eni-" + secrets.token_hex(16)
    cluster.eni_id = canary
    admin = cluster.begin("hsm-1")
    keys, password = KnownKeys(), secrets.token_hex(16)
    user = {"username": "bob", "role": int(Role.CRYPTO_USER), "password": password}
    admin.call(int(Operation.USER_CREATE), user)
    bob = cluster.login("bob", password, Role.CRYPTO_USER)
    made = keys.import_all(bob)
    keys.use_all(bob, made)
    _, private = generate_p256(bob)
    sign(bob, private, bytes(32))
    generate_aes(bob)

    others = {"the password": password.encode(), "the root key": cluster.root_key.read_bytes()}
    needles = {**keys.needles(), **halves(others)}
    pid = cluster.processes["hsm-1"].pid
    assert found_in_memory(pid, {"canary": canary.encode()}), "the scan does not see Python's heap"
    assert found_in_memory(pid, {"key": keys.aes}, with_keys=True), "the scan does not see the key arena"
    assert found_in_memory(pid, needles) == set()

    # The process ends as a crash does, and nothing of its memory is on the disk.
    process = cluster.processes.pop("hsm-1")
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.wait()
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    copy = cluster.directory / "copy.db"
    cluster.store.snapshot(str(copy))
    assert found_in_files(cluster.directory, needles, leave_out=frozenset({"root.key"})) == set()

    # The keys that a new process loads from the store are known to it alone, too.
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    bob = cluster.login("bob", password, Role.CRYPTO_USER)
    keys.use_all(bob, made)
    pid = cluster.processes["hsm-1"].pid
    assert found_in_memory(pid, {"canary": canary.encode()})
    assert found_in_memory(pid, needles) == set()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("memory") / "state")
    # A cluster that allows every mechanism which the known keys are used with.
    made.run("up", "-d", "--quickstart", "--mode", "NON_FIPS")
    yield made
    made.run("down")


@pytest.fixture(scope="module")
def environment(installation: Installation) -> dict[str, str]:
    return {**os.environ, **installation.environment()}


def without_pin(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "CLOUDHSM_PIN"}


def pin_needles(environment: dict[str, str]) -> dict[str, bytes]:
    return halves({"the password": environment["CLOUDHSM_PIN"].partition(":")[2].encode()})


def test_the_service_holds_no_key_and_no_password(installation: Installation, environment: dict[str, str]):
    keys = KnownKeys()
    client = Connection(configuration.load(environment["STRONGROOM_CONFIG"]).text)
    user, _, password = environment["CLOUDHSM_PIN"].partition(":")
    client.login(user, int(Role.CRYPTO_USER), password)
    keys.use_all(client, keys.import_all(client))
    client.logout()
    client.close()
    root_key = (installation.directory / "root.key").read_bytes()
    needles = {**keys.needles(), **halves({"the root key": root_key}), **pin_needles(environment)}
    service = installation.service_pid()
    hsm, *_ = installation.hsms()
    assert found_in_memory(service, {"canary": hsm["HsmId"].encode()}), "the scan does not see Python's heap"
    assert found_in_memory(service, needles) == set()


def test_the_command_line_forgets_a_typed_password(environment: dict[str, str], tmp_path: Path):
    user, _, password = environment["CLOUDHSM_PIN"].partition(":")
    child = pexpect.spawn(
        CLOUDHSM_CLI, ["interactive"], env={**without_pin(environment), "XDG_STATE_HOME": str(tmp_path)}, timeout=30
    )
    child.expect_exact("aws-cloudhsm > ")
    child.sendline(f"login --username {user} --role crypto-user")
    child.expect_exact("Enter password:")
    child.sendline(password)
    child.expect_exact('"error_code": 0')
    child.expect_exact("aws-cloudhsm > ")
    assert found_in_memory(child.pid, {"canary": user.encode()}), "the scan does not see Python's heap"
    found = found_in_memory(child.pid, pin_needles(environment))
    child.sendline("quit")
    child.expect(pexpect.EOF)
    child.close()
    assert found == set()


def test_commands_and_passwords_from_a_pipe_leave_no_password_behind(environment: dict[str, str]):
    user, _, password = environment["CLOUDHSM_PIN"].partition(":")
    with subprocess.Popen(
        [CLOUDHSM_CLI, "interactive"],
        env=without_pin(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin and child.stdout
        child.stdin.write(f"login --username {user} --role crypto-user\n{password}\nuser list\n".encode())
        child.stdin.flush()
        answer = b""
        while b'"users"' not in answer:
            answer += child.stdout.readline()
        found = found_in_memory(child.pid, pin_needles(environment))
        child.stdin.close()
        child.stdout.read()
    assert found == set()


def test_the_pkcs11_library_forgets_the_pin(environment: dict[str, str], tmp_path: Path):
    program = tmp_path / "hold_login"
    source = ROOT / "tests" / "support" / "hold_login.c"
    subprocess.run(
        ["gcc", "-std=gnu11", "-Wall", "-Werror", f"-I{ROOT / 'include'}", str(source), "-o", str(program), "-ldl"],
        check=True,
    )
    module = environment["STRONGROOM_PKCS11_MODULE"]
    with subprocess.Popen(
        [str(program), module], env=without_pin(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin and child.stdout
        child.stdin.write(environment["CLOUDHSM_PIN"].encode())
        child.stdin.flush()
        assert child.stdout.readline() == b"ready\n"
        found = found_in_memory(child.pid, pin_needles(environment))
        child.stdin.close()
        assert child.wait(30) == 0
    assert found == set()
