//! One mechanism with keys of its own: what `use:…` stands for.

use std::any::Any;
use std::ptr;
use std::str::FromStr;

use cryptoki_sys as p11;

use crate::module::{Key, Session, attribute, bytes_attribute};

/// Longest tag, padding or signature beyond the data.
const OVERHEAD: usize = 8 * 1024;
/// Iterations of PBKDF2, few enough that calls come many to a second.
const ITERATIONS: p11::CK_ULONG = 1000;
const PASSWORD: &[u8; 12] = b"a pass phras";
/// Object identifiers of curves.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
const X25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x6e];

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

/// A mechanism's parameter, with all that it points to.
struct Parameter {
    place: *mut std::ffi::c_void,
    length: p11::CK_ULONG,
    _parts: Vec<Box<dyn Any>>,
}

// SAFETY: what it points to is its own, on the heap, and used by whoever has it.
unsafe impl Send for Parameter {}

impl Parameter {
    fn none() -> Self {
        Self { place: ptr::null_mut(), length: 0, _parts: vec![] }
    }

    /// A structure that points into the other parts.
    fn of<T: 'static>(structure: T, mut parts: Vec<Box<dyn Any>>) -> Self {
        let mut structure = Box::new(structure);
        let place = (&raw mut *structure).cast();
        parts.push(structure);
        Self { place, length: size_of::<T>() as p11::CK_ULONG, _parts: parts }
    }

    /// By its name in [`Use`]; `public` is the point of the other side of an agreement.
    fn named(name: &str, bytes: usize, public: &[u8]) -> Result<Self, String> {
        Ok(match name {
            "none" => Self::none(),
            "iv8" => Self::of([0x5a_u8; 8], vec![]),
            "iv16" => Self::of([0x5a_u8; 16], vec![]),
            "ctr" => Self::of(p11::CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: [0x5a; 16] }, vec![]),
            "gcm" => {
                let mut iv = Box::new([0_u8; 12]);
                let structure = p11::CK_GCM_PARAMS {
                    pIv: iv.as_mut_ptr(),
                    ulIvLen: 12,
                    ulIvBits: 96,
                    pAAD: ptr::null_mut(),
                    ulAADLen: 0,
                    ulTagBits: 128,
                };
                Self::of(structure, vec![iv])
            }
            "ccm" => {
                let mut nonce = Box::new([0x5a_u8; 12]);
                let structure = p11::CK_CCM_PARAMS {
                    ulDataLen: bytes as p11::CK_ULONG,
                    pNonce: nonce.as_mut_ptr(),
                    ulNonceLen: 12,
                    pAAD: ptr::null_mut(),
                    ulAADLen: 0,
                    ulMACLen: 16,
                };
                Self::of(structure, vec![nonce])
            }
            "pss" => Self::of(
                p11::CK_RSA_PKCS_PSS_PARAMS { hashAlg: p11::CKM_SHA256, mgf: p11::CKG_MGF1_SHA256, sLen: 32 },
                vec![],
            ),
            "oaep" => Self::of(oaep(), vec![]),
            "rsa-aes" => {
                let mut inner = Box::new(oaep());
                let structure =
                    p11::CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: &raw mut *inner };
                Self::of(structure, vec![inner])
            }
            "ecdh" => {
                let mut point = Box::new(public.to_vec());
                let structure = p11::CK_ECDH1_DERIVE_PARAMS {
                    kdf: p11::CKD_NULL,
                    ulSharedDataLen: 0,
                    pSharedData: ptr::null_mut(),
                    ulPublicDataLen: point.len() as p11::CK_ULONG,
                    pPublicData: point.as_mut_ptr(),
                };
                Self::of(structure, vec![point])
            }
            "hkdf" => {
                let mut info = Box::new(*b"what for");
                let structure = p11::CK_HKDF_PARAMS {
                    bExtract: p11::CK_TRUE,
                    bExpand: p11::CK_TRUE,
                    prfHashMechanism: p11::CKM_SHA256,
                    ulSaltType: p11::CKF_HKDF_SALT_NULL,
                    pSalt: ptr::null_mut(),
                    ulSaltLen: 0,
                    hSaltKey: 0,
                    pInfo: info.as_mut_ptr(),
                    ulInfoLen: info.len() as p11::CK_ULONG,
                };
                Self::of(structure, vec![info])
            }
            "pbkdf2" => {
                let mut salt = Box::new([0x5a_u8; 16]);
                let mut password = Box::new(*PASSWORD);
                let structure = p11::CK_PKCS5_PBKD2_PARAMS2 {
                    saltSource: p11::CKZ_SALT_SPECIFIED,
                    pSaltSourceData: salt.as_mut_ptr().cast(),
                    ulSaltSourceDataLen: salt.len() as p11::CK_ULONG,
                    iterations: ITERATIONS,
                    prf: p11::CKP_PKCS5_PBKD2_HMAC_SHA256,
                    pPrfData: ptr::null_mut(),
                    ulPrfDataLen: 0,
                    pPassword: password.as_mut_ptr(),
                    ulPasswordLen: password.len() as p11::CK_ULONG,
                };
                Self::of(structure, vec![salt, password])
            }
            other => return Err(format!("{other:?} is no parameter")),
        })
    }

    fn mechanism(&self, mechanism: p11::CK_MECHANISM_TYPE) -> p11::CK_MECHANISM {
        p11::CK_MECHANISM { mechanism, pParameter: self.place, ulParameterLen: self.length }
    }
}

fn oaep() -> p11::CK_RSA_PKCS_OAEP_PARAMS {
    p11::CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: p11::CKM_SHA256,
        mgf: p11::CKG_MGF1_SHA256,
        source: p11::CKZ_DATA_SPECIFIED,
        pSourceData: ptr::null_mut(),
        ulSourceDataLen: 0,
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
                (public, key) = generate_pair(session, &used.key)?;
            }
        }
        if used.parameters == "ecdh" {
            let (other, _) = generate_pair(session, &used.key)?;
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
            Function::Verify => session.sign_with(&mut mechanism, self.key, &self.input, &mut self.output)?,
            Function::Decrypt => {
                session.encrypt_with(&mut mechanism, public, &self.input, &mut self.output)?
            }
            Function::Unwrap => session.wrap_with(&mut mechanism, public, self.target, &mut self.output)?,
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
            Function::Sign => session.sign_with(&mut mechanism, key, &self.input, output).map(drop),
            Function::Verify => session.verify_with(&mut mechanism, key, &self.input, &self.made),
            Function::Encrypt => session.encrypt_with(&mut mechanism, key, &self.input, output).map(drop),
            Function::Decrypt => session.decrypt_with(&mut mechanism, key, &self.made, output).map(drop),
            Function::Digest => session.digest_with(&mut mechanism, &self.input, output).map(drop),
            // It makes keys of several types, and so has to be told which.
            Function::Generate if self.number == p11::CKM_PKCS5_PBKD2 => session
                .generate_with(&mut mechanism, &mut secret_template())
                .and_then(|key| session.destroy(key)),
            Function::Generate => {
                let secret = secret_kind(&self.kind).ok_or("it is no secret key")?;
                session
                    .generate_with(&mut mechanism, &mut secret.template())
                    .and_then(|key| session.destroy(key))
            }
            Function::GeneratePair => {
                let (public, private) = generate_pair(session, &self.kind)?;
                session.destroy(public)?;
                session.destroy(private)
            }
            Function::Derive => {
                let made = session.derive_with(&mut mechanism, key, &mut secret_template())?;
                session.destroy(made)
            }
            Function::Wrap => session.wrap_with(&mut mechanism, key, self.target, output).map(drop),
            Function::Unwrap => {
                let template = &mut unwrapped_template();
                let made = session.unwrap_with(&mut mechanism, key, &self.made, template)?;
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

/// Attributes with the values that they point to.
pub struct Template {
    numbers: Vec<(p11::CK_ATTRIBUTE_TYPE, p11::CK_ULONG)>,
    flags: Vec<(p11::CK_ATTRIBUTE_TYPE, p11::CK_BBOOL)>,
    bytes: Vec<(p11::CK_ATTRIBUTE_TYPE, Vec<u8>)>,
}

impl Template {
    fn new(numbers: &[(p11::CK_ATTRIBUTE_TYPE, p11::CK_ULONG)], flags: &[p11::CK_ATTRIBUTE_TYPE]) -> Self {
        Self {
            numbers: numbers.to_vec(),
            flags: flags.iter().map(|flag| (*flag, p11::CK_TRUE)).collect(),
            bytes: vec![],
        }
    }

    fn with_bytes(mut self, type_: p11::CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.bytes.push((type_, value.to_vec()));
        self
    }

    /// As a call takes it.
    pub fn attributes(&mut self) -> Vec<p11::CK_ATTRIBUTE> {
        let numbers = self.numbers.iter_mut().map(|(type_, value)| attribute(*type_, value));
        let flags = self.flags.iter_mut().map(|(type_, value)| attribute(*type_, value));
        let bytes = self.bytes.iter_mut().map(|(type_, value)| bytes_attribute(*type_, value));
        numbers.chain(flags).chain(bytes).collect()
    }
}

/// A kind of secret keys.
struct Secret {
    mechanism: p11::CK_MECHANISM_TYPE,
    length: p11::CK_ULONG,
    uses: &'static [p11::CK_ATTRIBUTE_TYPE],
}

impl Secret {
    fn template(&self) -> Template {
        let numbers: &[_] = if self.length == 0 { &[] } else { &[(p11::CKA_VALUE_LEN, self.length)] };
        Template::new(numbers, self.uses)
    }
}

const CRYPT: &[p11::CK_ATTRIBUTE_TYPE] = &[
    p11::CKA_ENCRYPT,
    p11::CKA_DECRYPT,
    p11::CKA_SIGN,
    p11::CKA_VERIFY,
    p11::CKA_WRAP,
    p11::CKA_UNWRAP,
    p11::CKA_EXTRACTABLE,
];
const MAC: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_SIGN, p11::CKA_VERIFY, p11::CKA_DERIVE];

fn secret_kind(name: &str) -> Option<Secret> {
    Some(match name {
        "aes32" => Secret { mechanism: p11::CKM_AES_KEY_GEN, length: 32, uses: CRYPT },
        "xts64" => Secret { mechanism: p11::CKM_AES_XTS_KEY_GEN, length: 64, uses: &CRYPT[..2] },
        "des3" => Secret { mechanism: p11::CKM_DES3_KEY_GEN, length: 0, uses: &CRYPT[..2] },
        "generic64" => Secret { mechanism: p11::CKM_GENERIC_SECRET_KEY_GEN, length: 64, uses: MAC },
        _ => return None,
    })
}

fn generate(session: &Session<'_>, secret: Secret) -> Result<Key, String> {
    let mut mechanism = Parameter::none().mechanism(secret.mechanism);
    session.generate_with(&mut mechanism, &mut secret.template())
}

/// A secret of 32 bytes, which a derivation or an encapsulation makes.
fn secret_template() -> Template {
    Template::new(
        &[
            (p11::CKA_CLASS, p11::CKO_SECRET_KEY),
            (p11::CKA_KEY_TYPE, p11::CKK_GENERIC_SECRET),
            (p11::CKA_VALUE_LEN, 32),
        ],
        &[p11::CKA_SIGN],
    )
}

fn unwrapped_template() -> Template {
    Template::new(
        &[(p11::CKA_CLASS, p11::CKO_SECRET_KEY), (p11::CKA_KEY_TYPE, p11::CKK_AES)],
        &[p11::CKA_ENCRYPT],
    )
}

fn generate_pair(session: &Session<'_>, kind: &str) -> Result<(Key, Key), String> {
    const SIGN: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_SIGN];
    const DERIVE: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_DERIVE];
    let verifying = |numbers| Template::new(numbers, &[p11::CKA_VERIFY]);
    let (mechanism, mut public, uses) = match kind {
        "rsa2048" => {
            let numbers = [(p11::CKA_MODULUS_BITS, 2048)];
            let public = Template::new(&numbers, &[p11::CKA_VERIFY, p11::CKA_ENCRYPT, p11::CKA_WRAP])
                .with_bytes(p11::CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
            (p11::CKM_RSA_PKCS_KEY_PAIR_GEN, public, &[p11::CKA_SIGN, p11::CKA_DECRYPT, p11::CKA_UNWRAP][..])
        }
        "p256" => {
            let public = verifying(&[]).with_bytes(p11::CKA_EC_PARAMS, &P256);
            (p11::CKM_EC_KEY_PAIR_GEN, public, &[p11::CKA_SIGN, p11::CKA_DERIVE][..])
        }
        "ed25519" => {
            let public = verifying(&[]).with_bytes(p11::CKA_EC_PARAMS, &ED25519);
            (p11::CKM_EC_EDWARDS_KEY_PAIR_GEN, public, SIGN)
        }
        "x25519" => {
            let public = Template::new(&[], &[]).with_bytes(p11::CKA_EC_PARAMS, &X25519);
            (p11::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, public, DERIVE)
        }
        "ml-dsa-65" => (p11::CKM_ML_DSA_KEY_PAIR_GEN, verifying(&[(p11::CKA_PARAMETER_SET, 2)]), SIGN),
        "ml-kem-768" => {
            let public = Template::new(&[(p11::CKA_PARAMETER_SET, 2)], &[p11::CKA_ENCAPSULATE]);
            (p11::CKM_ML_KEM_KEY_PAIR_GEN, public, &[p11::CKA_DECAPSULATE][..])
        }
        other => return Err(format!("{other:?} is no kind of key")),
    };
    let mut private = Template::new(&[], uses);
    session.generate_pair_with(&mut Parameter::none().mechanism(mechanism), &mut public, &mut private)
}
