//! One object.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use strongroom_wire::codec::{Field, List, read_bytes};
use strongroom_wire::messages::{KeyQuorum, ObjectView};
use strongroom_wire::{AttributeType, AttributeValue, KeyKind, Secret, Template};

use crate::arena::Material;
use crate::attributes::encoded::{self, Query};
use crate::attributes::{self, CKO_DATA, ClassRules};
use crate::mechanisms::KeyHandle;
use crate::{Error, Result};

/// A version of an object: never changed, but replaced by the next version.
#[derive(Debug)]
pub struct Object {
    pub reference: u64,
    pub version: u64,
    pub owner: Arc<str>,
    /// Of a session object: the login that it belongs to. 0 for a token object.
    pub login_id: u64,
    /// The crypto-users that it is shared with, ascending; none of them is the owner.
    pub shared_users: Box<[Arc<str>]>,
    pub quorum: Quorum,
    pub class: &'static ClassRules,
    /// Encoded; key material is not among them.
    pub attributes: Box<[u8]>,
    pub flags: Flags,
    /// The mechanisms that the key is bound to, by number; none where it is bound to none.
    pub allowed_mechanisms: Option<Box<[u64]>>,
    /// The value of a data object, unless it is empty. None for public keys and certificates.
    pub material: Option<Arc<Material>>,
    /// The key ready for use, while it is in use (see `cache`).
    pub handle: RwLock<Option<Arc<KeyHandle>>>,
    pub recently_used: AtomicBool,
}

/// How many of those who own or share a key must approve what is done with it; 0 for a key that one alone may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quorum {
    pub manage: u64,
    pub usage: u64,
}

impl Quorum {
    /// Whether anything of the key needs approval.
    pub const fn is_set(self) -> bool {
        self.manage != 0 || self.usage != 0
    }

    /// As a message has it.
    pub fn to_message(self) -> Option<KeyQuorum> {
        self.is_set().then_some(KeyQuorum { manage: self.manage, usage: self.usage })
    }
}

impl From<Option<KeyQuorum>> for Quorum {
    fn from(message: Option<KeyQuorum>) -> Self {
        message.map_or_else(Self::default, |given| Self { manage: given.manage, usage: given.usage })
    }
}

/// The flags among the attributes that decide what may be done, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u32);

const FLAGS: [AttributeType; 20] = [
    AttributeType::Token,
    AttributeType::Private,
    AttributeType::Modifiable,
    AttributeType::Destroyable,
    AttributeType::Encrypt,
    AttributeType::Decrypt,
    AttributeType::Wrap,
    AttributeType::Unwrap,
    AttributeType::Sign,
    AttributeType::SignRecover,
    AttributeType::Verify,
    AttributeType::VerifyRecover,
    AttributeType::Sensitive,
    AttributeType::Extractable,
    AttributeType::WrapWithTrusted,
    AttributeType::Trusted,
    AttributeType::Derive,
    AttributeType::Encapsulate,
    AttributeType::Decapsulate,
    AttributeType::WrappingOnly,
];

impl Flags {
    fn of(attributes: &Template) -> Self {
        let set = FLAGS.iter().enumerate().filter(|(_, attribute)| attributes::flag(attributes, **attribute));
        Self(set.fold(0, |flags, (bit, _)| flags | 1 << bit))
    }

    /// Whether a flag is set. The attribute is one of the list above; any other is not set.
    pub fn has(self, attribute: AttributeType) -> bool {
        FLAGS.iter().position(|known| *known == attribute).is_some_and(|bit| self.0 & 1 << bit != 0)
    }
}

impl Object {
    /// The first version of an object, or one that was read from its record. It is shared with nobody.
    pub fn new(
        (reference, version): (u64, u64),
        (owner, login_id): (Arc<str>, u64),
        class: &'static ClassRules,
        attributes: &Template,
        material: Option<Arc<Material>>,
    ) -> Self {
        Self {
            reference,
            version,
            owner,
            login_id,
            shared_users: Box::default(),
            quorum: Quorum::default(),
            class,
            attributes: encoded::encode(attributes),
            flags: Flags::of(attributes),
            allowed_mechanisms: attributes.allowed_mechanisms().map(Box::from),
            material,
            handle: RwLock::new(None),
            recently_used: AtomicBool::new(false),
        }
    }

    /// The next version, with other attributes.
    pub fn changed(&self, attributes: &Template) -> Self {
        let ids = (self.reference, self.version + 1);
        let owner = (Arc::clone(&self.owner), self.login_id);
        Self::new(ids, owner, self.class, attributes, self.material.clone())
            .shared_with(self.shared_users.to_vec())
            .with_quorum(self.quorum)
    }

    /// The same, with another value: of a data object.
    pub fn with_material(mut self, material: Option<Arc<Material>>) -> Self {
        self.material = material;
        self
    }

    /// The same, which so many must approve the use of.
    pub const fn with_quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// Whether a user's approval counts: the owner's, and those of the users that it is shared with.
    pub fn is_approved_by(&self, username: &str) -> bool {
        *self.owner == *username || self.is_shared_with(username)
    }

    /// The same version, shared with these users.
    pub fn shared_with(mut self, mut usernames: Vec<Arc<str>>) -> Self {
        usernames.sort_unstable();
        usernames.dedup();
        self.shared_users = usernames.into_boxed_slice();
        self
    }

    /// Whether its owner shares it with this user.
    pub fn is_shared_with(&self, username: &str) -> bool {
        self.shared_users.binary_search_by(|shared| (**shared).cmp(username)).is_ok()
    }

    /// Whether it outlives its login.
    pub const fn is_token(&self) -> bool {
        self.login_id == 0
    }

    /// The value of a data object; none of any other.
    pub fn data(&self) -> Option<&[u8]> {
        (self.class.object_class == CKO_DATA).then(|| self.material.as_deref().map_or(&[][..], |value| value))
    }

    /// Whether it has all that a search names.
    pub fn matches(&self, query: &Query) -> bool {
        query.all(|attribute, mut wanted| match self.data() {
            Some(data) if attribute == AttributeType::Value => read_bytes(&mut wanted) == Ok(data),
            _ => encoded::value(&self.attributes, attribute) == Some(wanted),
        })
    }

    /// Its attributes as whoever sees it reads them, with the value of a data object.
    ///
    /// # Errors
    /// As [`Self::template`].
    pub fn readable(&self) -> Result<Template> {
        let mut attributes = self.template()?;
        if let Some(data) = self.data() {
            attributes.set(AttributeType::Value, AttributeValue::Secret(Secret::new(data.to_vec())));
        }
        Ok(attributes)
    }

    /// Its attributes, decoded, without what is kept as key material is.
    ///
    /// # Errors
    /// They were not encoded by us, which cannot be.
    pub fn template(&self) -> Result<Template> {
        encoded::decode(&self.attributes)
            .ok_or_else(|| Error::failed("an object's attributes cannot be read"))
    }

    /// The bytes of an attribute.
    pub fn bytes(&self, attribute: AttributeType) -> Option<&[u8]> {
        read_bytes(&mut encoded::value(&self.attributes, attribute)?).ok()
    }

    /// The text of an attribute.
    pub fn text(&self, attribute: AttributeType) -> Option<String> {
        String::decode(&mut encoded::value(&self.attributes, attribute)?).ok()
    }

    /// The number of an attribute.
    pub fn ulong(&self, attribute: AttributeType) -> Option<u64> {
        u64::decode(&mut encoded::value(&self.attributes, attribute)?).ok()
    }

    /// A nested template.
    pub fn nested(&self, attribute: AttributeType) -> Result<Option<Template>> {
        if encoded::value(&self.attributes, attribute).is_none() {
            return Ok(None);
        }
        match self.template()?.take(attribute) {
            Some(AttributeValue::Template(nested)) => Ok(Some(nested)),
            _ => Ok(None),
        }
    }

    /// The kind of key; none for what is no key.
    pub const fn kind(&self) -> Option<KeyKind> {
        self.class.kind()
    }

    /// As somebody who sees it whole sees it, without the value of a data object: that is given out only where it is asked
    /// for (ADR 0116).
    pub fn view(&self) -> Result<ObjectView> {
        let shared_users = self.shared_users.iter().map(|shared| shared.to_string()).collect();
        Ok(ObjectView { shared_users: List(shared_users), ..self.view_of(self.template()?) })
    }

    /// With these attributes of it, and without the users that it is shared with.
    pub fn view_of(&self, attributes: Template) -> ObjectView {
        ObjectView {
            reference: self.reference,
            attributes,
            version: self.version,
            owner: self.owner.to_string(),
            shared_users: List(Vec::new()),
            quorum: self.quorum.to_message(),
        }
    }
}
