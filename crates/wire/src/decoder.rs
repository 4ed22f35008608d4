//! Whole messages out of a stream of bytes, each byte copied once: into the body that it belongs to.

use std::collections::{HashMap, VecDeque};

use crate::frame::{
    CHUNK_LENGTH, Frame, FrameError, FrameType, HEADER_LENGTH, Header, MAX_BODY_LENGTH, MAX_OPEN_BODIES,
};

/// Room behind the first chunk of a body that has more: data of one chunk's length and what it is wrapped in then fit.
const SLACK: usize = 1024;

/// Turns a stream of bytes into whole messages: give it bytes with [`FrameDecoder::push`], take messages with
/// [`FrameDecoder::next_frame`].
#[derive(Debug)]
pub struct FrameDecoder {
    /// The header of the next chunk, as far as it has come.
    head: [u8; HEADER_LENGTH],
    head_length: usize,
    /// The chunk whose header has come and whose body has not.
    chunk: Option<Chunk>,
    /// Bodies of which not all chunks have come, but for the one of `chunk`.
    open: HashMap<u64, OpenBody>,
    opened: u64,
    open_bytes: usize,
    max_open_bytes: usize,
    whole: VecDeque<Frame>,
    failure: Option<FrameError>,
}

/// A chunk that is coming in.
#[derive(Debug)]
struct Chunk {
    missing: usize,
    more: bool,
    /// The number of a body that has several chunks.
    number: Option<u64>,
    frame: Frame,
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
            head: [0; HEADER_LENGTH],
            head_length: 0,
            chunk: None,
            open: HashMap::new(),
            opened: 0,
            open_bytes: 0,
            max_open_bytes,
            whole: VecDeque::new(),
            failure: None,
        }
    }

    /// Sets how many bytes incomplete bodies may take together.
    pub fn set_limit(&mut self, max_open_bytes: usize) {
        self.max_open_bytes = max_open_bytes;
    }

    /// Takes bytes as they came from the peer. What is wrong with them is told by [`FrameDecoder::next_frame`], after the
    /// messages before it.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while self.failure.is_none() && !bytes.is_empty() {
            if let Err(failure) = self.take(&mut bytes) {
                self.failure = Some(failure);
            }
        }
    }

    /// Whether part of a frame or of a body has come and the rest has not.
    pub fn is_mid_frame(&self) -> bool {
        self.head_length > 0 || self.chunk.is_some() || !self.open.is_empty()
    }

    /// Which body has been incomplete for longest, as a number that no other body has.
    pub fn oldest_open_body(&self) -> Option<u64> {
        let coming_in = self.chunk.as_ref().and_then(|chunk| chunk.number);
        self.open.values().map(|open| open.number).chain(coming_in).min()
    }

    /// Gives back the room that it does not need at the moment.
    pub fn give_back_room(&mut self) {
        self.whole.shrink_to_fit();
        self.open.shrink_to_fit();
    }

    /// The next whole message, or none until more bytes are pushed.
    ///
    /// # Errors
    /// The peer broke the protocol; the connection cannot go on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        match (self.whole.pop_front(), self.failure) {
            (Some(frame), _) => Ok(Some(frame)),
            (None, Some(failure)) => Err(failure),
            (None, None) => Ok(None),
        }
    }

    /// Takes some bytes from the front, at least one.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<(), FrameError> {
        if let Some(chunk) = &mut self.chunk {
            let (part, rest) = bytes.split_at(chunk.missing.min(bytes.len()));
            *bytes = rest;
            chunk.take(part);
        } else {
            let (part, rest) = bytes.split_at((HEADER_LENGTH - self.head_length).min(bytes.len()));
            *bytes = rest;
            self.head[self.head_length..self.head_length + part.len()].copy_from_slice(part);
            self.head_length += part.len();
            let length = self.check_head()?;
            if self.head_length < HEADER_LENGTH {
                return Ok(());
            }
            self.head_length = 0;
            self.chunk = Some(self.begin_chunk(length)?);
        }
        if self.chunk.as_ref().is_some_and(|chunk| chunk.missing == 0)
            && let Some(chunk) = self.chunk.take()
        {
            self.end_chunk(chunk);
        }
        Ok(())
    }

    /// Refuses a header as soon as it can be wrong; gives the length of the chunk's body once that has come.
    fn check_head(&self) -> Result<usize, FrameError> {
        if self.head_length < 4 {
            return Ok(0);
        }
        let length = u32::from_be_bytes([self.head[0], self.head[1], self.head[2], self.head[3]]);
        let total = length as usize + 4;
        if !(HEADER_LENGTH..=HEADER_LENGTH + CHUNK_LENGTH).contains(&total) {
            return Err(FrameError::Length(length));
        }
        if self.head_length > 4 && FrameType::from_code(self.head[4]).is_none() {
            return Err(FrameError::Type(self.head[4]));
        }
        Ok(total - HEADER_LENGTH)
    }

    fn begin_chunk(&mut self, length: usize) -> Result<Chunk, FrameError> {
        let (header, more) = Header::decode(&self.head)?;
        let id = header.request_id;
        if header.frame_type == FrameType::Continuation {
            let OpenBody { number, frame } = self.open.remove(&id).ok_or(FrameError::Continuation(id))?;
            if frame.body.len() + length > MAX_BODY_LENGTH {
                return Err(FrameError::BodyTooLong(id));
            }
            self.count_open(length)?;
            return Ok(Chunk { missing: length, more, number: Some(number), frame });
        }
        let mut number = None;
        if more {
            if self.open.contains_key(&id) {
                return Err(FrameError::Continuation(id));
            }
            if self.open.len() >= MAX_OPEN_BODIES {
                return Err(FrameError::TooManyOpenBodies);
            }
            self.count_open(length)?;
            self.opened += 1;
            number = Some(self.opened);
        }
        Ok(Chunk { missing: length, more, number, frame: Frame { header, body: Vec::new() } })
    }

    fn count_open(&mut self, length: usize) -> Result<(), FrameError> {
        self.open_bytes += length;
        if self.open_bytes > self.max_open_bytes {
            return Err(FrameError::TooManyOpenBodies);
        }
        Ok(())
    }

    fn end_chunk(&mut self, chunk: Chunk) {
        match chunk.number {
            Some(number) if chunk.more => {
                self.open.insert(chunk.frame.header.request_id, OpenBody { number, frame: chunk.frame });
            }
            Some(_) => {
                self.open_bytes -= chunk.frame.body.len();
                self.whole.push_back(chunk.frame);
            }
            None => self.whole.push_back(chunk.frame),
        }
    }
}

impl Chunk {
    fn take(&mut self, part: &[u8]) {
        let body = &mut self.frame.body;
        // A header alone makes no room: a peer must send half of a chunk before the whole of it is paid for.
        if body.capacity() - body.len() < part.len() {
            let slack = if self.more { SLACK } else { 0 };
            let room = if part.len() * 2 >= self.missing { self.missing + slack } else { part.len() };
            body.reserve(room);
        }
        body.extend_from_slice(part);
        self.missing -= part.len();
    }
}
