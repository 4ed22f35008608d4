//! Signatures that hold their data: who may make and read them, with which keys.

use super::*;
use crate::ffi::RsaKey;

/// The pair of [`rsa_pair`], with these flags on its halves and no others.
fn pair(objects: &Objects, public: &[A], private: &[A]) -> (u64, u64) {
    let made = [(imports::rsa_public(), public), (imports::rsa_private(), private)].map(|(key, set)| {
        let template = set.iter().fold(key, |key, flag| key.with(*flag, V::Bool(true)));
        published(
            objects,
            &objects.create_object(&user("alice"), template.with(A::Token, V::Bool(true))).unwrap(),
        )
    });
    (made[0], made[1])
}

fn recovering(objects: &Objects) -> (u64, u64) {
    pair(objects, &[A::VerifyRecover], &[A::SignRecover])
}

#[test]
fn a_signature_gives_its_data_back_and_is_the_one_that_sign_makes() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    let (_, signing) = rsa_pair(&objects, &alice);
    for length in [0, 1, 20, 245] {
        let data = vec![7; length];
        let signature = objects.sign_recover(&alice, private, M::RsaPkcs, &data).unwrap();
        assert_eq!(signature, objects.sign(&alice, signing, M::RsaPkcs, None, &data).unwrap());
        assert_eq!(objects.verify_recover(&alice, public, M::RsaPkcs, &signature).unwrap(), data);
    }
    let signature = objects.sign_recover(&alice, private, M::RsaX509, b"data").unwrap();
    assert_eq!(signature, objects.sign(&alice, signing, M::RsaX509, None, b"data").unwrap());
    let block = objects.verify_recover(&alice, public, M::RsaX509, &signature).unwrap();
    assert_eq!(block, [&[0; 252][..], b"data"].concat());
}

#[test]
fn data_and_signatures_of_wrong_lengths_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    assert_eq!(code(objects.sign_recover(&alice, private, M::RsaPkcs, &[7; 246])), Rv::DATA_LEN_RANGE);
    assert_eq!(code(objects.sign_recover(&alice, private, M::RsaX509, &[7; 257])), Rv::DATA_LEN_RANGE);
    assert_eq!(code(objects.sign_recover(&alice, private, M::RsaX509, &[0xFF; 256])), Rv::DATA_INVALID);
    for mechanism in [M::RsaPkcs, M::RsaX509] {
        let signature = objects.sign_recover(&alice, private, mechanism, b"data").unwrap();
        for wrong in [&signature[1..], &[&signature[..], &[0]].concat(), &[]] {
            let found = objects.verify_recover(&alice, public, mechanism, wrong);
            assert_eq!(code(found), Rv::SIGNATURE_LEN_RANGE);
        }
        // No smaller than the modulus.
        let found = objects.verify_recover(&alice, public, mechanism, &[0xFF; 256]);
        assert_eq!(code(found), Rv::SIGNATURE_INVALID);
    }
}

/// RFC 8017 section 9.2, step 5: 0, 1, eight or more of 255, 0, data. Nothing else comes out.
#[test]
fn a_block_that_is_not_padded_for_signatures_gives_nothing() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    let padded = |kind: u8, fill: u8, count: usize, data: &[u8]| {
        let mut block = vec![0, kind];
        block.resize(2 + count, fill);
        block.push(0);
        block.extend_from_slice(data);
        block
    };
    let mut holed = padded(1, 0xFF, 249, b"data");
    holed[100] = 0xFE;
    let mut high = padded(1, 0xFF, 249, b"data");
    high[0] = 1;
    let recovered = |block: &[u8]| {
        assert_eq!(block.len(), 256);
        let signature = objects.sign_recover(&alice, private, M::RsaX509, block).unwrap();
        objects.verify_recover(&alice, public, M::RsaPkcs, &signature)
    };
    assert_eq!(recovered(&padded(1, 0xFF, 249, b"data")).unwrap(), b"data");
    assert_eq!(recovered(&padded(1, 0xFF, 8, &[7; 245])).unwrap(), [7; 245]);
    let without_end = [vec![0, 1], vec![0xFF; 254]].concat();
    for wrong in [
        padded(2, 0xFF, 249, b"data"),
        padded(0, 0xFF, 249, b"data"),
        padded(1, 0xFE, 249, b"data"),
        padded(1, 0xFF, 7, &[7; 246]),
        holed,
        high,
        without_end,
    ] {
        assert_eq!(code(recovered(&wrong)), Rv::SIGNATURE_INVALID);
    }
}

#[test]
fn a_signature_of_another_key_gives_nothing() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, _) = recovering(&objects);
    let signature = RsaKey::generate(2048, &[1, 0, 1]).unwrap().sign_pkcs1(b"data").unwrap();
    let found = objects.verify_recover(&alice, public, M::RsaPkcs, &signature);
    assert_eq!(code(found), Rv::SIGNATURE_INVALID);
}

#[test]
fn each_half_needs_its_own_flag_and_sign_and_verify_are_not_it() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    let signature = objects.sign_recover(&alice, private, M::RsaPkcs, b"data").unwrap();
    assert_eq!(
        code(objects.sign(&alice, private, M::RsaPkcs, None, b"data")),
        Rv::KEY_FUNCTION_NOT_PERMITTED
    );
    let verified = objects.verify(&alice, public, M::RsaPkcs, None, b"data", &signature);
    assert_eq!(code(verified), Rv::KEY_FUNCTION_NOT_PERMITTED);
    let (public, private) =
        pair(&objects, &[A::Verify, A::Encrypt, A::Wrap], &[A::Sign, A::Decrypt, A::Unwrap, A::Derive]);
    let shown = [(private, A::SignRecover), (public, A::VerifyRecover)];
    assert_eq!(shown.map(|(key, flag)| read(&objects, &alice, key).bool(flag)), [Some(false); 2]);
    let codes = || {
        [
            code(objects.sign_recover(&alice, private, M::RsaPkcs, b"data")),
            code(objects.verify_recover(&alice, public, M::RsaPkcs, &signature)),
        ]
    };
    assert_eq!(codes(), [Rv::KEY_FUNCTION_NOT_PERMITTED; 2]);
    for (value, expected) in [(true, Rv::OK), (false, Rv::KEY_FUNCTION_NOT_PERMITTED)] {
        for (key, flag) in shown {
            published(&objects, &objects.set_attributes(&alice, key, only(flag, V::Bool(value))).unwrap());
        }
        assert_eq!(codes(), [expected; 2]);
    }
}

#[test]
fn a_key_of_the_first_version_recovers_once_its_owner_says_so() {
    let (objects, alice, reference) = (objects(), user("alice"), 0x1002);
    objects.load(reference, 1, &hex(include_str!("../../../tests/golden/record-rsa.hex"))).unwrap();
    assert_ne!(read(&objects, &alice, reference).bool(A::SignRecover), Some(true));
    let sign = || code(objects.sign_recover(&alice, reference, M::RsaPkcs, b"data"));
    assert_eq!(sign(), Rv::KEY_FUNCTION_NOT_PERMITTED);
    published(&objects, &objects.set_attributes(&alice, reference, flags(&[A::SignRecover])).unwrap());
    assert_eq!(sign(), Rv::OK);
}

#[test]
fn wrong_halves_keys_and_mechanisms_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    let (aes, (point, scalar)) = (aes_key(&objects, &alice), ec_pair(&objects, &alice));
    let sign = |key, mechanism| code(objects.sign_recover(&alice, key, mechanism, b"data"));
    let verify = |key, mechanism| code(objects.verify_recover(&alice, key, mechanism, &[7; 256]));
    assert_eq!([sign(public, M::RsaPkcs), verify(private, M::RsaPkcs)], [Rv::KEY_TYPE_INCONSISTENT; 2]);
    for key in [aes, point, scalar] {
        assert_eq!([sign(key, M::RsaPkcs), verify(key, M::RsaX509)], [Rv::KEY_TYPE_INCONSISTENT; 2]);
    }
    for mechanism in [M::Sha256RsaPkcs, M::RsaPkcsPss, M::RsaPkcsOaep, M::Ecdsa] {
        assert_eq!([sign(private, mechanism), verify(public, mechanism)], [Rv::MECHANISM_INVALID; 2]);
    }
    assert_eq!([sign(0x99, M::RsaPkcs), verify(0x99, M::RsaPkcs)], [Rv::KEY_HANDLE_INVALID; 2]);
}

#[test]
fn only_rsa_keys_have_the_flags() {
    let (objects, alice) = (objects(), user("alice"));
    let secret = flags(&[A::SignRecover]).with(A::ValueLen, V::Ulong(32));
    let made = objects.generate_key(&alice, M::AesKeyGen, secret);
    assert_eq!(code(made), Rv::ATTRIBUTE_TYPE_INVALID);
    let curve = only(A::EcParams, V::Bytes(P256.to_vec()));
    let made = objects.generate_key_pair(&alice, M::EcKeyPairGen, curve.clone(), flags(&[A::SignRecover]));
    assert_eq!(code(made), Rv::TEMPLATE_INCONSISTENT);
    let public = curve.with(A::VerifyRecover, V::Bool(true));
    let made = objects.generate_key_pair(&alice, M::EcKeyPairGen, public, Template::new());
    assert_eq!(code(made), Rv::TEMPLATE_INCONSISTENT);
    for (half, flag) in [(imports::rsa_public(), A::SignRecover), (imports::rsa_private(), A::VerifyRecover)]
    {
        let made = objects.create_object(&alice, half.with(flag, V::Bool(true)));
        assert_eq!(code(made), Rv::ATTRIBUTE_TYPE_INVALID);
    }
}

#[test]
fn others_neither_sign_nor_read_with_a_key_unless_it_is_shared_with_them() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = recovering(&objects);
    let signature = objects.sign_recover(&alice, private, M::RsaPkcs, b"data").unwrap();
    published(&objects, &objects.share_key(&alice, private, "bob").unwrap());
    assert_eq!(code(objects.sign_recover(&user("bob"), private, M::RsaPkcs, b"data")), Rv::OK);
    for caller in [user("mallory"), admin()] {
        assert_ne!(code(objects.sign_recover(&caller, private, M::RsaPkcs, b"data")), Rv::OK);
        assert_ne!(code(objects.verify_recover(&caller, public, M::RsaPkcs, &signature)), Rv::OK);
    }
}
