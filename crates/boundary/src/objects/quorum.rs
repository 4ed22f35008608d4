//! Keys whose use and management several users must approve (aws-cloudhsm.md 3.5, 5.7).
//!
//! How many must is part of the key, from its beginning and for good. Here approvals are counted: signatures of those who
//! own or share the key, over a token for this key, this service and this caller. That a token is used once is the brain's
//! to see to.

use std::collections::HashSet;
use std::sync::Arc;

use strongroom_wire::messages::KeyQuorum;
use strongroom_wire::{AttributeType, Rv};

use super::object::{Object, Quorum};
use super::{Objects, Staged, visibility};
use crate::attributes::{CKO_PRIVATE_KEY, CKO_SECRET_KEY};
use crate::{Approval, Caller, Error, Result};

/// The fewest and the most that must approve.
const APPROVALS: std::ops::RangeInclusive<u64> = 2..=8;
const NEEDED: &str = "Quorum approval is required for this operation";

/// A part of approval data: there is one for each HSM, with the same in all that is read here.
const BLOCK_LENGTH: usize = 80;
const TYPE_OF_KEYS: [u8; 2] = [0, 2];
const NAME_LENGTH: usize = 32;

/// What is approved; the number is that of approval data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Service {
    /// Signatures.
    Usage = 5,
    /// Wrapping, unwrapping, sharing, changes of attributes.
    Management = 6,
}

impl Service {
    /// The service of a number of approval data.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            5 => Some(Self::Usage),
            6 => Some(Self::Management),
            _ => None,
        }
    }

    const fn needed(self, quorum: Quorum) -> u64 {
        match self {
            Self::Usage => quorum.usage,
            Self::Management => quorum.manage,
        }
    }
}

impl Objects {
    /// Lets a key that the caller has just made, and that nobody can use yet, need approvals; its record is another one
    /// then.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, `CKR_ARGUMENTS_BAD`; the object stays staged.
    pub fn set_quorum(&self, caller: &Caller, reference: u64, quorum: &KeyQuorum) -> Result<Staged> {
        self.restage(reference, |object| {
            if !object.is_owned_by(caller) || object.version != 1 {
                return Err(visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID));
            }
            check_values(object, quorum)?;
            let ids = (object.reference, object.version);
            let owner = (Arc::clone(&object.owner), object.login_id);
            let made = Object::new(ids, owner, object.class, &object.template()?, object.material.clone());
            let quorum = Quorum { manage: quorum.manage, usage: quorum.usage };
            Ok(made.shared_with(object.shared_users.to_vec()).with_quorum(quorum))
        })
    }

    /// How many must approve what is done with a key; none for a key that one alone may use, or that is not there.
    pub fn quorum_of(&self, reference: u64) -> Option<KeyQuorum> {
        self.table.get(reference)?.quorum.to_message()
    }

    /// Whether what the caller asks of a key is approved by enough of those who own or share it now.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`, and those of [`Self::check_approved`].
    pub fn check_quorum(&self, caller: &Caller, reference: u64, service: Service) -> Result<()> {
        let object = self.table.get(reference);
        let object = object.ok_or_else(|| visibility::absent(reference, Rv::KEY_HANDLE_INVALID))?;
        self.check_approved(caller, &object, service)
    }

    /// As [`Self::check_quorum`].
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED` (use) and `CKR_ACTION_PROHIBITED` (management) without an approval;
    /// `CKR_SIGNATURE_INVALID`, `CKR_ACTION_PROHIBITED` for one that is wrong, or too few.
    pub(super) fn check_approved(&self, caller: &Caller, object: &Object, service: Service) -> Result<()> {
        let needed = service.needed(object.quorum);
        if needed == 0 {
            return Ok(());
        }
        let Some(approval) =
            caller.approvals.iter().find(|given| is_for(&given.approval_data, caller, object, service))
        else {
            return Err(missing(caller, service));
        };
        let count = self.count(object, approval)?;
        if count < needed {
            let text = format!(
                "Too few quorum approvals: currently {count} approvals, but {needed} approvals required"
            );
            return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
        }
        Ok(())
    }

    /// By how many keys it is approved: whoever has one key has one voice.
    fn count(&self, object: &Object, approval: &Approval) -> Result<u64> {
        let mut keys = HashSet::new();
        for approver in &approval.approvers {
            if !object.is_approved_by(&approver.username) {
                let text = format!(
                    "Invalid username-signature pair for quorum authorization: {} neither owns the key nor shares it",
                    approver.username
                );
                return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
            }
            let key = self.keys.approving_key(
                &approver.username,
                &approver.sealed_key,
                &approval.approval_data,
                &approver.signature,
            )?;
            keys.insert(key.to_vec());
        }
        Ok(keys.len() as u64)
    }
}

/// A key that needs approvals signs, wraps, unwraps and nothing else. What else is done with a key's material would be the
/// same under another name: an RSA decryption is a signature, and what is derived needs no approval any more.
pub(super) fn check_may_be_approved(object: &Object, wanted: AttributeType) -> Result<()> {
    let may_be = matches!(wanted, AttributeType::Sign | AttributeType::Wrap | AttributeType::Unwrap);
    if may_be || !object.quorum.is_set() {
        return Ok(());
    }
    let text = "the use of the key needs quorum approvals, and only signatures are approved: a key with quorum values does \
                nothing else";
    Err(Error::refused(Rv::KEY_FUNCTION_NOT_PERMITTED, text))
}

/// Refuses to take one of these users away where too few would be left who can approve.
pub(super) fn check_approvers_left(object: &Object, left: usize) -> Result<()> {
    let most = object.quorum.manage.max(object.quorum.usage);
    if (left as u64) < most {
        let text = format!(
            "the key {:#018x} needs {most} approvals, and too few would be left who own or share it: share it with \
             somebody else first",
            object.reference
        );
        return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
    }
    Ok(())
}

fn check_values(object: &Object, quorum: &KeyQuorum) -> Result<()> {
    let refused = |text: String| Err(Error::refused(Rv::ARGUMENTS_BAD, text));
    if quorum.manage < *APPROVALS.start() || quorum.usage < *APPROVALS.start() {
        return refused(
            "The manage key and use key quorum values must be set to a value greater than 1".to_owned(),
        );
    }
    if !APPROVALS.contains(&quorum.manage) || !APPROVALS.contains(&quorum.usage) {
        return refused(format!("a quorum value is at most {}", APPROVALS.end()));
    }
    if !matches!(object.class.object_class, CKO_SECRET_KEY | CKO_PRIVATE_KEY)
        || !object.is_token()
        || !object.flags.has(AttributeType::Private)
    {
        let text = "only secret and private token keys whose CKA_PRIVATE is true have quorum values";
        return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
    }
    let users = 1 + object.shared_users.len() as u64;
    if quorum.manage.max(quorum.usage) > users {
        return refused(format!(
            "a quorum value is at most the number of users who own or share the key, and these are {users}"
        ));
    }
    Ok(())
}

/// Whether all of approval data says that this caller asked for this service of this key.
fn is_for(approval_data: &[u8], caller: &Caller, object: &Object, service: Service) -> bool {
    let mut name = [0; NAME_LENGTH];
    let Some(place) = name.get_mut(..caller.username.len()) else { return false };
    place.copy_from_slice(caller.username.as_bytes());
    let is_right = |block: &[u8]| {
        block[..2] == TYPE_OF_KEYS
            && block[2..4] == (service as u16).to_be_bytes()
            && block[8..16] == object.reference.to_be_bytes()
            && block[32..32 + NAME_LENGTH] == name
    };
    let (blocks, rest) = approval_data.as_chunks::<BLOCK_LENGTH>();
    !blocks.is_empty() && rest.is_empty() && blocks.iter().all(|block| is_right(block))
}

fn missing(caller: &Caller, service: Service) -> Error {
    if !caller.approvals.is_empty() {
        let text = "Quorum Failed: the token is for another key, service or user";
        return Error::refused(Rv::ACTION_PROHIBITED, text);
    }
    match service {
        Service::Usage => Error::refused(
            Rv::KEY_FUNCTION_NOT_PERMITTED,
            format!("{NEEDED}: sign with cloudhsm-cli crypto sign … --approval"),
        ),
        Service::Management => Error::refused(Rv::ACTION_PROHIBITED, NEEDED),
    }
}
