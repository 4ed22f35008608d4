//! What the mechanism table refuses.

use strongroom_wire::tables::Function;
use strongroom_wire::{KeyKind, MechanismType as M, Rv};

use super::super::{check_allowed, random};

const FUNCTIONS: [Function; 9] = [
    Function::Generate,
    Function::GeneratePair,
    Function::Sign,
    Function::Recover,
    Function::Encrypt,
    Function::Wrap,
    Function::Derive,
    Function::Encapsulate,
    Function::Digest,
];
#[test]
fn every_mechanism_does_what_its_row_says_and_nothing_else() {
    for mechanism in M::ALL {
        for function in FUNCTIONS {
            for kind in (0..=0xFF).filter_map(KeyKind::from_key_type) {
                let allowed =
                    check_allowed(*mechanism, function, Some(kind), false).map_err(|error| error.rv);
                let expected = if !mechanism.functions().contains(&function) {
                    Err(Rv::MECHANISM_INVALID)
                } else if !mechanism.key_kinds().contains(&kind) {
                    Err(Rv::KEY_TYPE_INCONSISTENT)
                } else {
                    Ok(())
                };
                assert_eq!(allowed, expected, "{mechanism:?} {function:?} {kind:?}");
            }
        }
    }
}

#[test]
fn mode_fips_refuses_what_the_fips_column_says() {
    let refused = |mechanism, function| check_allowed(mechanism, function, None, true).is_err();
    assert!(refused(M::RsaPkcs, Function::Encrypt) && refused(M::RsaPkcs, Function::Wrap));
    assert!(!refused(M::RsaPkcs, Function::Sign) && !refused(M::RsaPkcsOaep, Function::Encrypt));
    assert!(!refused(M::RsaPkcs, Function::Recover) && !refused(M::RsaX509, Function::Recover));
    assert!(refused(M::EcEdwardsKeyPairGen, Function::GeneratePair) && refused(M::Eddsa, Function::Sign));
}

#[test]
fn random_gives_different_bytes_up_to_the_limit() {
    assert_ne!(random(32).unwrap(), random(32).unwrap());
    assert_eq!(random(0).unwrap().0.len(), 0);
    assert_eq!(random(super::super::MAX_DATA).unwrap().0.len(), super::super::MAX_DATA);
    assert_eq!(random(super::super::MAX_DATA + 1).unwrap_err().rv, Rv::ARGUMENTS_BAD);
}
