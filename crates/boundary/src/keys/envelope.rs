//! Envelopes: how the cluster keys get from one HSM to another.
//!
//! A *member envelope* is made by a live member for one joiner: ephemeral-static ECDH P-384, the one-step derivation of
//! SP 800-56C with HMAC-SHA-384, AES-256-GCM. Cluster id, HSM id and both public keys are bound to it. The member signs
//! it and shows its own statement, so that a joiner takes cluster keys from a member of its cluster only; without that,
//! whoever can write the store could hand it keys of their own choice.
//!
//! A *recovery envelope* holds the same keys under the installation's backup wrapping key, for the HSM that is made when
//! none is left. It needs no signature: only a holder of the installation's bundle can make one.

use aws_lc_rs::agreement::{ECDH_P384, PrivateKey};
use aws_lc_rs::kdf::{SskdfHmacAlgorithmId, get_sskdf_hmac_algorithm, sskdf_hmac};
use strongroom_wire::Message;
use strongroom_wire::message;

use super::Keys;
use super::certificates::verify_p384;
use super::cluster::ClusterKeys;
use super::derive::SecretKey;
use super::identity::{Identity, agree, check_statement};
use super::installation::Installation;
use super::sealing::{Purpose, SealingKey, append_parts};
use crate::{Error, Result};

const SIGNATURE_CONTEXT: &[u8] = b"strongroom envelope 1\0";

impl Keys {
    /// The cluster keys for the joiner `hsm_id`, after its statement was checked: chain to this installation's hardware
    /// root, signature, HSM and cluster id. Whether it is an approved member is the caller's to check before.
    ///
    /// # Errors
    /// `Integrity`, with a text for each thing that can be wrong with the statement.
    pub fn seal_envelope(&self, hsm_id: &str, statement: &[u8]) -> Result<Vec<u8>> {
        seal(&self.member()?, self.cluster()?, hsm_id, statement)
    }

    /// Takes the cluster keys from an envelope that a member made for this HSM.
    ///
    /// # Errors
    /// `Integrity`: it is for another HSM, cluster or identity, was altered, or not made by a member of this cluster.
    pub fn open_envelope(&self, envelope: &[u8]) -> Result<()> {
        self.take_cluster_keys(|| open(&self.member()?, envelope))
    }

    /// The cluster keys under the installation's backup wrapping key.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn seal_recovery_envelope(&self) -> Result<Vec<u8>> {
        seal_recovery(&self.installation, &self.cluster_id, self.cluster()?)
    }

    /// Takes the cluster keys from the recovery envelope.
    ///
    /// # Errors
    /// `Integrity`: it was altered, or is of another cluster or installation.
    pub fn open_recovery_envelope(&self, envelope: &[u8]) -> Result<()> {
        self.take_cluster_keys(|| open_recovery(&self.installation, &self.cluster_id, envelope))
    }

    fn member(&self) -> Result<Member<'_>> {
        Ok(Member {
            installation: &self.installation,
            identity: self.identity()?,
            cluster_id: &self.cluster_id,
            hsm_id: &self.hsm_id,
        })
    }
}

message! {
    /// What a member envelope says.
    pub struct EnvelopeBody {
        1 => cluster_id: String,
        2 => /** The joiner. */ hsm_id: String,
        3 => /** The joiner's wrapping key, uncompressed point. */ recipient_public: Vec<u8>,
        4 => /** Uncompressed point. */ ephemeral_public: Vec<u8>,
        5 => /** Cluster keys, sealed under the agreed key. */ sealed: Vec<u8>,
    }

    /// A member envelope: the encoded body, the sealing member's signature over it, and that member's statement.
    pub struct Envelope {
        1 => body: Vec<u8>,
        2 => signature: Vec<u8>,
        3 => sealer: Vec<u8>,
    }
}

/// Who this HSM is, for both directions.
pub(super) struct Member<'a> {
    pub(super) installation: &'a Installation,
    pub(super) identity: &'a Identity,
    pub(super) cluster_id: &'a str,
    pub(super) hsm_id: &'a str,
}

/// The cluster keys for the HSM `joiner`, after its statement was checked.
pub(super) fn seal(
    member: &Member<'_>,
    keys: &ClusterKeys,
    joiner: &str,
    statement: &[u8],
) -> Result<Vec<u8>> {
    let checked = check_statement(&member.installation.hardware_root_certificate, statement)?;
    if checked.hsm_id != joiner {
        return Err(Error::integrity(format!(
            "the statement is of HSM {:?}, not of {joiner}",
            checked.hsm_id
        )));
    }
    if checked.cluster_id != member.cluster_id {
        return Err(Error::integrity(format!(
            "the statement is for cluster {:?}, not for {}",
            checked.cluster_id, member.cluster_id
        )));
    }
    let failed = |_| Error::failed("the crypto library did not make an ephemeral key");
    let ephemeral = PrivateKey::generate(&ECDH_P384).map_err(failed)?;
    let ephemeral_public = ephemeral.compute_public_key().map_err(failed)?.as_ref().to_vec();
    let mut body = EnvelopeBody {
        cluster_id: member.cluster_id.to_owned(),
        hsm_id: joiner.to_owned(),
        recipient_public: checked.wrapping_public,
        ephemeral_public,
        sealed: Vec::new(),
    };
    let refused = Error::integrity("the statement's wrapping key is not a point of P-384");
    let key = agree(&ephemeral, &body.recipient_public, refused, |secret| agreed_key(secret, &body))?;
    body.sealed = key.seal(&bound_parts(&body), &keys.to_plaintext()?)?;
    let body = body.to_bytes();
    let signature = member.identity.signing.sign(&[SIGNATURE_CONTEXT, &body].concat())?;
    let sealer = member.identity.statement(member.cluster_id, member.hsm_id)?;
    Ok(Envelope { body, signature, sealer }.to_bytes())
}

/// The cluster keys from an envelope for this HSM.
pub(super) fn open(member: &Member<'_>, envelope: &[u8]) -> Result<ClusterKeys> {
    let malformed = |error| Error::integrity(format!("the envelope is malformed: {error}"));
    let envelope = Envelope::from_bytes(envelope).map_err(malformed)?;
    let body = EnvelopeBody::from_bytes(&envelope.body).map_err(malformed)?;
    if body.cluster_id != member.cluster_id {
        return Err(Error::integrity(format!("the envelope is for another cluster: {:?}", body.cluster_id)));
    }
    if body.hsm_id != member.hsm_id {
        return Err(Error::integrity(format!("the envelope is for another HSM: {:?}", body.hsm_id)));
    }
    if body.recipient_public != member.identity.wrapping_public {
        return Err(Error::integrity(
            "the envelope is for another identity of this HSM; ask a member for a new one",
        ));
    }
    let sealer = check_statement(&member.installation.hardware_root_certificate, &envelope.sealer).map_err(
        |error| Error::integrity(format!("the envelope's sealer is not a member: {}", error.text)),
    )?;
    if sealer.cluster_id != member.cluster_id {
        return Err(Error::integrity("the envelope was sealed by an HSM of another cluster"));
    }
    if !verify_p384(
        &sealer.signing_public,
        &[SIGNATURE_CONTEXT, &envelope.body].concat(),
        &envelope.signature,
    ) {
        return Err(Error::integrity(
            "the envelope was altered: its signature is not by the HSM that it names",
        ));
    }
    let refused = Error::integrity("the envelope's ephemeral key is not a point of P-384");
    let key = agree(&member.identity.wrapping, &body.ephemeral_public, refused, |secret| {
        agreed_key(secret, &body)
    })?;
    let plaintext = key.open(&bound_parts(&body), &body.sealed, "the envelope")?;
    ClusterKeys::from_plaintext(&plaintext, "the envelope")
}

/// The cluster keys under the installation's backup wrapping key.
pub(super) fn seal_recovery(
    installation: &Installation,
    cluster_id: &str,
    keys: &ClusterKeys,
) -> Result<Vec<u8>> {
    installation.recovery.seal(&[cluster_id.as_bytes()], &keys.to_plaintext()?)
}

/// The cluster keys from a recovery envelope of this cluster.
pub(super) fn open_recovery(
    installation: &Installation,
    cluster_id: &str,
    envelope: &[u8],
) -> Result<ClusterKeys> {
    let name = format!("the recovery envelope of {cluster_id}");
    let plaintext = installation.recovery.open(&[cluster_id.as_bytes()], envelope, &name)?;
    ClusterKeys::from_plaintext(&plaintext, &name)
}

fn bound_parts(body: &EnvelopeBody) -> [&[u8]; 4] {
    [body.cluster_id.as_bytes(), body.hsm_id.as_bytes(), &body.recipient_public, &body.ephemeral_public]
}

/// SP 800-56Cr2 section 4, option 2 (HMAC-SHA-384, default salt); fixed info is the label and the bound parts.
fn agreed_key(secret: &[u8], body: &EnvelopeBody) -> Result<SealingKey> {
    let failed = || Error::failed("the crypto library did not derive an envelope's key");
    let algorithm = get_sskdf_hmac_algorithm(SskdfHmacAlgorithmId::Sha384).ok_or_else(failed)?;
    let mut info = Purpose::Envelope.label().as_bytes().to_vec();
    append_parts(&mut info, &bound_parts(body));
    let key =
        SecretKey::fill(|output| sskdf_hmac(algorithm, secret, &info, &[], output).map_err(|_| failed()))?;
    Ok(SealingKey::from_agreed(key, Purpose::Envelope))
}
