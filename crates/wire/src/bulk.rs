//! `sign`, `encrypt`, `decrypt` and the steps of streams without copies of their data: the same bytes as [`CryptRequest`],
//! [`CryptResponse`], [`StreamUpdateRequest`] and its like.
//!
//! [`CryptRequest`]: crate::messages::CryptRequest
//! [`StreamUpdateRequest`]: crate::messages::StreamUpdateRequest

use std::ops::Range;

use crate::codec::{DecodeError, Field, read_bytes, skip_value};
use crate::messages::{CryptResponse, MechanismParameters};

/// A `CryptRequest` whose data stays where it came in: in the body, at this range.
#[derive(Debug)]
pub struct CryptRequestView {
    /// The key's reference.
    pub key: u64,
    /// The mechanism's number.
    pub mechanism: u64,
    /// Its parameters.
    pub parameters: Option<MechanismParameters>,
    /// Where the data is in the body.
    pub data: Range<usize>,
}

impl CryptRequestView {
    /// From a whole body; bytes after the map are refused.
    ///
    /// # Errors
    /// The bytes are not a `CryptRequest`.
    pub fn from_bytes(body: &[u8]) -> Result<Self, DecodeError> {
        let (mut key, mut mechanism, mut parameters, mut data) = (None, None, None, None);
        read_map(body, |member, input| {
            match member {
                1 => key = Some(Field::decode(input)?),
                2 => mechanism = Some(Field::decode(input)?),
                3 => parameters = Field::decode(input)?,
                4 => data = Some(read_range(body, input)?),
                _ => skip_value(input)?,
            }
            Ok(())
        })?;
        Ok(Self {
            key: key.ok_or(DecodeError::Missing("key"))?,
            mechanism: mechanism.ok_or(DecodeError::Missing("mechanism"))?,
            parameters,
            data: data.ok_or(DecodeError::Missing("data"))?,
        })
    }
}

/// A step of a stream whose data stays where it came in: in the body, at this range.
#[derive(Debug)]
pub struct StreamStepView {
    /// The stream's number.
    pub stream: u64,
    /// How much data came before.
    pub offset: u64,
    /// Where the data is in the body.
    pub data: Range<usize>,
    /// The signature, tag or mark; none in an update.
    pub proof: Option<Vec<u8>>,
}

impl StreamStepView {
    /// From a whole body of `stream_update`, `stream_finish` or `stream_repeat`.
    ///
    /// # Errors
    /// The bytes are not such a request.
    pub fn from_bytes(body: &[u8]) -> Result<Self, DecodeError> {
        let (mut stream, mut offset, mut data, mut proof) = (None, None, None, None);
        read_map(body, |member, input| {
            match member {
                1 => stream = Some(Field::decode(input)?),
                2 => offset = Some(Field::decode(input)?),
                3 => data = Some(read_range(body, input)?),
                4 => proof = Field::decode(input)?,
                _ => skip_value(input)?,
            }
            Ok(())
        })?;
        Ok(Self {
            stream: stream.ok_or(DecodeError::Missing("stream"))?,
            offset: offset.ok_or(DecodeError::Missing("offset"))?,
            data: data.ok_or(DecodeError::Missing("data"))?,
            proof,
        })
    }
}

/// The body of such a step over borrowed data.
pub fn stream_step(stream: u64, offset: u64, data: &[u8], proof: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 128);
    let members = if proof.is_some() { 4 } else { 3 };
    written(rmp::encode::write_map_len(&mut out, members).is_ok());
    put(&mut out, 1, &stream);
    put(&mut out, 2, &offset);
    3_u64.encode(&mut out);
    written(rmp::encode::write_bin(&mut out, data).is_ok());
    if let Some(proof) = proof {
        put(&mut out, 4, &proof.to_vec());
    }
    out
}

/// The body of a `CryptRequest` over borrowed data.
pub fn crypt_request(
    key: u64,
    mechanism: u64,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 128);
    let members = if parameters.is_some() { 4 } else { 3 };
    written(rmp::encode::write_map_len(&mut out, members).is_ok());
    put(&mut out, 1, &key);
    put(&mut out, 2, &mechanism);
    if let Some(parameters) = parameters {
        put(&mut out, 3, parameters);
    }
    4_u64.encode(&mut out);
    written(rmp::encode::write_bin(&mut out, data).is_ok());
    out
}

/// The answer, with the body's memory as that of its data.
///
/// # Errors
/// The bytes are not a `CryptResponse`.
pub fn crypt_response(mut body: Vec<u8>) -> Result<CryptResponse, DecodeError> {
    let (mut data, mut iv) = (None, None);
    read_map(&body, |member, input| {
        match member {
            1 => data = Some(read_range(&body, input)?),
            2 => iv = Field::decode(input)?,
            _ => skip_value(input)?,
        }
        Ok(())
    })?;
    let data = data.ok_or(DecodeError::Missing("data"))?;
    let length = data.len();
    body.copy_within(data, 0);
    body.truncate(length);
    Ok(CryptResponse { data: body, iv })
}

fn read_map(
    body: &[u8],
    mut member: impl FnMut(u64, &mut &[u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut input = body;
    let count = rmp::decode::read_map_len(&mut input).map_err(|_| DecodeError::Malformed)?;
    for _ in 0..count {
        let key = u64::decode(&mut input)?;
        member(key, &mut input)?;
    }
    if input.is_empty() { Ok(()) } else { Err(DecodeError::Malformed) }
}

/// Reads a bin; gives where it is in the body.
fn read_range(body: &[u8], input: &mut &[u8]) -> Result<Range<usize>, DecodeError> {
    let length = read_bytes(input)?.len();
    let end = body.len() - input.len();
    Ok(end - length..end)
}

fn put(out: &mut Vec<u8>, member: u64, field: &impl Field) {
    member.encode(out);
    field.encode(out);
}

fn written(done: bool) {
    assert!(done, "a vector takes every write");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Message;
    use crate::messages::{
        CryptRequest, NO_PARAMETERS, StreamFinishRequest, StreamRepeatRequest, StreamUpdateRequest,
    };

    fn requests() -> Vec<CryptRequest> {
        let parameters = MechanismParameters { iv: Some(vec![7; 12]), tag_bits: Some(128), ..NO_PARAMETERS };
        [0, 1, 70_000]
            .into_iter()
            .flat_map(|length| [None, Some(parameters.clone())].map(|parameters| (length, parameters)))
            .map(|(length, parameters)| CryptRequest {
                key: 1 << 40,
                mechanism: 0x1087,
                parameters,
                data: vec![3; length],
            })
            .collect()
    }

    #[test]
    fn requests_are_the_same_bytes_and_come_back() {
        for request in requests() {
            let body =
                crypt_request(request.key, request.mechanism, request.parameters.as_ref(), &request.data);
            assert!(body == request.to_bytes());
            let view = CryptRequestView::from_bytes(&body).unwrap();
            assert!(
                (view.key, view.mechanism, &view.parameters, &body[view.data.clone()])
                    == (request.key, request.mechanism, &request.parameters, &request.data[..])
            );
        }
    }

    #[test]
    fn steps_of_streams_are_the_same_bytes_and_come_back() {
        let (stream, offset, data, proof) = (7, 1 << 33, vec![5; 70_000], vec![9; 32]);
        let update = StreamUpdateRequest { stream, offset, data: data.clone() };
        let finish =
            StreamFinishRequest { stream, offset, data: data.clone(), signature: Some(proof.clone()) };
        let reveal = StreamRepeatRequest { stream, offset, data: data.clone(), mark: proof.clone() };
        let with_proof = stream_step(stream, offset, &data, Some(&proof));
        assert!(stream_step(stream, offset, &data, None) == update.to_bytes());
        assert!(with_proof == finish.to_bytes() && with_proof == reveal.to_bytes());
        let view = StreamStepView::from_bytes(&with_proof).unwrap();
        assert_eq!((view.stream, view.offset, view.proof), (stream, offset, Some(proof)));
        assert!(with_proof[view.data] == data);
        let short = stream_step(stream, offset, b"data", None);
        for length in 1..short.len() {
            assert_eq!(
                StreamStepView::from_bytes(&short[..length]).err(),
                StreamUpdateRequest::from_bytes(&short[..length]).err()
            );
        }
    }

    #[test]
    fn answers_come_back() {
        for iv in [None, Some(vec![9; 12])] {
            let response = CryptResponse { data: vec![5; 20_000], iv };
            assert_eq!(crypt_response(response.to_bytes()), Ok(response));
        }
    }

    #[test]
    fn what_is_no_message_is_refused_as_the_message_is() {
        let mut bodies = vec![b"\x80".to_vec(), b"\xc0".to_vec(), Vec::new()];
        for request in requests().into_iter().take(4) {
            let body = request.to_bytes();
            bodies.extend((1..body.len().min(40)).map(|length| body[..length].to_vec()));
            bodies.push([&body[..], b"\xc0"].concat());
        }
        for body in bodies {
            assert_eq!(
                CryptRequestView::from_bytes(&body).err(),
                CryptRequest::from_bytes(&body).err(),
                "{body:02x?}"
            );
            assert_eq!(crypt_response(body.clone()).err(), CryptResponse::from_bytes(&body).err());
        }
    }
}
