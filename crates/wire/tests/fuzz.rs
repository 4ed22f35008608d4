//! Bytes that nobody should send: no panic, no unbounded memory, and what is understood survives a round trip.
//!
//! `cargo test` runs each for a moment; `BOLERO_RANDOM_TEST_TIME_MS` sets how long. Inputs that once failed are kept in
//! `__fuzz__/<name>/corpus` and run first.
#![allow(clippy::unwrap_used)]

use bolero::check;
use strongroom_wire::bodies::{request_from_value, request_to_value, response_from_value, response_to_value};
use strongroom_wire::frame::{CHUNK_LENGTH, MAX_BODY_LENGTH, MAX_OPEN_BODIES};
use strongroom_wire::{
    AttributeType, DecodeError, Field, Frame, FrameDecoder, FrameType, Header, Operation, Template, Value,
    encode_frame,
};

/// Takes decisions from the bytes of an input; zeroes when they are used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        (0..self.byte() % 9).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = usize::from(self.byte()).min(most).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// Replaces, inserts, removes and repeats bytes here and there.
fn edit(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    for _ in 0..choices.byte() % 4 {
        if bytes.is_empty() {
            return;
        }
        #[allow(clippy::cast_possible_truncation)] // any place will do
        let at = choices.number() as usize % bytes.len();
        match choices.byte() % 5 {
            0 => bytes[at] = choices.byte(),
            1 => bytes.insert(at, choices.byte()),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => {
                let again = bytes[at..].iter().copied().take(8).collect::<Vec<_>>();
                bytes.splice(at..at, again);
            }
        }
    }
}

#[test]
fn frames() {
    check!().for_each(|input| {
        let mut choices = Choices(input);
        let mut stream = Vec::new();
        let types = [FrameType::Request, FrameType::Response, FrameType::Error, FrameType::Continuation];
        while !choices.is_over() && stream.len() < 4 * CHUNK_LENGTH {
            let header = Header {
                frame_type: choices.of(&types),
                operation: u16::from(choices.byte()),
                request_id: u64::from(choices.byte() % 4),
                login_id: choices.number(),
                revision: choices.number(),
                deadline_ms: 0,
                trace_id: choices.number(),
            };
            let body = vec![7; choices.of(&[0, 1, 100, CHUNK_LENGTH, CHUNK_LENGTH + 1])];
            let begun = stream.len();
            encode_frame(&header, &body, &mut stream).unwrap();
            stream[begun + 5] ^= choices.byte() & 1; // chunks that are announced and do not come, or come unannounced
        }
        edit(&mut stream, &mut choices);
        let limit = 64 * 1024;
        let mut decoder = FrameDecoder::with_limit(limit);
        let mut in_body = 0;
        for piece in stream.chunks(1 + usize::from(choices.byte()) * 64) {
            decoder.push(piece);
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => {
                        assert!(frame.body.len() <= MAX_BODY_LENGTH);
                        in_body += frame.body.len();
                        survives(&frame);
                    }
                    Ok(None) => break,
                    Err(_) => return, // the connection ends here
                }
            }
            assert!(decoder.oldest_open_body().is_none() || decoder.is_mid_frame());
            decoder.give_back_room();
        }
        assert!(in_body <= stream.len() && MAX_OPEN_BODIES < limit);
    });
}

fn survives(frame: &Frame) {
    let mut bytes = Vec::new();
    encode_frame(&frame.header, &frame.body, &mut bytes).unwrap();
    let mut decoder = FrameDecoder::new();
    decoder.push(&bytes);
    if frame.header.frame_type != FrameType::Continuation {
        assert_eq!(decoder.next_frame(), Ok(Some(frame.clone())));
    }
}

/// A msgpack value that may stand in a message.
fn plausible(choices: &mut Choices<'_>, depth: u8, out: &mut Vec<u8>) {
    match choices.byte() % 9 {
        0 => choices.number().encode(out),
        1 => out.push(choices.of(&[0xc0, 0xc2, 0xc3])),
        2 => choices.bytes(64).encode(out),
        3 => String::from_utf8_lossy(&choices.bytes(32)).into_owned().encode(out),
        4 => u64::from(choices.byte()).encode(out),
        5 if depth > 0 => {
            let count = choices.byte() % 4;
            out.push(0x90 | count);
            (0..count).for_each(|_| plausible(choices, depth - 1, out));
        }
        6 if depth > 0 => members(choices, depth - 1, out),
        7 if depth > 0 => template(choices, depth - 1, out),
        _ => u64::from(choices.byte()).encode(out),
    }
}

/// A map with the keys of a message, in order for the most part.
fn members(choices: &mut Choices<'_>, depth: u8, out: &mut Vec<u8>) {
    let count = choices.byte() % 10;
    out.push(0x80 | count);
    for place in 1..=count {
        let key = if choices.byte() < 230 { u64::from(place) } else { choices.number() };
        key.encode(out);
        plausible(choices, depth, out);
    }
}

/// A map from attribute numbers, in order for the most part.
fn template(choices: &mut Choices<'_>, depth: u8, out: &mut Vec<u8>) {
    let mut codes: Vec<u64> =
        (0..choices.byte() % 8).map(|_| choices.of(AttributeType::ALL).code()).collect();
    if choices.byte() < 240 {
        codes.sort_unstable();
        codes.dedup();
    }
    #[allow(clippy::cast_possible_truncation)] // fewer than 8
    out.push(0x80 | codes.len() as u8);
    for code in codes {
        code.encode(out);
        plausible(choices, depth, out);
    }
}

/// Whatever is understood means the same after it was written again.
fn round_trip(
    body: &[u8],
    read: impl Fn(&[u8]) -> Result<Value, DecodeError>,
    write: impl Fn(&Value) -> Option<Vec<u8>>,
) {
    if let Ok(value) = read(body) {
        let again = write(&value).unwrap();
        assert_eq!(read(&again).as_ref(), Ok(&value));
        assert_eq!(write(&value), Some(again));
    }
}

#[test]
fn messages() {
    check!().for_each(|input| {
        let mut choices = Choices(input);
        let operation = choices.of(Operation::ALL);
        let mut body = Vec::new();
        if choices.byte() < 230 {
            members(&mut choices, 3, &mut body);
            edit(&mut body, &mut choices);
        } else {
            body.extend_from_slice(choices.0);
        }
        round_trip(
            &body,
            |body| request_to_value(operation, body),
            |value| request_from_value(operation, value),
        );
        round_trip(
            &body,
            |body| response_to_value(operation, body),
            |value| response_from_value(operation, value),
        );
    });
}

#[test]
fn templates() {
    check!().for_each(|input| {
        let mut choices = Choices(input);
        let mut bytes = Vec::new();
        template(&mut choices, 2, &mut bytes);
        edit(&mut bytes, &mut choices);
        let mut rest = &bytes[..];
        if let Ok(read) = Template::decode(&mut rest) {
            let mut again = Vec::new();
            read.encode(&mut again);
            assert_eq!(Template::decode(&mut &again[..]).as_ref(), Ok(&read));
            assert!(
                read.iter().zip(read.iter().skip(1)).all(|((one, _), (next, _))| one.code() < next.code())
            );
        }
    });
}
