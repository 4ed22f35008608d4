//! Signing and MACing functions (PKCS #11 2.40 section 5.11).
//!
//! Init is local. Data is hashed here; the HSM gets the digest, or the collected data of a MAC or of a key that is bound to
//! a mechanism that hashes, in one request. A MAC over more than a request takes becomes a stream on one HSM, and so does
//! Ed25519, which wants its data twice (ADR 0126).

use cryptoki_sys::{
    CK_BYTE, CK_MECHANISM, CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use strongroom_client::Stream;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::{Function, ParameterKind};
use strongroom_wire::{AttributeType, KeyKind, MechanismType, Operation, Rv, Template};

use crate::digest::Digest;
use crate::edge::{Failure, Output, Result, bytes, enter, failure};
use crate::library::Slot;
use crate::mechanism::{GCM_IV_LENGTH, IvPlace, Mechanism, check_key, field_length, modulus_length};
use crate::ml_dsa::{self, Mu};
use crate::profile::is_single_part;
use crate::spool::Spool;
use crate::twice::Twice;

/// More data than one request takes.
#[derive(Debug)]
pub enum Long {
    /// Of a MAC, with the IV that an HSM made for a GMAC.
    Stream(Stream, Option<Vec<u8>>),
    /// Of an Ed25519 signature.
    Twice(Box<Twice>),
    /// Of the verification of one, which begins with the signature.
    Kept(Box<Spool>),
}

/// A signature or MAC under way, or its verification.
#[derive(Debug)]
pub struct Signing {
    /// The key's reference.
    pub key: u64,
    /// The mechanism that the HSM does: without the hash, if that is made here.
    pub mechanism: MechanismType,
    /// Its parameters.
    pub parameters: Option<MechanismParameters>,
    /// How long the signature is.
    pub signature_length: usize,
    /// Where `CKM_AES_GMAC` wants the IV that the HSM made.
    iv_place: Option<IvPlace>,
    /// Whose digest it is in a PKCS #1 v1.5 signature.
    hash: Option<MechanismType>,
    digest: Option<Digest>,
    /// What ML-DSA signs.
    mu: Option<Mu>,
    /// `sign` or `verify`.
    operation: Operation,
    /// What no HSM has yet: at most what fits one request.
    collected: Vec<u8>,
    /// Bytes in all parts so far.
    length: usize,
    /// The most bytes in all parts.
    longest: usize,
    largest_data: usize,
    /// What came before, where that is more.
    long: Option<Long>,
    is_single_part: bool,
    /// Whether Update was called.
    is_multi_part: bool,
}

impl Signing {
    /// Starts one.
    ///
    /// # Errors
    /// The codes of C_SignInit.
    pub fn new(
        slot: &Slot,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        usage: AttributeType,
    ) -> Result<Self> {
        let key = slot.key_for(key, usage)?;
        let attributes = &key.view.attributes;
        let kind = check_key(mechanism.kind, attributes)?;
        check_class(attributes, usage)?;
        let signature_length = match kind {
            KeyKind::Rsa => modulus_length(attributes)?,
            KeyKind::Ec => 2 * field_length(attributes)?,
            KeyKind::Ed25519 => 64,
            KeyKind::MlDsa => ml_dsa::lengths(attributes)?.1,
            KeyKind::X25519 | KeyKind::MlKem => return Err(Rv::KEY_TYPE_INCONSISTENT.into()),
            _ => mac_length(&mechanism)?,
        };
        check_gmac(slot, &mechanism, usage)?;
        let prehash = mechanism.parameters.as_ref().is_some_and(|parameters| parameters.prehash);
        // Where the key is bound to the mechanism that hashes, and not to the one that signs a hash, the HSM hashes.
        let raw = mechanism.kind.raw().filter(|raw| attributes.allows(*raw));
        let named = if prehash { Some(MechanismType::Sha512) } else { mechanism.kind.hash() };
        let hash = named.filter(|_| prehash || raw.is_some());
        let mut parameters = mechanism.parameters;
        let mu = match raw {
            Some(_) => Mu::begin(mechanism.kind, attributes, &mut parameters)?,
            None => None,
        };
        let digest = match &mu {
            Some(mu) => mu.message_digest(mechanism.kind)?,
            None => hash.map(Digest::new).transpose()?,
        };
        if let (Some(named), Some(parameters)) = (named, &parameters)
            && parameters.hash.is_some_and(|hash| hash != named.code())
        {
            return failure(
                Rv::MECHANISM_PARAM_INVALID,
                "the parameter names another hash than the mechanism",
            );
        }
        Ok(Self {
            key: key.reference,
            mechanism: raw.unwrap_or(mechanism.kind),
            parameters,
            signature_length,
            iv_place: mechanism.iv_place,
            hash,
            digest,
            mu,
            operation: if usage == AttributeType::Sign { Operation::Sign } else { Operation::Verify },
            collected: Vec::new(),
            length: 0,
            longest: slot.longest_input(mechanism.kind),
            largest_data: slot.largest_data(),
            long: None,
            // Ed25519ph hashes first: there it takes parts, and data of any length.
            is_single_part: is_single_part(slot.profile, mechanism.kind) && !prehash,
            is_multi_part: false,
        })
    }

    /// Refuses C_Sign after C_SignUpdate.
    pub fn check_single(&self) -> Result {
        if self.is_multi_part {
            return failure(Rv::OPERATION_ACTIVE, "a multi-part operation is under way");
        }
        Ok(())
    }

    /// Refuses C_SignFinal for a mechanism without parts.
    pub fn check_parts(&self) -> Result {
        if self.is_single_part {
            let name = self.mechanism.name();
            return failure(Rv::FUNCTION_NOT_SUPPORTED, format!("{name} takes its data in one part"));
        }
        Ok(())
    }

    /// Takes a part.
    ///
    /// # Errors
    /// `CKR_FUNCTION_NOT_SUPPORTED` for a mechanism without parts, `CKR_DATA_LEN_RANGE` over the HSM's limit.
    pub fn update(&mut self, slot: &Slot, part: &[u8]) -> Result {
        self.check_parts()?;
        self.is_multi_part = true;
        self.add(slot, part)
    }

    fn add(&mut self, slot: &Slot, mut part: &[u8]) -> Result {
        if let Some(digest) = &mut self.digest {
            return digest.update(part);
        }
        if let Some(mu) = self.mu.as_mut().filter(|mu| mu.takes_message()) {
            return mu.update(part);
        }
        self.length = self.length.saturating_add(part.len());
        let longest_call = slot.longest_call(self.mechanism, true);
        if self.length > self.longest || part.len() > longest_call {
            let limit = self.longest.min(longest_call);
            return failure(
                Rv::DATA_LEN_RANGE,
                format!("more than the {limit} bytes that one operation takes"),
            );
        }
        while self.collected.len() + part.len() > self.largest_data {
            let (now, later) = part.split_at(self.largest_data - self.collected.len());
            self.collected.extend_from_slice(now);
            self.send(slot)?;
            part = later;
        }
        self.collected.extend_from_slice(part);
        Ok(())
    }

    /// Passes on what is collected.
    fn send(&mut self, slot: &Slot) -> Result {
        let long = match self.long.take() {
            Some(long) => long,
            None => self.begin_long(slot)?,
        };
        match self.long.insert(long) {
            Long::Stream(stream, _) => slot.client.update_stream(stream, &self.collected).map(|_| ())?,
            Long::Twice(twice) => twice.take(slot, &self.collected)?,
            Long::Kept(spool) => spool.push(&[&self.collected])?,
        }
        self.collected.clear();
        Ok(())
    }

    fn begin_long(&self, slot: &Slot) -> Result<Long> {
        let (key, parameters) = (self.key, self.parameters.as_ref());
        Ok(match (self.mechanism, self.operation) {
            (MechanismType::Eddsa, Operation::Verify) => Long::Kept(Box::new(Spool::new()?)),
            (MechanismType::Eddsa, operation) => {
                Long::Twice(Box::new(Twice::begin(slot, operation, key, self.mechanism, parameters)?))
            }
            (mechanism, operation) => {
                let (stream, iv) = slot.client.open_stream(operation, key, mechanism, parameters)?;
                Long::Stream(stream, iv)
            }
        })
    }

    /// What came before the rest that [`Self::input`] gives.
    pub const fn take_long(&mut self) -> Option<Long> {
        self.long.take()
    }

    /// What the HSM signs, after the last data; of a stream the rest.
    pub fn input(&mut self, slot: &Slot, last: &[u8]) -> Result<Vec<u8>> {
        self.add(slot, last)?;
        let digest = self.digest.take();
        if let Some(mu) = self.mu.take() {
            let collected = std::mem::take(&mut self.collected);
            return mu.finish(&digest.map_or(Ok(collected), Digest::finish)?);
        }
        let Some(digest) = digest else { return Ok(std::mem::take(&mut self.collected)) };
        let mut input = Vec::new();
        if let (MechanismType::RsaPkcs, Some(hash)) = (self.mechanism, self.hash) {
            input.extend_from_slice(digest_info(hash));
        }
        input.extend_from_slice(&digest.finish()?);
        Ok(input)
    }

    /// Lets the HSM sign, after the last data.
    pub fn sign(mut self, slot: &Slot, last: &[u8]) -> Result<Vec<u8>> {
        let data = self.input(slot, last)?;
        let (mut signature, iv) = match self.long.take() {
            Some(Long::Stream(mut stream, iv)) => (slot.client.finish_stream(&mut stream, &data, None)?, iv),
            Some(Long::Twice(twice)) => {
                let mut signature = Vec::new();
                twice.finish(slot, &data, None, |made| {
                    signature.extend_from_slice(made);
                    Ok(())
                })?;
                (signature, None)
            }
            Some(Long::Kept(_)) => return Err(Rv::GENERAL_ERROR.into()),
            None => {
                let parameters = self.parameters.as_ref();
                let made = slot.client.crypt(Operation::Sign, self.key, self.mechanism, parameters, &data)?;
                (made.data, None)
            }
        };
        if let Some(place) = self.iv_place {
            // The answer to one request has the IV in front of the MAC.
            let iv = iv.unwrap_or_else(|| signature.drain(..GCM_IV_LENGTH.min(signature.len())).collect());
            // SAFETY: the standard's caller keeps the parameter's buffers until the operation ends.
            unsafe { slot.hand_over(place, &iv) }?;
        }
        if signature.len() != self.signature_length {
            return failure(Rv::DEVICE_ERROR, "the HSM gave a signature of a wrong length");
        }
        Ok(signature)
    }
}

fn check_class(attributes: &Template, usage: AttributeType) -> Result {
    let class: Option<CK_OBJECT_CLASS> = attributes.ulong(AttributeType::Class);
    let asymmetric = if usage == AttributeType::Sign { CKO_PRIVATE_KEY } else { CKO_PUBLIC_KEY };
    if class == Some(CKO_SECRET_KEY) || class == Some(asymmetric) {
        return Ok(());
    }
    failure(Rv::KEY_TYPE_INCONSISTENT, "the other half of the key pair is needed")
}

/// `CKM_AES_GMAC` needs a place for the HSM's IV when it signs, and an IV when it verifies.
fn check_gmac(slot: &Slot, mechanism: &Mechanism, usage: AttributeType) -> Result {
    if mechanism.kind != MechanismType::AesGmac {
        return Ok(());
    }
    let iv = mechanism.parameters.as_ref().and_then(|parameters| parameters.iv.as_deref());
    match usage {
        AttributeType::Sign if mechanism.iv_place.is_none() => {
            failure(Rv::MECHANISM_PARAM_INVALID, "pIv must have room for the 12-byte IV that the HSM makes")
        }
        AttributeType::Sign => slot.check_iv_is_left_to_the_hsm(iv),
        AttributeType::Verify if iv.is_none() => failure(Rv::MECHANISM_PARAM_INVALID, "pIv must hold the IV"),
        _ => Ok(()),
    }
}

fn mac_length(mechanism: &Mechanism) -> Result<usize> {
    let is_said = mechanism.kind.parameter_kind() == ParameterKind::MacLength;
    if is_said || mechanism.kind == MechanismType::AesGmac {
        let bits = mechanism.parameters.as_ref().and_then(|parameters| parameters.tag_bits);
        return Ok(usize::try_from(bits.unwrap_or_default() / 8).unwrap_or_default());
    }
    Ok(match mechanism.kind {
        MechanismType::AesCmac => 16,
        MechanismType::Des3Cmac => 8,
        MechanismType::Sha1Hmac => 20,
        MechanismType::Sha224Hmac | MechanismType::Sha3224Hmac => 28,
        MechanismType::Sha256Hmac | MechanismType::Sha3256Hmac => 32,
        MechanismType::Sha384Hmac | MechanismType::Sha3384Hmac => 48,
        MechanismType::Sha512Hmac | MechanismType::Sha3512Hmac => 64,
        _ => return Err(Rv::MECHANISM_INVALID.into()),
    })
}

/// The DER before the digest in a PKCS #1 v1.5 signature (RFC 8017 section 9.2, note 1; RFC 8702 section 2).
fn digest_info(hash: MechanismType) -> &'static [u8] {
    match hash {
        MechanismType::Sha1 => &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14],
        MechanismType::Sha224 => {
            &[0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4, 5, 0, 4, 0x1c]
        }
        MechanismType::Sha256 => {
            &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20]
        }
        MechanismType::Sha384 => {
            &[0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30]
        }
        MechanismType::Sha512 => {
            &[0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40]
        }
        MechanismType::Sha3224 => {
            &[0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 7, 5, 0, 4, 0x1c]
        }
        MechanismType::Sha3256 => {
            &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 8, 5, 0, 4, 0x20]
        }
        MechanismType::Sha3384 => {
            &[0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 9, 5, 0, 4, 0x30]
        }
        MechanismType::Sha3512 => {
            &[0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 10, 5, 0, 4, 0x40]
        }
        _ => &[],
    }
}

const NOT_ACTIVE: Rv = Rv::OPERATION_NOT_INITIALIZED;

/// C_SignInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_SignInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.sign.take().is_some() {
            return Ok(());
        }
        if operations.sign.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Sign, session.slot.profile) }?;
        operations.sign = Some(Signing::new(&session.slot, mechanism, key, AttributeType::Sign)?);
        Ok(())
    })
}

/// C_Sign.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_Sign", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        operations.sign.as_ref().ok_or(Failure::from(NOT_ACTIVE))?.check_single()?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output =
            unsafe { Output::new(signature, signature_length) }.inspect_err(|_| operations.sign = None)?;
        let active = operations.sign.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        if !output.has_room(active.signature_length)? {
            return Ok(());
        }
        let active = operations.sign.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        let signature = active.sign(&session.slot, unsafe { bytes(data, data_length) }?)?;
        output.write(&signature)
    })
}

/// C_SignUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    enter("C_SignUpdate", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let active = operations.sign.as_mut().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        let outcome = unsafe { bytes(part, length) }.and_then(|part| active.update(&session.slot, part));
        if outcome.is_err() {
            operations.sign = None;
        }
        outcome
    })
}

/// C_SignFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_SignFinal", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        operations.sign.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output =
            unsafe { Output::new(signature, signature_length) }.inspect_err(|_| operations.sign = None)?;
        let active = operations.sign.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        if !output.has_room(active.signature_length)? {
            return Ok(());
        }
        let active = operations.sign.take().ok_or(Failure::from(NOT_ACTIVE))?;
        active.check_parts()?;
        output.write(&active.sign(&session.slot, &[])?)
    })
}
