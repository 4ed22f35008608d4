//! The users' objects: who sees them, what may be done with them, and doing it.
//!
//! An object that was made or changed is *staged* until its record is committed: nobody finds or uses it before
//! [`Objects::publish`]. Hot calls look an object up, take a reference to it and to its key, and hold no lock while
//! they compute. "Not yours" and "not there" take the same path and give the same code.

mod cache;
mod changes;
mod crypt;
mod curves;
mod der;
mod derivation;
mod digests;
mod encapsulation;
mod find;
mod generate;
mod imports;
mod index;
mod made;
mod ml_dsa;
mod ml_kem;
mod object;
mod passwords;
mod quorum;
mod record;
mod seeds;
mod sharing;
mod staging;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod visibility;
mod wrapping;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_wire::messages::ObjectView;
use strongroom_wire::{Rv, Secret};

use crate::arena::{Arena, lock_process, pages_locked};
use crate::attributes::CKO_CERTIFICATE;
use crate::keys::Keys;
use crate::{Error, ErrorKind, Result, mechanisms, selftest};
use cache::HandleCache;
pub use quorum::Service;
use staging::Staging;
pub use streams::Stream;
use table::Table;

/// How an HSM's objects are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The cluster's mode is FIPS: mechanisms that the table marks are refused.
    pub fips: bool,
    /// Go on where memory cannot be locked.
    pub allow_unlocked_memory: bool,
    /// What new objects may be like.
    pub sizes: Sizes,
}

/// Sizes that an operator sets; objects that there are stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Of the longest label.
    pub label_characters: usize,
    /// Of the longest generic secret.
    pub secret_bytes: u64,
    /// Of the longest value of a data object.
    pub data_object_bytes: usize,
}

impl Default for Sizes {
    /// AWS's (aws-cloudhsm 5.1), which has no data objects.
    fn default() -> Self {
        Self { label_characters: 127, secret_bytes: 800, data_object_bytes: 128 * 1024 }
    }
}

/// An object that was made or changed and that nobody can use yet: commit its record, then publish it.
#[derive(Clone, Debug)]
pub struct Staged {
    /// The object's reference.
    pub reference: u64,
    /// Rises with each change, from 1.
    pub version: u64,
    /// The sealed key record; empty for a session object.
    pub record: Vec<u8>,
    /// The object as its owner sees it.
    pub view: ObjectView,
    /// Whether it is a token object.
    pub is_token: bool,
}

/// The users' objects of one HSM.
#[derive(Debug)]
pub struct Objects {
    keys: Arc<Keys>,
    options: Options,
    arena: Arc<Arena>,
    process_locked: bool,
    table: Table,
    staging: Staging,
    cache: HandleCache,
    failed: AtomicBool,
    /// The name of the test, once `failed` is set.
    failure: RwLock<Option<Arc<str>>>,
}

impl Objects {
    /// Locks memory and runs the known-answer tests; when one of them fails everything will be refused (see
    /// [`Self::failure`]).
    ///
    /// # Errors
    /// Memory cannot be locked and must be.
    pub fn new(keys: Arc<Keys>, options: Options) -> Result<Self> {
        let process_locked = match lock_process() {
            Ok(()) => true,
            Err(_) if options.allow_unlocked_memory => false,
            Err(error) => return Err(error),
        };
        let objects = Self {
            keys,
            options,
            arena: Arena::new(!options.allow_unlocked_memory),
            process_locked,
            table: Table::default(),
            staging: Staging::default(),
            cache: HandleCache::default(),
            failed: AtomicBool::new(false),
            failure: RwLock::new(None),
        };
        if let Err(test) = selftest::run() {
            objects.fail(&test);
        }
        Ok(objects)
    }

    /// The name of the test that failed, when the HSM is in its error state.
    pub fn failure(&self) -> Option<String> {
        self.failure.read().unwrap_or_else(PoisonError::into_inner).as_deref().map(str::to_owned)
    }

    /// Whether all memory that holds key material is locked.
    pub fn memory_locked(&self) -> bool {
        self.process_locked && self.arena.is_locked() && pages_locked()
    }

    /// Random bytes.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for more than [`mechanisms::MAX_DATA`].
    pub fn random(&self, length: usize) -> Result<Secret> {
        self.ready()?;
        mechanisms::random(length)
    }

    /// Whether there is such an object, whoever may see it.
    pub fn knows(&self, reference: u64) -> bool {
        self.table.get(reference).is_some()
    }

    /// Token objects, or those that a user owns.
    pub fn object_count(&self, owner: Option<&str>) -> usize {
        self.table.token_objects(owner)
    }

    /// Certificates among the token objects.
    pub fn certificate_count(&self) -> usize {
        self.table.certificates()
    }

    /// Data objects among the token objects, or among the session objects.
    pub fn data_object_count(&self, are_tokens: bool) -> usize {
        self.table.data_objects(are_tokens)
    }

    /// Private keys among the token objects.
    pub fn private_key_count(&self) -> usize {
        self.table.private_keys()
    }

    /// Whether an object is a certificate.
    pub fn is_certificate(&self, reference: u64) -> bool {
        self.table.get(reference).is_some_and(|object| object.class.object_class == CKO_CERTIFICATE)
    }

    /// Session objects.
    pub fn session_object_count(&self) -> usize {
        self.table.session_objects()
    }

    /// Refuses everything once a self-test has failed.
    ///
    /// # Errors
    /// `Failed`, with the test's name.
    pub fn ready(&self) -> Result<()> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let test = self.failure().unwrap_or_default();
        Err(Error {
            rv: Rv::FIPS_SELF_TEST_FAILED,
            text: format!("the HSM is in its error state: self-test {test} failed; restart or replace it")
                .into(),
            kind: ErrorKind::Failed,
        })
    }

    /// Puts the HSM into its error state, in which it refuses all work: a test of this name has failed.
    pub fn fail(&self, test: &str) {
        let mut failure = self.failure.write().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| Arc::from(test));
        self.failed.store(true, Ordering::Release);
    }
}
