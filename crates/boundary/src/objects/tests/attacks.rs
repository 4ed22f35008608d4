//! The known attacks on the PKCS #11 interface, each by itself: Clulow (2003); Delaune, Kremer and Steel (2008);
//! Bortolozzo, Centenaro, Focardi and Steel ("Tookan", 2010). What is promised is in docs/threat-model.md.

use super::*;
use crate::mechanisms::{self, KeyHandle, NO_PARAMETERS};
use strongroom_wire::messages::MechanismParameters;

fn gcm() -> MechanismParameters {
    MechanismParameters { tag_bits: Some(128), ..NO_PARAMETERS }
}

fn aes_template() -> Template {
    only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F))
}

/// An AES-256 token key with these flags on, these off, and the defaults otherwise.
fn key_with(objects: &Objects, caller: &Caller, on: &[A], off: &[A]) -> u64 {
    let template = flags(on).with(A::Token, V::Bool(true)).with(A::ValueLen, V::Ulong(32));
    let template = off.iter().fold(template, |all, attribute| all.with(*attribute, V::Bool(false)));
    published(objects, &objects.generate_key(caller, M::AesKeyGen, template).unwrap())
}

fn set(objects: &Objects, caller: &Caller, reference: u64, attribute: A, value: bool) -> Rv {
    match objects.set_attributes(caller, reference, only(attribute, V::Bool(value))) {
        Ok(staged) => {
            published(objects, &staged);
            Rv::OK
        }
        Err(error) => error.rv,
    }
}

/// A wrapping key that an admin trusts, and a key that only trusted keys wrap.
fn entrusted(objects: &Objects, caller: &Caller) -> (u64, u64) {
    let wrapping = key_with(objects, caller, &[A::Wrap, A::Unwrap], &[A::Extractable]);
    assert_eq!(set(objects, &admin(), wrapping, A::Trusted, true), Rv::OK);
    (wrapping, key_with(objects, caller, &[A::WrapWithTrusted], &[]))
}

#[test]
fn wrap_then_decrypt_does_not_open_what_a_trusted_key_wrapped() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let (wrapping, target) = entrusted(&objects, &alice);
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesGcm, Some(&gcm()), target).unwrap();
    let given = MechanismParameters { iv: wrapped.iv, ..gcm() };
    let decrypt = || code(objects.decrypt(&alice, wrapping, M::AesGcm, Some(&given), &wrapped.data));
    assert_eq!(decrypt(), Rv::KEY_FUNCTION_NOT_PERMITTED);
    // Encrypting would do as well: GCM is a stream.
    for trusted in [true, false] {
        assert_eq!(set(&objects, &admin, wrapping, A::Trusted, trusted), Rv::OK);
        for attribute in [A::Decrypt, A::Encrypt] {
            assert_eq!(set(&objects, &alice, wrapping, attribute, true), Rv::ATTRIBUTE_READ_ONLY);
        }
        assert_eq!(decrypt(), Rv::KEY_FUNCTION_NOT_PERMITTED);
    }
}

#[test]
fn a_key_of_conflicting_roles_wraps_nothing_that_needs_trust_even_if_it_is_trusted() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let target = key_with(&objects, &alice, &[A::WrapWithTrusted], &[]);
    for conflict in [A::Decrypt, A::Encrypt] {
        let wrapping = key_with(&objects, &alice, &[A::Wrap, conflict], &[]);
        assert_eq!(set(&objects, &admin, wrapping, A::Trusted, true), Rv::OK);
        let wrap = || code(objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target));
        assert_eq!(wrap(), Rv::KEY_NOT_WRAPPABLE);
        // Once its owner has given the other role up, an admin's word counts.
        assert_eq!(set(&objects, &alice, wrapping, conflict, false), Rv::OK);
        assert_eq!(wrap(), Rv::KEY_NOT_WRAPPABLE);
        assert_eq!(set(&objects, &admin, wrapping, A::Trusted, true), Rv::OK);
        assert_eq!(wrap(), Rv::OK);
        assert_eq!(set(&objects, &alice, wrapping, conflict, true), Rv::ATTRIBUTE_READ_ONLY);
    }
}

#[test]
fn a_copy_made_before_decrypts_nothing_that_a_trusted_key_wraps() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let target = key_with(&objects, &alice, &[A::WrapWithTrusted], &[]);
    let wrapping = key_with(&objects, &alice, &[A::Wrap, A::Decrypt], &[A::Extractable]);
    let (copy, original) = objects.copy_object(&alice, wrapping, &Template::new()).unwrap();
    published(&objects, &copy);
    published(&objects, &original.unwrap());
    assert_eq!(set(&objects, &alice, wrapping, A::Decrypt, false), Rv::OK);
    assert_eq!(set(&objects, &admin, wrapping, A::Trusted, true), Rv::OK);
    let refused = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target);
    assert_eq!(code(refused), Rv::KEY_NOT_WRAPPABLE);
}

#[test]
fn unwrapping_with_weaker_attributes_does_not_free_what_a_trusted_key_wrapped() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let (wrapping, target) = entrusted(&objects, &alice);
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target).unwrap().data;
    let own = key_with(&objects, &alice, &[A::Wrap], &[]);
    let unwrap = |template| objects.unwrap_key(&alice, wrapping, M::AesKeyWrap, None, &wrapped, template);
    let weaker = aes_template().with(A::WrapWithTrusted, V::Bool(false));
    assert_eq!(code(unwrap(weaker.clone())), Rv::TEMPLATE_INCONSISTENT);
    let again = published(&objects, &unwrap(aes_template()).unwrap());
    assert_eq!(read(&objects, &alice, again).bool(A::WrapWithTrusted), Some(true));
    assert_eq!(code(objects.wrap_key(&alice, own, M::AesKeyWrap, None, again)), Rv::KEY_NOT_WRAPPABLE);
    // That does not end with the admin's trust.
    assert_eq!(set(&objects, &admin, wrapping, A::Trusted, false), Rv::OK);
    assert_eq!(code(unwrap(weaker)), Rv::TEMPLATE_INCONSISTENT);
    let widened = only(A::UnwrapTemplate, V::Template(only(A::WrapWithTrusted, V::Bool(false))));
    assert_eq!(code(objects.set_attributes(&alice, wrapping, widened)), Rv::ATTRIBUTE_READ_ONLY);
}

#[test]
fn an_unwrap_template_is_not_a_way_to_what_an_admin_or_the_hsm_decides() {
    let (objects, alice) = (objects(), user("alice"));
    let target = aes_key(&objects, &alice);
    for attribute in [A::Trusted, A::Local, A::NeverExtractable, A::AlwaysSensitive, A::WrappingOnly] {
        let wrapping = key_with(&objects, &alice, &[A::Wrap, A::Unwrap], &[]);
        let template = only(A::UnwrapTemplate, V::Template(flags(&[attribute])));
        published(&objects, &objects.set_attributes(&alice, wrapping, template).unwrap());
        let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target).unwrap().data;
        let refused = objects.unwrap_key(&alice, wrapping, M::AesKeyWrap, None, &wrapped, aes_template());
        assert_eq!(code(refused), Rv::ATTRIBUTE_READ_ONLY, "{attribute:?}");
    }
}

#[test]
fn a_trusted_key_is_wrapped_by_trusted_keys_only() {
    let (objects, alice) = (objects(), user("alice"));
    let wrapping = key_with(&objects, &alice, &[A::Wrap, A::Unwrap], &[]);
    assert_eq!(set(&objects, &admin(), wrapping, A::Trusted, true), Rv::OK);
    let template =
        aes_template().with(A::Wrap, V::Bool(true)).with(A::Value, V::Secret(Secret::new(vec![7; 32])));
    let known = published(&objects, &objects.create_object(&alice, template).unwrap());
    let refused = objects.wrap_key(&alice, known, M::AesKeyWrap, None, wrapping);
    assert_eq!(code(refused), Rv::KEY_NOT_WRAPPABLE);
    let (other, _) = entrusted(&objects, &alice);
    assert_eq!(code(objects.wrap_key(&alice, other, M::AesKeyWrap, None, wrapping)), Rv::OK);
}

#[test]
fn no_mechanism_of_ecb_or_cbc_wraps_and_des_wraps_nothing() {
    let (objects, alice) = (objects(), user("alice"));
    let (wrapping, target) = (aes_key(&objects, &alice), aes_key(&objects, &alice));
    let iv = MechanismParameters { iv: Some(vec![0; 16]), ..NO_PARAMETERS };
    for mechanism in [M::AesEcb, M::AesCbc, M::AesCbcPad, M::AesCtr, M::RsaX509, M::Des3Ecb, M::Des3Cbc] {
        let wrapped = objects.wrap_key(&alice, wrapping, mechanism, Some(&iv), target);
        assert_eq!(code(wrapped), Rv::MECHANISM_INVALID, "{mechanism:?}");
        let unwrapped = objects.unwrap_key(&alice, wrapping, mechanism, Some(&iv), &[0; 32], aes_template());
        assert_eq!(code(unwrapped), Rv::MECHANISM_INVALID, "{mechanism:?}");
    }
}

#[test]
fn a_wrapped_key_cut_short_is_not_unwrapped_and_short_tags_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (wrapping, target) = (aes_key(&objects, &alice), aes_key(&objects, &alice));
    let generic = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x10));
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesGcm, Some(&gcm()), target).unwrap();
    let given = MechanismParameters { iv: wrapped.iv, ..gcm() };
    for length in [17, 24, 40, 47] {
        let cut = &wrapped.data[..length];
        let refused = objects.unwrap_key(&alice, wrapping, M::AesGcm, Some(&given), cut, generic.clone());
        assert_eq!(code(refused), Rv::WRAPPED_KEY_INVALID);
    }
    let short = MechanismParameters { tag_bits: Some(32), ..given };
    let refused = objects.unwrap_key(&alice, wrapping, M::AesGcm, Some(&short), &wrapped.data[..5], generic);
    assert_eq!(code(refused), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(
        code(objects.wrap_key(&alice, wrapping, M::AesGcm, Some(&short), target)),
        Rv::MECHANISM_PARAM_INVALID
    );
}

#[test]
fn a_copy_is_never_more_than_its_original() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let copy = |key, template: &Template| code(objects.copy_object(&alice, key, template));
    let key = key_with(&objects, &alice, &[A::WrapWithTrusted], &[A::Extractable, A::Modifiable]);
    for (attribute, value) in [(A::Extractable, true), (A::WrapWithTrusted, false), (A::Sensitive, false)] {
        assert_ne!(copy(key, &only(attribute, V::Bool(value))), Rv::OK, "{attribute:?}");
    }
    let modifiable = key_with(&objects, &alice, &[A::WrapWithTrusted], &[A::Extractable]);
    for (attribute, value) in [
        (A::Extractable, true),
        (A::WrapWithTrusted, false),
        (A::Sensitive, false),
        (A::Trusted, true),
        (A::NeverExtractable, false),
        (A::Private, false),
    ] {
        assert_eq!(
            copy(modifiable, &only(attribute, V::Bool(value))),
            Rv::ATTRIBUTE_READ_ONLY,
            "{attribute:?}"
        );
    }
    // What cannot be changed cannot be changed by copying either.
    assert_eq!(copy(key, &only(A::Encrypt, V::Bool(true))), Rv::ACTION_PROHIBITED);
    assert_eq!(copy(key, &only(A::Modifiable, V::Bool(true))), Rv::ATTRIBUTE_READ_ONLY);
    let fixed = key_with(&objects, &alice, &[], &[A::Copyable]);
    assert_eq!(copy(fixed, &Template::new()), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.copy_object(&bob, key, &Template::new())), Rv::OBJECT_HANDLE_INVALID);
    published(&objects, &objects.share_key(&alice, key, "bob").unwrap());
    assert_eq!(code(objects.copy_object(&bob, key, &Template::new())), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.copy_object(&admin(), key, &Template::new())), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn a_copy_keeps_its_history_and_not_its_originals_trust_and_shares() {
    let (objects, alice) = (objects(), user("alice"));
    let (wrapping, _) = entrusted(&objects, &alice);
    published(&objects, &objects.share_key(&alice, wrapping, "bob").unwrap());
    let label = only(A::Label, V::Text("copy".into()));
    let (copy, original) = objects.copy_object(&alice, wrapping, &label).unwrap();
    let (copy, original) = (published(&objects, &copy), published(&objects, &original.unwrap()));
    assert_eq!(original, wrapping);
    let [was, is] = [wrapping, copy].map(|reference| read(&objects, &alice, reference));
    for attribute in [A::Local, A::NeverExtractable, A::AlwaysSensitive, A::WrappingOnly, A::CheckValue] {
        assert_eq!(was.get(attribute), is.get(attribute), "{attribute:?}");
    }
    assert_eq!((was.bool(A::Trusted), is.bool(A::Trusted)), (Some(true), Some(false)));
    assert_eq!((was.bool(A::EverCopied), is.bool(A::EverCopied)), (Some(true), Some(true)));
    assert_eq!(is.bytes(A::Label), Some(&b"copy"[..]));
    assert!(find(&objects, &user("bob"), Template::new()).contains(&wrapping));
    assert!(!find(&objects, &user("bob"), Template::new()).contains(&copy));
    // The second copy leaves no new mark.
    assert!(objects.copy_object(&alice, wrapping, &Template::new()).unwrap().1.is_none());
    // A session copy is the login's own, and gone with it.
    let (session, _) = objects.copy_object(&alice, copy, &only(A::Token, V::Bool(false))).unwrap();
    let session = published(&objects, &session);
    assert!(!objects.sees(&Caller { login_id: 77, ..user("alice") }, session));
    objects.remove_login(alice.login_id);
    assert!(!objects.knows(session) && objects.knows(copy));
}

#[test]
fn deriving_again_does_not_reveal_what_a_derive_template_keeps() {
    let (objects, alice) = (objects(), user("alice"));
    let demanded = only(A::Extractable, V::Bool(false)).with(A::Sensitive, V::Bool(true));
    let template = flags(&[A::Token, A::Derive])
        .with(A::ValueLen, V::Ulong(32))
        .with(A::Sign, V::Bool(false))
        .with(A::Modifiable, V::Bool(false))
        .with(A::DeriveTemplate, V::Template(demanded));
    let base = published(&objects, &objects.generate_key(&alice, M::GenericSecretKeyGen, template).unwrap());
    let hash = Some(M::Sha256.code());
    let hkdf = MechanismParameters { hash, expand: true, info: Some(vec![1]), ..NO_PARAMETERS };
    let derive = |more: Template| {
        let template = more.iter().fold(aes_template(), |all, (name, value)| all.with(name, value.clone()));
        let template = template.with(A::ValueLen, V::Ulong(32));
        objects.derive_key(&alice, base, M::HkdfDerive, Some(&hkdf), template)
    };
    assert_eq!(derive(Template::new()).unwrap().view.attributes.bool(A::Extractable), Some(false));
    assert_eq!(code(derive(only(A::Extractable, V::Bool(true)))), Rv::TEMPLATE_INCONSISTENT);
    // Nor does a MAC that would be the derived key, nor another template.
    assert_eq!(
        code(objects.sign(&alice, base, M::Sha256Hmac, None, &[1, 1])),
        Rv::KEY_FUNCTION_NOT_PERMITTED
    );
    let other = only(A::DeriveTemplate, V::Template(Template::new()));
    assert_eq!(code(objects.set_attributes(&alice, base, other)), Rv::ACTION_PROHIBITED);
    assert_eq!(set(&objects, &alice, base, A::Sign, true), Rv::ACTION_PROHIBITED);
}

#[test]
fn sensitive_keys_stay_so_and_are_never_read() {
    let (objects, alice) = (objects(), user("alice"));
    let key = key_with(&objects, &alice, &[], &[]);
    assert_eq!(set(&objects, &alice, key, A::Sensitive, false), Rv::ATTRIBUTE_READ_ONLY);
    let open = key_with(&objects, &alice, &[], &[A::Sensitive]);
    for key in [key, open] {
        assert_eq!(read(&objects, &alice, key).get(A::Value), None);
    }
}

/// By AWS's rules a key may wrap and decrypt, and a key whose value is known may wrap: an extractable key that is not
/// bound to trusted keys is its owner's to take out. Nobody else's.
#[test]
fn an_extractable_key_is_its_owners_to_take_out_and_nobody_elses() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let target = key_with(&objects, &alice, &[A::Wrap, A::Decrypt], &[]);
    published(&objects, &objects.share_key(&alice, target, "bob").unwrap());
    let value = vec![7; 32];
    let [alices, bobs] = [&alice, &bob].map(|owner| {
        let template = aes_template().with(A::Wrap, V::Bool(true));
        let template = template.with(A::Value, V::Secret(Secret::new(value.clone())));
        published(&objects, &objects.create_object(owner, template).unwrap())
    });
    let taken = objects.wrap_key(&alice, alices, M::AesKeyWrap, None, target).unwrap().data;
    let known = KeyHandle::aes(std::sync::Arc::new(objects.arena.keep(&value).unwrap()));
    let opened = mechanisms::unwrap(&known, M::AesKeyWrap, None, &taken).unwrap();
    let material = objects.table.get(target).unwrap().material.clone().unwrap();
    assert_eq!(opened[..], material[..]);
    assert_eq!(code(objects.wrap_key(&bob, bobs, M::AesKeyWrap, None, target)), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.wrap_key(&bob, target, M::AesKeyWrap, None, target)), Rv::ACTION_PROHIBITED);
}
