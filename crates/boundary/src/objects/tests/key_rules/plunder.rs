//! What the users do together at the end to get at keys: everything that is known to have worked on other HSMs.

use std::sync::Arc;

use strongroom_wire::{AttributeType as A, AttributeValue as V, MechanismType as M, Secret, Template};

use super::super::only;
use super::USERS;
use super::kinds::Kind;
use super::world::{DEMANDS, World, Wrapped, holds, wrapping};
use crate::ffi::Hash;
use crate::mechanisms::{self, KeyHandle};

/// The value of wrapping keys that the users know.
const KNOWN: [u8; 32] = [0x5A; 32];
/// No more keys and wrapped keys than these, so that it ends.
const MOST_COPIES: usize = 20;
const MOST_UNWRAPPED: usize = 30;
const MOST_KEYS: usize = 40;
const MOST_WRAPPED: usize = 60;
const BLOCK: usize = 16;
/// Bytes of what RSA encrypts.
const MODULUS: usize = 256;

impl World {
    /// Twice: once while the admin trusts all that it can, and once after it has taken all trust back. `hides`: the users
    /// first make their keys look as an admin wants them.
    pub fn plunder(&mut self, hides: bool) {
        let known = self.import_known();
        for trusted in [true, false] {
            self.trust_everything(trusted);
            if trusted && hides {
                self.hide_the_other_role();
                self.trust_everything(true);
            }
            self.weaken();
            self.wrap_everything(known);
            self.unwrap_everything();
            self.derive_everything();
            self.weaken();
            self.wrap_everything(known);
            self.decrypt_everything();
        }
        self.open_outside();
    }

    fn trust_everything(&mut self, value: bool) {
        for reference in self.references() {
            let _ = self.trust(reference, value);
        }
    }

    /// What an admin shall trust neither encrypts nor decrypts; a copy of it still does.
    fn hide_the_other_role(&mut self) {
        for reference in self.references() {
            let owner = self.key(reference).owner;
            if self.keys.len() < MOST_COPIES {
                let _ = self.copy(owner, reference, &Template::new());
            }
            for name in [A::Encrypt, A::Decrypt] {
                let _ = self.set(owner, reference, name, V::Bool(false));
            }
        }
    }

    fn references(&self) -> Vec<u64> {
        self.keys.iter().map(|key| key.reference).collect()
    }

    /// A wrapping key for each user, of a value that all know.
    fn import_known(&mut self) -> [u64; USERS as usize] {
        self.known.insert(KNOWN.to_vec());
        [0, 1, 2].map(|user| {
            let template: Template = [(A::Wrap, true), (A::Token, true), (A::Unwrap, true)]
                .into_iter()
                .map(|(name, value)| (name, V::Bool(value)))
                .collect();
            let template = template
                .with(A::Class, V::Ulong(4))
                .with(A::KeyType, V::Ulong(0x1F))
                .with(A::Value, V::Secret(Secret::new(KNOWN.to_vec())));
            let staged = self.objects.create_object(self.caller(user), template);
            let index = self.took(user, Kind::Aes, staged, None).unwrap();
            self.keys[index].reference
        })
    }

    /// Every flag to where it allows more, by change and by copy; every demand away.
    fn weaken(&mut self) {
        const WEAKER: [(A, bool); 10] = [
            (A::Extractable, true),
            (A::WrapWithTrusted, false),
            (A::Encrypt, true),
            (A::Decrypt, true),
            (A::Wrap, true),
            (A::Unwrap, true),
            (A::Derive, true),
            (A::Sign, true),
            (A::SignRecover, true),
            (A::Trusted, true),
        ];
        for reference in self.references() {
            for user in 0..USERS {
                for (name, value) in WEAKER {
                    let _ = self.set(user, reference, name, V::Bool(value));
                    if self.keys.len() < MOST_COPIES
                        && self.key(reference).attributes.bool(name) != Some(value)
                    {
                        let _ = self.copy(user, reference, &only(name, V::Bool(value)));
                    }
                }
                for name in DEMANDS {
                    let _ = self.set(user, reference, name, V::Template(Template::new()));
                }
            }
        }
    }

    /// Under the keys that are known first: what comes out so needs nothing more.
    fn wrap_everything(&mut self, known: [u64; USERS as usize]) {
        for target in self.references() {
            for (user, by) in (0..USERS).zip(known) {
                if !self.is_known(target) {
                    let mechanism = Kind::Aes.wrapping(self.key(target).kind, false);
                    let _ = self.wrap(user, by, target, mechanism);
                }
            }
        }
        self.open_outside();
        let targets: Vec<u64> =
            self.references().into_iter().filter(|reference| !self.is_known(*reference)).collect();
        for by in targets.clone() {
            for target in &targets {
                let (by_kind, kind) = (self.key(by).kind, self.key(*target).kind);
                let both = [false, true].map(|second| by_kind.wrapping(kind, second));
                for (user, mechanism) in (0..USERS).flat_map(|user| both.map(|mechanism| (user, mechanism))) {
                    let is_done = |wrapped: &Wrapped| {
                        (wrapped.mechanism, &wrapped.by, &wrapped.value)
                            == (mechanism, &self.key(by).value, &self.key(*target).value)
                    };
                    if self.wrapped.len() < MOST_WRAPPED && !self.wrapped.iter().any(is_done) {
                        let _ = self.wrap(user, by, *target, mechanism);
                    }
                }
            }
        }
    }

    fn is_known(&self, reference: u64) -> bool {
        self.known.contains(&self.key(reference).value)
    }

    /// With the most that an unwrapped key may be allowed, and with less where that is refused.
    fn unwrap_everything(&mut self) {
        let on = |names: &[A]| names.iter().map(|name| (*name, V::Bool(true))).collect::<Template>();
        let most = on(&[A::Token, A::Encrypt, A::Decrypt, A::Wrap, A::Unwrap, A::Extractable]);
        let templates = [
            most.clone().with(A::WrapWithTrusted, V::Bool(false)),
            most,
            on(&[A::Token, A::Extractable]),
            on(&[A::Token]),
        ];
        for wrapped in self.wrapped.clone() {
            for by in self.references() {
                if self.keys.len() >= MOST_UNWRAPPED {
                    return;
                }
                if self.key(by).value != wrapped.by || self.known.contains(&wrapped.value) {
                    continue;
                }
                // What is a secret key may also become an AES key.
                let kind = if wrapped.kind.is_secret() { Kind::Aes } else { wrapped.kind };
                for user in 0..USERS {
                    let _ = templates
                        .iter()
                        .any(|template| self.unwrap(user, by, &wrapped, kind, template).is_ok());
                }
            }
        }
    }

    fn derive_everything(&mut self) {
        let on = |extractable| {
            let template = only(A::Extractable, V::Bool(extractable)).with(A::Token, V::Bool(true));
            template.with(A::ValueLen, V::Ulong(32))
        };
        for base in self.references() {
            for (user, info) in (0..USERS).flat_map(|user| [(user, 0), (user, 1)]) {
                let _ = self.sign(user, base, info);
                if self.keys.len() < MOST_KEYS && !self.is_known(base) {
                    let _ = self.derive(user, base, info, Kind::Aes, &on(true));
                }
            }
        }
    }

    /// With the mechanism's own decryption, block by block, and as the stream that GCM is.
    fn decrypt_everything(&mut self) {
        for wrapped in self.wrapped.clone() {
            for by in self.references() {
                if self.key(by).value != wrapped.by {
                    continue;
                }
                for user in 0..USERS {
                    match (self.key(by).kind, wrapped.mechanism) {
                        (Kind::Aes, M::AesGcm) => {
                            let _ = self.decrypt(user, by, M::AesGcm, wrapped.parameters(), &wrapped.data);
                            self.decrypt_as_stream(user, by, &wrapped);
                        }
                        (Kind::Aes, _) => self.unwrap_by_hand(user, by, &wrapped.data),
                        (Kind::Rsa, mechanism) => self.decrypt_with_rsa(user, by, mechanism, &wrapped.data),
                        _ => {}
                    }
                }
            }
        }
    }

    /// What OAEP wrapped, or the AES key in front of what that wrapped.
    fn decrypt_with_rsa(&mut self, user: u8, by: u64, mechanism: M, data: &[u8]) {
        let (first, rest) = data.split_at(MODULUS);
        let oaep = wrapping(M::RsaPkcsOaep);
        let decrypted = self.objects.decrypt(self.caller(user), by, M::RsaPkcsOaep, oaep.as_ref(), first);
        // A signature without padding is the bare function too.
        let signed = || self.objects.sign(self.caller(user), by, M::RsaX509, None, first);
        let recovered = || self.objects.sign_recover(self.caller(user), by, M::RsaX509, first);
        let by_hand = || signed().or_else(|_| recovered()).map(|block| without_oaep(&block));
        let Ok(found) = decrypted.map(|found| found.data).or_else(|_| by_hand()) else { return };
        if mechanism == M::RsaAesKeyWrap {
            let opened = mechanisms::unwrap(&self.aes(&found), M::AesKeyWrapKwp, None, rest).unwrap();
            self.known.insert(opened.to_vec());
        }
        self.known.insert(found);
    }

    fn aes(&self, value: &[u8]) -> KeyHandle {
        KeyHandle::aes(Arc::new(self.objects.arena.keep(value).unwrap()))
    }

    /// RFC 3394 section 2.2.2 over single blocks.
    fn unwrap_by_hand(&mut self, user: u8, by: u64, data: &[u8]) {
        let (mut first, mut rest) = (data[..8].to_vec(), data[8..].to_vec());
        let blocks = rest.len() / 8;
        for step in (1..=6 * blocks).rev() {
            let at = 8 * ((step - 1) % blocks);
            let counter = u64::from_be_bytes(first.clone().try_into().unwrap()) ^ step as u64;
            let block = [&counter.to_be_bytes()[..], &rest[at..at + 8]].concat();
            let Ok(found) = self.objects.decrypt(self.caller(user), by, M::AesEcb, None, &block) else {
                return;
            };
            first.copy_from_slice(&found.data[..8]);
            rest[at..at + 8].copy_from_slice(&found.data[8..]);
        }
        self.known.insert(rest);
    }

    /// GCM encrypts with the blocks of a counter that begins at 2 (SP 800-38D section 7.1).
    fn decrypt_as_stream(&mut self, user: u8, by: u64, wrapped: &Wrapped) {
        let iv = wrapped.iv.clone().unwrap();
        let mut stream = Vec::new();
        for counter in (2_u32..).take((wrapped.data.len() - BLOCK).div_ceil(BLOCK)) {
            let block = [&iv[..], &counter.to_be_bytes()].concat();
            let Ok(found) = self.objects.encrypt(self.caller(user), by, M::AesEcb, None, &block) else {
                return;
            };
            stream.extend(found.data);
        }
        let length = wrapped.data.len() - BLOCK;
        let opened = wrapped.data[..length].iter().zip(&stream).map(|(left, right)| left ^ right).collect();
        self.known.insert(opened);
    }

    /// With a computer of one's own: whatever is known may be a key, or hold one.
    fn open_outside(&mut self) {
        for _ in 0..3 {
            for wrapped in self.wrapped.clone() {
                let Some(key) = self.key_outside(&wrapped) else { continue };
                let given = wrapped.parameters();
                let opened = mechanisms::unwrap(&key, wrapped.mechanism, given.as_ref(), &wrapped.data);
                self.known.extend(opened.map(|opened| opened.to_vec()));
            }
        }
    }

    fn key_outside(&self, wrapped: &Wrapped) -> Option<KeyHandle> {
        if matches!(wrapped.mechanism, M::RsaPkcsOaep | M::RsaAesKeyWrap) {
            let is_known = self.known.iter().any(|known| holds(known, &wrapped.by));
            return is_known.then(|| KeyHandle::rsa_private(&wrapped.by).unwrap());
        }
        self.known.contains(&wrapped.by).then(|| self.aes(&wrapped.by))
    }
}

/// RFC 8017 section 7.1.2, step 3, for the parameters of [`wrapping`].
fn without_oaep(block: &[u8]) -> Vec<u8> {
    let length = Hash::Sha256.length();
    let (seed, data) = block[1..].split_at(length);
    let seed = masked(seed, data);
    let data = masked(data, &seed);
    let separator = length + data[length..].iter().position(|byte| *byte == 1).unwrap();
    data[separator + 1..].to_vec()
}

/// MGF1 with SHA-256 over the seed, on the bytes (RFC 8017 appendix B.2.1).
fn masked(bytes: &[u8], seed: &[u8]) -> Vec<u8> {
    let mask = (0_u32..).flat_map(|counter| {
        let input = [seed, &counter.to_be_bytes()].concat();
        mechanisms::digest(Hash::Sha256, &input).unwrap().as_ref().to_vec()
    });
    bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect()
}
