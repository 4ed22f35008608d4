//! Ed25519 and Ed25519ctx (RFC 8032 section 5.1) over data of any length. The crypto library does both over all data at
//! once only; here its SHA-512 takes the data in parts, and `curve25519-dalek` has the group (ADR 0136).
//!
//! A signature hashes its message twice: for the nonce *r*, and for the challenge *k*, which depends on *r*. Whoever got
//! *r + ka* for one *r* and two *k* could compute the key *a*. So the message comes twice, and the second time the same bytes
//! only are taken: see `marks`.

use std::sync::Arc;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::eddsa::{self, Variant};
use super::handle::Ed25519Handle;
use super::marks::Marks;
use super::streams::no_such_step;
use super::{internal, parameters};
use crate::arena::Material;
use crate::ffi::{CURVE25519_LENGTH, Digest, DigestStream, Hash, digest};
use crate::{Error, Result};

/// The domain separator of Ed25519ctx (RFC 8032 section 2), before its flag and its context.
const DOMAIN: &[u8] = b"SigEd25519 no Ed25519 collisions";

/// A signature under way. What is secret of it between two steps is where keys are, or in the crypto library's heap.
#[derive(Debug)]
pub struct Signature {
    seed: Arc<Material>,
    public: [u8; CURVE25519_LENGTH],
    domain: Vec<u8>,
    /// What *r* is made of.
    nonce: DigestStream,
    /// *r* as a point, and what *k* is made of, when the message comes again.
    challenge: Option<([u8; CURVE25519_LENGTH], DigestStream)>,
    marks: Marks,
}

/// A verification under way.
#[derive(Debug)]
pub struct Verification {
    public: EdwardsPoint,
    point: [u8; CURVE25519_LENGTH],
    scalar: Scalar,
    hash: DigestStream,
}

impl Signature {
    /// Starts one.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub fn new(key: &Ed25519Handle, given: Option<&MechanismParameters>) -> Result<Self> {
        let domain = domain(given)?;
        let mut nonce = DigestStream::new(Hash::Sha512)?;
        nonce.update(&domain)?;
        nonce.update(&digest(Hash::Sha512, &key.seed)?.as_ref()[CURVE25519_LENGTH..])?;
        let (seed, public, marks) = (Arc::clone(&key.seed), key.public()?, Marks::new()?);
        Ok(Self { seed, public, domain, nonce, challenge: None, marks })
    }

    /// Takes the next data the first time; gives their mark.
    pub fn take(&mut self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let mark = self.marks.mark(offset, data)?;
        self.nonce.update(data)?;
        Ok(mark)
    }

    /// Takes the last data the first time; gives their mark.
    pub fn turn(&mut self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let mark = self.take(offset, data)?;
        self.marks.turn();
        let nonce = Zeroizing::new(reduced(&self.nonce.copied()?.finish()?)?);
        let point = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
        self.challenge = Some((point, challenge(&self.domain, &point, &self.public)?));
        Ok(mark)
    }

    /// Takes data that come again, in their order; gives the signature with the last.
    pub fn repeat(&mut self, offset: u64, data: &[u8], mark: &[u8]) -> Result<Vec<u8>> {
        self.marks.check(offset, data, mark)?.map_err(|_| {
            Error::refused(Rv::DATA_INVALID, "the data are not those that the signature was begun over")
        })?;
        let (_, challenge) = self.challenge.as_mut().ok_or_else(no_such_step)?;
        challenge.update(data)?;
        if self.is_over() { self.finish() } else { Ok(Vec::new()) }
    }

    fn finish(&mut self) -> Result<Vec<u8>> {
        let (point, challenge) = self.challenge.take().ok_or_else(no_such_step)?;
        let expanded = digest(Hash::Sha512, &self.seed)?;
        let clamped = Zeroizing::new(clamp_integer(array(&expanded.as_ref()[..CURVE25519_LENGTH])?));
        let key = Zeroizing::new(Scalar::from_bytes_mod_order(*clamped));
        let nonce = Zeroizing::new(reduced(&self.nonce.copied()?.finish()?)?);
        let product = Zeroizing::new(reduced(&challenge.finish()?)? * *key);
        Ok([point, (*nonce + *product).to_bytes()].concat())
    }

    /// Whether the signature was given.
    pub const fn is_over(&self) -> bool {
        self.marks.is_over()
    }
}

impl Verification {
    /// Starts one, of a signature, with a public key of 32 bytes.
    ///
    /// # Errors
    /// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`, `CKR_MECHANISM_PARAM_INVALID`.
    pub fn new(key: &[u8], given: Option<&MechanismParameters>, signature: &[u8]) -> Result<Self> {
        let domain = domain(given)?;
        let signature = eddsa::checked_length(signature)?;
        let (point, scalar) = signature.split_at(CURVE25519_LENGTH);
        let (key, point, scalar) = (array(key)?, array(point)?, array(scalar)?);
        // As the crypto library has it: a scalar below the group's order, and a key that is a point in its one form.
        let scalar = Option::from(Scalar::from_canonical_bytes(scalar)).ok_or_else(eddsa::not_valid)?;
        let public = CompressedEdwardsY(key).decompress().filter(|point| point.compress().to_bytes() == key);
        let public = public.ok_or_else(eddsa::not_valid)?;
        Ok(Self { hash: challenge(&domain, &point, &key)?, public, point, scalar })
    }

    /// Takes data.
    pub fn take(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.hash.update(data)?)
    }

    /// Whether the signature is over the data.
    ///
    /// # Errors
    /// `CKR_SIGNATURE_INVALID`.
    pub fn finish(self) -> Result<()> {
        let challenge = reduced(&self.hash.finish()?)?;
        let point =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &-self.public, &self.scalar);
        if point.compress().to_bytes() == self.point { Ok(()) } else { Err(eddsa::not_valid()) }
    }
}

/// What Ed25519ctx hashes before all else; nothing of Ed25519.
fn domain(given: Option<&MechanismParameters>) -> Result<Vec<u8>> {
    match eddsa::variant(given)? {
        Variant::Pure => Ok(Vec::new()),
        Variant::WithContext(context) => {
            let length = u8::try_from(context.len()).map_err(|_| internal("a context that is too long"))?;
            Ok([DOMAIN, &[0, length], context].concat())
        }
        Variant::PreHashed(_) => Err(parameters::invalid("Ed25519ph signs a digest, which is one request")),
    }
}

fn challenge(domain: &[u8], point: &[u8], public: &[u8]) -> Result<DigestStream> {
    let mut hash = DigestStream::new(Hash::Sha512)?;
    [domain, point, public].into_iter().try_for_each(|part| hash.update(part))?;
    Ok(hash)
}

fn reduced(digest: &Digest) -> Result<Scalar> {
    let wide = digest.as_ref().try_into().map(Zeroizing::new).map_err(|_| internal("not a SHA-512"))?;
    Ok(Scalar::from_bytes_mod_order_wide(&wide))
}

fn array(bytes: &[u8]) -> Result<[u8; CURVE25519_LENGTH]> {
    bytes.try_into().map_err(|_| internal("an Ed25519 key without its 32 bytes"))
}
