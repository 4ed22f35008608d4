//! Every word of the rule table, for every class, attribute and way.
#![allow(clippy::unwrap_used)]

use strongroom_wire::tables::Kind;
use strongroom_wire::{AttributeType as A, AttributeValue as V, KeyKind, Role, Rv, Secret, Template};

use super::classes::{AES, GENERIC_SECRET};
use super::rules::{Change, ClassRules, DefaultValue, Given, Rule};
use super::*;

const WAYS: [Way; 4] = [Way::Generate, Way::Create, Way::Unwrap, Way::Derive];

/// Some value that the attribute can have.
fn some_value(attribute: A) -> V {
    match attribute.kind() {
        Kind::Bool => V::Bool(true),
        Kind::Ulong => V::Ulong(7),
        Kind::Text => V::Text("text".into()),
        Kind::Date => V::Bytes(b"20260131".to_vec()),
        Kind::Mechanisms => V::mechanisms([1, 2]),
        Kind::Template => V::Template(Template::new().with(A::Extractable, V::Bool(true))),
        _ if attribute.is_secret() => V::Secret(Secret::new(vec![1])),
        _ => V::Bytes(vec![1]),
    }
}

/// The least that a template must say.
fn least(class: &ClassRules, way: Way) -> Template {
    let required = class.rules.iter().filter(|rule| given(rule, way) == Given::Required);
    required
        .map(|rule| match rule.attribute {
            A::Class => (A::Class, V::Ulong(class.object_class)),
            A::KeyType => (A::KeyType, V::Ulong(class.key_type.unwrap())),
            attribute => (attribute, some_value(attribute)),
        })
        .collect()
}

fn given(rule: &Rule, way: Way) -> Given {
    match way {
        Way::Generate => rule.generate,
        Way::Create => rule.create,
        Way::Unwrap | Way::Derive => rule.unwrap,
    }
}

fn code(result: crate::Result<()>) -> Rv {
    result.map_or_else(|error| error.rv, |()| Rv::OK)
}

fn each_rule(mut check: impl FnMut(&'static ClassRules, Way, &'static Rule)) {
    for class in ALL {
        for way in WAYS {
            class.rules.iter().for_each(|rule| check(class, way, rule));
        }
    }
}

#[test]
fn the_least_template_is_enough_and_nothing_required_can_be_left_out() {
    for class in ALL {
        for way in WAYS {
            let template = least(class, way);
            assert_eq!(code(check_template(class, way, &template)), Rv::OK, "{} {way:?}", class.name);
            for (attribute, _) in template.iter() {
                let mut less = template.clone();
                less.take(attribute);
                assert_eq!(code(check_template(class, way, &less)), Rv::TEMPLATE_INCOMPLETE);
            }
        }
    }
}

#[test]
fn each_class_of_keys_has_a_kind_of_its_own_and_the_keys_of_one_hmac_have_the_rules_of_generic_secrets() {
    for (place, class) in ALL.iter().enumerate() {
        assert_eq!(class.kind().is_some(), class.key_type.is_some(), "{}", class.name);
        let same =
            |other: &&ClassRules| (other.object_class, other.kind()) == (class.object_class, class.kind());
        assert_eq!(ALL.iter().copied().position(|other| same(&other)), Some(place), "{}", class.name);
        if class.secret_kind().is_any_bytes() && class.object_class == CKO_SECRET_KEY {
            assert!(std::ptr::eq(class.rules, GENERIC_SECRET.rules), "{}", class.name);
        }
    }
    assert_eq!(ALL.iter().filter(|class| class.kind().is_some_and(KeyKind::is_of_one_hmac)).count(), 9);
}

#[test]
fn an_attribute_that_the_class_lacks_is_of_an_invalid_type() {
    for class in ALL {
        for attribute in A::ALL.iter().copied().filter(|attribute| class.rule(*attribute).is_none()) {
            for way in WAYS {
                let template = least(class, way).with(attribute, some_value(attribute));
                assert_eq!(code(check_template(class, way, &template)), Rv::ATTRIBUTE_TYPE_INVALID);
            }
            let changes = Template::new().with(attribute, some_value(attribute));
            let refused = check_change(class, &Template::new(), Role::CryptoUser, &changes);
            assert_eq!(code(refused), Rv::ATTRIBUTE_TYPE_INVALID);
        }
    }
}

#[test]
fn each_word_gives_its_code() {
    each_rule(|class, way, rule| {
        let attribute = rule.attribute;
        if matches!(attribute, A::Class | A::KeyType) {
            return;
        }
        let other = match rule.default {
            DefaultValue::True => V::Bool(false),
            _ => some_value(attribute),
        };
        let expected = match given(rule, way) {
            Given::Required | Given::Optional | Given::Match => Rv::OK,
            Given::Computed | Given::Admin => Rv::ATTRIBUTE_READ_ONLY,
            Given::Refused | Given::Fixed => Rv::TEMPLATE_INCONSISTENT,
        };
        let found = code(check_template(class, way, &least(class, way).with(attribute, other)));
        assert_eq!(found, expected, "{} {way:?} {attribute:?}", class.name);
        if matches!(given(rule, way), Given::Fixed | Given::Admin) {
            let default = V::Bool(rule.default == DefaultValue::True);
            let found = code(check_template(class, way, &least(class, way).with(attribute, default)));
            assert_eq!(found, Rv::OK, "{} {way:?} {attribute:?}: the default may be given", class.name);
        }
    });
}

#[test]
fn another_class_or_key_type_than_the_mechanism_makes_is_inconsistent() {
    for class in ALL.iter().filter(|class| class.key_type.is_some()) {
        for (attribute, own) in [(A::Class, class.object_class), (A::KeyType, class.key_type.unwrap())] {
            for value in [0_u64, 1, 2, 3, 4, 0x10, 0x1F, 0x40] {
                let template = least(class, Way::Generate).with(attribute, V::Ulong(value));
                let expected = if value == own { Rv::OK } else { Rv::TEMPLATE_INCONSISTENT };
                assert_eq!(code(check_template(class, Way::Generate, &template)), expected);
            }
        }
    }
}

#[test]
fn a_complete_object_has_every_default_and_neither_key_material_nor_data() {
    for class in ALL {
        for way in WAYS {
            let attributes = complete(class, way, least(class, way), &Template::new()).unwrap();
            for rule in class.rules {
                let default = if way == Way::Generate { rule.generated } else { rule.default };
                let value = attributes.get(rule.attribute);
                if rule.attribute.is_secret()
                    && matches!(class.object_class, CKO_SECRET_KEY | CKO_PRIVATE_KEY | CKO_DATA)
                {
                    assert_eq!(value, None);
                } else if default != DefaultValue::None {
                    assert!(value.is_some(), "{} {:?}", class.name, rule.attribute);
                }
            }
        }
    }
}

#[test]
fn what_follows_from_the_key_must_match_what_is_given() {
    each_rule(|class, way, rule| {
        let attribute = rule.attribute;
        if given(rule, way) != Given::Match || matches!(attribute, A::Class | A::KeyType) {
            return;
        }
        let computed = Template::new().with(attribute, some_value(attribute));
        let template = least(class, way).with(attribute, some_value(attribute));
        assert!(complete(class, way, template.clone(), &computed).is_ok());
        let other = match some_value(attribute) {
            V::Ulong(number) => V::Ulong(number + 1),
            _ => V::Bytes(vec![2]),
        };
        let refused = complete(class, way, template.with(attribute, other), &computed).unwrap_err();
        assert_eq!(refused.rv, Rv::TEMPLATE_INCONSISTENT);
    });
}

#[test]
fn big_integers_match_whatever_their_leading_zeros() {
    let computed = Template::new().with(A::PublicExponent, V::Bytes(vec![1, 0, 1]));
    let template = Template::new().with(A::PublicExponent, V::Bytes(vec![0, 0, 1, 0, 1]));
    let attributes = complete(&RSA_PRIVATE, Way::Unwrap, template, &computed).unwrap();
    assert_eq!(attributes.bytes(A::PublicExponent), Some(&[1, 0, 1][..]));
}

#[test]
fn each_change_is_for_whom_and_in_the_direction_that_the_table_says() {
    for class in ALL {
        for rule in class.rules {
            let attribute = rule.attribute;
            for (now, wanted) in [(false, false), (false, true), (true, false), (true, true)] {
                let is_flag = attribute.kind() == Kind::Bool;
                let value = if is_flag { V::Bool(wanted) } else { some_value(attribute) };
                let mut attributes = Template::new().with(A::Modifiable, V::Bool(true));
                if is_flag && attribute != A::Modifiable {
                    attributes.set(attribute, V::Bool(now));
                } else if is_flag && !now {
                    continue;
                }
                let changes = Template::new().with(attribute, value);
                let user = code(check_change(class, &attributes, Role::CryptoUser, &changes));
                let allowed = match rule.change {
                    Change::Never | Change::Admin | Change::Copy => false,
                    Change::Owner => true,
                    Change::Lower => now || !wanted,
                    Change::Raise => wanted || !now,
                };
                let expected = if allowed { Rv::OK } else { Rv::ATTRIBUTE_READ_ONLY };
                assert_eq!(user, expected, "{} {attribute:?} {now} {wanted}", class.name);
                let admin = code(check_change(class, &attributes, Role::Admin, &changes));
                let expected = if rule.change == Change::Admin { Rv::OK } else { Rv::ATTRIBUTE_READ_ONLY };
                assert_eq!(admin, expected, "{} {attribute:?}", class.name);
            }
        }
    }
}

#[test]
fn an_object_that_is_not_modifiable_takes_no_change_of_its_owner() {
    let attributes = Template::new().with(A::Modifiable, V::Bool(false));
    let changes = Template::new().with(A::Label, V::Text("new".into()));
    assert_eq!(code(check_change(&AES, &attributes, Role::CryptoUser, &changes)), Rv::ACTION_PROHIBITED);
    let trust = Template::new().with(A::Trusted, V::Bool(true));
    assert_eq!(code(check_change(&AES, &attributes, Role::Admin, &trust)), Rv::OK);
    let empty = check_change(&AES, &attributes, Role::CryptoUser, &Template::new());
    assert_eq!(code(empty), Rv::TEMPLATE_INCOMPLETE);
}

#[test]
fn the_templates_of_a_trusted_key_are_fixed() {
    let trusted = Template::new().with(A::Modifiable, V::Bool(true)).with(A::Trusted, V::Bool(true));
    for attribute in [A::WrapTemplate, A::UnwrapTemplate] {
        let changes = Template::new().with(attribute, some_value(attribute));
        assert_eq!(code(check_change(&AES, &trusted, Role::CryptoUser, &changes)), Rv::ATTRIBUTE_READ_ONLY);
    }
}

#[test]
fn values_of_the_wrong_kind_or_size_are_refused() {
    let cases = [
        (A::Label, V::Text("x".repeat(4097)), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::Label, V::Text("é".repeat(4096)), Rv::OK),
        (A::Label, V::Bytes(vec![1]), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::Id, V::Bytes(vec![1; 255]), Rv::OK),
        (A::Id, V::Bytes(vec![1; 256]), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::Sign, V::Ulong(1), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::StartDate, V::Bytes(b"20261301".to_vec()), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::StartDate, V::Bytes(b"2026".to_vec()), Rv::ATTRIBUTE_VALUE_INVALID),
        (A::StartDate, V::Bytes(vec![]), Rv::OK),
        (
            A::WrapTemplate,
            V::Template(Template::new().with(A::Value, V::Bytes(vec![1]))),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
        (
            A::WrapTemplate,
            V::Template(Template::new().with(A::Sign, V::Ulong(1))),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
    ];
    for (attribute, value, expected) in cases {
        let template = least(&AES, Way::Generate).with(attribute, value.clone());
        assert_eq!(code(check_template(&AES, Way::Generate, &template)), expected, "{attribute:?} {value:?}");
    }
}

#[test]
fn encoded_attributes_are_read_and_searched_without_decoding() {
    let attributes = Template::new()
        .with(A::Label, V::Text("label".into()))
        .with(A::Sign, V::Bool(true))
        .with(A::KeyGenMechanism, V::Ulong(UNAVAILABLE))
        .with(A::WrapTemplate, some_value(A::WrapTemplate));
    let bytes = encoded::encode(&attributes);
    assert_eq!(encoded::decode(&bytes).unwrap(), attributes);
    assert_eq!(encoded::value(&bytes, A::Label), Some(&b"\xa5label"[..]));
    assert_eq!(encoded::value(&bytes, A::Verify), None);
    for (attribute, value) in attributes.iter() {
        assert!(encoded::Query::new(&Template::new().with(attribute, value.clone())).matches(&bytes));
    }
    assert!(!encoded::Query::new(&Template::new().with(A::Sign, V::Bool(false))).matches(&bytes));
    assert!(!encoded::Query::new(&Template::new().with(A::Id, V::Bytes(vec![]))).matches(&bytes));
    assert!(encoded::decode(&bytes[..bytes.len() - 1]).is_none());
}
