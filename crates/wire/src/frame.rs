//! Frames: the fixed header and the cutting of long bodies into interleaved chunks. No I/O.
//!
//! Every number is big-endian. A frame is
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 4 | length of what follows |
//! | 4 | 1 | type: 1 request, 2 response, 3 error, 4 continuation, 5 notice |
//! | 5 | 1 | flags: bit 0 = more chunks of this body follow |
//! | 6 | 2 | operation |
//! | 8 | 8 | request id: chosen by the client, unique among its open requests on this connection |
//! | 16 | 8 | login id; 0 = none |
//! | 24 | 8 | request: the newest revision that the client has seen; response: the HSM's revision |
//! | 32 | 4 | deadline in ms from receipt; 0 = the HSM's default |
//! | 36 | 4 | zero |
//! | 40 | 8 | trace id |
//! | 48 | | body, or a chunk of it |
//!
//! A body over [`CHUNK_LENGTH`] is sent as a first frame and continuations with the same request id; frames of other
//! requests may stand between them. A whole body is at most [`MAX_BODY_LENGTH`].

use strongroom_wiping::wipe;
use zeroize::Zeroizing;

/// Length of the header with the length field.
pub const HEADER_LENGTH: usize = 48;
/// The longest body of one frame.
pub const CHUNK_LENGTH: usize = 16 * 1024;
/// The longest body of one message.
pub const MAX_BODY_LENGTH: usize = 1024 * 1024;
/// How many bodies of one connection may be incomplete at once.
pub const MAX_OPEN_BODIES: usize = 64;
/// What a TLS peer offers as ALPN protocol.
pub const ALPN: &[u8] = b"strongroom/1";
/// The port of an HSM (aws-cloudhsm.md 1.6).
pub const DEFAULT_PORT: u16 = 2223;

const FLAG_MORE: u8 = 1;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    /// From the client.
    Request = 1,
    /// The answer.
    Response = 2,
    /// The answer is an error ([`crate::messages::ErrorReply`]).
    Error = 3,
    /// A further chunk of a body.
    Continuation = 4,
    /// From the HSM without a request: members changed, draining ([`crate::messages::Notice`]).
    Notice = 5,
}

impl FrameType {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Request,
            2 => Self::Response,
            3 => Self::Error,
            4 => Self::Continuation,
            5 => Self::Notice,
            _ => return None,
        })
    }
}

/// The fields of a frame header that have a meaning to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub frame_type: FrameType,
    /// The operation's number; unknown numbers are answered, not refused as frames.
    pub operation: u16,
    /// The client's number for this request.
    pub request_id: u64,
    /// Which login it is made under; 0 = none.
    pub login_id: u64,
    /// The newest revision known to the sender.
    pub revision: u64,
    /// Milliseconds that the client will wait.
    pub deadline_ms: u32,
    /// For correlation in logs and traces.
    pub trace_id: u64,
}

/// One whole message: a header and its complete body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The header of the first frame.
    pub header: Header,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

/// Why a peer's bytes are refused; the connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length field is below the header's or above a chunk's.
    Length(u32),
    /// An unknown frame type.
    Type(u8),
    /// A continuation without a first frame, or a first frame whose request id is open.
    Continuation(u64),
    /// A body over [`MAX_BODY_LENGTH`].
    BodyTooLong(u64),
    /// More than [`MAX_OPEN_BODIES`] incomplete bodies, or more bytes in them than the receiver allows.
    TooManyOpenBodies,
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length(length) => write!(f, "frame length {length} is out of range"),
            Self::Type(code) => write!(f, "unknown frame type {code}"),
            Self::Continuation(id) => write!(f, "chunk of request {id} out of order"),
            Self::BodyTooLong(id) => write!(f, "body of request {id} is over {MAX_BODY_LENGTH} bytes"),
            Self::TooManyOpenBodies => write!(f, "too many incomplete bodies"),
        }
    }
}

impl std::error::Error for FrameError {}

impl Header {
    /// The bytes before a chunk of `length` bytes.
    fn encode(&self, frame_type: FrameType, length: usize, more: bool) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        #[allow(clippy::cast_possible_truncation)] // a chunk is at most 16 KiB
        bytes[..4].copy_from_slice(&((HEADER_LENGTH - 4 + length) as u32).to_be_bytes());
        bytes[4] = frame_type as u8;
        bytes[5] = if more { FLAG_MORE } else { 0 };
        bytes[6..8].copy_from_slice(&self.operation.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.request_id.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.login_id.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.revision.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.deadline_ms.to_be_bytes());
        bytes[40..].copy_from_slice(&self.trace_id.to_be_bytes());
        bytes
    }

    /// The inverse; and whether more chunks follow.
    pub(crate) fn decode(bytes: &[u8; HEADER_LENGTH]) -> Result<(Self, bool), FrameError> {
        let number = |offset: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[offset..offset + 8]);
            u64::from_be_bytes(field)
        };
        let header = Self {
            frame_type: FrameType::from_code(bytes[4]).ok_or(FrameError::Type(bytes[4]))?,
            operation: u16::from_be_bytes([bytes[6], bytes[7]]),
            request_id: number(8),
            login_id: number(16),
            revision: number(24),
            deadline_ms: u32::from_be_bytes([bytes[32], bytes[33], bytes[34], bytes[35]]),
            trace_id: number(40),
        };
        Ok((header, bytes[5] & FLAG_MORE != 0))
    }
}

/// Appends the frame or frames of one message to `out`.
///
/// # Errors
/// [`FrameError::BodyTooLong`] over [`MAX_BODY_LENGTH`]; nothing is appended then.
pub fn encode_frame(header: &Header, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if body.len() > MAX_BODY_LENGTH {
        return Err(FrameError::BodyTooLong(header.request_id));
    }
    out.reserve(body.len() + (body.len() / CHUNK_LENGTH + 1) * HEADER_LENGTH);
    let mut rest = body;
    let mut frame_type = header.frame_type;
    loop {
        let (chunk, tail) = rest.split_at(rest.len().min(CHUNK_LENGTH));
        rest = tail;
        out.extend_from_slice(&header.encode(frame_type, chunk.len(), !rest.is_empty()));
        out.extend_from_slice(chunk);
        frame_type = FrameType::Continuation;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// Appends the frame or frames of a message whose body `write` appends: for bodies that stand nowhere else.
///
/// # Errors
/// [`FrameError::BodyTooLong`] over [`MAX_BODY_LENGTH`]; nothing is appended then.
pub fn encode_frame_with(
    header: &Header,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>),
) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_LENGTH]);
    let body = start + HEADER_LENGTH;
    write(out);
    let length = out.len() - body;
    if length > MAX_BODY_LENGTH {
        wipe(&mut out[start..]);
        out.truncate(start);
        return Err(FrameError::BodyTooLong(header.request_id));
    }
    let first = length.min(CHUNK_LENGTH);
    out[start..body].copy_from_slice(&header.encode(header.frame_type, first, length > first));
    if length > first {
        // What is behind the first chunk gets headers of its own; it is short where the data is one chunk long.
        let rest = Zeroizing::new(out.split_off(body + first));
        let chunks = rest.chunks(CHUNK_LENGTH);
        let last = chunks.len() - 1;
        out.reserve(rest.len() + chunks.len() * HEADER_LENGTH);
        for (number, chunk) in chunks.enumerate() {
            out.extend_from_slice(&header.encode(FrameType::Continuation, chunk.len(), number < last));
            out.extend_from_slice(chunk);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameDecoder;

    fn header(request_id: u64) -> Header {
        Header {
            frame_type: FrameType::Request,
            operation: 0x10,
            request_id,
            login_id: 7,
            revision: 42,
            deadline_ms: 10_000,
            trace_id: 0x0102_0304_0506_0708,
        }
    }

    #[test]
    fn a_long_body_survives_any_cut_of_the_stream() {
        let body: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut bytes = Vec::new();
        encode_frame(&header(1), &body, &mut bytes).ok();
        encode_frame(&header(2), b"short", &mut bytes).ok();
        for step in [1, 7, 4096, bytes.len()] {
            let mut decoder = FrameDecoder::new();
            let mut frames = Vec::new();
            for piece in bytes.chunks(step) {
                decoder.push(piece);
                while let Ok(Some(frame)) = decoder.next_frame() {
                    frames.push(frame);
                }
            }
            assert_eq!(frames.len(), 2);
            assert_eq!(frames[0].body, body);
            assert_eq!(frames[1], Frame { header: header(2), body: b"short".to_vec() });
            assert!(!decoder.is_mid_frame());
        }
    }

    #[test]
    fn a_body_that_is_written_in_place_makes_the_same_frames() {
        for length in [0, 1, CHUNK_LENGTH, CHUNK_LENGTH + 1, 3 * CHUNK_LENGTH, MAX_BODY_LENGTH] {
            let body: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
            let (mut copied, mut in_place) = (b"before".to_vec(), b"before".to_vec());
            encode_frame(&header(1), &body, &mut copied).ok();
            assert_eq!(encode_frame_with(&header(1), &mut in_place, |out| out.extend(&body)), Ok(()));
            assert!(copied == in_place, "{length}");
        }
        let mut out = b"before".to_vec();
        let long = encode_frame_with(&header(1), &mut out, |out| out.resize(MAX_BODY_LENGTH + 100, 0));
        assert_eq!((long, out), (Err(FrameError::BodyTooLong(1)), b"before".to_vec()));
    }

    #[test]
    fn the_oldest_incomplete_body_is_known_while_others_come_and_go() {
        let mut decoder = FrameDecoder::new();
        let mut push = |id: u64, length: usize, cut: usize| {
            let mut bytes = Vec::new();
            encode_frame(&header(id), &vec![0; length], &mut bytes).ok();
            decoder.push(&bytes[..bytes.len() - cut]);
            while let Ok(Some(_)) = decoder.next_frame() {}
            decoder.oldest_open_body()
        };
        let last_chunk = HEADER_LENGTH + 1;
        assert_eq!(push(1, CHUNK_LENGTH, 0), None);
        let slow = push(2, CHUNK_LENGTH + 1, last_chunk);
        assert!(slow.is_some());
        assert_eq!(push(3, 10, 0), slow);
        assert_eq!(push(4, 3 * CHUNK_LENGTH, 0), slow);
    }

    #[test]
    fn bad_lengths_types_and_continuations_are_refused() {
        let mut decoder = FrameDecoder::new();
        decoder.push(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(decoder.next_frame(), Err(FrameError::Length(u32::MAX)));
        let mut decoder = FrameDecoder::new();
        decoder.push(&[0, 0, 0, 44, 9]);
        assert_eq!(decoder.next_frame(), Err(FrameError::Type(9)));
        let mut bytes = Vec::new();
        let stray = Header { frame_type: FrameType::Continuation, ..header(5) };
        encode_frame(&stray, b"x", &mut bytes).ok();
        let mut decoder = FrameDecoder::new();
        decoder.push(&bytes);
        assert_eq!(decoder.next_frame(), Err(FrameError::Continuation(5)));
        let mut bytes = Vec::new();
        encode_frame(&header(1), &[0; 40_000], &mut bytes).ok();
        let mut decoder = FrameDecoder::with_limit(32_000);
        decoder.push(&bytes);
        assert_eq!(decoder.next_frame(), Err(FrameError::TooManyOpenBodies));
        let long = vec![0; MAX_BODY_LENGTH + 1];
        assert_eq!(encode_frame(&header(1), &long, &mut Vec::new()), Err(FrameError::BodyTooLong(1)));
    }
}
