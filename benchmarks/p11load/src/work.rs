//! What a thread does again and again, and what one doing of it gives for checking.

use std::str::FromStr;

use cryptoki_sys as p11;

use crate::keys::secret_kind;
use crate::mechanisms::{Use, User};
use crate::parameters::gcm;
use crate::session::{Key, Session, plain};

/// DigestInfo of SHA-256 up to the digest (RFC 8017 section 9.2, note 1).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
/// Longest tag or signature beyond the data.
const OVERHEAD: usize = 1024;

/// One kind of work, as the command line names it.
#[derive(Clone, Debug)]
pub enum Work {
    /// `ecdsa:KEY` or `rsa-pkcs:KEY`: a signature over a new SHA-256 value.
    Sign { mechanism: p11::CK_MECHANISM_TYPE, key: String },
    /// `aes-gcm:KEY:BYTES`: an encryption of so many bytes.
    EncryptGcm { key: String, bytes: usize },
    /// `find:PREFIX:COUNT`: a search for the one key called PREFIX and a number below COUNT.
    Find { prefix: String, count: u64 },
    /// `generate-aes:PREFIX`: a new AES-256 token key, destroyed when the time is over; `generate-aes:PREFIX:COUNT` ends
    /// after COUNT of them, called PREFIX and their number, which stay.
    GenerateAes { prefix: String, count: Option<u64> },
    /// `use:…`, see [`Use`].
    Mechanism(Use),
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number"));
        let named = |key: &str| key.to_owned();
        if let Some(used) = text.strip_prefix("use:") {
            return used.parse().map(Self::Mechanism);
        }
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["ecdsa", key] => Ok(Self::Sign { mechanism: p11::CKM_ECDSA, key: named(key) }),
            ["rsa-pkcs", key] => Ok(Self::Sign { mechanism: p11::CKM_RSA_PKCS, key: named(key) }),
            ["aes-gcm", key, bytes] => {
                let bytes = bytes.parse().map_err(|_| format!("{bytes:?} is not a number"))?;
                Ok(Self::EncryptGcm { key: named(key), bytes })
            }
            ["find", prefix, count] => Ok(Self::Find { prefix: named(prefix), count: number(count)? }),
            ["generate-aes", prefix] => Ok(Self::GenerateAes { prefix: named(prefix), count: None }),
            ["generate-aes", prefix, count] => {
                Ok(Self::GenerateAes { prefix: named(prefix), count: Some(number(count)?) })
            }
            _ => Err(format!(
                "{text:?} is no work; there are ecdsa:KEY, rsa-pkcs:KEY, aes-gcm:KEY:BYTES, find:PREFIX:COUNT, \
                 generate-aes:PREFIX[:COUNT] and use:FUNCTION:MECHANISM:KEY:PARAMETERS:BYTES"
            )),
        }
    }
}

/// One thread at work.
pub struct Worker<'a> {
    work: &'a Work,
    session: Session<'a>,
    key: Key,
    index: u64,
    threads: u64,
    input: Vec<u8>,
    /// Digest's place in `input`.
    digest: usize,
    iv: [u8; 12],
    output: Vec<u8>,
    length: usize,
    /// Keys to destroy at the end.
    made: Vec<Key>,
    user: Option<User>,
}

impl<'a> Worker<'a> {
    /// Worker `index` of `threads`, with its key found.
    pub fn new(work: &'a Work, session: Session<'a>, index: u64, threads: u64) -> Result<Self, String> {
        let (key, input, digest) = match work {
            Work::Sign { mechanism, key } => {
                let key = session.key(p11::CKO_PRIVATE_KEY, key)?;
                let mut input =
                    if *mechanism == p11::CKM_RSA_PKCS { SHA256_DIGEST_INFO.to_vec() } else { vec![] };
                let digest = input.len();
                input.resize(digest + 32, 0xa5);
                (key, input, digest)
            }
            Work::EncryptGcm { key, bytes } => {
                (session.key(p11::CKO_SECRET_KEY, key)?, vec![0xa5; (*bytes).max(16)], 0)
            }
            Work::Find { .. } | Work::GenerateAes { .. } | Work::Mechanism(_) => (0, vec![], 0),
        };
        let user = match work {
            Work::Mechanism(used) => Some(User::new(used, &session)?),
            _ => None,
        };
        let output = vec![0; input.len() + OVERHEAD];
        Ok(Self {
            work,
            session,
            key,
            index,
            threads,
            input,
            digest,
            iv: [0; 12],
            output,
            length: 0,
            made: vec![],
            user,
        })
    }

    /// Does it for the `round`th time; false when there is nothing left to do.
    pub fn step(&mut self, round: u64) -> Result<bool, String> {
        match self.work {
            Work::Sign { mechanism, .. } => {
                self.number_the_input(round);
                let mechanism = &mut plain(*mechanism);
                self.length = self.session.sign(mechanism, self.key, &self.input, &mut self.output)?;
            }
            Work::EncryptGcm { .. } => {
                self.number_the_input(round);
                // As on CloudHSM the HSM makes the IV and writes it into this buffer; SoftHSM2 uses what is there.
                self.iv = [0; 12];
                let mut parameters = gcm(&mut self.iv);
                let mut mechanism = p11::CK_MECHANISM {
                    mechanism: p11::CKM_AES_GCM,
                    pParameter: (&raw mut parameters).cast(),
                    ulParameterLen: size_of_val(&parameters) as p11::CK_ULONG,
                };
                self.length =
                    self.session.encrypt(&mut mechanism, self.key, &self.input, &mut self.output)?;
            }
            Work::Mechanism(_) => {
                if let Some(user) = &mut self.user {
                    user.step(&self.session, self.index, round)?;
                }
            }
            Work::Find { prefix, count } => {
                // Steps of a number that shares no factor with the count visit all in no order.
                let number = (self.index + round.wrapping_mul(7919)) % count;
                let label = format!("{prefix}{number}");
                self.session.key(p11::CKO_SECRET_KEY, &label)?;
            }
            Work::GenerateAes { prefix, count } => {
                let number = self.index + round * self.threads;
                if count.is_some_and(|count| number >= count) {
                    return Ok(false);
                }
                let secret = secret_kind("token-aes32").ok_or("no such kind of key")?;
                let mut template = secret.template().labelled(&format!("{prefix}{number}"));
                let key = self.session.generate(&mut plain(secret.mechanism), &mut template)?;
                if count.is_none() {
                    self.made.push(key);
                }
            }
        }
        Ok(true)
    }

    /// Leaves the token as it was: a token holds a limited number of keys.
    pub fn clean_up(&mut self) -> Result<(), String> {
        self.made.drain(..).try_for_each(|key| self.session.destroy(key))
    }

    /// What went in, the IV and what came out last, for checking; none for work that leaves nothing to check.
    pub fn sample(&self) -> Option<(&[u8], &[u8], &[u8])> {
        (self.length > 0).then(|| (self.input.as_slice(), self.iv.as_slice(), &self.output[..self.length]))
    }

    fn number_the_input(&mut self, round: u64) {
        let at = self.digest;
        self.input[at..at + 8].copy_from_slice(&self.index.to_be_bytes());
        self.input[at + 8..at + 16].copy_from_slice(&round.to_be_bytes());
    }
}
