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

use std::collections::HashMap;

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
/// What a decoder without bytes keeps of its buffer, so that idle connections are cheap.
const ROOM_KEPT: usize = 4 * CHUNK_LENGTH;

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
    fn from_code(code: u8) -> Option<Self> {
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

/// Appends the frame or frames of one message to `out`.
///
/// # Errors
/// [`FrameError::BodyTooLong`] over [`MAX_BODY_LENGTH`]; nothing is appended then.
pub fn encode_frame(header: &Header, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if body.len() > MAX_BODY_LENGTH {
        return Err(FrameError::BodyTooLong(header.request_id));
    }
    let mut rest = body;
    let mut first = true;
    loop {
        let (chunk, tail) = rest.split_at(rest.len().min(CHUNK_LENGTH));
        rest = tail;
        let frame_type = if first { header.frame_type } else { FrameType::Continuation };
        let flags = if rest.is_empty() { 0 } else { FLAG_MORE };
        out.reserve(HEADER_LENGTH + chunk.len());
        #[allow(clippy::cast_possible_truncation)] // a chunk is at most 16 KiB
        out.extend_from_slice(&((HEADER_LENGTH - 4 + chunk.len()) as u32).to_be_bytes());
        out.push(frame_type as u8);
        out.push(flags);
        out.extend_from_slice(&header.operation.to_be_bytes());
        out.extend_from_slice(&header.request_id.to_be_bytes());
        out.extend_from_slice(&header.login_id.to_be_bytes());
        out.extend_from_slice(&header.revision.to_be_bytes());
        out.extend_from_slice(&header.deadline_ms.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&header.trace_id.to_be_bytes());
        out.extend_from_slice(chunk);
        first = false;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// Turns a stream of bytes into whole messages: give it bytes with [`FrameDecoder::push`], take messages with
/// [`FrameDecoder::next_frame`].
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    open: HashMap<u64, OpenBody>,
    opened: u64,
    open_bytes: usize,
    max_open_bytes: usize,
}

/// A body of which not all chunks have come.
#[derive(Debug)]
struct OpenBody {
    number: u64,
    frame: Frame,
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::with_limit(4 * MAX_BODY_LENGTH)
    }
}

impl FrameDecoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty decoder whose incomplete bodies take at most so many bytes together.
    pub fn with_limit(max_open_bytes: usize) -> Self {
        Self {
            buffer: Zeroizing::default(),
            start: 0,
            open: HashMap::new(),
            opened: 0,
            open_bytes: 0,
            max_open_bytes,
        }
    }

    /// Sets how many bytes incomplete bodies may take together.
    pub fn set_limit(&mut self, max_open_bytes: usize) {
        self.max_open_bytes = max_open_bytes;
    }

    /// Takes bytes as they came from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.make_room();
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes up to `length` bytes that `fill` writes; gives how many `fill` said it wrote.
    pub fn push_with(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        self.make_room();
        let end = self.buffer.len();
        self.buffer.resize(end + length, 0);
        let filled = fill(&mut self.buffer[end..]).min(length);
        self.buffer.truncate(end + filled);
        filled
    }

    /// Wipes and forgets bytes that were given out as frames: they may have held a password.
    fn make_room(&mut self) {
        if self.start == self.buffer.len() {
            self.forget_all();
        } else if self.start > CHUNK_LENGTH {
            let left = self.buffer.len() - self.start;
            self.buffer.copy_within(self.start.., 0);
            wipe(&mut self.buffer[left..]);
            self.buffer.truncate(left);
            self.start = 0;
        }
    }

    fn forget_all(&mut self) {
        wipe(&mut self.buffer);
        self.buffer.clear();
        self.buffer.shrink_to(ROOM_KEPT);
        self.start = 0;
    }

    /// Whether part of a frame or of a body has come and the rest has not.
    pub fn is_mid_frame(&self) -> bool {
        self.start != self.buffer.len() || !self.open.is_empty()
    }

    /// Which body has been incomplete for longest, as a number that no other body has.
    pub fn oldest_open_body(&self) -> Option<u64> {
        self.open.values().map(|open| open.number).min()
    }

    /// Gives back the room that its buffer does not need at the moment.
    pub fn give_back_room(&mut self) {
        self.make_room();
        self.buffer.shrink_to_fit();
    }

    /// The next whole message, or none until more bytes are pushed.
    ///
    /// # Errors
    /// The peer broke the protocol; the connection cannot go on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let Some((header, more, body)) = self.next_chunk()? else {
                if self.start > 0 && self.start == self.buffer.len() {
                    self.forget_all();
                }
                return Ok(None);
            };
            let id = header.request_id;
            if header.frame_type == FrameType::Continuation {
                let Some(open) = self.open.get_mut(&id) else { return Err(FrameError::Continuation(id)) };
                if open.frame.body.len() + body.len() > MAX_BODY_LENGTH {
                    return Err(FrameError::BodyTooLong(id));
                }
                self.open_bytes += body.len();
                if self.open_bytes > self.max_open_bytes {
                    return Err(FrameError::TooManyOpenBodies);
                }
                open.frame.body.extend_from_slice(&body);
                if !more {
                    let whole = self.open.remove(&id).map(|open| open.frame);
                    self.open_bytes -= whole.as_ref().map_or(0, |frame| frame.body.len());
                    return Ok(whole);
                }
            } else if !more {
                return Ok(Some(Frame { header, body }));
            } else {
                self.open_bytes += body.len();
                if self.open.len() >= MAX_OPEN_BODIES || self.open_bytes > self.max_open_bytes {
                    return Err(FrameError::TooManyOpenBodies);
                }
                self.opened += 1;
                let open = OpenBody { number: self.opened, frame: Frame { header, body } };
                if self.open.insert(id, open).is_some() {
                    return Err(FrameError::Continuation(id));
                }
            }
        }
    }

    fn next_chunk(&mut self) -> Result<Option<(Header, bool, Vec<u8>)>, FrameError> {
        let bytes = &self.buffer[self.start..];
        let Some(length_bytes) = bytes.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length_bytes);
        let total = length as usize + 4;
        if !(HEADER_LENGTH..=HEADER_LENGTH + CHUNK_LENGTH).contains(&total) {
            return Err(FrameError::Length(length));
        }
        if let Some(&code) = bytes.get(4)
            && FrameType::from_code(code).is_none()
        {
            return Err(FrameError::Type(code));
        }
        if bytes.len() < total {
            return Ok(None);
        }
        let number = |offset: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[offset..offset + 8]);
            u64::from_be_bytes(field)
        };
        let header = Header {
            frame_type: FrameType::from_code(bytes[4]).ok_or(FrameError::Type(bytes[4]))?,
            operation: u16::from_be_bytes([bytes[6], bytes[7]]),
            request_id: number(8),
            login_id: number(16),
            revision: number(24),
            deadline_ms: u32::from_be_bytes([bytes[32], bytes[33], bytes[34], bytes[35]]),
            trace_id: number(40),
        };
        let more = bytes[5] & FLAG_MORE != 0;
        let body = bytes[HEADER_LENGTH..total].to_vec();
        self.start += total;
        Ok(Some((header, more, body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
