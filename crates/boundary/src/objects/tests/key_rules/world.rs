//! An HSM, its users, what they have made, and what they have got out of it.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use strongroom_wire::codec::List;
use strongroom_wire::messages::{MechanismParameters, PrfInput};
use strongroom_wire::{AttributeType as A, AttributeValue as V, MechanismType as M, Rv, Secret, Template};

use super::super::{admin, only, user};
use super::kinds::{self, Kind, RSA_KEYS, outside_point, public_template};
use super::{Action, FRIEND, NAMED, OWNER, Said, said_of};
use crate::attributes::{RSA_PRIVATE, RSA_PUBLIC};
use crate::mechanisms::NO_PARAMETERS;
use crate::objects::generate::Origin;
use crate::objects::made::Made;
use crate::objects::{Objects, Staged};
use crate::{Caller, Result};

/// Which keys are promised to stay secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// While admins trust keys only that were generated here and never extractable.
    WhileTrustIsEarned,
    /// Whatever anybody does.
    Always,
}

/// A key as the model has it.
#[derive(Clone, Debug)]
pub struct Key {
    pub reference: u64,
    pub owner: u8,
    pub shared: BTreeSet<u8>,
    pub kind: Kind,
    /// Of a public key that of its private half.
    pub value: Vec<u8>,
    /// The flags and the templates.
    pub attributes: Template,
}

/// What wrapping gave.
#[derive(Clone, Debug)]
pub struct Wrapped {
    pub mechanism: M,
    pub data: Vec<u8>,
    pub iv: Option<Vec<u8>>,
    pub by: Vec<u8>,
    pub value: Vec<u8>,
    /// What it is the encoding of.
    pub kind: Kind,
}

impl Key {
    /// What its bytes are the encoding of: a generic secret may be a private key that was wrapped.
    fn content(&self) -> Kind {
        if self.kind == Kind::Secret && self.value.len() > 32 { Kind::Ec } else { self.kind }
    }
}

impl Wrapped {
    pub fn parameters(&self) -> Option<MechanismParameters> {
        let iv = self.iv.clone();
        wrapping(self.mechanism).map(|given| MechanismParameters { iv, ..given })
    }
}

pub struct World {
    pub objects: &'static Objects,
    pub users: Vec<Caller>,
    pub admin: Caller,
    /// Whether the admin looks at what it trusts.
    pub careful: bool,
    pub keys: Vec<Key>,
    pub wrapped: Vec<Wrapped>,
    /// Every byte string that the users have.
    pub known: HashSet<Vec<u8>>,
    pub promised: Vec<(Vec<u8>, Promise)>,
    /// The keys whose derived keys are promised too.
    derive_only: HashSet<Vec<u8>>,
    /// How many of the RSA keys it has.
    pub rsa_keys: usize,
    made: Vec<u64>,
}

/// The parameters that a mechanism wraps with.
pub fn wrapping(mechanism: M) -> Option<MechanismParameters> {
    let oaep = MechanismParameters { hash: Some(M::Sha256.code()), mgf: Some(2), ..NO_PARAMETERS };
    match mechanism {
        M::AesGcm => Some(MechanismParameters { tag_bits: Some(128), ..NO_PARAMETERS }),
        M::RsaPkcsOaep => Some(oaep),
        M::RsaAesKeyWrap => Some(MechanismParameters { key_bits: Some(256), ..oaep }),
        _ => None,
    }
}

/// Templates that keys demand of what they wrap, unwrap or derive.
pub fn demanded(number: u8) -> Option<Template> {
    let off = |attributes: &[A]| attributes.iter().map(|name| (*name, V::Bool(false))).collect::<Template>();
    match number {
        1 => Some(Template::new()),
        2 => Some(off(&[A::Extractable])),
        3 => Some(only(A::WrapWithTrusted, V::Bool(true))),
        4 => Some(off(&[A::Sign, A::Verify])),
        5 => Some(off(&[A::Extractable]).with(A::Sensitive, V::Bool(true))),
        _ => None,
    }
}

/// The mechanisms that a template binds a key to.
pub fn bound_to(number: u8) -> Option<&'static [M]> {
    match number {
        1 => Some(&[]),
        2 => Some(&[M::AesGcm, M::AesKeyWrap]),
        3 => Some(&[M::AesKeyWrap]),
        4 => Some(&[M::AesCtr, M::AesCmac, M::Sha256Hmac]),
        5 => Some(&[M::HkdfDerive, M::Sp800108CounterKdf]),
        _ => None,
    }
}

pub fn numbers(mechanisms: &[M]) -> V {
    V::mechanisms(mechanisms.iter().map(|mechanism| mechanism.code()))
}

pub const DEMANDS: [A; 3] = [A::WrapTemplate, A::UnwrapTemplate, A::DeriveTemplate];

impl World {
    pub fn new(careful: bool) -> Self {
        static OBJECTS: OnceLock<Objects> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let named = |name: &str| user(&format!("{name}{number}"));
        Self {
            objects: OBJECTS.get_or_init(super::super::objects),
            users: ["alice", "bob", "carol"].map(named).to_vec(),
            admin: admin(),
            careful,
            keys: Vec::new(),
            wrapped: Vec::new(),
            known: HashSet::new(),
            promised: Vec::new(),
            derive_only: HashSet::new(),
            rsa_keys: 0,
            made: Vec::new(),
        }
    }

    /// The key that a number picks.
    pub fn pick(&self, number: u8) -> Option<&Key> {
        (!self.keys.is_empty()).then(|| &self.keys[usize::from(number) % self.keys.len()])
    }

    pub fn pick_wrapped(&self, number: u8) -> Option<&Wrapped> {
        (!self.wrapped.is_empty()).then(|| &self.wrapped[usize::from(number) % self.wrapped.len()])
    }

    /// Does it; what nobody can do for want of a key is refused too.
    pub fn act(&mut self, action: &Action) -> std::result::Result<(), Rv> {
        self.attempt(&self.resolved(action)).unwrap_or(Err(Rv::OBJECT_HANDLE_INVALID))
    }

    /// With the name of the user, where the action says the owner.
    pub fn resolved(&self, action: &Action) -> Action {
        let mut action = action.clone();
        let (user, key) = match &mut action {
            Action::Copy { user, key, .. }
            | Action::Set { user, key, .. }
            | Action::Demand { user, key, .. }
            | Action::Share { user, key, .. }
            | Action::Destroy { user, key }
            | Action::Wrap { user, key, .. } => (user, *key),
            Action::Derive { user, base, .. } => (user, *base),
            _ => return action,
        };
        if *user >= OWNER {
            let is_friend = *user == FRIEND;
            let named = |key: &Key| key.shared.first().copied().filter(|_| is_friend).unwrap_or(key.owner);
            *user = self.pick(key).map_or(0, named);
        }
        action
    }

    fn attempt(&mut self, action: &Action) -> Option<std::result::Result<(), Rv>> {
        let objects = self.objects;
        Some(match *action {
            Action::Generate { user, kind, session, said, demands, bound } => {
                let mut template = template(said).with(A::Token, V::Bool(!session));
                for (name, demand) in DEMANDS.iter().zip(demands) {
                    if let Some(demand) = demanded(demand) {
                        template.set(*name, V::Template(demand));
                    }
                }
                if let Some(mechanisms) = bound_to(bound) {
                    template.set(A::AllowedMechanisms, numbers(mechanisms));
                }
                let index = self.generate(user, kind, &template)?;
                index.map(|index| self.promise(index, &kind.part_of(&template)))
            }
            Action::Import { user, kind, said } => {
                let value = vec![0xC0 + u8::from(kind == Kind::Secret); 32];
                let template = kind.of_class(&kind.part_of(&template(said)));
                let template = template
                    .with(A::Token, V::Bool(true))
                    .with(A::Value, V::Secret(Secret::new(value.clone())));
                self.known.insert(value);
                let staged = objects.create_object(self.caller(user), template);
                self.took(user, kind, staged, None).map(drop)
            }
            Action::Copy { user, key, session, change, bound } => {
                let reference = self.pick(key)?.reference;
                let mut template = Template::new();
                if let Some(session) = session {
                    template.set(A::Token, V::Bool(!session));
                }
                if let Some((attribute, value)) = change {
                    template.set(changed(attribute), V::Bool(value));
                }
                if let Some(mechanisms) = bound_to(bound) {
                    template.set(A::AllowedMechanisms, numbers(mechanisms));
                }
                self.copy(user, reference, &template)
            }
            Action::Set { user, key, attribute, value } => {
                let reference = self.pick(key)?.reference;
                self.set(user, reference, changed(attribute), V::Bool(value))
            }
            Action::Demand { user, key, which, demand } => {
                let reference = self.pick(key)?.reference;
                let demand = demanded(demand).unwrap_or_default();
                self.set(user, reference, DEMANDS[usize::from(which)], V::Template(demand))
            }
            Action::Trust { key, value } => {
                let reference = self.pick(key)?.reference;
                self.trust(reference, value)
            }
            Action::Wrap { user, wrapping, key, second } => {
                let (wrapping, key) = (self.pick(wrapping)?, self.pick(key)?);
                let mechanism = wrapping.kind.wrapping(key.kind, second);
                self.wrap(user, wrapping.reference, key.reference, mechanism)
            }
            Action::Unwrap { user, unwrapping, wrapped, kind, said } => {
                let unwrapping = self.pick(unwrapping)?.reference;
                let wrapped = self.pick_wrapped(wrapped)?.clone();
                let template = template(said).with(A::Token, V::Bool(true));
                self.unwrap(user, unwrapping, &wrapped, kind, &template)
            }
            Action::Derive { user, base, info, kind, said } => {
                let reference = self.pick(base)?.reference;
                let template = template(said).with(A::Token, V::Bool(true)).with(A::ValueLen, V::Ulong(32));
                self.derive(user, reference, info, kind, &template)
            }
            Action::Share { user, key, with, on } => {
                let reference = self.pick(key)?.reference;
                let name = self.users[usize::from(with)].username.to_string();
                let staged = if on {
                    objects.share_key(self.caller(user), reference, &name)
                } else {
                    objects.unshare_key(self.caller(user), reference, &name)
                };
                self.changed(staged).map(|()| {
                    let key = self.key_mut(reference);
                    if on {
                        key.shared.insert(with)
                    } else {
                        key.shared.remove(&with)
                    };
                })
            }
            Action::Encrypt { user, key } => {
                let reference = self.pick(key)?.reference;
                let counter =
                    MechanismParameters { iv: Some(vec![0; 16]), counter_bits: Some(128), ..NO_PARAMETERS };
                let made = objects.encrypt(self.caller(user), reference, M::AesCtr, Some(&counter), &[0; 48]);
                made.map_err(|error| error.rv).map(|made| self.known.extend([made.data]))
            }
            Action::Decrypt { user, key, wrapped } => {
                let (key, wrapped) = (self.pick(key)?, self.pick_wrapped(wrapped)?.clone());
                let mechanism = key.kind.wrapping(Kind::Aes, true);
                let given = wrapped.parameters().filter(|_| wrapped.mechanism == mechanism);
                self.decrypt(user, key.reference, mechanism, given, &wrapped.data)
            }
            Action::Sign { user, key, info } => {
                let reference = self.pick(key)?.reference;
                self.sign(user, reference, info)
            }
            Action::SignRecover { user, key, info } => {
                let reference = self.pick(key)?.reference;
                let made = objects.sign_recover(self.caller(user), reference, M::RsaX509, &[info, 2]);
                made.map_err(|error| error.rv).map(|made| self.known.extend([made]))
            }
            Action::Destroy { user, key } => {
                let reference = self.pick(key)?.reference;
                objects.check_destroy(self.caller(user), reference).map_err(|error| error.rv).map(|_| {
                    objects.remove(&[reference]);
                    self.keys.retain(|key| key.reference != reference);
                })
            }
        })
    }

    pub fn caller(&self, user: u8) -> &Caller {
        &self.users[usize::from(user)]
    }

    pub fn key(&self, reference: u64) -> &Key {
        self.keys.iter().find(|key| key.reference == reference).unwrap()
    }

    fn key_mut(&mut self, reference: u64) -> &mut Key {
        self.keys.iter_mut().find(|key| key.reference == reference).unwrap()
    }

    /// Generates a key, or a key pair whose private half comes last; none when there are no more RSA keys.
    fn generate(&mut self, user: u8, kind: Kind, said: &Template) -> Option<std::result::Result<usize, Rv>> {
        let (objects, caller) = (self.objects, self.caller(user).clone());
        let template = kind.part_of(said);
        let staged = match kind {
            Kind::Ec => {
                let public = public_template(kind);
                objects.generate_key_pair(&caller, M::EcKeyPairGen, public, template).map(|(public, key)| {
                    objects.discard(&[public.reference]);
                    key
                })
            }
            Kind::Rsa | Kind::RsaPublic => {
                if self.rsa_keys == RSA_KEYS {
                    return None;
                }
                let pair = kinds::rsa(self.rsa_keys);
                self.rsa_keys += 1;
                let origin = Origin::Generated(M::RsaPkcsKeyPairGen);
                let mut public = public_template(kind);
                for (name, value) in Kind::RsaPublic.part_of(said).iter() {
                    public.set(name, value.clone());
                }
                let value = pair.material.as_ref().map(|value| value.to_vec());
                let half = Made { computed: pair.computed.clone(), material: None };
                let half = objects.stage_made(&caller, &RSA_PUBLIC, origin, public, half);
                if let Err(rv) = self.took(user, Kind::RsaPublic, half, value) {
                    return Some(Err(rv));
                }
                objects.stage_made(&caller, &RSA_PRIVATE, origin, template, pair)
            }
            Kind::Aes | Kind::Secret => {
                let template = template.with(A::ValueLen, V::Ulong(32));
                let mechanism = if kind == Kind::Secret { M::GenericSecretKeyGen } else { M::AesKeyGen };
                objects.generate_key(&caller, mechanism, template)
            }
        };
        Some(self.took(user, kind, staged, None))
    }

    /// Takes a new object in, as the HSM shows it, with the value of its private half if it is a public key; the model looks
    /// at it afterwards.
    pub fn took(
        &mut self,
        owner: u8,
        kind: Kind,
        staged: Result<Staged>,
        value: Option<Vec<u8>>,
    ) -> std::result::Result<usize, Rv> {
        let staged = staged.map_err(|error| error.rv)?;
        self.objects.publish(&[staged.reference]);
        self.made.push(staged.reference);
        let object = self.objects.table.get(staged.reference).unwrap();
        self.keys.push(Key {
            reference: staged.reference,
            owner,
            shared: BTreeSet::new(),
            kind,
            value: object.material.as_ref().map(|material| material.to_vec()).or(value).unwrap(),
            attributes: staged.view.attributes,
        });
        Ok(self.keys.len() - 1)
    }

    fn changed(&mut self, staged: Result<Staged>) -> std::result::Result<(), Rv> {
        let staged = staged.map_err(|error| error.rv)?;
        self.objects.publish(&[staged.reference]);
        self.key_mut(staged.reference).attributes = staged.view.attributes;
        Ok(())
    }

    /// What is promised of a key that was generated from this template.
    fn promise(&mut self, index: usize, template: &Template) {
        let promise = match (template.bool(A::Extractable), template.bool(A::WrapWithTrusted)) {
            (Some(false), _) => Promise::Always,
            (_, Some(true)) => Promise::WhileTrustIsEarned,
            _ => return,
        };
        self.promised.push((self.keys[index].value.clone(), promise));
        // It has only ever derived, and what it derives stays.
        let is_off = |name: &A| !self.keys[index].attributes.bool(*name).unwrap_or(false);
        let demand = match template.get(A::DeriveTemplate) {
            Some(V::Template(demand)) => demand.bool(A::Extractable),
            _ => None,
        };
        let uses = [A::Extractable, A::Modifiable, A::Sign, A::Encrypt, A::Decrypt];
        if uses.iter().all(is_off) && demand == Some(false) {
            self.derive_only.insert(self.keys[index].value.clone());
        }
    }

    pub fn copy(&mut self, user: u8, reference: u64, template: &Template) -> std::result::Result<(), Rv> {
        let copied = self.objects.copy_object(self.caller(user), reference, template);
        let (copy, original) = copied.map_err(|error| error.rv)?;
        if let Some(original) = original {
            self.changed(Ok(original))?;
        }
        let key = self.key(reference);
        let (kind, value) = (key.kind, key.value.clone());
        self.took(user, kind, Ok(copy), Some(value)).map(drop)
    }

    pub fn set(&mut self, user: u8, reference: u64, attribute: A, value: V) -> std::result::Result<(), Rv> {
        let staged = self.objects.set_attributes(self.caller(user), reference, only(attribute, value));
        self.changed(staged)
    }

    /// A careful admin looks first at where the key is from.
    pub fn trust(&mut self, reference: u64, value: bool) -> std::result::Result<(), Rv> {
        let attributes = &self.key(reference).attributes;
        let is_sound =
            [A::Local, A::NeverExtractable].iter().all(|name| attributes.bool(*name) == Some(true));
        if value && self.careful && !is_sound {
            return Err(Rv::ACTION_PROHIBITED);
        }
        let staged = self.objects.set_attributes(&self.admin, reference, only(A::Trusted, V::Bool(value)));
        self.changed(staged)
    }

    pub fn wrap(&mut self, user: u8, by: u64, key: u64, mechanism: M) -> std::result::Result<(), Rv> {
        let parameters = wrapping(mechanism);
        let wrapped = self.objects.wrap_key(self.caller(user), by, mechanism, parameters.as_ref(), key);
        let wrapped = wrapped.map_err(|error| error.rv)?;
        self.known.insert(wrapped.data.clone());
        let (by, key) = (self.key(by).value.clone(), self.key(key));
        let (kind, value) = (key.content(), key.value.clone());
        self.wrapped.push(Wrapped { mechanism, data: wrapped.data, iv: wrapped.iv, by, value, kind });
        Ok(())
    }

    pub fn unwrap(
        &mut self,
        user: u8,
        unwrapping: u64,
        wrapped: &Wrapped,
        kind: Kind,
        template: &Template,
    ) -> std::result::Result<(), Rv> {
        let (parameters, template) = (wrapped.parameters(), kind.of_class(&kind.part_of(template)));
        let staged = self.objects.unwrap_key(
            self.caller(user),
            unwrapping,
            wrapped.mechanism,
            parameters.as_ref(),
            &wrapped.data,
            template,
        );
        self.took(user, kind, staged, None).map(drop)
    }

    pub fn derive(
        &mut self,
        user: u8,
        base: u64,
        info: u8,
        kind: Kind,
        template: &Template,
    ) -> std::result::Result<(), Rv> {
        let (mechanism, parameters) = derivation(self.key(base).kind, info);
        let template = kind.of_class(&kind.part_of(template));
        let staged = self.objects.derive_key(self.caller(user), base, mechanism, Some(&parameters), template);
        let index = self.took(user, kind, staged, None)?;
        if self.derive_only.contains(&self.key(base).value) {
            self.promised.push((self.keys[index].value.clone(), Promise::Always));
        }
        Ok(())
    }

    pub fn decrypt(
        &mut self,
        user: u8,
        reference: u64,
        mechanism: M,
        given: Option<MechanismParameters>,
        data: &[u8],
    ) -> std::result::Result<(), Rv> {
        let found = self.objects.decrypt(self.caller(user), reference, mechanism, given.as_ref(), data);
        self.known.insert(found.map_err(|error| error.rv)?.data);
        Ok(())
    }

    /// Signs what a derivation would run over, or makes a MAC of it.
    pub fn sign(&mut self, user: u8, reference: u64, info: u8) -> std::result::Result<(), Rv> {
        let mechanism = self.key(reference).kind.signing();
        let made = self.objects.sign(self.caller(user), reference, mechanism, None, &[info, 1]);
        self.known.insert(made.map_err(|error| error.rv)?);
        Ok(())
    }

    /// What is promised and known all the same.
    pub fn revealed(&self) -> Option<(&[u8], Promise)> {
        self.promised
            .iter()
            .filter(|(_, promise)| self.careful || *promise == Promise::Always)
            .find(|(value, _)| self.known.iter().any(|known| holds(known, value)))
            .map(|(value, promise)| (value.as_slice(), *promise))
    }
}

pub fn holds(known: &[u8], value: &[u8]) -> bool {
    known.len() >= value.len() && known.windows(value.len()).any(|part| part == value)
}

impl Drop for World {
    fn drop(&mut self) {
        self.objects.remove(&self.made);
    }
}

fn changed(number: u8) -> A {
    NAMED.get(usize::from(number)).copied().unwrap_or(A::Trusted)
}

fn template(said: Said) -> Template {
    NAMED.into_iter().filter_map(|name| said_of(said, name).map(|value| (name, V::Bool(value)))).collect()
}

/// A generic secret derives with HKDF, an AES key with CMAC, an EC key with somebody outside.
fn derivation(kind: Kind, info: u8) -> (M, MechanismParameters) {
    const X963_SHA256: u64 = 6;
    if kind == Kind::Ec {
        let (kdf, public_data) = (Some(X963_SHA256), Some(outside_point()));
        let given = MechanismParameters { kdf, public_data, info: Some(vec![info]), ..NO_PARAMETERS };
        return (kind.deriving(), given);
    }
    if kind == Kind::Secret {
        let hash = Some(M::Sha256.code());
        let given = MechanismParameters { hash, expand: true, info: Some(vec![info]), ..NO_PARAMETERS };
        return (kind.deriving(), given);
    }
    let part =
        |bytes: Option<Vec<u8>>, bits| PrfInput { bytes, bits, little_endian: false, length_method: None };
    let inputs = List(vec![part(Some(vec![info]), None), part(None, Some(8))]);
    let given = MechanismParameters { prf: Some(M::AesCmac.code()), prf_inputs: inputs, ..NO_PARAMETERS };
    (kind.deriving(), given)
}
