//! One mechanism with keys of its own: what `use:…` stands for.

use std::str::FromStr;

use cryptoki_sys as p11;

use crate::keys::{generate, generate_pair, secret_kind, secret_template, unwrapped_template};
use crate::parameters::Parameter;
use crate::session::{Key, Session};

/// Longest tag, padding or signature beyond the data.
const OVERHEAD: usize = 8 * 1024;

/// What is done with a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Digest,
    Generate,
    GeneratePair,
    Derive,
    Wrap,
    Unwrap,
    Encapsulate,
    Decapsulate,
}

/// `use:FUNCTION:MECHANISM:KEY:PARAMETERS:BYTES`: a call of a mechanism (its number) over so many bytes. Keys are session
/// keys that the program makes; what a call makes is destroyed by it.
#[derive(Clone, Debug)]
pub struct Use {
    function: Function,
    mechanism: p11::CK_MECHANISM_TYPE,
    key: String,
    parameters: String,
    bytes: usize,
}

impl FromStr for Use {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [function, mechanism, key, parameters, bytes] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err(format!("{text:?} is not FUNCTION:MECHANISM:KEY:PARAMETERS:BYTES"));
        };
        let function = match function {
            "sign" => Function::Sign,
            "verify" => Function::Verify,
            "encrypt" => Function::Encrypt,
            "decrypt" => Function::Decrypt,
            "digest" => Function::Digest,
            "generate" => Function::Generate,
            "generate-pair" => Function::GeneratePair,
            "derive" => Function::Derive,
            "wrap" => Function::Wrap,
            "unwrap" => Function::Unwrap,
            "encapsulate" => Function::Encapsulate,
            "decapsulate" => Function::Decapsulate,
            other => return Err(format!("{other:?} is no function of a mechanism")),
        };
        let number = mechanism.strip_prefix("0x").unwrap_or(mechanism);
        Ok(Self {
            function,
            mechanism: p11::CK_MECHANISM_TYPE::from_str_radix(number, 16)
                .map_err(|_| format!("{mechanism:?} is no number"))?,
            key: key.to_owned(),
            parameters: parameters.to_owned(),
            bytes: bytes.parse().map_err(|_| format!("{bytes:?} is no number"))?,
        })
    }
}

/// A thread that uses a mechanism.
pub struct User {
    function: Function,
    number: p11::CK_MECHANISM_TYPE,
    parameter: Parameter,
    kind: String,
    /// What it is done with: the private half of a pair where that is asked for.
    key: Key,
    /// What is wrapped.
    target: Key,
    input: Vec<u8>,
    /// What is verified, decrypted, unwrapped or decapsulated.
    made: Vec<u8>,
    output: Vec<u8>,
}

impl User {
    /// With keys of its own, and what it needs to go backwards.
    pub fn new(used: &Use, session: &Session<'_>) -> Result<Self, String> {
        let (mut key, mut target, mut public_point) = (0, 0, vec![]);
        let needs_key =
            !matches!(used.function, Function::Digest | Function::Generate | Function::GeneratePair);
        let mut public = 0;
        if needs_key {
            if let Some(secret) = secret_kind(&used.key) {
                key = generate(session, secret)?;
            } else {
                (public, key) = generate_pair(session, &used.key, None)?;
            }
        }
        if used.parameters == "ecdh" {
            let (other, _) = generate_pair(session, &used.key, None)?;
            public_point = session.bytes_of(other, p11::CKA_EC_POINT)?;
        }
        let is_of_public =
            matches!(used.function, Function::Encrypt | Function::Wrap | Function::Encapsulate);
        if matches!(used.function, Function::Wrap | Function::Unwrap) {
            target = generate(session, secret_kind("aes32").ok_or("no AES key")?)?;
        }
        // A number below every modulus, and none that stays what it is.
        let mut input = vec![0; used.bytes];
        if let Some(last) = input.last_mut() {
            *last = 0x5a;
        }
        let mut user = Self {
            function: used.function,
            number: used.mechanism,
            parameter: Parameter::named(&used.parameters, used.bytes, &public_point)?,
            kind: used.key.clone(),
            key: if public != 0 && is_of_public { public } else { key },
            target,
            input,
            made: vec![],
            output: vec![0; used.bytes + OVERHEAD],
        };
        user.prepare(session, if public == 0 { key } else { public })?;
        if used.function == Function::Verify && public != 0 {
            user.key = public;
        }
        Ok(user)
    }

    /// Makes what is verified, decrypted, unwrapped or decapsulated.
    fn prepare(&mut self, session: &Session<'_>, public: Key) -> Result<(), String> {
        let mut mechanism = self.parameter.mechanism(self.number);
        let length = match self.function {
            Function::Verify => session.sign(&mut mechanism, self.key, &self.input, &mut self.output)?,
            Function::Decrypt => session.encrypt(&mut mechanism, public, &self.input, &mut self.output)?,
            Function::Unwrap => session.wrap(&mut mechanism, public, self.target, &mut self.output)?,
            Function::Decapsulate => {
                let (length, key) =
                    session.encapsulate(&mut mechanism, public, &mut secret_template(), &mut self.output)?;
                session.destroy(key)?;
                length
            }
            _ => return Ok(()),
        };
        self.made = self.output[..length].to_vec();
        Ok(())
    }

    /// One call.
    pub fn step(&mut self, session: &Session<'_>, index: u64, round: u64) -> Result<(), String> {
        if self.input.len() >= 24 && !matches!(self.function, Function::Verify | Function::Decrypt) {
            // The first byte stays 0: a number below every modulus.
            self.input[8..16].copy_from_slice(&index.to_be_bytes());
            self.input[16..24].copy_from_slice(&round.to_be_bytes());
        }
        let mut mechanism = self.parameter.mechanism(self.number);
        let (key, output) = (self.key, &mut self.output);
        match self.function {
            Function::Sign => session.sign(&mut mechanism, key, &self.input, output).map(drop),
            Function::Verify => session.verify(&mut mechanism, key, &self.input, &self.made),
            Function::Encrypt => session.encrypt(&mut mechanism, key, &self.input, output).map(drop),
            Function::Decrypt => session.decrypt(&mut mechanism, key, &self.made, output).map(drop),
            Function::Digest => session.digest(&mut mechanism, &self.input, output).map(drop),
            // It makes keys of several types, and so has to be told which.
            Function::Generate if self.number == p11::CKM_PKCS5_PBKD2 => {
                session.generate(&mut mechanism, &mut secret_template()).and_then(|key| session.destroy(key))
            }
            Function::Generate => {
                let secret = secret_kind(&self.kind).ok_or("it is no secret key")?;
                session.generate(&mut mechanism, &mut secret.template()).and_then(|key| session.destroy(key))
            }
            Function::GeneratePair => {
                let (public, private) = generate_pair(session, &self.kind, Some(self.number))?;
                session.destroy(public)?;
                session.destroy(private)
            }
            Function::Derive => {
                let made = session.derive(&mut mechanism, key, &mut secret_template())?;
                session.destroy(made)
            }
            Function::Wrap => session.wrap(&mut mechanism, key, self.target, output).map(drop),
            Function::Unwrap => {
                let template = &mut unwrapped_template();
                let made = session.unwrap(&mut mechanism, key, &self.made, template)?;
                session.destroy(made)
            }
            Function::Encapsulate => {
                let (_, made) = session.encapsulate(&mut mechanism, key, &mut secret_template(), output)?;
                session.destroy(made)
            }
            Function::Decapsulate => {
                let made = session.decapsulate(&mut mechanism, key, &self.made, &mut secret_template())?;
                session.destroy(made)
            }
        }
    }
}
