//! The shape of the rules in `classes.rs`, which is generated from `tables/object_classes.toml`.

use strongroom_wire::{AttributeType, KeyKind};

use super::{CKO_DATA, CKO_PRIVATE_KEY, CKO_SECRET_KEY};

/// What a template may say about an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It must be given.
    Required,
    /// It may be given.
    Optional,
    /// It may be given, and must then be what follows from the key.
    Match,
    /// Only the HSM sets it.
    Computed,
    /// It cannot be given this way.
    Refused,
    /// It has its default.
    Fixed,
    /// It has its default until an admin changes it.
    Admin,
}

/// Who may change an attribute of an object, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nobody.
    Never,
    /// The owner, freely.
    Owner,
    /// The owner, from true to false.
    Lower,
    /// The owner, from false to true.
    Raise,
    /// An admin.
    Admin,
    /// Nobody; but the owner may make a copy that has a part of it.
    Copy,
}

/// The value of an attribute that was not given and does not follow from the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The object does not have the attribute.
    None,
    /// False.
    False,
    /// True.
    True,
    /// No bytes, or no text.
    Empty,
    /// The number 0.
    Zero,
}

/// The rule of one attribute.
#[derive(Debug)]
pub struct Rule {
    /// The attribute.
    pub attribute: AttributeType,
    /// In a template of generate.
    pub generate: Given,
    /// In a template of create.
    pub create: Given,
    /// In a template of unwrap or derive.
    pub unwrap: Given,
    /// Its value otherwise.
    pub default: DefaultValue,
    /// Its value otherwise, when generated.
    pub generated: DefaultValue,
    /// Who may change it.
    pub change: Change,
}

/// A rule: what templates of generate, create and unwrap may say; the default, and that of generate; who may change it.
pub const fn rule(
    attribute: AttributeType,
    [generate, create, unwrap]: [Given; 3],
    [default, generated]: [DefaultValue; 2],
    change: Change,
) -> Rule {
    Rule { attribute, generate, create, unwrap, default, generated, change }
}

/// The rules of a class of objects, in ascending order of attribute numbers.
#[derive(Debug)]
pub struct ClassRules {
    /// The class's name in the table.
    pub name: &'static str,
    /// `CKA_CLASS`.
    pub object_class: u64,
    /// `CKA_KEY_TYPE`, of keys.
    pub key_type: Option<u64>,
    /// One rule per attribute that the class has.
    pub rules: &'static [Rule],
}

impl ClassRules {
    /// The kind of its keys; none for what is no key.
    pub const fn kind(&self) -> Option<KeyKind> {
        match self.key_type {
            Some(number) => KeyKind::from_key_type(number),
            None => None,
        }
    }

    /// The kind of the keys of a class of secret keys.
    pub fn secret_kind(&self) -> KeyKind {
        self.kind().unwrap_or(KeyKind::GenericSecret)
    }

    /// Whether objects of this class are keys, which mechanisms use and owners share.
    pub const fn is_key(&self) -> bool {
        self.key_type.is_some()
    }

    /// Whether an attribute is kept as key material is: CKA_VALUE of a secret or private key, which is never shown, and that
    /// of a data object (ADR 0116). It is public in a certificate and a public key.
    pub fn keeps_apart(&self, attribute: AttributeType) -> bool {
        attribute.is_secret() && matches!(self.object_class, CKO_SECRET_KEY | CKO_PRIVATE_KEY | CKO_DATA)
    }

    /// The rule of an attribute; none when the class does not have it.
    pub fn rule(&self, attribute: AttributeType) -> Option<&'static Rule> {
        let index = self.rules.binary_search_by_key(&attribute.code(), |rule| rule.attribute.code()).ok()?;
        Some(&self.rules[index])
    }
}
