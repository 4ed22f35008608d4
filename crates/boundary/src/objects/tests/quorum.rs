//! Keys whose use and management several users must approve.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use strongroom_wire::messages::KeyQuorum;

use super::super::Service;
use super::*;
use crate::{Approval, Approver, ErrorKind};

const USERS: [&str; 4] = ["alice", "bob", "carol", "eve"];
const NEEDED: &str = "Quorum approval is required for this operation";

/// The users' keys: making them takes longer than all the tests.
static KEYS: LazyLock<Vec<KeyPair>> =
    LazyLock::new(|| USERS.iter().map(|_| KeyPair::generate(KeySize::Rsa2048).unwrap()).collect());

fn key_of(name: &str) -> &'static KeyPair {
    &KEYS[USERS.iter().position(|known| *known == name).unwrap()]
}

fn sign(name: &str, data: &[u8]) -> Vec<u8> {
    let pair = key_of(name);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature).unwrap();
    signature
}

fn approver(name: &str, data: &[u8]) -> Approver {
    let public: PublicKeyX509Der<'_> = key_of(name).public_key().as_der().unwrap();
    let sealed_key = keys().seal_quorum_key(name, public.as_ref(), b"token", &sign(name, b"token")).unwrap();
    Approver { username: name.into(), sealed_key, signature: sign(name, data) }
}

fn data(service: Service, key: u64, requester: &str) -> Vec<u8> {
    let block = |hsm: u8| {
        let mut block = vec![0, 2, 0, service as u8, 0, 0, 0, hsm];
        block.extend(key.to_be_bytes());
        block.extend([7; 16]);
        block.extend(requester.bytes());
        block.resize(80, 0);
        block
    };
    [block(1), block(2)].concat()
}

/// Alice, with approvals of these users.
fn approved(data: &[u8], names: &[&str]) -> Caller {
    let approvers = names.iter().map(|name| approver(name, data)).collect();
    let approval = Approval { approval_data: data.to_vec(), approvers };
    Caller { approvals: Box::new([approval]), ..user("alice") }
}

fn all_uses() -> Template {
    flags(&[
        A::Token,
        A::Sign,
        A::Verify,
        A::Encrypt,
        A::Decrypt,
        A::Wrap,
        A::Unwrap,
        A::Derive,
        A::Extractable,
    ])
}

/// An AES key of Alice's that bob and carol share; two must approve.
pub(super) fn quorum_key(objects: &Objects) -> u64 {
    let template = all_uses().with(A::ValueLen, V::Ulong(32));
    let staged = objects.generate_key(&user("alice"), M::AesKeyGen, template).unwrap();
    settled(objects, staged.reference, 2)
}

fn settled(objects: &Objects, reference: u64, value: u64) -> u64 {
    let alice = user("alice");
    objects.share_staged(&alice, reference, &["bob".to_owned(), "carol".to_owned()]).unwrap();
    let staged = objects.set_quorum(&alice, reference, &KeyQuorum { manage: value, usage: value }).unwrap();
    assert_eq!(staged.view.quorum, Some(KeyQuorum { manage: value, usage: value }));
    published(objects, &staged)
}

fn quorum_of_record(objects: &Objects, staged: &Staged) -> Option<KeyQuorum> {
    let other = super::objects();
    other.load(staged.reference, staged.version, &staged.record).unwrap();
    assert_eq!(objects.quorum_of(staged.reference), other.quorum_of(staged.reference));
    other.quorum_of(staged.reference)
}

#[test]
fn a_key_signs_when_enough_of_its_users_approve() {
    let objects = objects();
    let key = quorum_key(&objects);
    let token = data(Service::Usage, key, "alice");
    let signed = |names: &[&str]| objects.sign(&approved(&token, names), key, M::AesCmac, None, b"data");
    assert!(signed(&["alice", "bob"]).is_ok());
    assert!(signed(&["bob", "carol"]).is_ok());
    assert!(signed(&["alice", "bob", "carol"]).is_ok());
    let text = |names: &[&str]| signed(names).unwrap_err().text.into_owned();
    assert_eq!(text(&["bob"]), "Too few quorum approvals: currently 1 approvals, but 2 approvals required");
    assert!(text(&[]).starts_with("Too few quorum approvals: currently 0"));
    assert!(text(&["bob", "bob"]).starts_with("Too few quorum approvals: currently 1"));
    assert!(text(&["alice", "bob", "eve"]).contains("eve neither owns the key nor shares it"));
    let refused = objects.sign(&user("alice"), key, M::AesCmac, None, b"data").unwrap_err();
    assert_eq!(refused.rv, Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(refused.text, format!("{NEEDED}: sign with cloudhsm-cli crypto sign … --approval"));
}

#[test]
fn one_key_under_two_names_is_one_voice() {
    let objects = objects();
    let key = quorum_key(&objects);
    let token = data(Service::Usage, key, "alice");
    let public: PublicKeyX509Der<'_> = key_of("bob").public_key().as_der().unwrap();
    let sealed_key =
        keys().seal_quorum_key("carol", public.as_ref(), b"token", &sign("bob", b"token")).unwrap();
    let double = Approver { username: "carol".into(), sealed_key, signature: sign("bob", &token) };
    let approval =
        Approval { approval_data: token.clone(), approvers: vec![approver("bob", &token), double] };
    let caller = Caller { approvals: Box::new([approval]), ..user("alice") };
    let refused = objects.sign(&caller, key, M::AesCmac, None, b"data").unwrap_err();
    assert!(refused.text.starts_with("Too few quorum approvals: currently 1"));
}

#[test]
fn an_approval_for_something_else_is_none() {
    let objects = objects();
    let (key, other) = (quorum_key(&objects), quorum_key(&objects));
    let right = data(Service::Usage, key, "alice");
    let mut admins = right.clone();
    admins[1] = 1;
    let mut mixed = right.clone();
    mixed[80..].copy_from_slice(&data(Service::Usage, other, "alice")[80..]);
    for wrong in [
        data(Service::Usage, other, "alice"),
        data(Service::Management, key, "alice"),
        data(Service::Usage, key, "bob"),
        data(Service::Usage, key, "alic"),
        admins,
        mixed,
        right[..159].to_vec(),
        [&right[..], &[0]].concat(),
        Vec::new(),
    ] {
        let caller = approved(&wrong, &["alice", "bob"]);
        let refused = objects.sign(&caller, key, M::AesCmac, None, b"data").unwrap_err();
        assert_eq!(refused.text, "Quorum Failed: the token is for another key, service or user");
    }
    let caller = approved(&right, &["alice", "bob"]);
    assert!(objects.sign(&caller, key, M::AesCmac, None, b"data").is_ok());
    let bob = Caller { approvals: caller.approvals.clone(), ..user("bob") };
    assert_eq!(code(objects.sign(&bob, key, M::AesCmac, None, b"data")), Rv::ACTION_PROHIBITED);
    let mut forged = caller;
    forged.approvals[0].approvers[1].signature[0] ^= 1;
    assert_eq!(code(objects.sign(&forged, key, M::AesCmac, None, b"data")), Rv::SIGNATURE_INVALID);
    forged.approvals[0].approvers[1] = approver("bob", &right);
    forged.approvals[0].approvers[1].username = "carol".into();
    let refused = objects.sign(&forged, key, M::AesCmac, None, b"data").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Integrity, "a key that was sealed for another user");
}

#[test]
fn a_key_with_a_quorum_is_used_for_nothing_but_signatures() {
    let objects = objects();
    let key = quorum_key(&objects);
    let made = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F)).with(A::ValueLen, V::Ulong(32));
    for caller in [user("alice"), approved(&data(Service::Usage, key, "alice"), &["alice", "bob", "carol"])] {
        let codes = [
            code(objects.encrypt(&caller, key, M::AesEcb, None, &[7; 16])),
            code(objects.decrypt(&caller, key, M::AesEcb, None, &[7; 16])),
            code(objects.verify(&caller, key, M::AesCmac, None, b"data", &[0; 16])),
            code(objects.derive_key(&caller, key, M::Sp800108CounterKdf, None, made.clone())),
        ];
        assert_eq!(codes, [Rv::KEY_FUNCTION_NOT_PERMITTED; 4]);
    }
    let alice = user("alice");
    let public = flags(&[A::Token, A::Encrypt])
        .with(A::ModulusBits, V::Ulong(2048))
        .with(A::PublicExponent, V::Bytes(vec![1, 0, 1]));
    let private = flags(&[A::Token, A::Sign, A::SignRecover, A::Decrypt, A::Unwrap]);
    let (public, private) = objects.generate_key_pair(&alice, M::RsaPkcsKeyPairGen, public, private).unwrap();
    let (public, private) = (published(&objects, &public), settled(&objects, private.reference, 2));
    let cipher = objects.encrypt(&alice, public, M::RsaPkcs, None, b"data").unwrap().data;
    let decrypted = objects.decrypt(&alice, private, M::RsaPkcs, None, &cipher);
    assert_eq!(code(decrypted), Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(
        code(objects.decrypt(&alice, private, M::RsaX509, None, &cipher)),
        Rv::KEY_FUNCTION_NOT_PERMITTED
    );
    assert_eq!(
        code(objects.sign(&alice, private, M::RsaX509, None, b"data")),
        Rv::KEY_FUNCTION_NOT_PERMITTED
    );
    for caller in [alice, approved(&data(Service::Usage, private, "alice"), &["alice", "bob", "carol"])] {
        let recovered = objects.sign_recover(&caller, private, M::RsaPkcs, b"data");
        assert_eq!(code(recovered), Rv::KEY_FUNCTION_NOT_PERMITTED);
    }
}

#[test]
fn a_key_with_a_quorum_is_not_copied_whoever_approves() {
    let objects = objects();
    let key = quorum_key(&objects);
    for service in [Service::Usage, Service::Management] {
        let caller = approved(&data(service, key, "alice"), &["alice", "bob", "carol"]);
        assert_eq!(code(objects.copy_object(&caller, key, &Template::new())), Rv::ACTION_PROHIBITED);
    }
}

#[test]
fn managing_a_key_needs_approvals_of_its_management() {
    let objects = objects();
    let (key, wrapping) = (quorum_key(&objects), quorum_key(&objects));
    let plain = aes_key(&objects, &user("alice"));
    let wrapped = objects.wrap_key(&user("alice"), plain, M::AesKeyWrap, None, plain).unwrap().data;
    let made = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F));
    let codes = |caller: &Caller| {
        let settled = |made: Result<Staged>| code(made.map(|_| objects.discard(&[key])));
        let staged = [
            settled(objects.set_attributes(caller, key, only(A::Label, V::Text("mine".into())))),
            settled(objects.share_key(caller, key, "eve")),
            settled(objects.unshare_key(caller, key, "bob")),
        ];
        let wrap = code(objects.wrap_key(caller, plain, M::AesKeyWrap, None, key));
        let under = code(objects.wrap_key(caller, key, M::AesKeyWrap, None, plain));
        let unwrapped = objects.unwrap_key(caller, key, M::AesKeyWrap, None, &wrapped, made.clone());
        (staged, [wrap, under], code(unwrapped))
    };
    let refused = ([Rv::ACTION_PROHIBITED; 3], [Rv::ACTION_PROHIBITED; 2], Rv::ACTION_PROHIBITED);
    let management = data(Service::Management, key, "alice");
    let usage = data(Service::Usage, key, "alice");
    assert_eq!(codes(&user("alice")), refused);
    assert_eq!(codes(&approved(&usage, &["alice", "bob"])), refused);
    assert_eq!(codes(&approved(&management, &["bob"])), refused);
    let allowed = codes(&approved(&management, &["alice", "bob"]));
    assert_eq!((allowed.0, allowed.1), ([Rv::OK; 3], [Rv::OK; 2]));
    assert_eq!(
        allowed.2,
        Rv::WRAPPED_KEY_INVALID,
        "it went as far as unwrapping what another key had wrapped"
    );
    let admin_sets = |caller: &Caller| code(objects.set_attributes(caller, key, flags(&[A::Trusted])));
    assert_eq!(admin_sets(&admin()), Rv::ACTION_PROHIBITED);

    let both = data(Service::Management, wrapping, "alice");
    let one = approved(&management, &["alice", "bob"]);
    assert_eq!(code(objects.wrap_key(&one, wrapping, M::AesKeyWrap, None, key)), Rv::ACTION_PROHIBITED);
    let two = approved(&both, &["alice", "carol"]);
    let approvals = one.approvals.iter().chain(&two.approvals).cloned().collect();
    let caller = Caller { approvals, ..user("alice") };
    assert!(objects.wrap_key(&caller, wrapping, M::AesKeyWrap, None, key).is_ok());
}

#[test]
fn what_a_key_needs_stays_with_it_through_records_and_changes() {
    let objects = objects();
    let key = quorum_key(&objects);
    let caller = approved(&data(Service::Management, key, "alice"), &["alice", "bob"]);
    let wanted = Some(KeyQuorum { manage: 2, usage: 2 });
    let staged = objects.set_attributes(&caller, key, only(A::Label, V::Text("new".into()))).unwrap();
    published(&objects, &staged);
    assert_eq!(quorum_of_record(&objects, &staged), wanted);
    let staged = objects.share_key(&caller, key, "eve").unwrap();
    published(&objects, &staged);
    assert_eq!(quorum_of_record(&objects, &staged), wanted);
    assert_eq!(
        code(objects.set_quorum(&user("alice"), key, &KeyQuorum { manage: 3, usage: 3 })),
        Rv::OBJECT_HANDLE_INVALID
    );

    let plain = aes_key(&objects, &user("alice"));
    assert_eq!(objects.quorum_of(plain), None);
    assert_eq!(objects.quorum_of(12345), None);
    let mut record = staged.record.clone();
    let place = record.windows(4).position(|part| part == [0x82, 1, 2, 2]).unwrap();
    record[place + 2] = 1;
    let error = super::objects().load(key, staged.version, &record).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Integrity, "the quorum is bound to the key");
}

#[test]
fn nobody_is_taken_away_whose_approval_is_needed() {
    let objects = objects();
    let alice = user("alice");
    let template = all_uses().with(A::ValueLen, V::Ulong(32));
    let staged = objects.generate_key(&alice, M::AesKeyGen, template).unwrap();
    let key = settled(&objects, staged.reference, 3);
    let caller = approved(&data(Service::Management, key, "alice"), &["alice", "bob", "carol"]);
    for refused in [objects.unshare_key(&caller, key, "bob"), objects.withdraw(key, "bob")] {
        let error = refused.unwrap_err();
        assert_eq!(error.rv, Rv::ACTION_PROHIBITED);
        assert!(error.text.contains("needs 3 approvals, and too few would be left"));
    }
    published(&objects, &objects.share_key(&caller, key, "eve").unwrap());
    published(&objects, &objects.withdraw(key, "bob").unwrap());
}

#[test]
fn values_are_two_to_eight_and_no_more_than_users() {
    let objects = objects();
    let alice = user("alice");
    let template = all_uses().with(A::ValueLen, V::Ulong(32));
    let staged = objects.generate_key(&alice, M::AesKeyGen, template).unwrap();
    let key = staged.reference;
    objects.share_staged(&alice, key, &["bob".to_owned(), "carol".to_owned()]).unwrap();
    let refused = |manage, usage| objects.set_quorum(&alice, key, &KeyQuorum { manage, usage }).unwrap_err();
    for (manage, usage) in [(0, 0), (1, 1), (2, 1), (1, 2), (0, 2)] {
        let text = "The manage key and use key quorum values must be set to a value greater than 1";
        assert_eq!(refused(manage, usage).text, text);
    }
    assert!(refused(4, 2).text.contains("these are 3"));
    assert!(refused(2, 9).text.contains("at most 8"));
    assert_eq!(
        code(objects.set_quorum(&user("bob"), key, &KeyQuorum { manage: 2, usage: 2 })),
        Rv::OBJECT_HANDLE_INVALID
    );
    assert!(objects.set_quorum(&alice, key, &KeyQuorum { manage: 2, usage: 3 }).is_ok());

    let session = objects.generate_key(&alice, M::AesKeyGen, only(A::ValueLen, V::Ulong(32))).unwrap();
    let public = flags(&[A::Token, A::Verify]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let (public, _) =
        objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token, A::Sign])).unwrap();
    for staged in [session, public] {
        let set = objects.set_quorum(&alice, staged.reference, &KeyQuorum { manage: 2, usage: 2 });
        assert_eq!(code(set), Rv::ACTION_PROHIBITED);
    }
}
