//! Passwords from a person or a pipe straight into Rust: a Python string cannot be wiped.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, FromRawFd};

use pyo3::exceptions::PyEOFError;
use pyo3::prelude::*;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use strongroom_wire::Secret;
use zeroize::Zeroizing;

use crate::tickets::SecretTicket;

/// The longest line that a terminal gives out.
const LONGEST: usize = 4096;

/// Asks for a password on the terminal, without echo.
#[pyfunction]
pub(crate) fn ask_password(py: Python<'_>, prompt: &str) -> PyResult<SecretTicket> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let silence = Silence::new(terminal.try_clone()?)?;
    terminal.write_all(prompt.as_bytes())?;
    let line = read_line(py, &mut terminal);
    drop(silence);
    // The newline that was typed was not shown either.
    terminal.write_all(b"\n")?;
    line?.ok_or_else(|| PyEOFError::new_err("no password was typed"))
}

/// The next line of standard input; none at its end. Reads no byte beyond the line.
#[pyfunction]
pub(crate) fn read_password_line(py: Python<'_>) -> PyResult<Option<SecretTicket>> {
    // SAFETY: the descriptor is standard input, which stays open: it is never dropped here.
    let mut input = ManuallyDrop::new(unsafe { File::from_raw_fd(0) });
    read_line(py, &mut input)
}

/// Byte by byte, into a buffer that never moves.
fn read_line(py: Python<'_>, input: &mut File) -> PyResult<Option<SecretTicket>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0; 1]);
    loop {
        match py.detach(|| input.read(byte.as_mut())) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(1) if byte[0] != b'\n' && line.len() < LONGEST => line.push(byte[0]),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => py.check_signals()?,
            Err(error) => return Err(error.into()),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(SecretTicket::of_bytes(Secret::new(line.to_vec()))))
}

/// The terminal does not show what is typed while this lives.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn new(terminal: File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal.as_fd(), OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that has gone shows nothing either.
        let _ = tcsetattr(self.terminal.as_fd(), OptionalActions::Flush, &self.before);
    }
}
