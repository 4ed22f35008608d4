from __future__ import annotations

import secrets

import pytest

from strongroom._native import HsmError
from strongroom.hsm.settings import Settings
from strongroom.vocabulary.operations import Operation

TOKEN = {1: True}
EXTRACTABLE = 0x162


@pytest.fixture
def alice(hsm):
    hsm.activate()
    return hsm.user(hsm.admin())


def generate(hsm, login, template=TOKEN, **options):
    answer = hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": template}, login, **options)
    return answer["objects"][0]["reference"]


def test_a_token_object_is_on_the_other_hsm_under_the_same_reference(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    other.replica.catch_up()
    assert other.hsm.objects[reference] == hsm.hsm.objects[reference]
    assert other.replica.revision == hsm.replica.revision == other.hsm.revision


def test_a_session_object_stays_on_its_hsm_and_has_no_record(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    revision = hsm.replica.revision
    reference = generate(hsm, alice, {})
    assert reference in hsm.hsm.objects
    assert cluster.keys("object/") == []
    assert hsm.replica.revision == revision
    other.replica.catch_up()
    assert reference not in other.hsm.objects
    assert hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice) == {}
    assert [entry.opcode for entry in hsm.entries()[-2:]] == ["CN_GENERATE_KEY", "CN_DESTROY_OBJECT"]


def test_a_destroyed_object_is_gone_on_every_hsm_when_that_is_acknowledged(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    other.replica.catch_up()
    assert hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice) is None
    assert reference not in hsm.hsm.objects
    other.replica.catch_up()
    assert reference not in other.hsm.objects
    other.renew()
    hsm.settle()
    assert hsm.answer(max(hsm.hsm.answers)) == {}
    assert hsm.entries()[-1].opcode == "CN_TOMBSTONE_OBJECT"
    assert hsm.entries()[-1].private_reference == reference


def test_a_narrowing_answer_does_not_wait_for_an_hsm_whose_lease_has_run_out(cluster, hsm, alice):
    cluster.member("hsm-b")
    reference = generate(hsm, alice)
    assert hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice) is None
    cluster.clock.now += 3
    hsm.settle()
    assert hsm.answer(max(hsm.hsm.answers)) == {}


def test_changes_of_two_hsms_at_once_are_both_made(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    hsm.hold = other.hold = True
    for member in (hsm, other, hsm, other):
        member.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    hsm.flush()
    other.flush()
    hsm.replica.catch_up()
    assert len(cluster.keys("object/")) == 4
    assert hsm.hsm.objects.keys() == other.hsm.objects.keys()
    assert hsm.hsm.staged == other.hsm.staged == {}
    assert hsm.replica.position == other.replica.position


def test_a_batch_is_one_commit(cluster, hsm, alice):
    hsm.hold = True
    before = cluster.store.info().revision, hsm.replica.revision
    for _ in range(10):
        hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    hsm.flush()
    assert (cluster.store.info().revision, hsm.replica.revision) == (before[0] + 1, before[1] + 1)
    assert len(hsm.hsm.objects) == 10


def test_two_changes_of_one_object_in_a_batch_are_made_one_after_the_other(cluster, hsm, alice):
    reference = generate(hsm, alice)
    hsm.hold = True
    for label in ("a", "b"):
        hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {3: label}}, alice)
    hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice)
    hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {3: "c"}}, alice)
    tokens = range(max(hsm.hsm.answers) + 1, max(hsm.hsm.answers) + 5)
    hsm.flush()
    hsm.settle()
    answers = [hsm.answer(token) for token in tokens]
    assert [answer["objects"][0]["attributes"][3] for answer in answers[:2]] == ["a", "b"]
    assert answers[2] == {}
    assert answers[3].rv == 0x82
    assert hsm.hsm.staged == {}


def test_an_attribute_change_is_decided_again_on_the_newest_object(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    other.replica.catch_up()
    hsm.hold = other.hold = True
    hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {3: "label"}}, alice)
    other.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {258: b"id"}}, alice)
    hsm.flush()
    other.flush()
    hsm.replica.catch_up()
    assert hsm.hsm.objects[reference] == other.hsm.objects[reference] == (3, "alice", {1: True, 3: "label", 258: b"id"})


def test_a_refusal_of_the_boundary_is_answered_and_audited(hsm, alice):
    answer = hsm.call(Operation.GENERATE_KEY, {"mechanism": 0, "template": TOKEN}, alice)
    assert (answer.rv, answer.text, answer.retry) == (0x70, "the mechanism is not a generation mechanism", 4)
    entry = hsm.entries()[-1]
    assert (entry.opcode, entry.response) == ("CN_GENERATE_KEY", 0x70)
    assert entry.response_text == "HSM Error: the mechanism is not a generation mechanism"


def test_the_number_of_token_objects_is_limited(cluster):
    hsm = cluster.member(settings=Settings(max_keys=2))
    hsm.activate()
    alice = hsm.user(hsm.admin())
    generate(hsm, alice)
    pair = {"mechanism": 1, "public_template": TOKEN, "private_template": TOKEN}
    assert hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice).rv == 0x31
    reference = generate(hsm, alice)
    generate(hsm, alice, {})
    assert hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice).rv == 0x31
    assert hsm.hsm.staged == {}
    hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice)
    generate(hsm, alice)


def test_the_number_of_private_keys_is_limited_also_within_a_batch(cluster):
    hsm = cluster.member(settings=Settings(max_asymmetric_keys=2))
    hsm.activate()
    alice = hsm.user(hsm.admin())
    pair = {"mechanism": 1, "public_template": {0: 2, **TOKEN}, "private_template": {0: 3, **TOKEN}}
    private = hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)["objects"][1]["reference"]
    hsm.hold = True
    for _ in range(2):
        hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)
    hsm.flush()
    assert hsm.hsm.private_key_count() == 2
    hsm.hold = False
    before = dict(hsm.hsm.objects)
    refused = hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)
    assert (refused.rv, "its limit of 2 private keys" in refused.text) == (0x31, True)
    assert (hsm.hsm.objects, hsm.hsm.staged) == (before, {})
    generate(hsm, alice)
    hsm.call(Operation.DESTROY_OBJECT, {"reference": private}, alice)
    hsm.settle()
    assert "objects" in hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)


def test_certificates_are_written_as_fast_as_the_operator_allows(cluster):
    hsm = cluster.member(settings=Settings(certificate_writes_per_second=1))
    hsm.activate()
    alice = hsm.user(hsm.admin())

    def create(template):
        return hsm.call(Operation.CREATE_OBJECT, {"template_ticket": template}, alice)

    certificate = {0: 1, 1: True}
    reference = create(certificate)["objects"][0]["reference"]
    before = dict(hsm.hsm.objects)
    changed = {"reference": reference, "template_ticket": {3: "label"}}
    for refused in (
        create(certificate),
        copy(hsm, alice, reference, {}),
        hsm.call(Operation.SET_ATTRIBUTES, changed, alice),
        hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice),
    ):
        assert (refused.rv, refused.retry) == (0x6, 1)
        assert refused.text.startswith("The HSM could not queue the request for processing.")
    assert (hsm.hsm.objects, hsm.hsm.staged) == (before, {})
    generate(hsm, alice)
    cluster.clock.now += 1
    hsm.renew()
    assert "objects" in hsm.call(Operation.SET_ATTRIBUTES, changed, alice)
    assert create(certificate).rv == 0x6


def test_a_key_pair_gives_both_references_to_its_audit_entry(hsm, alice):
    pair = {"mechanism": 1, "public_template": TOKEN, "private_template": TOKEN}
    public, private = hsm.call(Operation.GENERATE_KEY_PAIR, pair, alice)["objects"]
    entry = hsm.entries()[-1]
    assert (entry.public_reference, entry.private_reference) == (public["reference"], private["reference"])


def test_a_request_of_a_login_that_has_just_ended_changes_nothing(cluster, hsm, alice):
    hsm.hold = True
    hsm.call(Operation.LOGOUT, {}, alice)
    hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    token = max(hsm.hsm.answers) + 2
    hsm.flush()
    assert hsm.answer(token).rv == 0x101
    assert hsm.hsm.objects == hsm.hsm.staged == {}


def test_a_wrapped_key_is_given_out_with_its_audit_entry(hsm, alice):
    reference = generate(hsm, alice)
    answer = hsm.call(Operation.WRAP_KEY, {"wrapping_key": reference, "mechanism": 1, "key": reference}, alice)
    assert answer == {"data": b"wrapped"}
    assert (hsm.entries()[-1].opcode, hsm.entries()[-1].private_reference) == ("CN_WRAP_KEY", reference)


def test_a_key_is_not_wrapped_after_a_change_that_forbids_it(cluster, hsm, alice, monkeypatch):
    reference = generate(hsm, alice)
    wrap_key = hsm.hsm.wrap_key

    def wrap_unless_told(caller, wrapping_key, mechanism, parameters, key):
        if hsm.hsm.objects[key][2].get(EXTRACTABLE) is False:
            raise HsmError(0x6A, "the key's CKA_EXTRACTABLE is false")
        return wrap_key(caller, wrapping_key, mechanism, parameters, key)

    monkeypatch.setattr(hsm.hsm, "wrap_key", wrap_unless_told)
    body = {"wrapping_key": reference, "mechanism": 1, "key": reference}
    assert hsm.call(Operation.WRAP_KEY, body, alice) == {"data": b"wrapped"}
    hsm.hold = True
    hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": {EXTRACTABLE: False}}, alice)
    hsm.call(Operation.WRAP_KEY, body, alice)
    token = max(hsm.hsm.answers) + 2
    hsm.flush()
    hsm.settle()
    assert hsm.answer(token).rv == 0x6A


def test_a_repeat_gets_the_first_result_on_any_hsm(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    request_id = secrets.token_bytes(16)
    first = generate(hsm, alice, request_id=request_id)
    assert generate(hsm, alice, request_id=request_id) == first
    assert generate(other, alice, request_id=request_id) == first
    assert len(cluster.keys("object/")) == 1
    assert len([entry for entry in hsm.entries() if entry.opcode == "CN_GENERATE_KEY"]) == 1
    body = {"mechanism": 1, "template": TOKEN}
    refused = other.call(Operation.GENERATE_KEY, body, alice, request_id=request_id, digest=b"another")
    assert refused.rv == 0x7
    assert "used for another request" in refused.text
    assert hsm.hsm.staged == other.hsm.staged == {}


def test_a_repeated_encapsulation_gets_the_first_ciphertext_with_the_first_key(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    body = {"public_key": generate(hsm, alice), "mechanism": 1, "template": TOKEN}
    other.replica.catch_up()
    request_id = secrets.token_bytes(16)
    first = hsm.call(Operation.ENCAPSULATE_KEY, body, alice, request_id=request_id)
    assert set(first) == {"objects", "ciphertext"}
    assert other.call(Operation.ENCAPSULATE_KEY, body, alice, request_id=request_id) == first
    assert len(cluster.keys("object/")) == 2
    again = hsm.call(Operation.ENCAPSULATE_KEY, body, alice)
    assert again["ciphertext"] != first["ciphertext"]


def test_the_same_request_on_two_hsms_at_once_is_done_once(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    request_id = secrets.token_bytes(16)
    hsm.hold = other.hold = True
    for member in (hsm, hsm, other):
        member.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice, request_id=request_id)
    tokens = max(hsm.hsm.answers) + 1, max(hsm.hsm.answers) + 2, 1
    hsm.flush()
    other.flush()
    answers = [hsm.answer(tokens[0]), hsm.answer(tokens[1]), other.answer(tokens[2])]
    assert answers[0] == answers[1] == answers[2]
    assert len(cluster.keys("object/")) == 1
    assert hsm.hsm.staged == other.hsm.staged == {}


def test_a_repeat_of_a_narrowing_change_waits_as_the_first_did(cluster, hsm, alice):
    other, third = cluster.member("hsm-b"), cluster.member("hsm-c")
    reference = generate(hsm, alice)
    request_id = secrets.token_bytes(16)
    body = {"reference": reference}
    assert hsm.call(Operation.DESTROY_OBJECT, body, alice, request_id=request_id) is None
    assert other.call(Operation.DESTROY_OBJECT, body, alice, request_id=request_id) is None
    third.replica.catch_up()
    third.renew()
    hsm.renew()
    other.settle()
    assert other.answer(1) == {}


def test_results_are_forgotten_after_15_minutes(cluster, hsm, alice):
    request_id = secrets.token_bytes(16)
    first = generate(hsm, alice, request_id=request_id)
    cluster.clock.now += 15 * 60
    hsm.epoch = hsm.store.acquire_lease("hsm/hsm-a", 3).epoch
    assert generate(hsm, alice, request_id=request_id) != first
    cluster.clock.now += 15 * 60
    assert hsm.requests.purge() > 0
    assert cluster.keys("request/") == []


@pytest.mark.parametrize("request_id", [b"short", None])
def test_a_change_without_a_good_request_id_is_refused(hsm, alice, request_id):
    from dataclasses import replace

    seen = []
    hsm.dispatcher.dispatch, original = (
        (lambda request: seen.append(replace(request, request_id=request_id))),
        hsm.dispatcher.dispatch,
    )
    hsm.call(Operation.GENERATE_KEY, {"mechanism": 1, "template": TOKEN}, alice)
    original(seen[0])
    assert "request id of 16 bytes" in hsm.answer(seen[0].token).text


def copy(hsm, login, reference, template):
    return hsm.call(Operation.COPY_OBJECT, {"reference": reference, "template_ticket": template}, login)


def test_a_copy_and_the_mark_that_it_leaves_are_one_commit(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice)
    revision = hsm.replica.revision
    made = copy(hsm, alice, reference, {3: "copy"})["objects"][0]["reference"]
    assert hsm.replica.revision == revision + 1
    other.replica.catch_up()
    assert other.hsm.objects == hsm.hsm.objects
    assert [hsm.hsm.objects[key][0] for key in (reference, made)] == [2, 1]
    assert hsm.hsm.staged == {}
    assert (hsm.entries()[-1].opcode, hsm.entries()[-1].operation) == ("CN_CREATE_OBJECT", "copy_object")
    assert hsm.entries()[-1].private_reference == made


def test_a_refused_copy_leaves_nothing(cluster):
    hsm = cluster.member(settings=Settings(max_keys=1))
    hsm.activate()
    admin = hsm.admin()
    alice, bob = hsm.user(admin), hsm.user(admin, "bob")
    reference = generate(hsm, alice)
    before = dict(hsm.hsm.objects)
    assert copy(hsm, bob, reference, {}).rv == 0x82
    assert copy(hsm, alice, 42, {}).rv == 0x82
    assert copy(hsm, alice, reference, {}).rv == 0x31
    assert (hsm.hsm.objects, hsm.hsm.staged) == (before, {})


def test_copies_of_one_object_in_one_batch_are_both_made(cluster, hsm, alice):
    reference = generate(hsm, alice)
    hsm.hold = True
    for _ in range(2):
        copy(hsm, alice, reference, {})
    hsm.flush()
    assert len(cluster.keys("object/")) == 3
    assert hsm.hsm.objects[reference][0] == 2
    assert hsm.hsm.staged == {}


def test_a_session_object_becomes_one_token_object_however_often_that_is_asked_at_once(cluster, hsm, alice):
    other = cluster.member("hsm-b")
    reference = generate(hsm, alice, {})
    hsm.hold = True
    for _ in range(2):
        hsm.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template_ticket": TOKEN}, alice)
    hsm.flush()
    other.replica.catch_up()
    assert reference not in hsm.hsm.objects
    assert len(hsm.hsm.objects) == 1
    assert other.hsm.objects == hsm.hsm.objects


@pytest.mark.parametrize("are_tokens", [True, False])
def test_the_number_of_data_objects_is_limited_also_within_a_batch(cluster, are_tokens):
    hsm = cluster.member(settings=Settings(max_data_objects=2))
    hsm.activate()
    alice = hsm.user(hsm.admin())

    def create():
        return hsm.call(Operation.CREATE_OBJECT, {"template_ticket": {0: 0, 1: are_tokens}}, alice)

    reference = create()["objects"][0]["reference"]
    hsm.hold = True
    for _ in range(2):
        create()
    hsm.flush()
    hsm.hold = False
    assert (hsm.hsm.data_object_count(are_tokens), hsm.hsm.data_object_count(not are_tokens)) == (2, 0)
    refused = create()
    assert (refused.rv, "limit of 2 data objects" in refused.text) == (0x31, True)
    assert copy(hsm, alice, reference, {}).rv == 0x31
    assert "objects" in copy(hsm, alice, reference, {1: not are_tokens})
    hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice)
    hsm.settle()
    assert "objects" in create()


def test_the_number_of_certificates_is_limited_also_within_a_batch(cluster):
    hsm = cluster.member(settings=Settings(max_certificates=2))
    hsm.activate()
    alice = hsm.user(hsm.admin())

    def create():
        return hsm.call(Operation.CREATE_OBJECT, {"template_ticket": {0: 1, 1: True}}, alice)

    reference = create()["objects"][0]["reference"]
    hsm.hold = True
    for _ in range(2):
        create()
    hsm.flush()
    assert hsm.hsm.certificate_count() == 2
    hsm.hold = False
    refused = create()
    assert (refused.rv, refused.text.partition(":")[0]) == (0x6, "MaxObjectsReached")
    assert "MaxObjectsReached" in hsm.entries()[-1].response_text
    hsm.call(Operation.DESTROY_OBJECT, {"reference": reference}, alice)
    hsm.settle()
    assert "objects" in create()
    generate(hsm, alice)
    assert hsm.hsm.staged == {}
