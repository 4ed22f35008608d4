//! Mechanisms against public vectors (`vectors/`, each with its provenance), and what each of them refuses.
#![allow(clippy::unwrap_used)]

mod aes;
mod by_requests;
mod eddsa_streams;
mod mac;
mod refusals;
mod signatures;
mod streams;

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_wire::messages::MechanismParameters;

use super::{Computation, KeyHandle, NO_PARAMETERS, Step};
use crate::arena::Arena;

/// One line of a vector file: bytes by name.
pub struct Vector(HashMap<&'static str, &'static str>);

impl Vector {
    pub fn text(&self, name: &str) -> &'static str {
        self.0[name]
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let digits = self.0[name];
        (0..digits.len() / 2).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap()).collect()
    }
}

/// The lines of a vector file.
pub fn vectors(file: &'static str) -> Vec<Vector> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let found: Vec<_> = lines
        .map(|line| Vector(line.split(' ').map(|member| member.split_once('=').unwrap()).collect()))
        .collect();
    assert!(found.len() > 5);
    found
}

pub fn aes(key: &[u8]) -> KeyHandle {
    KeyHandle::aes(Arc::new(Arena::new(false).keep(key).unwrap()))
}

pub fn des3(key: &[u8]) -> KeyHandle {
    KeyHandle::Des3(Arc::new(Arena::new(false).keep(key).unwrap()))
}

pub fn secret(key: &[u8]) -> KeyHandle {
    KeyHandle::secret(Arc::new(Arena::new(false).keep(key).unwrap()))
}

pub fn iv(iv: &[u8]) -> MechanismParameters {
    MechanismParameters { iv: Some(iv.to_vec()), ..NO_PARAMETERS }
}

/// What all steps of a stream gave together, whose last one has the signature, if there is one.
pub fn steps(mut stream: Computation, parts: &[&[u8]], signature: Option<&[u8]>) -> crate::Result<Vec<u8>> {
    let (mut all, mut offset) = (Vec::new(), 0);
    let (last, first) = parts.split_last().unwrap();
    for part in first {
        let (result, goes_on) = stream.step(Step::Update, offset, part)?;
        all.extend(result);
        offset += part.len() as u64;
        stream = goes_on.unwrap();
    }
    let (result, goes_on) = stream.step(Step::Finish(signature), offset, last)?;
    assert!(goes_on.is_none());
    all.extend(result);
    Ok(all)
}
