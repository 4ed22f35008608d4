"""The seam between Python and Rust: an HSM lives its whole life in this process, with a brain of a few lines."""

from __future__ import annotations

import datetime
import json
import os
import threading
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.x509.oid import NameOID

from strongroom import _native
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

CLUSTER = "cluster-aaaaaaaaaaa"
HSM = "hsm-aaaaaaaaaaa"
ROOT_KEY = bytes(range(32))
PASSWORD = "correct horse battery"
P256 = bytes.fromhex("06082a8648ce3d030107")
CKR_PIN_INCORRECT = 0xA0
CKR_ARGUMENTS_BAD = 0x7
CKR_USER_NOT_LOGGED_IN = 0x101
CKO_SECRET_KEY, CKK_AES = 4, 0x1F


def root_key_fd(key: bytes = ROOT_KEY) -> int:
    reader, writer = os.pipe()
    os.write(writer, key)
    os.close(writer)
    return reader


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return _native.Installation.create(root_key_fd())


def start(bundle: bytes, root_key: bytes = ROOT_KEY) -> _native.Hsm:
    return _native.Hsm.start(
        cluster_id=CLUSTER,
        hsm_id=HSM,
        mode="NON_FIPS",
        root_key_fd=root_key_fd(root_key),
        installation=bundle,
        allow_unlocked_memory=True,
    )


def customer_ca() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "customer")])
    return key, sign(name, name, key.public_key(), key, ca=True)


def sign(subject: x509.Name, issuer: x509.Name, public_key, ca_key: rsa.RSAPrivateKey, *, ca: bool) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(ca_key, hashes.SHA256())


@dataclass
class Brain:
    """Decides everything with yes, except a wrong password."""

    hsm: _native.Hsm
    revision: int
    verifier: bytes | None = None
    seen: list[_native.ManagedRequest] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        for lane in ("login", "slow", "general"):
            self.threads.append(threading.Thread(target=self.work, args=(lane,)))
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def work(self, lane: str) -> None:
        while not self.stopping.is_set():
            request = self.hsm.next_request(lane, 20)
            if request is None:
                continue
            self.seen.append(request)
            try:
                answer = self.decide(request)
            except _native.HsmError as error:
                self.hsm.respond_error(request.token, error.rv, error.text, 4)
            else:
                body = _native.encode_response(request.operation, answer)
                self.hsm.respond(request.token, body, self.revision)

    def decide(self, request: _native.ManagedRequest) -> dict:
        caller = _native.Caller(request.username, request.role, request.login_id)
        body = request.body
        match Operation(request.operation):
            case Operation.ACTIVATE:
                self.verifier = self.hsm.make_verifier(body["password"])
                return {"username": body["username"], "role": Role.ADMIN}
            case Operation.LOGIN:
                return self.login(request)
            case Operation.LOGOUT:
                self.hsm.remove_login(request.login_id)
                return {}
            case Operation.GENERATE_KEY_PAIR:
                made = self.hsm.generate_key_pair(
                    caller, body["mechanism"], body["public_template"], body["private_template"]
                )
                return self.publish(*made)
            case Operation.CREATE_OBJECT:
                return self.publish(self.hsm.create_object(caller, body["template_ticket"]))
            case other:
                raise AssertionError(other)

    def login(self, request: _native.ManagedRequest) -> dict:
        body = request.body
        if not self.hsm.verify_password(request.token, body["password"], self.verifier):
            raise _native.HsmError(CKR_PIN_INCORRECT, "the user name or the password is wrong")
        login_id = self.hsm.new_login_id()
        identity = (login_id, body["username"], body["role"], 1, body["client_key"])
        ticket, lifetime = self.hsm.issue_ticket(*identity)
        self.hsm.apply_login(*identity)
        self.hsm.attach_login(request.token, login_id)
        return {
            "login_id": login_id,
            "username": body["username"],
            "role": body["role"],
            "ticket": ticket,
            "lifetime_seconds": lifetime,
        }

    def publish(self, *made: _native.StagedObject) -> dict:
        self.hsm.publish([staged.reference for staged in made])
        return {"objects": [staged.view for staged in made]}


@dataclass
class Setting:
    hsm: _native.Hsm
    brain: Brain
    port: int
    config: str

    def client(self) -> _native.Client:
        return _native.Client(self.config)


@pytest.fixture(scope="module")
def setting(bundle: bytes, tmp_path_factory: pytest.TempPathFactory):
    hsm = start(bundle)
    hsm.create_identity()
    hsm.create_cluster_keys()
    ca_key, ca_certificate = customer_ca()
    request = x509.load_pem_x509_csr(hsm.certificates()["ClusterCsr"].encode())
    certificate = sign(request.subject, ca_certificate.subject, request.public_key(), ca_key, ca=False)
    hsm.install_certificate(certificate.public_bytes(serialization.Encoding.PEM).decode())
    port = hsm.listen("127.0.0.1", 0)
    hsm.extend_lease(600_000)
    hsm.set_members([{"hsm_id": HSM, "address": "127.0.0.1", "port": port}])
    head = hsm.advance_head(None, [])
    hsm.set_revision(hsm.head_revision(head), head)
    brain = Brain(hsm, hsm.head_revision(head))
    brain.begin()
    catcher = threading.Thread(target=catch_up, args=(brain, head))
    catcher.start()
    anchor = tmp_path_factory.mktemp("native") / "customerCA.crt"
    anchor.write_bytes(ca_certificate.public_bytes(serialization.Encoding.PEM))
    cluster = {
        "hsm_ca_file": str(anchor),
        "cluster_id": CLUSTER,
        "servers": [{"hostname": "127.0.0.1", "port": port, "enable": True}],
    }
    setting = Setting(hsm, brain, port, json.dumps({"clusters": [{"cluster": cluster}]}))
    activation = {"username": "admin", "password": PASSWORD, "request_id": os.urandom(16)}
    setting.client().call(Operation.ACTIVATE, activation)
    yield setting
    brain.end()
    catcher.join()
    hsm.shutdown(1000)


def catch_up(brain: Brain, head: bytes) -> None:
    while not brain.stopping.is_set():
        if brain.hsm.wait_behind(20):
            brain.hsm.set_revision(brain.revision, head)


@pytest.fixture
def user(setting: Setting):
    client = setting.client()
    client.login("ann", Role.CRYPTO_USER, PASSWORD)
    yield client
    client.logout()
    client.close()


def key_pair(user: _native.Client, **attributes: bool) -> list[dict]:
    body = {
        "mechanism": Mechanism.EC_KEY_PAIR_GEN,
        "public_template": {Attribute.EC_PARAMS: P256, Attribute.VERIFY: True},
        "private_template": {Attribute.SIGN: True, Attribute.LABEL: "a key"},
        "request_id": os.urandom(16),
    }
    return user.call(Operation.GENERATE_KEY_PAIR, body)["objects"]


def test_a_key_made_through_the_brain_signs_in_the_engine_and_openssl_verifies(user: _native.Client) -> None:
    public, private = key_pair(user)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"a file")
    hashed = digest.finalize()
    request = {"key": private["reference"], "mechanism": Mechanism.ECDSA, "data": hashed}
    signature = user.call(Operation.SIGN, request)["data"]
    r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
    point = public["attributes"][Attribute.EC_POINT][2:]
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    key.verify(utils.encode_dss_signature(r, s), hashed, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def test_a_search_catches_up_first_and_finds_the_key(user: _native.Client) -> None:
    _, private = key_pair(user)
    found = user.call(Operation.FIND, {"template": {Attribute.LABEL: "a key"}, "after": 0, "limit": 100})
    assert private["reference"] in [view["reference"] for view in found["objects"]]


def test_a_wrong_password_is_the_brains_refusal(setting: Setting) -> None:
    with pytest.raises(_native.HsmError) as refusal:
        setting.client().login("ann", Role.CRYPTO_USER, "wrong")
    assert refusal.value.rv == CKR_PIN_INCORRECT
    assert refusal.value.text == str(refusal.value) == "the user name or the password is wrong"


def test_secrets_reach_the_brain_as_tickets_alone(setting: Setting, user: _native.Client) -> None:
    setting.brain.seen.clear()
    value = os.urandom(32)
    template = {Attribute.CLASS: CKO_SECRET_KEY, Attribute.KEY_TYPE: CKK_AES, Attribute.VALUE: value}
    template |= {Attribute.ENCRYPT: True}
    made = user.call(Operation.CREATE_OBJECT, {"template": template, "request_id": os.urandom(16)})
    assert made["objects"][0]["attributes"][Attribute.KEY_TYPE] == CKK_AES
    (request,) = setting.brain.seen
    assert Attribute.VALUE not in request.body["template"]
    ticket = request.body["template_ticket"]
    assert len(ticket) == len(value)
    assert repr(ticket) == "<SecretTicket for 32 bytes>"
    with pytest.raises(TypeError):
        bytes(ticket)


def test_a_repeat_has_the_digest_of_the_first_and_another_request_has_not(
    setting: Setting, user: _native.Client
) -> None:
    setting.brain.seen.clear()
    key_pair(user)
    key_pair(user)
    template = {Attribute.CLASS: CKO_SECRET_KEY, Attribute.KEY_TYPE: CKK_AES, Attribute.VALUE: bytes(16)}
    user.call(Operation.CREATE_OBJECT, {"template": template, "request_id": os.urandom(16)})
    user.call(Operation.CREATE_OBJECT, {"template": template | {Attribute.VALUE: bytes(32)}})
    first, second, short, long = setting.brain.seen
    assert first.request_id != second.request_id
    assert first.digest == second.digest
    assert short.digest != long.digest, "secrets are part of it"


def test_after_logout_the_login_is_refused(setting: Setting) -> None:
    client = setting.client()
    client.login("ann", Role.CRYPTO_USER, PASSWORD)
    assert client.is_logged_in()
    client.logout()
    with pytest.raises(_native.HsmError) as refusal:
        client.call(Operation.FIND, {"template": {}, "after": 0, "limit": 1, "with_attributes": False})
    assert refusal.value.rv == CKR_USER_NOT_LOGGED_IN


def test_random_bytes_are_for_everybody_and_few_without_a_login(setting: Setting) -> None:
    client = setting.client()
    assert len(client.call(Operation.RANDOM, {"length": 1024})["data"]) == 1024
    with pytest.raises(_native.HsmError) as refusal:
        client.call(Operation.RANDOM, {"length": 1025})
    assert refusal.value.rv == CKR_ARGUMENTS_BAD


def test_the_statistics_count_what_was_done(setting: Setting, user: _native.Client) -> None:
    before = setting.hsm.statistics()
    user.call(Operation.RANDOM, {"length": 8})
    after = setting.hsm.statistics()
    assert after["requests_hot"] == before["requests_hot"] + 1
    assert after["connections"] >= 1
    assert after["bytes_received"] > before["bytes_received"]
    assert after["bytes_sent"] > before["bytes_sent"]
    assert len(setting.hsm.active_logins()) >= 1


def test_answers_are_counted_by_operation_mechanism_and_outcome(setting: Setting, user: _native.Client) -> None:
    def counted(operation: str, mechanism: str) -> tuple[int, int]:
        rows = {row[:2]: row for row in setting.hsm.operation_figures()}
        _, _, refused, _, buckets = rows.get((operation, mechanism), ("", "", 0, 0, []))
        return sum(buckets), refused

    random, sign = counted("random", "none"), counted("sign", "ecdsa")
    user.call(Operation.RANDOM, {"length": 8})
    with pytest.raises(_native.HsmError):
        user.call(Operation.SIGN, {"key": 1, "mechanism": 0x1041, "data": b"x" * 32})
    assert counted("random", "none") == (random[0] + 1, random[1])
    assert counted("sign", "ecdsa") == (sign[0] + 1, sign[1] + 1)


def test_the_members_are_told(setting: Setting, user: _native.Client) -> None:
    assert user.members() == [{"hsm_id": HSM, "address": "127.0.0.1", "port": setting.port}]


def test_a_wrong_root_key_is_an_integrity_error(bundle: bytes) -> None:
    with pytest.raises(_native.IntegrityError, match="root key does not open this installation"):
        start(bundle, bytes(32))
    with pytest.raises(_native.IntegrityError):
        _native.Installation.open(root_key_fd(bytes(32)), bundle)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_root_key_of_another_length_is_refused_and_its_descriptor_closed(bundle: bytes, key: bytes) -> None:
    descriptor = root_key_fd(key)
    with pytest.raises(_native.HsmError, match="32 bytes"):
        _native.Installation.open(descriptor, bundle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_installation_secrets_open_in_their_context_only(bundle: bytes) -> None:
    installation = _native.Installation.open(root_key_fd(), bundle)
    sealed = installation.seal("access-key/1", b"secret")
    assert installation.open_sealed("access-key/1", sealed) == b"secret"
    with pytest.raises(_native.IntegrityError):
        installation.open_sealed("access-key/2", sealed)


def test_a_second_hsm_takes_the_cluster_keys_from_an_envelope_and_loads_the_keys(
    setting: Setting, bundle: bytes
) -> None:
    joiner = _native.Hsm.start(
        cluster_id=CLUSTER,
        hsm_id="hsm-bbbbbbbbbbb",
        mode="NON_FIPS",
        root_key_fd=root_key_fd(),
        installation=bundle,
        allow_unlocked_memory=True,
    )
    joiner.create_identity()
    joiner.open_envelope(setting.hsm.seal_envelope("hsm-bbbbbbbbbbb", joiner.identity_statement()))
    caller = _native.Caller("ann", Role.CRYPTO_USER, 1)
    template = {Attribute.TOKEN: True, Attribute.VALUE_LEN: 32, Attribute.LABEL: "shared"}
    staged = setting.hsm.generate_key(caller, Mechanism.AES_KEY_GEN, template)
    assert staged.is_token
    joiner.load_object(staged.reference, staged.version, staged.record)
    assert joiner.object_count("ann") == 1
    with pytest.raises(_native.IntegrityError):
        joiner.load_object(staged.reference, staged.version + 1, staged.record)
    joiner.shutdown(0)


def test_what_is_not_in_the_tables_is_refused_by_name(setting: Setting) -> None:
    caller = _native.Caller("ann", Role.CRYPTO_USER, 1)
    with pytest.raises(_native.HsmError, match="mechanism 0xffff"):
        setting.hsm.generate_key(caller, 0xFFFF, {})
    with pytest.raises(_native.HsmError, match="attribute with number 0x9999"):
        setting.hsm.generate_key(caller, Mechanism.AES_KEY_GEN, {0x9999: True})
    with pytest.raises(_native.HsmError, match="CKA_VALUE_LEN cannot be a str"):
        setting.hsm.generate_key(caller, Mechanism.AES_KEY_GEN, {Attribute.VALUE_LEN: "32"})
    with pytest.raises(_native.HsmError, match="response of login"):
        _native.encode_response(Operation.LOGIN, {"login_id": 1})
    with pytest.raises(ValueError, match="lane"):
        setting.hsm.next_request("fast", 0)
