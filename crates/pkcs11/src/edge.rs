//! The C edge: every entry goes through [`enter`], every pointer of a caller through a function here.
//!
//! A panic never crosses into C: it becomes `CKR_GENERAL_ERROR`. What C passes is checked for null and copied or
//! borrowed for the length of the call; in-place calls (input and output in the same buffer) are allowed, so nothing is
//! written before the input was used up.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cryptoki_sys::{CK_BYTE, CK_RV, CK_ULONG};
use strongroom_client::{Error, Level, Origin};
use strongroom_wire::Rv;
use strongroom_wire::frame::MAX_BODY_LENGTH;

use crate::fork;
use crate::library::Library;

/// `CK_UNAVAILABLE_INFORMATION`.
pub const UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

/// Why a function does not return `CKR_OK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the function returns.
    pub rv: Rv,
    /// For the log.
    pub text: Cow<'static, str>,
    /// Whether the log shows it at level error instead of debug.
    pub is_outage: bool,
}

/// What the inside of a function returns.
pub type Result<T = ()> = std::result::Result<T, Failure>;

impl From<Rv> for Failure {
    fn from(rv: Rv) -> Self {
        Self { rv, text: Cow::Borrowed(""), is_outage: false }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let is_outage = matches!(error.origin, Origin::Network | Origin::ServerCheck);
        Self { rv: error.rv, text: Cow::Owned(error.text), is_outage }
    }
}

/// A failure with a sentence for the log.
pub fn failure<T>(rv: Rv, text: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Failure { rv, text: text.into(), is_outage: false })
}

/// Runs a function that needs no library.
pub fn guard(call: impl FnOnce() -> Result) -> CK_RV {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => Rv::OK.0,
        Ok(Err(failure)) => failure.rv.0,
        Err(_) => Rv::GENERAL_ERROR.0,
    }
}

/// Runs a function of the initialised library.
pub fn enter(name: &'static str, call: impl FnOnce(&Library) -> Result) -> CK_RV {
    guard(|| {
        let library = fork::library()?;
        let outcome = call(&library);
        if let Err(failure) = &outcome {
            let level = if failure.is_outage { Level::Error } else { Level::Debug };
            if library.log.takes(level) {
                library.log.write(level, &format!("{name}: {} {}", failure.rv.name(), failure.text));
            }
        }
        outcome
    })
}

/// A place for a result.
///
/// # Safety
/// `place` is null or valid for one write of `T`.
pub unsafe fn put<T>(place: *mut T, value: T) -> Result {
    if place.is_null() {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    // SAFETY: not null, and valid by this function's contract.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// Writes a list by the rules for lists: a query, too small, or all of it.
///
/// # Safety
/// `count` is null or valid; `list` is null or valid for `*count` elements.
pub unsafe fn put_list<T: Copy>(values: &[T], list: *mut T, count: *mut CK_ULONG) -> Result {
    if count.is_null() {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    // SAFETY: valid by this function's contract.
    let capacity = unsafe { count.read_unaligned() };
    // SAFETY: as above.
    unsafe { count.write_unaligned(values.len() as CK_ULONG) };
    if list.is_null() {
        return Ok(());
    }
    if capacity < values.len() as CK_ULONG {
        return Err(Rv::BUFFER_TOO_SMALL.into());
    }
    for (index, value) in values.iter().enumerate() {
        // SAFETY: the list has room for all values, as was just checked.
        unsafe { list.add(index).write_unaligned(*value) };
    }
    Ok(())
}

/// A struct that the caller passes.
///
/// # Safety
/// `place` is null or valid for one read of `T`.
pub unsafe fn take<T: Copy>(place: *const T) -> Result<T> {
    if place.is_null() {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    // SAFETY: not null, and valid by this function's contract.
    Ok(unsafe { place.read_unaligned() })
}

/// Bytes that the caller passes; null is allowed for none.
///
/// # Safety
/// `bytes` is null or valid for reads of `length` bytes during the lifetime that the caller of this picks.
pub unsafe fn bytes<'a>(bytes: *const CK_BYTE, length: CK_ULONG) -> Result<&'a [u8]> {
    let length = size(length)?;
    if length == 0 {
        return Ok(&[]);
    }
    if bytes.is_null() {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    // SAFETY: not null, and valid by this function's contract.
    Ok(unsafe { std::slice::from_raw_parts(bytes, length) })
}

/// Bytes that the caller passes and that go into a request, so that they are copied: none are more than a request holds.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn bounded<'a>(bytes: *const CK_BYTE, length: CK_ULONG) -> Result<&'a [u8]> {
    if size(length)? > MAX_BODY_LENGTH {
        return failure(Rv::ARGUMENTS_BAD, format!("{length} bytes are more than any request holds"));
    }
    // SAFETY: by this function's contract.
    unsafe { self::bytes(bytes, length) }
}

/// Data that the caller passes and that is copied where it is used, not before: a result may go to the same memory, and a
/// length that is refused must cost nothing.
#[derive(Debug)]
pub struct Input {
    bytes: *const CK_BYTE,
    length: usize,
}

impl Input {
    /// Null is allowed for none.
    ///
    /// # Safety
    /// `bytes` is null or valid for reads of `length` bytes as long as this lives.
    pub unsafe fn new(bytes: *const CK_BYTE, length: CK_ULONG) -> Result<Self> {
        let length = size(length)?;
        if bytes.is_null() && length > 0 { Err(Rv::ARGUMENTS_BAD.into()) } else { Ok(Self { bytes, length }) }
    }

    /// No bytes.
    pub const fn none() -> Self {
        Self { bytes: std::ptr::null(), length: 0 }
    }

    /// How many bytes.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Appends them.
    pub fn append_to(&self, data: &mut Vec<u8>) {
        if self.length > 0 {
            // SAFETY: not null, and valid by the contract of `new`; nothing is written meanwhile.
            data.extend_from_slice(unsafe { std::slice::from_raw_parts(self.bytes, self.length) });
        }
    }

    /// The same in pieces of at most this length.
    pub fn pieces(&self, length: usize) -> impl Iterator<Item = Self> {
        (0..self.length).step_by(length.max(1)).map(move |start| Self {
            bytes: self.bytes.wrapping_add(start),
            length: length.max(1).min(self.length - start),
        })
    }

    /// Whether a result of so many bytes would be written over them.
    pub fn overlaps(&self, output: &Output, length: usize) -> bool {
        let (data, result) = (self.bytes.addr(), output.buffer.addr());
        data < result.saturating_add(length) && result < data.saturating_add(self.length)
    }

    /// A copy.
    pub fn copied(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.length);
        self.append_to(&mut copy);
        copy
    }
}

/// A length as a size; more than an address space holds is a bad argument.
pub fn size(length: CK_ULONG) -> Result<usize> {
    usize::try_from(length)
        .ok()
        .filter(|size| isize::try_from(*size).is_ok())
        .ok_or_else(|| Rv::ARGUMENTS_BAD.into())
}

/// A buffer for a result of variable length (PKCS #11 2.40 section 5.2).
#[derive(Debug)]
pub struct Output {
    buffer: *mut CK_BYTE,
    length: *mut CK_ULONG,
}

impl Output {
    /// Checks the length pointer.
    ///
    /// # Safety
    /// `length` is null or valid for a read and a write; `buffer` is null or valid for writes of `*length` bytes; both
    /// stay so as long as this lives.
    pub unsafe fn new(buffer: *mut CK_BYTE, length: *mut CK_ULONG) -> Result<Self> {
        if length.is_null() { Err(Rv::ARGUMENTS_BAD.into()) } else { Ok(Self { buffer, length }) }
    }

    /// Whether the caller only asks for the length.
    pub fn is_query(&self) -> bool {
        self.buffer.is_null()
    }

    /// Whether a result of `needed` bytes can be made now: `Ok(false)` answers a length query, too small a buffer is
    /// `CKR_BUFFER_TOO_SMALL`; the needed length is told in both cases, and the operation stays active.
    pub fn has_room(&self, needed: usize) -> Result<bool> {
        if self.is_query() {
            self.say(needed);
            return Ok(false);
        }
        if self.capacity() < needed {
            self.say(needed);
            return failure(Rv::BUFFER_TOO_SMALL, format!("{needed} bytes are needed"));
        }
        Ok(true)
    }

    /// How much fits.
    pub fn capacity(&self) -> usize {
        // SAFETY: valid by the contract of `new`.
        usize::try_from(unsafe { self.length.read_unaligned() }).unwrap_or(usize::MAX)
    }

    /// Hands a result over.
    pub fn write(&self, result: &[u8]) -> Result {
        if !self.has_room(result.len())? {
            return Ok(());
        }
        // SAFETY: not null and large enough, as was just checked; `result` is memory of ours.
        unsafe { std::ptr::copy_nonoverlapping(result.as_ptr(), self.buffer, result.len()) };
        self.say(result.len());
        Ok(())
    }

    /// The room behind so many bytes of a result, whose length goes to `length`; [`Self::end`] says how long all of it is.
    pub fn behind(&self, offset: usize, length: &mut CK_ULONG) -> Self {
        *length = self.capacity().saturating_sub(offset) as CK_ULONG;
        Self { buffer: self.buffer.wrapping_add(offset), length }
    }

    /// Hands over a piece of a result; [`Self::end`] says how long all of it is.
    pub fn write_at(&self, offset: usize, piece: &[u8]) -> Result {
        if self.is_query() || self.capacity().checked_sub(offset) < Some(piece.len()) {
            return Err(Rv::BUFFER_TOO_SMALL.into());
        }
        // SAFETY: not null and large enough, as was just checked; `piece` is memory of ours.
        unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), self.buffer.add(offset), piece.len()) };
        Ok(())
    }

    /// Ends a result of which so many bytes were written in pieces: all of it is there, or nothing.
    pub fn end(&self, length: usize, outcome: Result) -> Result {
        match outcome {
            Ok(()) => self.say(length),
            // SAFETY: so much was written.
            Err(_) if length > 0 => unsafe { std::ptr::write_bytes(self.buffer, 0, length) },
            Err(_) => {}
        }
        outcome
    }

    /// A copy of the result that was just written; nothing after a question for the length.
    pub fn written(&self) -> Vec<u8> {
        if self.is_query() || self.capacity() == 0 {
            return Vec::new();
        }
        // SAFETY: not null, and `write` has written so much and said so.
        unsafe { std::slice::from_raw_parts(self.buffer, self.capacity()) }.to_vec()
    }

    fn say(&self, length: usize) {
        // SAFETY: valid by the contract of `new`.
        unsafe { self.length.write_unaligned(length as CK_ULONG) };
    }
}

/// So much data of one call is copied whole.
const COPIED: usize = 4 << 20;

/// Whether the data of one call, with a result of at most this length, are rather done in parts than copied whole.
pub fn may_be_cut(data: &Input, output: &Output, length: usize) -> bool {
    data.length() > COPIED && output.capacity() >= length && !data.overlaps(output, length)
}

/// All data of one call in parts of this length, and none with the last: each result goes behind those before it.
pub fn in_parts(
    data: &Input,
    step: usize,
    output: &Output,
    mut run: impl FnMut(&Input, &Output) -> Result,
) -> Result {
    let mut given = 0;
    let outcome = data.pieces(step).chain([Input::none()]).try_for_each(|piece| {
        let mut length = 0;
        let room = output.behind(given, &mut length);
        run(&piece, &room)?;
        given += room.capacity();
        Ok(())
    });
    output.end(given, outcome)
}

/// A fixed field of an info structure: text, padded with blanks and never terminated.
pub fn padded<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut field = [b' '; LENGTH];
    let mut end = text.len().min(LENGTH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    field[..end].copy_from_slice(&text.as_bytes()[..end]);
    field
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_panic_becomes_a_general_error() {
        assert_eq!(guard(|| panic!("test")), Rv::GENERAL_ERROR.0);
        assert_eq!(guard(|| Ok(())), 0);
        assert_eq!(guard(|| failure(Rv::DATA_INVALID, "no")), Rv::DATA_INVALID.0);
    }

    #[test]
    fn null_pointers_are_bad_arguments() {
        // SAFETY: null is allowed by every contract here.
        unsafe {
            assert_eq!(put(std::ptr::null_mut(), 1_u64).unwrap_err().rv, Rv::ARGUMENTS_BAD);
            assert_eq!(take::<u64>(std::ptr::null()).unwrap_err().rv, Rv::ARGUMENTS_BAD);
            assert_eq!(bytes(std::ptr::null(), 1).unwrap_err().rv, Rv::ARGUMENTS_BAD);
            assert_eq!(bytes(std::ptr::dangling(), CK_ULONG::MAX).unwrap_err().rv, Rv::ARGUMENTS_BAD);
            assert!(bytes(std::ptr::null(), 0).unwrap().is_empty());
            let longer = MAX_BODY_LENGTH as CK_ULONG + 1;
            assert_eq!(bounded(std::ptr::dangling(), longer).unwrap_err().rv, Rv::ARGUMENTS_BAD);
            assert!(Output::new(std::ptr::null_mut(), std::ptr::null_mut()).is_err());
        }
    }

    #[test]
    fn the_buffer_protocol_answers_queries_and_small_buffers_with_the_length() {
        let mut length: CK_ULONG = 0;
        // SAFETY: both pointers are to locals that outlive the output.
        let query = unsafe { Output::new(std::ptr::null_mut(), &raw mut length) }.unwrap();
        assert!(!query.has_room(64).unwrap());
        assert_eq!(length, 64);
        let mut buffer = [0; 64];
        length = 63;
        // SAFETY: as above.
        let small = unsafe { Output::new(buffer.as_mut_ptr(), &raw mut length) }.unwrap();
        assert_eq!(small.write(&[7; 64]).unwrap_err().rv, Rv::BUFFER_TOO_SMALL);
        assert_eq!((length, buffer[0]), (64, 0));
        // SAFETY: as above.
        let enough = unsafe { Output::new(buffer.as_mut_ptr(), &raw mut length) }.unwrap();
        enough.write(&[7; 10]).unwrap();
        assert_eq!((length, &buffer[..11]), (10, &[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0][..]));
    }

    #[test]
    fn fields_are_padded_and_cut_at_a_character() {
        assert_eq!(&padded::<6>("hsm1"), b"hsm1  ");
        assert_eq!(&padded::<3>("aé©"), &[b'a', 0xc3, 0xa9]);
        assert_eq!(&padded::<2>("aé"), b"a ");
    }
}
