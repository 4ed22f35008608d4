//! Mechanisms and attribute arrays as a careless C program passes them: every pointer is valid for the length that goes
//! with it, as the standard asks, and nothing else is right. No panic, and no byte is written outside its buffer.
//!
//! `cargo test` runs each for a moment; `BOLERO_RANDOM_TEST_TIME_MS` sets how long. Inputs that once failed are kept in
//! `__fuzz__/<name>/corpus` and run first.
#![allow(clippy::unwrap_used)]

use std::ptr;

use bolero::check;
use cryptoki_sys::{
    CK_AES_CTR_PARAMS, CK_ATTRIBUTE, CK_EDDSA_PARAMS, CK_GCM_PARAMS, CK_MECHANISM, CK_RSA_PKCS_OAEP_PARAMS,
    CK_RSA_PKCS_PSS_PARAMS, CK_ULONG,
};
use strongroom_client::Profile;
use strongroom_pkcs11::attributes::{array, read_template, write_values};
use strongroom_pkcs11::mechanism::Mechanism;
use strongroom_wire::tables::{Function, Kind, ParameterKind};
use strongroom_wire::{AttributeType, MechanismType};

const FUNCTIONS: [Function; 7] = [
    Function::Generate,
    Function::GeneratePair,
    Function::Sign,
    Function::Recover,
    Function::Encrypt,
    Function::Wrap,
    Function::Digest,
];
/// Behind each buffer, to see that nothing is written there.
const GUARD: [u8; 8] = [0x5a; 8];

/// Takes decisions from the bytes of an input; zeroes when they are used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn ulong(&mut self) -> CK_ULONG {
        match self.byte() % 4 {
            0 => CK_ULONG::from(self.byte()),
            1 => CK_ULONG::from(self.byte()) << 8,
            2 => CK_ULONG::MAX - CK_ULONG::from(self.byte()),
            _ => (0..8).fold(0, |number, _| number << 8 | CK_ULONG::from(self.byte())),
        }
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }
}

/// Memory of the careless program, which lives as long as the call.
#[derive(Default)]
struct Memory {
    buffers: Vec<Box<[u8]>>,
    arrays: Vec<Vec<CK_ATTRIBUTE>>,
}

impl Memory {
    /// A buffer of up to 300 bytes with a guard behind it, or null; and a length that does not lie.
    fn buffer(&mut self, choices: &mut Choices<'_>) -> (*mut u8, CK_ULONG) {
        let length = choices.of(&[0, 1, 4, 8, 11, 12, 13, 16, 17, 64, 300]);
        if length == 0 && choices.byte() < 128 {
            return (ptr::null_mut(), 0);
        }
        let mut bytes: Vec<u8> = (0..length).map(|_| choices.byte()).collect();
        bytes.extend_from_slice(&GUARD);
        self.buffers.push(bytes.into_boxed_slice());
        (self.buffers.last_mut().unwrap().as_mut_ptr(), length as CK_ULONG)
    }

    fn is_unharmed(&self) -> bool {
        self.buffers.iter().all(|buffer| buffer.ends_with(&GUARD))
    }
}

/// The parameter that goes with a kind of mechanism, with any content; null or with another length now and then.
fn with_parameter(
    kind: Option<ParameterKind>,
    choices: &mut Choices<'_>,
    memory: &mut Memory,
    call: impl FnOnce(*mut u8, CK_ULONG),
) {
    fn pass<T>(mut parameter: T, shorter: bool, call: impl FnOnce(*mut u8, CK_ULONG)) {
        let length = (size_of::<T>() - usize::from(shorter)) as CK_ULONG;
        call((&raw mut parameter).cast(), length);
    }
    let shorter = choices.byte() > 240;
    let (buffer, length) = memory.buffer(choices);
    if choices.byte() > 240 {
        return call(ptr::null_mut(), choices.ulong());
    }
    match kind {
        Some(ParameterKind::Gcm) => {
            let (aad, aad_length) = memory.buffer(choices);
            let parameters = CK_GCM_PARAMS {
                pIv: buffer,
                ulIvLen: length,
                ulIvBits: choices.ulong(),
                pAAD: aad,
                ulAADLen: aad_length,
                ulTagBits: choices.ulong(),
            };
            pass(parameters, shorter, call);
        }
        Some(ParameterKind::Ctr) => {
            let cb = std::array::from_fn(|_| choices.byte());
            pass(CK_AES_CTR_PARAMS { ulCounterBits: choices.ulong(), cb }, shorter, call);
        }
        Some(ParameterKind::Pss) => {
            let parameters = CK_RSA_PKCS_PSS_PARAMS {
                hashAlg: choices.ulong(),
                mgf: choices.ulong(),
                sLen: choices.ulong(),
            };
            pass(parameters, shorter, call);
        }
        Some(ParameterKind::Oaep) => {
            let parameters = CK_RSA_PKCS_OAEP_PARAMS {
                hashAlg: choices.ulong(),
                mgf: choices.ulong(),
                source: choices.of(&[0, 1, 2]),
                pSourceData: buffer.cast(),
                ulSourceDataLen: length,
            };
            pass(parameters, shorter, call);
        }
        Some(ParameterKind::None) if choices.byte() < 128 => {
            let parameters =
                CK_EDDSA_PARAMS { phFlag: choices.byte(), ulContextDataLen: length, pContextData: buffer };
            pass(parameters, shorter, call);
        }
        Some(ParameterKind::None | ParameterKind::Iv | ParameterKind::WrapIv) => call(buffer, length),
        // A new kind has structs of its own: bytes would be wild pointers in them.
        #[allow(unreachable_patterns)]
        _ => call(ptr::null_mut(), choices.ulong()),
    }
}

#[test]
fn parameters() {
    check!().for_each(|input| {
        let mut choices = Choices(input);
        let mut memory = Memory::default();
        let kind = choices.of(MechanismType::ALL);
        let known = choices.byte() < 250;
        let profile = choices.of(&[Profile::Standard, Profile::Aws]);
        let code = if known { kind.code() } else { choices.ulong() };
        let function = choices.of(&FUNCTIONS);
        let parameter_kind = known.then(|| kind.parameter_kind());
        with_parameter(parameter_kind, &mut choices, &mut memory, |parameter, length| {
            let mechanism =
                CK_MECHANISM { mechanism: code, pParameter: parameter.cast(), ulParameterLen: length };
            // SAFETY: the parameter and what it points to are valid for their lengths, or null.
            let read = unsafe { Mechanism::read(&raw const mechanism, function, profile) };
            if let Ok(read) = read {
                assert_eq!(read.kind.code(), code);
                assert!(read.kind.functions().contains(&function));
                if let Some(place) = read.iv_place {
                    // SAFETY: the IV's buffer is still there.
                    let written = unsafe { place.write(&[1; 12]) };
                    assert!(written.is_ok());
                }
            }
        });
        assert!(memory.is_unharmed());
    });
}

/// Attributes with any types and values; those of templates are arrays themselves.
fn attributes(choices: &mut Choices<'_>, memory: &mut Memory, depth: u8) -> Vec<CK_ATTRIBUTE> {
    (0..choices.byte() % 6)
        .map(|_| {
            let known = choices.of(AttributeType::ALL);
            if known.kind() == Kind::Template && depth > 0 {
                let mut nested = attributes(choices, memory, depth - 1);
                let length = size_of_val(&nested[..]) as CK_ULONG;
                let place = if nested.is_empty() { ptr::null_mut() } else { nested.as_mut_ptr() };
                memory.arrays.push(nested); // what it points to stays where it is
                return CK_ATTRIBUTE { type_: known.code(), pValue: place.cast(), ulValueLen: length };
            }
            let (value, length) = memory.buffer(choices);
            let is_unknown = choices.byte() > 250;
            // Bytes as an array would be wild pointers.
            let type_ = match known.kind() {
                Kind::Template => AttributeType::Label.code(),
                _ if is_unknown => 0x8000_0000 | CK_ULONG::from(choices.byte()),
                _ => known.code(),
            };
            let value = if choices.byte() > 250 { ptr::null_mut() } else { value };
            CK_ATTRIBUTE { type_, pValue: value.cast(), ulValueLen: length }
        })
        .collect()
}

#[test]
fn attribute_arrays() {
    check!().for_each(|input| {
        let mut choices = Choices(input);
        let mut memory = Memory::default();
        let given = attributes(&mut choices, &mut memory, 3);
        // SAFETY: every value is valid for its length, or null.
        let template = unsafe { read_template(&given) };
        let mut wanted = attributes(&mut choices, &mut memory, 0);
        let place = if wanted.is_empty() { ptr::null_mut() } else { wanted.as_mut_ptr() };
        // SAFETY: that many elements are there.
        let wanted = unsafe { array(place, wanted.len() as CK_ULONG) }.unwrap();
        if let Ok(template) = template {
            assert!(template.len() <= given.len());
            // SAFETY: as above.
            let _ = unsafe { write_values(wanted, 7, &template) }; // either is fine; the guards tell
        }
        assert!(memory.is_unharmed());
    });
}
