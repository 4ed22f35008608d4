//! ML-DSA inside the HSM: keys in their records, and messages that the HSM hashes itself.

use super::*;
use strongroom_wire::messages::MechanismParameters;

use crate::mechanisms::NO_PARAMETERS;

fn pair(objects: &Objects, number: u64) -> (Staged, Staged) {
    let public = flags(&[A::Token, A::Verify]).with(A::ParameterSet, V::Ulong(number));
    let private = flags(&[A::Token, A::Sign]);
    objects.generate_key_pair(&user("alice"), M::MlDsaKeyPairGen, public, private).unwrap()
}

fn context(context: &[u8]) -> MechanismParameters {
    MechanismParameters { context: Some(context.to_vec()), ..NO_PARAMETERS }
}

#[test]
fn a_pair_works_from_its_records_and_only_the_public_half_shows_its_value() {
    let (objects, alice) = (objects(), user("alice"));
    for number in 1..=3 {
        let (public, private) = pair(&objects, number);
        objects.discard(&[public.reference, private.reference]);
        for staged in [&public, &private] {
            objects.load(staged.reference, 1, &staged.record).unwrap();
        }
        let message = b"a message that the HSM hashes";
        let how = context(b"context");
        let signature = objects.sign(&alice, private.reference, M::MlDsa, Some(&how), message).unwrap();
        let verify = |how: &MechanismParameters, signature: &[u8]| {
            code(objects.verify(&alice, public.reference, M::MlDsa, Some(how), message, signature))
        };
        assert_eq!(verify(&how, &signature), Rv::OK);
        assert_eq!(verify(&context(b""), &signature), Rv::SIGNATURE_INVALID);
        assert_eq!(verify(&context(&[0; 256]), &signature), Rv::MECHANISM_PARAM_INVALID);
        assert_eq!(verify(&how, &signature[1..]), Rv::SIGNATURE_LEN_RANGE);
        let shown = read(&objects, &alice, public.reference);
        assert!(shown.bytes(A::Value).is_some_and(|value| value.len() > 1000));
        let hidden = read(&objects, &alice, private.reference);
        assert_eq!((hidden.get(A::Value), hidden.get(A::Seed)), (None, None));
        assert_eq!(hidden.ulong(A::ParameterSet), Some(number));
    }
}

#[test]
fn an_altered_public_key_is_refused_with_its_record() {
    let objects = objects();
    let (public, _) = pair(&objects, 1);
    let value = public.view.attributes.bytes(A::Value).unwrap();
    let start = public.record.windows(8).position(|bytes| bytes == &value[..8]).unwrap();
    let mut altered = public.record.clone();
    altered[start] ^= 1;
    assert!(objects.load(public.reference, 1, &altered).is_err());
}

/// The parameter with a hedge variant (`CKH_*`).
fn hedge(hedge: u64) -> MechanismParameters {
    MechanismParameters { hedge: Some(hedge), ..NO_PARAMETERS }
}

#[test]
fn a_signature_is_hedged_unless_a_deterministic_one_is_required() {
    let (objects, alice) = (objects(), user("alice"));
    for set in 1..=3 {
        let (public, private) = pair(&objects, set);
        let (public, private) = (published(&objects, &public), published(&objects, &private));
        for (mechanism, data) in [(M::MlDsa, &b"data"[..]), (M::CloudhsmExtMuMlDsa, &[0; 64])] {
            let sign = |how: u64| objects.sign(&alice, private, mechanism, Some(&hedge(how)), data).unwrap();
            assert_eq!(sign(2), sign(2));
            for hedged in [0, 1] {
                assert_ne!(sign(hedged), sign(hedged));
            }
            for how in [0, 1, 2] {
                objects.verify(&alice, public, mechanism, None, data, &sign(how)).unwrap();
            }
        }
    }
}

#[test]
fn a_message_is_hashed_first_by_the_mechanism_or_by_the_caller() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = pair(&objects, 1);
    let (public, private) = (published(&objects, &public), published(&objects, &private));
    let how = MechanismParameters { hedge: Some(2), ..context(b"context") };
    let sign = |mechanism, how: &MechanismParameters, data: &[u8]| {
        objects.sign(&alice, private, mechanism, Some(how), data)
    };
    let mut signatures = vec![sign(M::MlDsa, &how, b"data").unwrap()];
    for mechanism in M::ALL.iter().filter(|each| each.name().starts_with("CKM_HASH_ML_DSA_")) {
        let signature = sign(*mechanism, &how, b"data").unwrap();
        objects.verify(&alice, public, *mechanism, Some(&how), b"data", &signature).unwrap();
        if let Some(hash) = mechanism.hash() {
            let digest =
                crate::mechanisms::digest(crate::mechanisms::hash_of(hash).unwrap(), b"data").unwrap();
            let named = MechanismParameters { hash: Some(hash.code()), ..how.clone() };
            assert_eq!(sign(M::HashMlDsa, &named, digest.as_ref()).unwrap(), signature);
        }
        assert!(!signatures.contains(&signature), "{mechanism:?} signs as another does");
        signatures.push(signature);
    }
    assert_eq!(signatures.len(), 11);
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (_, private) = pair(&objects, 2);
    let key = published(&objects, &private);
    let sign = |mechanism, how: Option<&MechanismParameters>, data: &[u8]| {
        code(objects.sign(&alice, key, mechanism, how, data))
    };
    let named = |hash: M| MechanismParameters { hash: Some(hash.code()), ..NO_PARAMETERS };
    assert_eq!(sign(M::MlDsa, Some(&hedge(3)), b"data"), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::CloudhsmExtMuMlDsa, Some(&context(b"x")), &[0; 64]), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::CloudhsmExtMuMlDsa, None, &[0; 63]), Rv::DATA_LEN_RANGE);
    assert_eq!(sign(M::HashMlDsaSha256, Some(&context(&[0; 256])), b"data"), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::HashMlDsa, None, &[0; 32]), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::HashMlDsa, Some(&NO_PARAMETERS), &[0; 32]), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::HashMlDsa, Some(&named(M::Sha1)), &[0; 20]), Rv::MECHANISM_PARAM_INVALID);
    for length in [0, 31, 33, 64] {
        assert_eq!(sign(M::HashMlDsa, Some(&named(M::Sha256)), &vec![0; length]), Rv::DATA_LEN_RANGE);
    }
    assert_eq!(sign(M::HashMlDsa, Some(&named(M::Sha256)), &[0; 32]), Rv::OK);
}
