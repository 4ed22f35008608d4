//! The head: what makes a cluster's history and present state hard to change behind its back.
//!
//! ```text
//! 0        format version, 1
//! 1..5     masking-key epoch, big-endian
//! 5..13    revision, big-endian; 1 is the first
//! 13..21   number of records that the index digest covers, big-endian
//! 21..53   index digest, blinded
//! 53..85   link: SHA-256(previous MAC ‖ SHA-256(writes)); the previous MAC of the first head is 32 zero bytes
//! 85..117  MAC: HMAC-SHA-256(head key, "strongroom head 1\0" ‖ length and cluster id ‖ bytes 0..85)
//! ```
//!
//! The index digest is the sum modulo 2^256 of HMAC-SHA-256(index key, 0x01 ‖ length and key ‖ version) over every record
//! there is: a commit subtracts the old (key, version) and adds the new one, in any order and without reading the rest.
//! It stands in the head with HMAC-SHA-256(index key, 0x00 ‖ link) added. Without that blinding the difference between
//! two heads would show single summands, and from the summands of old versions of many records someone could put together
//! another set with the same sum (Wagner's generalized birthday problem, feasible for some 10^5 records). With it this is
//! MSet-Add-Hash of Clarke et al. (ASIACRYPT 2003), collision-resistant for whoever lacks the index key.
//!
//! What is caught, by someone who can write the store but has no key:
//! - an **edited** record does not open (associated data); one **swapped** with another key or version neither;
//! - a **deleted**, a **resurrected** or an **older** record: the (key, version) pairs differ from the index digest;
//! - a changed, dropped or reordered **commit** in the log: the chain of links ends in another MAC;
//! - the **whole store of an hour ago**: its head is lower than the anchor of an HSM or what a client saw.
//!
//! What is not: an old store *and* all anchors and clients together; records withheld from an HSM (it stops, it is not
//! deceived); another record that the boundary once sealed for the same key *and version*. So a key's versions must never
//! repeat, not even after the record was deleted and made again; a commit that was refused may leave such a sibling in
//! the hands of whoever watches the store, and it stands for a change that was authorised but lost the race.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use strongroom_wire::Rv;

use super::Keys;
use super::derive::SecretKey;
use super::sealing::append_parts;
use crate::{Error, Result};

const FORMAT: u8 = 1;
const HEAD_LENGTH: usize = 117;
const MAC_START: usize = 85;
const MAC_CONTEXT: &[u8] = b"strongroom head 1\0";

/// One record that a commit changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadWrite {
    /// The record's key in the store.
    pub key: String,
    /// Its version before; none when there was no such record.
    pub old_version: Option<u64>,
    /// Its version after; none when it is deleted.
    pub new_version: Option<u64>,
    /// SHA-256 of the new record; of nothing when it is deleted.
    pub digest: [u8; 32],
}

impl Keys {
    /// The head after a commit: revision + 1. `previous` is none for the first commit of a cluster.
    ///
    /// # Errors
    /// `Integrity`: `previous` was altered. `Refused`: a write does not raise its record's version.
    pub fn advance_head(&self, previous: Option<&[u8]>, writes: &[HeadWrite]) -> Result<Vec<u8>> {
        self.head_keys()?.advance(previous, writes)
    }

    /// Checks that `head` follows from `previous` and the writes.
    ///
    /// # Errors
    /// `Integrity`: it does not, or one of the heads was altered.
    pub fn verify_head(&self, previous: Option<&[u8]>, writes: &[HeadWrite], head: &[u8]) -> Result<()> {
        self.head_keys()?.verify(previous, writes, head)
    }

    /// The revision of a head whose MAC is right.
    ///
    /// # Errors
    /// `Integrity`: its MAC is wrong.
    pub fn head_revision(&self, head: &[u8]) -> Result<u64> {
        self.head_keys()?.revision(head)
    }

    /// Whether the (key, version) pairs are exactly those that the head's index digest stands for, in any order.
    ///
    /// # Errors
    /// `Integrity`: the head's MAC is wrong.
    pub fn verify_index(&self, head: &[u8], entries: &[(String, u64)]) -> Result<bool> {
        self.head_keys()?.verify_index(head, entries)
    }

    fn head_keys(&self) -> Result<HeadKeys<'_>> {
        let cluster = self.cluster()?;
        Ok(HeadKeys {
            head: &cluster.head,
            index: &cluster.index,
            epoch: cluster.epoch,
            cluster_id: &self.cluster_id,
        })
    }
}

/// What heads are made with.
pub(super) struct HeadKeys<'a> {
    pub(super) head: &'a SecretKey,
    pub(super) index: &'a SecretKey,
    pub(super) epoch: u32,
    pub(super) cluster_id: &'a str,
}

/// A head whose MAC is right.
struct Head {
    revision: u64,
    count: u64,
    /// Not blinded.
    sum: Sum,
    mac: [u8; 32],
}

impl HeadKeys<'_> {
    /// The head after a commit.
    pub(super) fn advance(&self, previous: Option<&[u8]>, writes: &[HeadWrite]) -> Result<Vec<u8>> {
        let (revision, mut count, mut sum, previous_mac) = match previous {
            Some(bytes) => {
                let head = self.open(bytes)?;
                (head.revision, head.count, head.sum, head.mac)
            }
            None => (0, 0, Sum::ZERO, [0; 32]),
        };
        for write in writes {
            check_write(write)?;
            if let Some(version) = write.old_version {
                sum.subtract(&self.summand(&write.key, version));
                count = count.checked_sub(1).ok_or_else(|| refused(write, "deletes more than there is"))?;
            }
            if let Some(version) = write.new_version {
                sum.add(&self.summand(&write.key, version));
                count += 1;
            }
        }
        let link = link(&previous_mac, writes);
        let revision = revision.checked_add(1).ok_or_else(|| Error::failed("the revision has run out"))?;
        Ok(self.encode(revision, count, sum, &link))
    }

    /// Checks that `head` is what [`advance`](Self::advance) gives.
    pub(super) fn verify(&self, previous: Option<&[u8]>, writes: &[HeadWrite], head: &[u8]) -> Result<()> {
        let expected = self.advance(previous, writes)?;
        verify_slices_are_equal(&expected, head).map_err(|_| {
            Error::integrity("the head does not follow from the head before it and the commit's writes")
        })
    }

    /// The revision of a head whose MAC is right.
    pub(super) fn revision(&self, head: &[u8]) -> Result<u64> {
        self.open(head).map(|head| head.revision)
    }

    /// Whether `entries` are exactly the records that the head stands for, in any order.
    pub(super) fn verify_index(&self, head: &[u8], entries: &[(String, u64)]) -> Result<bool> {
        let head = self.open(head)?;
        let mut sum = Sum::ZERO;
        for (key, version) in entries {
            sum.add(&self.summand(key, *version));
        }
        let same = verify_slices_are_equal(&sum.to_bytes(), &head.sum.to_bytes()).is_ok();
        Ok(same && head.count == entries.len() as u64)
    }

    fn encode(&self, revision: u64, count: u64, mut sum: Sum, link: &[u8; 32]) -> Vec<u8> {
        sum.add(&self.blinding(link));
        let mut head = Vec::with_capacity(HEAD_LENGTH);
        head.push(FORMAT);
        head.extend_from_slice(&self.epoch.to_be_bytes());
        head.extend_from_slice(&revision.to_be_bytes());
        head.extend_from_slice(&count.to_be_bytes());
        head.extend_from_slice(&sum.to_bytes());
        head.extend_from_slice(link);
        let mac = self.mac(&head);
        head.extend_from_slice(&mac);
        head
    }

    fn open(&self, bytes: &[u8]) -> Result<Head> {
        if bytes.len() != HEAD_LENGTH {
            return Err(Error::integrity(format!(
                "the head has {} bytes instead of {HEAD_LENGTH}",
                bytes.len()
            )));
        }
        if bytes[0] != FORMAT {
            return Err(Error::integrity(format!(
                "the head has format {}, which this version does not know",
                bytes[0]
            )));
        }
        if bytes[1..5] != self.epoch.to_be_bytes() {
            return Err(Error::integrity("the head was made under another masking-key epoch"));
        }
        verify_slices_are_equal(&self.mac(&bytes[..MAC_START]), &bytes[MAC_START..]).map_err(|_| {
            Error::integrity("the head was altered or is of another cluster: its MAC is wrong")
        })?;
        let link = array(&bytes[53..85]);
        let mut sum = Sum::from_bytes(&array(&bytes[21..53]));
        sum.subtract(&self.blinding(&link));
        Ok(Head {
            revision: u64::from_be_bytes(array(&bytes[5..13])),
            count: u64::from_be_bytes(array(&bytes[13..21])),
            sum,
            mac: array(&bytes[MAC_START..]),
        })
    }

    fn mac(&self, body: &[u8]) -> [u8; 32] {
        let mut cluster = Vec::new();
        append_parts(&mut cluster, &[self.cluster_id.as_bytes()]);
        self.head.mac(&[MAC_CONTEXT, &cluster, body])
    }

    fn summand(&self, key: &str, version: u64) -> Sum {
        let mut element = vec![1];
        append_parts(&mut element, &[key.as_bytes()]);
        Sum::from_bytes(&self.index.mac(&[&element, &version.to_be_bytes()]))
    }

    fn blinding(&self, link: &[u8; 32]) -> Sum {
        Sum::from_bytes(&self.index.mac(&[&[0], link]))
    }
}

fn refused(write: &HeadWrite, what: &str) -> Error {
    Error::refused(Rv::ARGUMENTS_BAD, format!("the write to {} {what}", write.key))
}

fn check_write(write: &HeadWrite) -> Result<()> {
    match (write.old_version, write.new_version) {
        (None, None) => Err(refused(write, "has neither an old nor a new version")),
        (Some(old), Some(new)) if new <= old => {
            Err(refused(write, &format!("does not raise the version: {old} to {new}")))
        }
        _ => Ok(()),
    }
}

/// SHA-256(previous MAC ‖ SHA-256(writes)). A write is its key with its length, then old version, new version (a byte
/// that says whether there is one, and 64 bits), then the record's digest.
fn link(previous_mac: &[u8; 32], writes: &[HeadWrite]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for write in writes {
        let mut bytes = Vec::with_capacity(64 + write.key.len());
        append_parts(&mut bytes, &[write.key.as_bytes()]);
        for version in [write.old_version, write.new_version] {
            bytes.push(u8::from(version.is_some()));
            bytes.extend_from_slice(&version.unwrap_or(0).to_be_bytes());
        }
        bytes.extend_from_slice(&write.digest);
        context.update(&bytes);
    }
    let writes = context.finish();
    let mut context = Context::new(&SHA256);
    context.update(previous_mac);
    context.update(writes.as_ref());
    array(context.finish().as_ref())
}

/// A fixed-size copy; the callers' ranges have that size.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut copy = [0; N];
    copy.copy_from_slice(bytes);
    copy
}

/// A number modulo 2^256: four limbs, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum([u64; 4]);

impl Sum {
    const ZERO: Self = Self([0; 4]);

    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(std::array::from_fn(|limb| u64::from_be_bytes(array(&bytes[24 - 8 * limb..32 - 8 * limb]))))
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (limb, value) in self.0.iter().enumerate() {
            bytes[24 - 8 * limb..32 - 8 * limb].copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    pub(super) fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, added) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = limb.overflowing_add(added);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_again;
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (limb, taken) in self.0.iter_mut().zip(other.0) {
            let (rest, under) = limb.overflowing_sub(taken);
            let (rest, under_again) = rest.overflowing_sub(u64::from(borrow));
            *limb = rest;
            borrow = under || under_again;
        }
    }
}
