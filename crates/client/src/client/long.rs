//! `sign`, `verify`, `encrypt` and `decrypt` by member names over more data than one request takes: as streams or in
//! pieces, for callers who have all of the data.

use strongroom_wire::messages::{CryptRequest, CryptResponse, Empty, MechanismParameters, VerifyRequest};
use strongroom_wire::{Field, MechanismType, Operation, Rv, Value};

use crate::error::{Error, Result};

use super::Client;
use super::pieces::Chain;

/// Bytes of the IV that `CKM_CLOUDHSM_AES_GCM` has in front of its ciphertext.
const IV_LENGTH: usize = 12;
/// The shortest last part of what is done in blocks.
const BLOCK: usize = 16;

impl Client {
    /// The answer to a request whose data one request cannot take; none for every other request.
    pub(super) fn call_long(&self, operation: Operation, request: &Value) -> Result<Option<Value>> {
        let is_one = matches!(
            operation,
            Operation::Sign | Operation::Verify | Operation::Encrypt | Operation::Decrypt
        );
        let Some(longest) = self.longest().filter(|longest| is_one && data_length(request) > *longest) else {
            return Ok(None);
        };
        if operation == Operation::Verify {
            let Some(request) = VerifyRequest::from_value(request) else { return Ok(None) };
            let Some(mechanism) = of_streams(request.mechanism) else { return Ok(None) };
            let (parameters, key) = (request.parameters.as_ref(), request.key);
            let (mut stream, proof) = if is_twice(mechanism) {
                (self.open_verification(key, mechanism, parameters, &request.signature)?, None)
            } else {
                (self.open_stream(operation, key, mechanism, parameters)?.0, Some(&request.signature[..]))
            };
            let mut pieces: Vec<&[u8]> = request.data.chunks(longest).collect();
            let last = pieces.pop().unwrap_or_default();
            for piece in pieces {
                self.update_stream(&mut stream, piece)?;
            }
            self.finish_stream(&mut stream, last, proof)?;
            return Ok(Some(Empty {}.to_value()));
        }
        let Some(request) = CryptRequest::from_value(request) else { return Ok(None) };
        if operation != Operation::Sign
            && let Some(mechanism) = MechanismType::from_code(request.mechanism)
            && let Some(chain) = Chain::of(mechanism)
        {
            let response = self.crypt_in_pieces(operation, mechanism, chain, request, longest)?;
            return Ok(Some(response.to_value()));
        }
        let Some(mechanism) = of_streams(request.mechanism) else { return Ok(None) };
        let response = if operation == Operation::Decrypt && has_tag(mechanism) {
            self.decrypt_whole(mechanism, request, longest)?
        } else if is_twice(mechanism) {
            let (mut stream, _) =
                self.open_stream(operation, request.key, mechanism, request.parameters.as_ref())?;
            let data = self.give_twice(&mut stream, &request.data, longest, None)?;
            CryptResponse { data, iv: None }
        } else {
            self.make_whole(operation, mechanism, request, longest)?
        };
        Ok(Some(response.to_value()))
    }

    fn make_whole(
        &self,
        operation: Operation,
        mechanism: MechanismType,
        mut request: CryptRequest,
        longest: usize,
    ) -> Result<CryptResponse> {
        tell_length(mechanism, &mut request, 0);
        let has_iv_in_front = matches!(mechanism, MechanismType::CloudhsmAesGcm | MechanismType::AesGmac);
        let sent = streamed(mechanism);
        if sent != mechanism && request.parameters.as_ref().is_some_and(|given| given.iv.is_some()) {
            let text = "the IV of CKM_CLOUDHSM_AES_GCM is the HSM's: leave it out";
            return Err(Error::local(Rv::MECHANISM_PARAM_INVALID, text));
        }
        let (mut stream, iv) = self.open_stream(operation, request.key, sent, request.parameters.as_ref())?;
        let mut data = Vec::new();
        let iv = if has_iv_in_front {
            data.extend(iv.unwrap_or_default());
            None
        } else {
            iv
        };
        let mut rest = &request.data[..];
        while rest.len() > longest {
            let (piece, behind) = rest.split_at(longest.min((rest.len() - BLOCK) / BLOCK * BLOCK));
            data.extend(self.update_stream(&mut stream, piece)?);
            rest = behind;
        }
        data.extend(self.finish_stream(&mut stream, rest, None)?);
        Ok(CryptResponse { data, iv })
    }

    /// AES-GCM or AES-CCM ciphertext with its tag behind it is sent twice: the HSM gives plaintext once it has checked the tag
    /// over all of it.
    fn decrypt_whole(
        &self,
        mechanism: MechanismType,
        mut request: CryptRequest,
        longest: usize,
    ) -> Result<CryptResponse> {
        let tag_bits = request.parameters.as_ref().and_then(|given| given.tag_bits).unwrap_or(0);
        let tag_length = usize::try_from(tag_bits / 8).unwrap_or(0);
        tell_length(mechanism, &mut request, tag_length);
        let mut parameters = request.parameters.take();
        let mut data = &request.data[..];
        if mechanism == MechanismType::CloudhsmAesGcm {
            let (iv, rest) = data.split_at(IV_LENGTH.min(data.len()));
            parameters =
                parameters.map(|parameters| MechanismParameters { iv: Some(iv.to_vec()), ..parameters });
            data = rest;
        }
        let short = || Error::local(Rv::ENCRYPTED_DATA_LEN_RANGE, "the data is shorter than its tag");
        let (data, tag) = data.split_at_checked(data.len().wrapping_sub(tag_length)).ok_or_else(short)?;
        let (mut stream, _) =
            self.open_stream(Operation::Decrypt, request.key, streamed(mechanism), parameters.as_ref())?;
        let plaintext = self.give_twice(&mut stream, data, longest, Some(tag))?;
        Ok(CryptResponse { data: plaintext, iv: None })
    }
}

/// Whether nothing may be decrypted before the end is seen.
const fn has_tag(mechanism: MechanismType) -> bool {
    use MechanismType as M;
    matches!(mechanism, M::AesGcm | M::CloudhsmAesGcm | M::AesCcm)
}

/// Whether what is signed comes twice, and a verification begins with the signature.
const fn is_twice(mechanism: MechanismType) -> bool {
    matches!(mechanism, MechanismType::Eddsa | MechanismType::CloudhsmEddsa)
}

/// AES-CCM wants to know how long the plaintext is before its first byte.
fn tell_length(mechanism: MechanismType, request: &mut CryptRequest, tag_length: usize) {
    if let (MechanismType::AesCcm, Some(parameters)) = (mechanism, &mut request.parameters) {
        parameters.data_length = Some(request.data.len().saturating_sub(tag_length) as u64);
    }
}

/// What a stream is opened for: the IV in front is put there, and taken from there, by the client.
const fn streamed(mechanism: MechanismType) -> MechanismType {
    if let MechanismType::CloudhsmAesGcm = mechanism { MechanismType::AesGcm } else { mechanism }
}

/// The mechanism of a number, if it takes streams.
fn of_streams(code: u64) -> Option<MechanismType> {
    MechanismType::from_code(code).filter(|mechanism| mechanism.is_stream())
}

fn data_length(request: &Value) -> usize {
    let data = match request {
        Value::Record(members) => members.iter().find(|(name, _)| *name == "data").map(|(_, value)| value),
        Value::Named(members) => members.iter().find(|(name, _)| name == "data").map(|(_, value)| value),
        _ => None,
    };
    if let Some(Value::Bytes(bytes)) = data { bytes.len() } else { 0 }
}
