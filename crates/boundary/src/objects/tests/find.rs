//! Searches.

use super::*;

fn labelled(objects: &Objects, caller: &Caller, label: &str, id: u8) -> u64 {
    let template = flags(&[A::Token])
        .with(A::ValueLen, V::Ulong(16))
        .with(A::Label, V::Text(label.into()))
        .with(A::Id, V::Bytes(vec![id]));
    published(objects, &objects.generate_key(caller, M::AesKeyGen, template).unwrap())
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let (objects, alice) = (objects(), user("alice"));
    let mut all: Vec<_> = (0..25).map(|n| labelled(&objects, &alice, ["a", "b"][n % 2], n as u8)).collect();
    all.extend([ec_pair(&objects, &alice)].iter().flat_map(|(public, private)| [*public, *private]));
    all.sort_unstable();
    for template in [
        Template::new(),
        only(A::Class, V::Ulong(4)),
        only(A::Label, V::Text("a".into())),
        flags(&[A::Token]),
    ] {
        let expected: Vec<_> = find(&objects, &alice, template.clone());
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let request = FindRequest { template: template.clone(), after, limit: 4, with_attributes: true };
            let page = objects.find(&alice, &request).unwrap();
            assert_eq!(page.total, expected.len() as u64);
            found.extend(page.objects.0.iter().map(|view| view.reference));
            assert!(page.objects.0.iter().all(|view| view.attributes.len() > 20 && view.owner == "alice"));
            if !page.more {
                break;
            }
            after = *found.last().unwrap();
        }
        assert_eq!(found, expected);
    }
    assert_eq!(find(&objects, &alice, Template::new()), all);
}

#[test]
fn all_attributes_of_a_template_must_match() {
    let (objects, alice) = (objects(), user("alice"));
    let key = labelled(&objects, &alice, "a", 1);
    labelled(&objects, &alice, "a", 2);
    let both = only(A::Label, V::Text("a".into())).with(A::Id, V::Bytes(vec![1]));
    assert_eq!(find(&objects, &alice, both.clone()), [key]);
    assert_eq!(find(&objects, &alice, both.with(A::Encrypt, V::Bool(true))), []);
    assert_eq!(find(&objects, &alice, only(A::Label, V::Text("A".into()))), []);
    assert_eq!(find(&objects, &alice, only(A::Id, V::Bytes(vec![]))), []);
    assert_eq!(find(&objects, &alice, only(A::Modulus, V::Bytes(vec![1]))), []);
}

#[test]
fn reading_leaves_out_what_is_not_visible_and_refuses_too_much() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let keys = [aes_key(&objects, &alice), aes_key(&objects, &bob)];
    let seen = objects.attributes(&alice, &[keys[0], keys[1], 42]).unwrap().objects.0;
    assert_eq!(seen.iter().map(|view| view.reference).collect::<Vec<_>>(), [keys[0]]);
    assert_eq!(code(objects.attributes(&alice, &vec![keys[0]; 10_000])), Rv::DATA_LEN_RANGE);
}
