//! From a template to an object's attributes: checked before any work is done, completed when the key is there.

use strongroom_wire::tables::Kind;
use strongroom_wire::{AttributeType, AttributeValue, Rv, Template};

use super::rules::{ClassRules, DefaultValue, Given, Rule};
use super::values::check_value;
use super::{ED25519_PARAMS, X25519_PARAMS, missing};
use crate::{Error, Result};

/// How an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Generated here.
    Generate,
    /// Imported in clear.
    Create,
    /// Unwrapped.
    Unwrap,
    /// Derived.
    Derive,
}

impl Rule {
    const fn given(&self, way: Way) -> Given {
        match way {
            Way::Generate => self.generate,
            Way::Create => self.create,
            Way::Unwrap | Way::Derive => self.unwrap,
        }
    }

    fn default_value(&self, way: Way) -> Option<AttributeValue> {
        let default = if way == Way::Generate { self.generated } else { self.default };
        match default {
            DefaultValue::None => None,
            DefaultValue::False => Some(AttributeValue::Bool(false)),
            DefaultValue::True => Some(AttributeValue::Bool(true)),
            DefaultValue::Zero => Some(AttributeValue::Ulong(0)),
            DefaultValue::Empty if self.attribute.kind() == Kind::Text => {
                Some(AttributeValue::Text(String::new()))
            }
            DefaultValue::Empty => Some(AttributeValue::Bytes(Vec::new())),
        }
    }
}

/// Checks a template against its class as far as that needs no key.
///
/// # Errors
/// The code that the rule's word stands for (see `tables/object_classes.toml`).
pub fn check_template(class: &ClassRules, way: Way, template: &Template) -> Result<()> {
    for (attribute, value) in template.iter() {
        let rule = class.rule(attribute).ok_or_else(|| {
            Error::refused(
                Rv::ATTRIBUTE_TYPE_INVALID,
                format!("{} does not belong to objects of class {}", attribute.name(), class.name),
            )
        })?;
        check_value(class, attribute, value)?;
        let is_default = || rule.default_value(way).as_ref() == Some(value);
        match rule.given(way) {
            Given::Required | Given::Optional | Given::Match => {}
            Given::Computed => return Err(read_only(attribute, "is set by the HSM")),
            Given::Refused => {
                return Err(inconsistent(attribute, &format!("cannot be given to {}", verb(way))));
            }
            Given::Fixed if !is_default() => {
                return Err(inconsistent(
                    attribute,
                    &format!("has one value only for objects of class {}", class.name),
                ));
            }
            Given::Admin if !is_default() => {
                return Err(read_only(attribute, "is set by an admin, once the object exists"));
            }
            Given::Fixed | Given::Admin => {}
        }
    }
    for rule in class.rules {
        if rule.given(way) == Given::Required && template.get(rule.attribute).is_none() {
            return Err(missing(rule.attribute));
        }
    }
    check_class(class, template)
}

/// The attributes of an object: what was given, what follows from the key, and defaults. Key material and data are left out.
///
/// # Errors
/// Something given is not what follows from the key.
pub fn complete(
    class: &ClassRules,
    way: Way,
    mut template: Template,
    computed: &Template,
) -> Result<Template> {
    let mut attributes = Template::new();
    attributes.set(AttributeType::Class, AttributeValue::Ulong(class.object_class));
    if let Some(key_type) = class.key_type {
        attributes.set(AttributeType::KeyType, AttributeValue::Ulong(key_type));
    }
    for rule in class.rules {
        let attribute = rule.attribute;
        let mut given = template.take(attribute);
        if class.keeps_apart(attribute) {
            continue;
        }
        if let Some(AttributeValue::Secret(plain)) = given {
            given = Some(AttributeValue::Bytes(plain.0.to_vec()));
        }
        let follows = computed.get(attribute).or_else(|| attributes.get(attribute));
        if let (Given::Match, Some(given), Some(follows)) = (rule.given(way), &given, follows)
            && !same(attribute, given, follows)
        {
            return Err(inconsistent(attribute, "is not what follows from the key"));
        }
        let value = match rule.given(way) {
            Given::Required => follows.cloned().or(given),
            Given::Optional => given.or_else(|| follows.cloned()),
            _ => follows.cloned(),
        };
        if let Some(value) = value.or_else(|| rule.default_value(way)) {
            attributes.set(attribute, value);
        }
    }
    Ok(attributes)
}

/// CKA_CLASS and CKA_KEY_TYPE, where given, name the class.
fn check_class(class: &ClassRules, template: &Template) -> Result<()> {
    if template.ulong(AttributeType::Class).is_some_and(|given| given != class.object_class) {
        return Err(inconsistent(AttributeType::Class, "is not the class that the mechanism makes"));
    }
    if template.ulong(AttributeType::KeyType).is_some_and(|given| Some(given) != class.key_type) {
        return Err(inconsistent(AttributeType::KeyType, "is not the type that the mechanism makes"));
    }
    Ok(())
}

/// Big integers are equal whatever their leading zeros, and Ed25519 and X25519 have two names.
fn same(attribute: AttributeType, given: &AttributeValue, follows: &AttributeValue) -> bool {
    match (attribute.kind(), given, follows) {
        (Kind::Bigint, AttributeValue::Bytes(given), AttributeValue::Bytes(follows)) => {
            without_zeros(given) == without_zeros(follows)
        }
        (_, AttributeValue::Bytes(given), AttributeValue::Bytes(follows))
            if attribute == AttributeType::EcParams =>
        {
            given == follows
                || [ED25519_PARAMS, X25519_PARAMS]
                    .iter()
                    .any(|names| [given, follows].iter().all(|params| names.contains(&params.as_slice())))
        }
        _ => given == follows,
    }
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[start..]
}

const fn verb(way: Way) -> &'static str {
    match way {
        Way::Generate => "generate a key",
        Way::Create => "create an object",
        Way::Unwrap => "unwrap a key",
        Way::Derive => "derive a key",
    }
}

fn read_only(attribute: AttributeType, what: &str) -> Error {
    Error::refused(Rv::ATTRIBUTE_READ_ONLY, format!("{} {what}", attribute.name()))
}

fn inconsistent(attribute: AttributeType, what: &str) -> Error {
    Error::refused(Rv::TEMPLATE_INCONSISTENT, format!("{} {what}", attribute.name()))
}
