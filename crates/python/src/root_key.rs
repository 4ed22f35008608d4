//! The root key's way into Rust: an inherited descriptor, never an argument or a Python object.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, RawFd};

use pyo3::prelude::*;
use strongroom_wire::{Rv, Secret};
use zeroize::Zeroize;

use crate::errors::refused;

const ROOT_KEY_LENGTH: usize = 32;

/// Reads the root key from a descriptor and closes it.
pub(crate) fn read(descriptor: RawFd) -> PyResult<Secret> {
    if descriptor < 0 {
        return Err(refused(Rv::ARGUMENTS_BAD, "the root key's descriptor is negative"));
    }
    // SAFETY: the caller hands the descriptor over; nobody else uses or closes it.
    let mut file = unsafe { File::from_raw_fd(descriptor) };
    let mut buffer = [0; ROOT_KEY_LENGTH + 1];
    let mut length = 0;
    let outcome = loop {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break Ok(()),
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if length == buffer.len() {
            break Ok(());
        }
    };
    let key = Secret::new(buffer[..length.min(ROOT_KEY_LENGTH)].to_vec());
    buffer.zeroize();
    if let Err(error) = outcome {
        return Err(refused(
            Rv::FUNCTION_FAILED,
            format!("the root key's descriptor cannot be read: {error}"),
        ));
    }
    if length != ROOT_KEY_LENGTH {
        return Err(refused(Rv::ARGUMENTS_BAD, "the root key is not 32 bytes long"));
    }
    Ok(key)
}
