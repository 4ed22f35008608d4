from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x448
from software_hsm import SoftwareHsm, view

from strongroom.client import (
    AmbiguousKey,
    Attribute,
    KeyNotFound,
    KeyType,
    Mechanism,
    NamedCurve,
    ObjectClass,
    Session,
    Usage,
    curves,
)
from strongroom.vocabulary.operations import Operation

AES_VIEW = view(1, {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES, Attribute.LABEL: "k"})


def generated(hsm: SoftwareHsm, session: Session, **options: object) -> dict[int, object]:
    hsm.answers[Operation.GENERATE_KEY] = {"objects": [AES_VIEW]}
    session.keys.generate_aes(label="k", **options)  # type: ignore[arg-type]
    template: dict[int, object] = hsm.asked(Operation.GENERATE_KEY)[-1]["template"]
    return template


def test_a_new_key_is_kept_secret_and_does_what_its_kind_is_for(hsm: SoftwareHsm, session: Session) -> None:
    template = generated(hsm, session)
    assert len(template.pop(Attribute.ID)) == 16
    uses = {Attribute[use.name]: use in (Usage.ENCRYPT, Usage.DECRYPT) for use in Usage}
    assert template == uses | {
        Attribute.LABEL: "k",
        Attribute.TOKEN: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.WRAP_WITH_TRUSTED: False,
        Attribute.VALUE_LEN: 32,
    }


def test_options_say_otherwise(hsm: SoftwareHsm, session: Session) -> None:
    template = generated(
        hsm,
        session,
        id=b"\x01",
        usage=["wrap"],
        extractable=True,
        persistent=False,
        attributes={Attribute.MODIFIABLE: False, Attribute.WRAP_TEMPLATE: {Attribute.TOKEN: True}},
    )
    assert template[Attribute.ID] == b"\x01"
    assert template[Attribute.WRAP] is True
    assert template[Attribute.ENCRYPT] is False
    assert template[Attribute.EXTRACTABLE] is True
    assert template[Attribute.TOKEN] is False
    assert template[Attribute.MODIFIABLE] is False
    assert template[Attribute.WRAP_TEMPLATE] == {Attribute.TOKEN: True}
    assert all(type(number) is int for number in template)


def test_a_key_is_shared_from_its_beginning(hsm: SoftwareHsm, session: Session) -> None:
    generated(hsm, session, shared_users=["bob", "carol"])
    assert hsm.asked(Operation.GENERATE_KEY)[-1]["shared_users"] == ["bob", "carol"]
    public, private = hsm.objects()[1], hsm.objects()[0]
    hsm.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [public, private]}
    session.keys.generate_ec(label="k", shared_users=("bob",))
    assert hsm.asked(Operation.GENERATE_KEY_PAIR)[-1]["shared_users"] == ["bob"]
    with pytest.raises(TypeError, match="shared_users"):
        session.keys.import_aes(bytes(32), label="k", shared_users=["bob"])  # type: ignore[call-arg]


def test_an_option_or_usage_that_there_is_not_is_an_error(hsm: SoftwareHsm, session: Session) -> None:
    with pytest.raises(TypeError, match="extractible"):
        session.keys.generate_aes(label="k", extractible=True)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="read"):
        session.keys.generate_aes(label="k", usage=["read"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="whole bytes"):
        session.keys.generate_aes(129, label="k")
    with pytest.raises(ValueError, match="brainpoolP256r1"):
        session.keys.generate_ec(ec.BrainpoolP256R1(), label="k")
    assert hsm.calls == []


@pytest.mark.parametrize("usage", [{Usage.DECRYPT}, {Usage.ENCRYPT}, {Usage.DECRYPT, Usage.ENCRYPT}])
def test_either_halfs_word_for_a_usage_means_both_halves(hsm: SoftwareHsm, session: Session, usage: set[Usage]) -> None:
    public, private = hsm.objects()[3], hsm.objects()[2]
    hsm.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [public, private]}
    pair = session.keys.generate_rsa(2048, label="k", usage=usage, attributes={Attribute.SUBJECT: b"s"})
    (asked,) = hsm.asked(Operation.GENERATE_KEY_PAIR)
    public_half, private_half = asked["public_template"], asked["private_template"]
    assert {name for name in ("VERIFY", "ENCRYPT", "WRAP") if public_half[Attribute[name]]} == {"ENCRYPT"}
    assert {name for name in ("SIGN", "DECRYPT", "UNWRAP", "DERIVE") if private_half[Attribute[name]]} == {"DECRYPT"}
    assert public_half[Attribute.ID] == private_half[Attribute.ID]
    assert Attribute.EXTRACTABLE not in public_half
    assert Attribute.SUBJECT not in public_half
    assert private_half[Attribute.SUBJECT] == b"s"
    assert public_half[Attribute.MODULUS_BITS] == 2048
    assert (pair.public.reference, pair.private.reference) == (0x21, 0x20)


@pytest.mark.parametrize("curve", [NamedCurve.P384, "secp384r1", ec.SECP384R1()])
def test_a_curve_may_be_named_in_each_way(hsm: SoftwareHsm, session: Session, curve: NamedCurve) -> None:
    hsm.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [hsm.objects()[1], hsm.objects()[0]]}
    session.keys.generate_ec(curve, label="k")
    (asked,) = hsm.asked(Operation.GENERATE_KEY_PAIR)
    assert asked["mechanism"] == Mechanism.EC_KEY_PAIR_GEN
    assert asked["public_template"][Attribute.EC_PARAMS] == curves.known("secp384r1").parameters


def test_destroying_a_pair_destroys_the_private_half_first(hsm: SoftwareHsm, session: Session) -> None:
    hsm.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [hsm.objects()[1], hsm.objects()[0]]}
    hsm.answers[Operation.DESTROY_OBJECT] = {}
    session.keys.generate_ec(label="k").destroy()
    assert [body["reference"] for body in hsm.asked(Operation.DESTROY_OBJECT)] == [0x10, 0x11]


def test_a_label_that_no_key_has_is_not_found(session: Session) -> None:
    with pytest.raises(KeyNotFound, match="No private key that you can see has the label 'other'"):
        session.keys.private_key(label="other")
    with pytest.raises(LookupError, match="No key that you can see has the label 'x' and the id 'ff'"):
        session.keys.get(label="x", id=b"\xff")


def test_a_label_of_several_keys_is_ambiguous(session: Session) -> None:
    with pytest.raises(AmbiguousKey, match="Several keys have the label 'ca'"):
        session.keys.get(label="ca")


def test_a_certificate_is_no_key(hsm: SoftwareHsm, session: Session) -> None:
    certificate = view(7, {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: "ca"})
    hsm.answers[Operation.FIND] = {"objects": [certificate], "more": False, "total": 1}
    hsm.answers[Operation.ATTRIBUTES] = {"objects": [certificate]}
    assert list(session.keys.find(label="ca")) == []
    with pytest.raises(KeyNotFound, match="is a certificate"):
        session.keys.by_reference(7)


def test_find_reads_every_page(hsm: SoftwareHsm, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.client.objects.PAGE", 1)
    assert [key.reference for key in session.keys.find()] == [0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x40]
    assert [body["after"] for body in hsm.asked(Operation.FIND)] == [0, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31]
    assert [key.reference for key in session.keys.find(object_class=ObjectClass.SECRET_KEY)] == [0x40]


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
)
def test_the_value_of_an_imported_key_is_in_the_template_alone(hsm: SoftwareHsm, session: Session, key) -> None:
    hsm.answers[Operation.CREATE_OBJECT] = {"objects": [hsm.objects()[0]]}
    session.keys.import_private_key(key, label="k")
    (asked,) = hsm.asked(Operation.CREATE_OBJECT)
    template = asked["template"]
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        assert template[Attribute.KEY_TYPE] == KeyType.RSA
        assert int.from_bytes(template[Attribute.PRIVATE_EXPONENT]) == numbers.d
        assert int.from_bytes(template[Attribute.COEFFICIENT]) == numbers.iqmp
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        assert template[Attribute.KEY_TYPE] == KeyType.EC
        assert template[Attribute.VALUE] == key.private_numbers().private_value.to_bytes(66)
    else:
        assert template[Attribute.KEY_TYPE] == KeyType.EC_EDWARDS
        assert template[Attribute.VALUE] == key.private_bytes_raw()
    assert template[Attribute.CLASS] == ObjectClass.PRIVATE_KEY


def test_a_key_that_no_hsm_has_is_not_imported(hsm: SoftwareHsm, session: Session) -> None:
    with pytest.raises(TypeError, match="RSA, EC, Ed25519 and X25519"):
        session.keys.import_private_key(x448.X448PrivateKey.generate(), label="k")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="RSA, EC, Ed25519 and X25519"):
        session.keys.import_public_key(x448.X448PrivateKey.generate().public_key(), label="k")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no curve brainpool"):
        session.keys.import_private_key(ec.generate_private_key(ec.BrainpoolP256R1()), label="k")
    assert hsm.calls == []
