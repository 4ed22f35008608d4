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

#[test]
fn deterministic_signatures_and_contexts_beside_mu_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (_, private) = pair(&objects, 2);
    let key = published(&objects, &private);
    let sign = |mechanism, how: &MechanismParameters, data: &[u8]| {
        code(objects.sign(&alice, key, mechanism, Some(how), data))
    };
    for (hedge, expected) in [(0, Rv::OK), (1, Rv::OK), (2, Rv::MECHANISM_PARAM_INVALID)] {
        let how = MechanismParameters { hedge: Some(hedge), ..NO_PARAMETERS };
        assert_eq!(sign(M::MlDsa, &how, b"data"), expected);
        assert_eq!(sign(M::CloudhsmExtMuMlDsa, &how, &[0; 64]), expected);
    }
    assert_eq!(sign(M::CloudhsmExtMuMlDsa, &context(b"x"), &[0; 64]), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(sign(M::CloudhsmExtMuMlDsa, &NO_PARAMETERS, &[0; 63]), Rv::DATA_LEN_RANGE);
}
