//! Keys that are bound to mechanisms (CKA_ALLOWED_MECHANISMS): every use of one, every way that one comes to be.

use super::*;
use strongroom_wire::messages::{MechanismParameters, PrfInput};

use crate::mechanisms::NO_PARAMETERS;

fn bound(mechanisms: &[M]) -> V {
    V::mechanisms(mechanisms.iter().map(|mechanism| mechanism.code()))
}

/// A published key that is made by this template and bound to these.
fn made(objects: &Objects, caller: &Caller, mechanism: M, template: Template, to: &[M]) -> u64 {
    let template = template.with(A::ValueLen, V::Ulong(32)).with(A::AllowedMechanisms, bound(to));
    published(objects, &objects.generate_key(caller, mechanism, template).unwrap())
}

fn aes(objects: &Objects, caller: &Caller, to: &[M]) -> u64 {
    let uses = [A::Encrypt, A::Decrypt, A::Wrap, A::Unwrap, A::Sign, A::Verify, A::Derive];
    made(objects, caller, M::AesKeyGen, flags(&uses), to)
}

fn gcm() -> MechanismParameters {
    MechanismParameters { tag_bits: Some(128), aad: Some(vec![1]), ..NO_PARAMETERS }
}

fn iv() -> MechanismParameters {
    MechanismParameters { iv: Some(vec![0; 16]), ..NO_PARAMETERS }
}

fn counter() -> MechanismParameters {
    let part =
        |bytes: Option<Vec<u8>>, bits| PrfInput { bytes, bits, little_endian: false, length_method: None };
    let inputs = vec![part(Some(vec![1]), None), part(None, Some(8))];
    let prf_inputs = strongroom_wire::codec::List(inputs);
    MechanismParameters { prf: Some(M::AesCmac.code()), prf_inputs, ..NO_PARAMETERS }
}

fn incoming() -> Template {
    only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F))
}

#[test]
fn every_use_of_a_secret_key_needs_its_mechanism() {
    let (objects, alice) = (objects(), user("alice"));
    let target = aes_key(&objects, &alice);
    let uses = |key: u64, [cipher, mac, wrap, kdf]: [M; 4]| {
        let (given, wrapping) = (iv(), (wrap == M::AesGcm).then(gcm));
        let template = incoming().with(A::ValueLen, V::Ulong(32));
        [
            code(objects.encrypt(&alice, key, cipher, Some(&given), &[0; 16])),
            code(objects.decrypt(&alice, key, cipher, Some(&given), &[0; 16])),
            code(objects.sign(&alice, key, mac, None, b"d")),
            code(objects.verify(&alice, key, mac, None, b"d", &[0; 16])),
            code(objects.wrap_key(&alice, key, wrap, wrapping.as_ref(), target)),
            code(objects.unwrap_key(&alice, key, wrap, wrapping.as_ref(), &[0; 40], incoming())),
            code(objects.derive_key(&alice, key, kdf, Some(&counter()), template)),
        ]
    };
    let named = [M::AesCbc, M::AesCmac, M::AesKeyWrap, M::Sp800108CounterKdf];
    let done = [Rv::OK, Rv::OK, Rv::OK, Rv::SIGNATURE_INVALID, Rv::OK, Rv::WRAPPED_KEY_INVALID, Rv::OK];
    assert_eq!(uses(aes(&objects, &alice, &named), named), done);
    let others = [M::AesCbcPad, M::AesGmac, M::AesGcm, M::Sp800108FeedbackKdf];
    assert_eq!(uses(aes(&objects, &alice, &named), others), [Rv::MECHANISM_INVALID; 7]);
    assert_eq!(uses(aes(&objects, &alice, &[]), named), [Rv::MECHANISM_INVALID; 7]);
    // Not bound, and bound to what this HSM does not know.
    assert_eq!(code(objects.encrypt(&alice, target, M::AesEcb, None, &[0; 16])), Rv::OK);
    let unknown = flags(&[A::Encrypt]).with(A::ValueLen, V::Ulong(16));
    let unknown = unknown.with(A::AllowedMechanisms, V::mechanisms([0x8FFF_FFFF, 0x210A]));
    let unknown = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, unknown).unwrap());
    assert_eq!(code(objects.encrypt(&alice, unknown, M::AesEcb, None, &[0; 16])), Rv::MECHANISM_INVALID);
}

#[test]
fn a_digest_of_the_clients_is_not_signed_by_a_key_that_is_bound_to_the_mechanism_that_digests() {
    let (objects, alice) = (objects(), user("alice"));
    let public = flags(&[A::Verify]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let both = only(A::AllowedMechanisms, bound(&[M::EcdsaSha256]));
    let with = |template: Template| template.with(A::AllowedMechanisms, bound(&[M::EcdsaSha256]));
    let (public, private) =
        objects.generate_key_pair(&alice, M::EcKeyPairGen, with(public), with(flags(&[A::Sign]))).unwrap();
    assert_eq!(private.view.attributes.get(A::AllowedMechanisms), both.get(A::AllowedMechanisms));
    let (public, private) = (published(&objects, &public), published(&objects, &private));
    let signature = objects.sign(&alice, private, M::EcdsaSha256, None, b"message").unwrap();
    assert_eq!(code(objects.verify(&alice, public, M::EcdsaSha256, None, b"message", &signature)), Rv::OK);
    for other in [M::Ecdsa, M::EcdsaSha384] {
        assert_eq!(code(objects.sign(&alice, private, other, None, &[7; 32])), Rv::MECHANISM_INVALID);
        let verified = objects.verify(&alice, public, other, None, &[7; 32], &signature);
        assert_eq!(code(verified), Rv::MECHANISM_INVALID);
    }
    let uses = flags(&[A::Sign, A::SignRecover, A::Decrypt]);
    let rsa = uses.iter().fold(imports::rsa_private(), |key, (flag, value)| key.with(flag, value.clone()));
    let rsa = rsa.with(A::AllowedMechanisms, bound(&[M::Sha256RsaPkcs]));
    let rsa = published(&objects, &objects.create_object(&alice, rsa).unwrap());
    assert_eq!(code(objects.sign(&alice, rsa, M::Sha256RsaPkcs, None, b"message")), Rv::OK);
    for other in [M::RsaPkcs, M::RsaX509, M::Sha512RsaPkcs] {
        assert_eq!(code(objects.sign(&alice, rsa, other, None, &[7; 32])), Rv::MECHANISM_INVALID);
        assert_eq!(code(objects.sign_recover(&alice, rsa, other, &[7; 32])), Rv::MECHANISM_INVALID);
    }
    assert_eq!(code(objects.decrypt(&alice, rsa, M::RsaPkcs, None, &[1; 256])), Rv::MECHANISM_INVALID);
}

#[test]
fn an_encapsulation_needs_its_mechanism_on_either_side() {
    let (objects, alice) = (objects(), user("alice"));
    let pair = |to: &[M]| {
        let public = flags(&[A::Encapsulate]).with(A::ParameterSet, V::Ulong(2));
        let [public, private] =
            [public, flags(&[A::Decapsulate])].map(|half| half.with(A::AllowedMechanisms, bound(to)));
        let (public, private) =
            objects.generate_key_pair(&alice, M::MlKemKeyPairGen, public, private).unwrap();
        (published(&objects, &public), published(&objects, &private))
    };
    let (public, private) = pair(&[M::MlKem]);
    let (_, ciphertext) = objects.encapsulate_key(&alice, public, M::MlKem, None, incoming()).unwrap();
    let opened = objects.decapsulate_key(&alice, private, M::MlKem, None, &ciphertext, incoming());
    assert_eq!(code(opened), Rv::OK);
    let (public, private) = pair(&[]);
    let made = objects.encapsulate_key(&alice, public, M::MlKem, None, incoming());
    assert_eq!(code(made), Rv::MECHANISM_INVALID);
    let opened = objects.decapsulate_key(&alice, private, M::MlKem, None, &ciphertext, incoming());
    assert_eq!(code(opened), Rv::MECHANISM_INVALID);
}

#[test]
fn a_mechanism_with_two_numbers_is_one() {
    let (objects, alice) = (objects(), user("alice"));
    let target = aes_key(&objects, &alice);
    for (number, other) in [
        (M::AesGcm, M::CloudhsmAesGcm),
        (M::AesKeyWrap, M::CloudhsmAesKeyWrapNoPad),
        (M::AesKeyWrapKwp, M::CloudhsmAesKeyWrapZeroPad),
    ] {
        let parameters = (number == M::AesGcm).then(gcm);
        for (to, asked) in [(number, other), (other, number)] {
            let key = aes(&objects, &alice, &[to]);
            assert_eq!(code(objects.wrap_key(&alice, key, asked, parameters.as_ref(), target)), Rv::OK);
        }
    }
    let key = aes(&objects, &alice, &[M::CloudhsmAesKeyWrapPkcs5Pad]);
    assert_eq!(code(objects.wrap_key(&alice, key, M::AesKeyWrap, None, target)), Rv::MECHANISM_INVALID);
}

#[test]
fn it_is_sealed_with_the_key_and_found_and_never_changed() {
    let (objects, alice) = (objects(), user("alice"));
    let template = flags(&[A::Token, A::Encrypt]).with(A::ValueLen, V::Ulong(16));
    let given = V::mechanisms([M::AesGcm.code(), M::AesCbc.code(), M::AesGcm.code()]);
    let staged = objects
        .generate_key(&alice, M::AesKeyGen, template.with(A::AllowedMechanisms, given.clone()))
        .unwrap();
    objects.discard(&[staged.reference]);
    objects.load(staged.reference, 1, &staged.record).unwrap();
    let key = staged.reference;
    assert_eq!(read(&objects, &alice, key).get(A::AllowedMechanisms), Some(&bound(&[M::AesCbc, M::AesGcm])));
    assert_eq!(code(objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16])), Rv::MECHANISM_INVALID);
    assert_eq!(code(objects.encrypt(&alice, key, M::AesCbc, Some(&iv()), &[0; 16])), Rv::OK);
    assert_eq!(find(&objects, &alice, only(A::AllowedMechanisms, bound(&[M::AesGcm, M::AesCbc]))), [key]);
    assert_eq!(find(&objects, &alice, only(A::AllowedMechanisms, bound(&[M::AesGcm]))), [0_u64; 0]);
    for other in [bound(&[M::AesCbc]), bound(&[]), given] {
        let changed = objects.set_attributes(&alice, key, only(A::AllowedMechanisms, other));
        assert_eq!(code(changed), Rv::ATTRIBUTE_READ_ONLY);
    }
    let free = aes_key(&objects, &alice);
    let changed = objects.set_attributes(&alice, free, only(A::AllowedMechanisms, bound(&[M::AesCbc])));
    assert_eq!(code(changed), Rv::ATTRIBUTE_READ_ONLY);
}

#[test]
fn a_copy_is_bound_to_the_same_or_to_fewer() {
    let (objects, alice) = (objects(), user("alice"));
    let copy = |key: u64, template: &Template| -> Result<Staged> {
        let (copy, original) = objects.copy_object(&alice, key, template)?;
        objects.publish(&[copy.reference]);
        original.iter().for_each(|original| objects.publish(&[original.reference]));
        Ok(copy)
    };
    let to = |mechanisms: &[M]| only(A::AllowedMechanisms, bound(mechanisms));
    let key = aes(&objects, &alice, &[M::AesCbc, M::AesGcm]);
    let same = copy(key, &Template::new()).unwrap();
    assert_eq!(same.view.attributes.get(A::AllowedMechanisms), Some(&bound(&[M::AesCbc, M::AesGcm])));
    let fewer = copy(key, &to(&[M::CloudhsmAesGcm])).unwrap().reference;
    assert_eq!(code(objects.encrypt(&alice, fewer, M::AesCbc, Some(&iv()), &[0; 16])), Rv::MECHANISM_INVALID);
    assert_eq!(code(objects.encrypt(&alice, fewer, M::AesGcm, Some(&gcm()), &[0; 16])), Rv::OK);
    assert_eq!(code(copy(fewer, &to(&[M::AesCbc, M::AesGcm]))), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(code(copy(key, &to(&[M::AesCbc, M::AesEcb]))), Rv::ATTRIBUTE_READ_ONLY);
    let free = aes_key(&objects, &alice);
    assert_eq!(code(copy(free, &to(&[M::AesCbc]))), Rv::OK);
    let many = only(A::AllowedMechanisms, V::mechanisms(0..257));
    assert_eq!(code(copy(free, &many)), Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn what_is_unwrapped_or_derived_is_bound_as_its_template_or_its_maker_says() {
    let (objects, alice) = (objects(), user("alice"));
    let demand = incoming_bound();
    let uses = flags(&[A::Wrap, A::Unwrap, A::Derive]).with(A::UnwrapTemplate, V::Template(demand.clone()));
    let uses = uses.with(A::DeriveTemplate, V::Template(demand.clone())).with(A::ValueLen, V::Ulong(32));
    let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, uses).unwrap());
    let target = aes_key(&objects, &alice);
    let wrapped = objects.wrap_key(&alice, key, M::AesKeyWrap, None, target).unwrap().data;
    let unwrap = |template| objects.unwrap_key(&alice, key, M::AesKeyWrap, None, &wrapped, template);
    let derive = |template: Template| {
        let template = template.with(A::ValueLen, V::Ulong(32));
        objects.derive_key(&alice, key, M::Sp800108CounterKdf, Some(&counter()), template)
    };
    for made in [unwrap(incoming()), derive(incoming())] {
        let made = made.unwrap().view.attributes;
        assert_eq!(made.get(A::AllowedMechanisms), demand.get(A::AllowedMechanisms));
    }
    let other = || incoming().with(A::AllowedMechanisms, bound(&[M::AesCbc]));
    assert_eq!(code(unwrap(other())), Rv::TEMPLATE_INCONSISTENT);
    assert_eq!(code(derive(other())), Rv::TEMPLATE_INCONSISTENT);
    // A wrapping key that takes bound keys only.
    let takes = flags(&[A::Wrap]).with(A::WrapTemplate, V::Template(demand)).with(A::ValueLen, V::Ulong(32));
    let takes = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, takes).unwrap());
    let wrap = |target| code(objects.wrap_key(&alice, takes, M::AesKeyWrap, None, target));
    assert_eq!(wrap(target), Rv::KEY_NOT_WRAPPABLE);
    assert_eq!(wrap(aes(&objects, &alice, &[M::AesGcm])), Rv::OK);
    let certificate = objects.create_object(&alice, certificate_bound());
    assert_eq!(code(certificate), Rv::ATTRIBUTE_TYPE_INVALID);
}

fn incoming_bound() -> Template {
    only(A::AllowedMechanisms, bound(&[M::AesGcm]))
}

fn certificate_bound() -> Template {
    incoming_bound()
        .with(A::Class, V::Ulong(1))
        .with(A::CertificateType, V::Ulong(0))
        .with(A::Value, V::Bytes(vec![1]))
}
