//! Certificate objects.

use super::*;

pub fn certificate() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["example".into()]).unwrap();
    params.serial_number = Some(vec![0x12, 0x34].into());
    params.self_signed(&key).unwrap().der().to_vec()
}

pub fn template(value: Vec<u8>) -> Template {
    only(A::Class, V::Ulong(1))
        .with(A::CertificateType, V::Ulong(0))
        .with(A::Token, V::Bool(true))
        .with(A::Value, V::Secret(Secret::new(value)))
}

#[test]
fn a_certificate_is_a_public_object_whose_value_is_readable_by_every_user() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let der = certificate();
    let staged = objects.create_object(&alice, template(der.clone())).unwrap();
    let reference = published(&objects, &staged);
    assert_eq!((objects.certificate_count(), objects.object_count(None)), (1, 1));
    let attributes = read(&objects, &bob, reference);
    assert_eq!(attributes.bytes(A::Value), Some(&der[..]));
    assert_eq!(attributes.bool(A::Private), Some(false));
    assert_eq!(attributes.bytes(A::SerialNumber), Some(&[2, 2, 0x12, 0x34][..]));
    assert_eq!(attributes.bytes(A::Subject), attributes.bytes(A::Issuer));
    assert!(attributes.bytes(A::PublicKeyInfo).unwrap().len() > 80);
    let by_value = only(A::Value, V::Secret(Secret::new(der)));
    assert_eq!(find(&objects, &bob, by_value), [reference]);
    let second = super::objects();
    second.load(reference, 1, &staged.record).unwrap();
    assert_eq!(read(&second, &bob, reference), attributes);
}

#[test]
fn only_its_owner_changes_and_destroys_it() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let reference = published(&objects, &objects.create_object(&alice, template(certificate())).unwrap());
    let label = only(A::Label, V::Text("web".into()));
    assert_eq!(code(objects.set_attributes(&bob, reference, label.clone())), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.check_destroy(&bob, reference)), Rv::ACTION_PROHIBITED);
    published(&objects, &objects.set_attributes(&alice, reference, label).unwrap());
    assert!(objects.check_destroy(&alice, reference).unwrap());
    assert_eq!(read(&objects, &bob, reference).bytes(A::Label), Some(&b"web"[..]));
    objects.remove(&[reference]);
    assert_eq!(objects.certificate_count(), 0);
}

#[test]
fn what_is_no_x509_certificate_is_refused_and_a_certificate_is_no_key() {
    let (objects, alice) = (objects(), user("alice"));
    let der = certificate();
    for wrong in [vec![], der[1..].to_vec(), [&der[..], &[0]].concat()] {
        assert_eq!(code(objects.create_object(&alice, template(wrong))), Rv::ATTRIBUTE_VALUE_INVALID);
    }
    let attribute_certificate = template(der.clone()).with(A::CertificateType, V::Ulong(1));
    assert_eq!(code(objects.create_object(&alice, attribute_certificate)), Rv::ATTRIBUTE_VALUE_INVALID);
    let reference = published(&objects, &objects.create_object(&alice, template(der)).unwrap());
    assert_eq!(
        code(objects.verify(&alice, reference, M::Ecdsa, None, b"d", &[0; 64])),
        Rv::KEY_HANDLE_INVALID
    );
}
