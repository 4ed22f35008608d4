"""HSM processes as the fleet starts them: found, initialise, activate, serve, join, stop, come back."""

from __future__ import annotations

import hashlib
import secrets
import socket
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from one_cluster import (
    ADMIN_PASSWORD,
    CustomerAuthority,
    OneCluster,
    create_user,
    generate_aes,
    generate_p256,
    references,
    refused,
    sign,
)
from process_memory import found_in_files

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import DESIRED_HSM, ENVELOPE, JOIN
from strongroom.vocabulary.roles import Role

DIGEST = hashlib.sha256(b"message").digest()


def verify(client, public: int, signature: bytes) -> None:
    """By pyca/cryptography, with the public key as the HSM shows it."""
    answer = client.call(int(Operation.ATTRIBUTES), {"references": [public]})
    point = bytes(answer["objects"][0]["attributes"][int(Attribute.EC_POINT)])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[2:])
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(utils.encode_dss_signature(r, s), DIGEST, ec.ECDSA(utils.Prehashed(SHA256())))


def test_the_first_hsm_makes_a_request_and_serves_only_once_the_cluster_is_initialized(cluster: OneCluster):
    cluster.approve("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "WAITING_FOR_CERTIFICATE")
    assert set(cluster.cluster_status().certificates) == {
        "ClusterCsr",
        "HsmCertificate",
        "AwsHardwareCertificate",
        "ManufacturerHardwareCertificate",
    }
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((f"{cluster.network}.11", 2223), 1)
    cluster.initialize()
    status = cluster.until_health("hsm-1", "ACTIVE")
    assert (status.address, status.port, status.reboot_counter) == (f"{cluster.network}.11", 2223, 0)
    assert status.serial_number
    after = cluster.cluster_status()
    assert after.certificates == {}
    assert after.trust_anchor == cluster.authority.pem
    assert after.cluster_certificate
    assert not after.activated


def test_a_certificate_for_another_key_is_refused_by_name_and_the_right_one_then_taken(cluster: OneCluster):
    cluster.approve("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "WAITING_FOR_CERTIFICATE")
    other = CustomerAuthority()
    csr = cluster.cluster_status().certificates["ClusterCsr"]
    real = other.sign
    other.sign = lambda _request: other.pem
    cluster.initialize(other)
    cluster.until(lambda: cluster.cluster_status().initialize_error)
    assert cluster.cluster_status().certificates["ClusterCsr"] == csr
    del real
    cluster.initialize()
    cluster.until_health("hsm-1", "ACTIVE")
    assert cluster.cluster_status().initialize_error is None


def test_activate_log_in_make_a_key_sign_restart_and_sign_again(cluster: OneCluster):
    cluster.begin("hsm-1")
    assert cluster.cluster_status().activated
    alice = cluster.alice()
    public, private = generate_p256(alice)
    verify(alice, public, sign(alice, private, DIGEST))
    assert cluster.stop("hsm-1") == 0
    assert cluster.status("hsm-1").health == "STOPPED"
    cluster.start("hsm-1")
    assert cluster.until_health("hsm-1", "ACTIVE").reboot_counter == 1
    again = cluster.alice()
    assert references(again) == sorted([public, private])
    verify(again, public, sign(again, private, DIGEST))
    opcodes = [entry.opcode for entry in cluster.audit("hsm-1")]
    assert opcodes[:7] == [
        "CN_INIT_TOKEN",
        "CN_GEN_PSWD_ENC_KEY",
        "CN_CREATE_APPLIANCE_USER",
        "CN_INIT_DONE",
        "CN_CHANGE_PSWD",
        "CN_LOGIN",
        "CN_CREATE_USER",
    ]
    assert "CN_GENERATE_KEY_PAIR" in opcodes
    assert [entry.sequence for entry in cluster.audit("hsm-1")] == list(range(len(opcodes)))


def test_a_killed_hsm_comes_back_with_every_acknowledged_key(cluster: OneCluster):
    cluster.begin("hsm-1")
    alice = cluster.alice()
    keys = {generate_aes(alice, f"key {number}") for number in range(10)}
    cluster.kill("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    assert set(references(cluster.alice())) == keys


def test_a_second_hsm_joins_by_an_envelope_and_has_the_same_keys_and_users(cluster: OneCluster):
    cluster.begin("hsm-1")
    first = cluster.alice("hsm-1")
    public, private = generate_p256(first)
    cluster.approve("hsm-2")
    cluster.start("hsm-2")
    cluster.until_health("hsm-2", "ACTIVE")
    assert "envelope given" in cluster.log("hsm-1")
    cluster.kill("hsm-1")
    second = cluster.alice("hsm-2")
    verify(second, public, sign(second, private, DIGEST))
    assert generate_aes(second, "made without the first") in references(second)


def test_a_key_made_on_one_hsm_is_usable_on_the_other_when_the_call_returns(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    alice, other = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    for _ in range(5):
        public, private = generate_p256(alice)
        verify(other, public, sign(other, private, DIGEST))
        public, private = generate_p256(other)
        verify(alice, public, sign(alice, private, DIGEST))


def test_a_key_derived_on_one_hsm_is_on_the_other_and_in_the_audit_log(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    one, other = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    key = {int(Attribute.CLASS): 4, int(Attribute.KEY_TYPE): 0x10, int(Attribute.VALUE_LEN): 32}
    base_template = {int(Attribute.TOKEN): True, int(Attribute.VALUE_LEN): 32, int(Attribute.DERIVE): True}
    generate = {"mechanism": int(Mechanism.GENERIC_SECRET_KEY_GEN), "template": base_template}
    base = one.call(int(Operation.GENERATE_KEY), generate)["objects"][0]["reference"]

    def derive(client, base_key: int) -> int:
        request = {
            "base_key": base_key,
            "mechanism": int(Mechanism.HKDF_DERIVE),
            "parameters": {"hash": int(Mechanism.SHA256), "extract": True, "expand": True, "info": b"info"},
            "template": {**key, int(Attribute.TOKEN): True, int(Attribute.SIGN): True},
        }
        return int(client.call(int(Operation.DERIVE_KEY), request)["objects"][0]["reference"])

    def mac(client, reference: int) -> bytes:
        request = {"key": reference, "mechanism": int(Mechanism.SHA256_HMAC), "data": b"data"}
        return bytes(client.call(int(Operation.SIGN), request)["data"])

    derived = derive(one, base)
    again = derive(other, base)
    assert mac(other, derived) == mac(one, derived) == mac(one, again)
    assert refused(lambda: derive(one, derived))[0] == 0x68  # CKR_KEY_FUNCTION_NOT_PERMITTED
    audit = [entry for hsm_id in ("hsm-1", "hsm-2") for entry in cluster.audit(hsm_id)]
    entries = {(each.response, each.private_reference) for each in audit if each.opcode == "CN_DERIVE_KEY"}
    assert entries == {(0, derived), (0, again), (0x68, 0)}


def test_a_data_object_is_on_every_hsm_at_once_and_stays_and_its_value_is_in_no_file(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    one, other = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    first, second = secrets.token_bytes(100_000), secrets.token_bytes(40)
    template = {int(Attribute.CLASS): 0, int(Attribute.TOKEN): True, int(Attribute.VALUE): first}
    reference = one.call(int(Operation.CREATE_OBJECT), {"template": template})["objects"][0]["reference"]

    def value(client) -> bytes:
        (found,) = client.call(int(Operation.ATTRIBUTES), {"references": [reference]})["objects"]
        return bytes(found["attributes"][int(Attribute.VALUE)])

    assert value(other) == first
    change = {"reference": reference, "template": {int(Attribute.VALUE): second}}
    other.call(int(Operation.SET_ATTRIBUTES), change)
    assert value(one) == second
    for hsm_id in ("hsm-1", "hsm-2"):
        cluster.kill(hsm_id)
    needles = {"first": first[:32], "second": second[:32]}
    assert found_in_files(cluster.directory, needles, leave_out=frozenset()) == set()
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    one = cluster.alice("hsm-1")
    assert value(one) == second
    one.call(int(Operation.DESTROY_OBJECT), {"reference": reference})
    assert reference not in references(one)
    audit = [entry for hsm_id in ("hsm-1", "hsm-2") for entry in cluster.audit(hsm_id)]
    opcodes = [each.opcode for each in audit if each.private_reference == reference]
    assert sorted(opcodes) == ["CN_CREATE_OBJECT", "CN_MODIFY_OBJECT", "CN_TOMBSTONE_OBJECT"]


def test_destroy_password_change_and_lock_are_in_force_everywhere_when_acknowledged(cluster: OneCluster):
    admin = cluster.begin("hsm-1", "hsm-2")
    create_user(admin, "bob")
    alice, other = cluster.alice("hsm-1"), cluster.alice("hsm-2")
    _, private = generate_p256(alice)
    sign(other, private, DIGEST)
    alice.call(int(Operation.DESTROY_OBJECT), {"reference": private})
    assert refused(lambda: sign(other, private, DIGEST))[0] in {0x60, 0x82}

    body = {"username": "alice", "role": int(Role.CRYPTO_USER), "password": "another-password"}
    admin.call(int(Operation.CHANGE_PASSWORD), body)
    assert refused(lambda: references(other))[0] == 0x101
    assert refused(lambda: cluster.alice("hsm-2"))[0] == 0xA0

    bob = cluster.login("bob", "bob-password", Role.CRYPTO_USER, "hsm-2")
    references(bob)
    for attempt in range(6):
        code, _ = refused(lambda: cluster.login("bob", "wrong password", Role.CRYPTO_USER, "hsm-1"))
        assert code == (0xA0 if attempt < 5 else 0xA4)
    assert refused(lambda: references(bob))[0] == 0x101


def test_a_narrowing_change_waits_no_longer_than_the_lease_of_a_dead_hsm(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    alice = cluster.alice("hsm-1")
    key = generate_aes(alice)
    cluster.kill("hsm-2")
    started = time.monotonic()
    alice.call(int(Operation.DESTROY_OBJECT), {"reference": key})
    assert time.monotonic() - started < 4
    other = generate_aes(alice)
    started = time.monotonic()
    alice.call(int(Operation.DESTROY_OBJECT), {"reference": other})
    assert time.monotonic() - started < 1


def test_exactly_one_of_two_simultaneous_activations_wins(cluster: OneCluster):
    cluster.approve("hsm-1")
    cluster.start("hsm-1")
    cluster.initialize()
    cluster.until_health("hsm-1", "ACTIVE")
    results = []

    def activate(password: str) -> None:
        client = cluster.client()
        try:
            client.call(int(Operation.ACTIVATE), {"username": "admin", "password": password})
            results.append(password)
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=activate, args=(f"password-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [result for result in results if isinstance(result, str)]
    assert len(winners) == 1
    assert {error.args[0] for error in results if not isinstance(error, str)} == {0x1B}
    cluster.login("admin", winners[0], Role.ADMIN)


def test_after_the_last_hsm_a_new_one_restores_from_the_recovery_envelope(cluster: OneCluster):
    cluster.begin("hsm-1")
    public, private = generate_p256(cluster.alice())
    cluster.approve("hsm-1", deleting=True)
    assert cluster.exit_code("hsm-1") == 0
    assert cluster.store.get(ENVELOPE + "hsm-1") is None
    cluster.put(DESIRED_HSM + "hsm-1", None)
    cluster.approve("hsm-2")
    cluster.start("hsm-2")
    cluster.until_health("hsm-2", "ACTIVE")
    alice = cluster.alice("hsm-2")
    verify(alice, public, sign(alice, private, DIGEST))


def test_a_process_without_an_approved_identity_gets_nothing(cluster: OneCluster):
    cluster.begin("hsm-1")
    cluster.put(JOIN + "hsm-9", b"let me in")
    cluster.until(lambda: "hsm-9 is not an approved member of the cluster" in cluster.log("hsm-1"))
    cluster.approve("hsm-8")
    cluster.put(JOIN + "hsm-8", b"let me in")
    cluster.until(lambda: '"member": "hsm-8"' in cluster.log("hsm-1"))
    assert "join refused" in cluster.log("hsm-1")
    time.sleep(0.2)
    assert cluster.store.get(ENVELOPE + "hsm-9") is None
    assert cluster.store.get(ENVELOPE + "hsm-8") is None


def test_a_second_process_of_the_same_hsm_takes_over_and_the_first_ends(cluster: OneCluster):
    cluster.begin("hsm-1")
    first = cluster.processes["hsm-1"]
    cluster.start("hsm-1")
    assert first.wait(20) == 75


def test_hsm_info_tells_of_every_hsm_and_needs_no_login(cluster: OneCluster):
    cluster.begin("hsm-1", "hsm-2")
    hsms = cluster.client().call(int(Operation.HSM_INFO), {})["hsms"]
    assert len({hsm["serial_number"] for hsm in hsms}) == 2
    assert {(hsm["vendor"], hsm["fips_state"]) for hsm in hsms} == {
        ("Strongroom", "0 [non-FIPS mode with single factor authentication]")
    }


def test_an_unknown_hsm_or_store_ends_with_a_sentence(cluster: OneCluster):
    cluster.start("hsm-7")
    assert cluster.exit_code("hsm-7") == 78
    assert "no membership entry" in cluster.log("hsm-7")


def test_no_secret_is_in_the_logs(cluster: OneCluster):
    cluster.begin("hsm-1")
    refused(lambda: cluster.login("alice", "wrong-secret", Role.CRYPTO_USER))
    log = cluster.log("hsm-1")
    for secret in (ADMIN_PASSWORD, "alice-password", "wrong-secret"):
        assert secret not in log
