//! Key records: how an object stands in the store (docs/reference/records.md).
//!
//! A format byte, then a message: the public part in clear (owner, users that it is shared with, attributes, quorum) and the
//! sealed material, to which reference, version and public part are bound. An object without material has an empty one that is sealed all the
//! same, so that its public part cannot be edited either.

use std::sync::Arc;

use strongroom_wire::codec::{List, Message};
use strongroom_wire::message;
use strongroom_wire::messages::KeyQuorum;

use super::object::Object;
use crate::arena::Arena;
use crate::attributes::{class_of, encoded};
use crate::keys::Keys;
use crate::{Error, Result};

/// The first byte of a record.
pub const FORMAT: u8 = 1;

message! {
    /// A key record after its format byte.
    pub struct KeyRecord {
        1 => /** A [`PublicPart`]. */ public: Vec<u8>,
        2 => /** Material, sealed. */ sealed: Vec<u8>,
    }

    /// What a record says in clear.
    pub struct PublicPart {
        1 => owner: String,
        2 => shared_users: List<String>,
        3 => /** A template. */ attributes: Vec<u8>,
        4 => quorum: Option<KeyQuorum>,
    }
}

/// The record of an object.
pub fn seal(keys: &Keys, object: &Object) -> Result<Vec<u8>> {
    let public = PublicPart {
        owner: object.owner.to_string(),
        shared_users: List(object.shared_users.iter().map(|shared| shared.to_string()).collect()),
        attributes: object.attributes.to_vec(),
        quorum: object.quorum.to_message(),
    }
    .to_bytes();
    let material = object.material.as_deref().map_or(&[][..], |material| material);
    let sealed = keys.seal_object(object.reference, object.version, &public, material)?;
    let mut record = vec![FORMAT];
    record.extend_from_slice(&KeyRecord { public, sealed }.to_bytes());
    Ok(record)
}

/// The object of a record.
///
/// # Errors
/// `Integrity`, naming the object: the record was altered, belongs elsewhere, or is of another format.
pub fn open(keys: &Keys, arena: &Arc<Arena>, reference: u64, version: u64, record: &[u8]) -> Result<Object> {
    let broken = |what: &str| Error::integrity(format!("object {reference:016x}: {what}"));
    let Some((&FORMAT, body)) = record.split_first() else {
        return Err(broken("the record is of another format"));
    };
    let record = KeyRecord::from_bytes(body).map_err(|_| broken("the record is not well-formed"))?;
    let material = keys.open_object(reference, version, &record.public, &record.sealed)?;
    let public =
        PublicPart::from_bytes(&record.public).map_err(|_| broken("the public part is not well-formed"))?;
    let attributes =
        encoded::decode(&public.attributes).ok_or_else(|| broken("the attributes are not well-formed"))?;
    let class = class_of(&attributes).map_err(|_| broken("the object is of an unknown class"))?;
    let material = if material.is_empty() { None } else { Some(Arc::new(arena.keep(&material)?)) };
    let shared_users = public.shared_users.0.into_iter().map(Arc::from).collect();
    let object =
        Object::new((reference, version), (Arc::from(public.owner), 0), class, &attributes, material);
    Ok(object.shared_with(shared_users).with_quorum(public.quorum.into()))
}
