//! The rules a second time, as sentences about a request: whether it is allowed, and what its key is like afterwards.

use strongroom_wire::{AttributeType as A, AttributeValue as V, MechanismType as M, Template};

use super::kinds::{Kind, RSA_KEYS};
use super::world::{DEMANDS, Key, World, bound_to, demanded, numbers};
use super::{Action, NAMED, Said, said_of};

impl Key {
    fn is(&self, attribute: A) -> bool {
        self.attributes.bool(attribute) == Some(true)
    }

    fn demands(&self, attribute: A) -> Template {
        match self.attributes.get(attribute) {
            Some(V::Template(demand)) => demand.clone(),
            _ => Template::new(),
        }
    }

    fn is_seen_by(&self, user: u8) -> bool {
        self.owner == user || self.shared.contains(&user)
    }

    /// Whether it is bound to no mechanisms, or to this one too.
    fn takes(&self, mechanism: M) -> bool {
        match self.attributes.get(A::AllowedMechanisms) {
            Some(V::Mechanisms(bound)) => bound.0.contains(&mechanism.code()),
            _ => true,
        }
    }

    fn was_trusted(&self) -> bool {
        self.is(A::Trusted) || self.is(A::WrappingOnly)
    }

    /// Whether its owner may give the attribute this value.
    fn may_become(&self, attribute: A, value: bool) -> bool {
        if !self.is(A::Modifiable) || !self.kind.has(attribute) {
            return false;
        }
        match attribute {
            // Everybody can encrypt with a public key, whatever is said of this one.
            A::Encrypt if self.kind == Kind::RsaPublic => true,
            A::Encrypt | A::Decrypt => !(value && self.is(A::WrappingOnly)),
            A::Wrap | A::Unwrap | A::Sign | A::Verify | A::Derive | A::Destroyable => true,
            A::SignRecover | A::VerifyRecover => true,
            A::Sensitive | A::WrapWithTrusted => value || !self.is(attribute),
            A::Extractable | A::Modifiable | A::Copyable => !value || self.is(attribute),
            _ => false,
        }
    }
}

/// Whether what is said agrees with what is demanded, and a key of this kind can be like both.
fn agrees(said: Said, demand: &Template, kind: Kind) -> bool {
    let has_all = demand.iter().all(|(name, _)| kind.has(name));
    has_all
        && NAMED.iter().all(|name| {
            let said = said_of(said, *name).filter(|_| kind.has(*name));
            match (said, demand.bool(*name)) {
                (Some(said), Some(demand)) => said == demand,
                _ => true,
            }
        })
}

impl World {
    /// Whether a request is allowed; none where that is not a question of rules.
    pub fn expected(&self, action: &Action) -> Option<bool> {
        let key = |number: &u8| self.pick(*number);
        Some(match action {
            Action::Generate { kind: Kind::Rsa, .. } if self.rsa_keys == RSA_KEYS => return None,
            Action::Generate { .. } | Action::Import { .. } => true,
            Action::Copy { user, key: number, change, bound, .. } => {
                let key = key(number)?;
                let is_allowed = change.is_none_or(|(attribute, value)| {
                    match NAMED.get(usize::from(attribute)) {
                        // A copy is trusted by nobody.
                        None => !value,
                        Some(name) => {
                            key.attributes.bool(*name) == Some(value) || key.may_become(*name, value)
                        }
                    }
                });
                let is_narrower =
                    bound_to(*bound).is_none_or(|bound| bound.iter().all(|mechanism| key.takes(*mechanism)));
                key.owner == *user && key.is(A::Copyable) && is_allowed && is_narrower
            }
            Action::Set { user, key: number, attribute, value } => {
                let key = key(number)?;
                let attribute = NAMED.get(usize::from(*attribute));
                key.owner == *user && attribute.is_some_and(|name| key.may_become(*name, *value))
            }
            Action::Demand { user, key: number, which, .. } => {
                let key = key(number)?;
                let fits = key.kind.has_demand(DEMANDS[usize::from(*which)]);
                key.owner == *user && fits && key.is(A::Modifiable) && !key.was_trusted()
            }
            Action::Trust { key: number, .. } => {
                let key = key(number)?;
                key.kind.can_be_trusted() && key.is(A::Token)
            }
            Action::Wrap { user, wrapping, key: number, second } => {
                let (wrapping, key) = (key(wrapping)?, key(number)?);
                let needs_trust = key.is(A::WrapWithTrusted) || key.was_trusted();
                let demand = wrapping.demands(A::WrapTemplate);
                let mechanism = wrapping.kind.wrapping(key.kind, *second);
                let fits = match mechanism {
                    M::AesKeyWrap => key.value.len().is_multiple_of(8),
                    M::RsaPkcsOaep => key.kind != Kind::Rsa,
                    _ => true,
                };
                wrapping.is_seen_by(*user)
                    && key.owner == *user
                    && wrapping.is(A::Wrap)
                    && wrapping.takes(mechanism)
                    && fits
                    && key.is(A::Extractable)
                    && (!needs_trust || wrapping.is(A::Trusted) && wrapping.is(A::WrappingOnly))
                    && demand.iter().all(|(name, value)| key.attributes.get(name) == Some(value))
            }
            Action::Unwrap { user, unwrapping, wrapped, kind, said } => {
                let (key, wrapped) = (key(unwrapping)?, self.pick_wrapped(*wrapped)?);
                let mut demand = key.demands(A::UnwrapTemplate);
                if key.was_trusted() {
                    if demand.bool(A::WrapWithTrusted) == Some(false) {
                        return Some(false);
                    }
                    demand.set(A::WrapWithTrusted, V::Bool(true));
                }
                key.is_seen_by(*user)
                    && key.is(A::Unwrap)
                    && key.takes(wrapped.mechanism)
                    && key.value == wrapped.by
                    && kind.holds(wrapped.kind)
                    && agrees(*said, &demand, *kind)
            }
            Action::Derive { user, base, kind, said, .. } => {
                let key = key(base)?;
                let demand = key.demands(A::DeriveTemplate);
                key.owner == *user
                    && key.is(A::Derive)
                    && key.kind != Kind::Rsa // for which there is no such mechanism
                    && key.takes(key.kind.deriving())
                    && agrees(*said, &demand, *kind)
            }
            Action::Share { user, key: number, with, on } => {
                let key = key(number)?;
                let is_change =
                    if *on { key.is(A::Token) && *with != key.owner } else { key.shared.contains(with) };
                key.owner == *user && is_change
            }
            Action::Encrypt { user, key: number } => {
                let key = key(number)?;
                key.is_seen_by(*user) && key.kind == Kind::Aes && key.is(A::Encrypt) && key.takes(M::AesCtr)
            }
            Action::Decrypt { user, key: number, wrapped } => {
                let (key, wrapped) = (key(number)?, self.pick_wrapped(*wrapped)?);
                let mechanism = key.kind.wrapping(Kind::Aes, true);
                let opens = key.value == wrapped.by && wrapped.mechanism == mechanism;
                key.is_seen_by(*user) && key.is(A::Decrypt) && key.takes(mechanism) && opens
            }
            Action::Sign { user, key: number, .. } => {
                let key = key(number)?;
                key.is_seen_by(*user) && key.is(A::Sign) && key.takes(key.kind.signing())
            }
            Action::SignRecover { user, key: number, .. } => {
                let key = key(number)?;
                key.is_seen_by(*user) && key.is(A::SignRecover) && key.takes(M::RsaX509)
            }
            Action::Destroy { user, key: number } => {
                let key = key(number)?;
                key.owner == *user && key.is(A::Destroyable)
            }
        })
    }

    /// What the newest key must be like after the action that made it; `before` is the world's keys before.
    pub fn check_new(&self, action: &Action, before: &[Key]) -> Result<(), String> {
        let Some(made) = self.keys.last().filter(|_| self.keys.len() > before.len()) else { return Ok(()) };
        let original = |number: &u8| &before[usize::from(*number) % before.len()];
        let made_so = |wanted: &[(A, bool)]| {
            wanted.iter().try_for_each(|(name, value)| match made.attributes.bool(*name) {
                Some(found) if found != *value => Err(format!("{name:?} is {found}")),
                _ => Ok(()),
            })
        };
        let bound = match action {
            Action::Generate { bound, .. } => bound_to(*bound).map(numbers),
            Action::Copy { key, bound, .. } => bound_to(*bound)
                .map(numbers)
                .or_else(|| original(key).attributes.get(A::AllowedMechanisms).cloned()),
            _ => None,
        };
        if made.attributes.get(A::AllowedMechanisms) != bound.as_ref() {
            return Err(format!("it is not bound to {bound:?}"));
        }
        let none = Template::new();
        match action {
            Action::Generate { kind, said, .. } => {
                made_so(&wanted(*said, &none, *kind, true))?;
                let is_sensitive = said_of(*said, A::Sensitive) != Some(false);
                let is_kept = said_of(*said, A::Extractable) == Some(false);
                made_so(&[
                    (A::Local, true),
                    (A::AlwaysSensitive, is_sensitive),
                    (A::NeverExtractable, is_kept),
                ])
            }
            Action::Import { kind, said, .. } => {
                made_so(&wanted(*said, &none, *kind, false))?;
                made_so(&[(A::Local, false), (A::AlwaysSensitive, false), (A::NeverExtractable, false)])
            }
            Action::Unwrap { unwrapping, kind, said, .. } => {
                let key = original(unwrapping);
                let mut demand = key.demands(A::UnwrapTemplate);
                if key.was_trusted() {
                    demand.set(A::WrapWithTrusted, V::Bool(true));
                }
                made_so(&wanted(*said, &demand, *kind, false))?;
                made_so(&[(A::Local, false), (A::AlwaysSensitive, false), (A::NeverExtractable, false)])
            }
            Action::Derive { base, kind, said, .. } => {
                let key = original(base);
                made_so(&wanted(*said, &key.demands(A::DeriveTemplate), *kind, false))?;
                let is_sensitive = key.is(A::AlwaysSensitive) && made.is(A::Sensitive);
                let is_kept = key.is(A::NeverExtractable) && !made.is(A::Extractable);
                made_so(&[
                    (A::Local, false),
                    (A::AlwaysSensitive, is_sensitive),
                    (A::NeverExtractable, is_kept),
                ])
            }
            Action::Copy { key, session, change, .. } => {
                let key = original(key);
                let changed = change.and_then(|(name, value)| Some((*NAMED.get(usize::from(name))?, value)));
                let mut wanted: Vec<(A, bool)> = NAMED.iter().map(|name| (*name, key.is(*name))).collect();
                wanted.extend(changed);
                let last = |name: A| wanted.iter().rev().find(|(known, _)| *known == name).unwrap().1;
                made_so(&NAMED.map(|name| (name, last(name))))?;
                let is_token = session.map_or(key.is(A::Token), |session| !session);
                let kept = [A::Local, A::AlwaysSensitive, A::NeverExtractable, A::WrappingOnly];
                made_so(&kept.map(|name| (name, key.is(name))))?;
                made_so(&[(A::Token, is_token), (A::Trusted, false), (A::EverCopied, true)])
            }
            _ => Err("nothing should have been made".into()),
        }
    }

    /// What a key has that it may never have, and what it must have kept.
    pub fn check_kept(&self, before: &[Key]) -> Result<(), String> {
        for old in before {
            let Some(new) = self.keys.iter().find(|key| key.reference == old.reference) else { continue };
            let never_falls = [A::WrapWithTrusted, A::Sensitive, A::WrappingOnly, A::EverCopied];
            let never_rises = [A::Extractable, A::Modifiable, A::Copyable];
            let never_changes = [A::Local, A::AlwaysSensitive, A::NeverExtractable, A::Token];
            let wrong = never_falls.iter().find(|name| old.is(**name) && !new.is(**name)).or_else(|| {
                never_rises
                    .iter()
                    .find(|name| !old.is(**name) && new.is(**name))
                    .or_else(|| never_changes.iter().find(|name| old.is(**name) != new.is(**name)))
            });
            let bound = |key: &Key| key.attributes.get(A::AllowedMechanisms).cloned();
            let wrong = wrong.or((bound(old) != bound(new)).then_some(&A::AllowedMechanisms));
            if let Some(name) = wrong {
                return Err(format!("{name:?} of {:#x} changed", old.reference));
            }
        }
        Ok(())
    }

    /// The HSM's word on every key is the model's.
    pub fn check_attributes(&self) -> Result<(), String> {
        for key in &self.keys {
            let shown = self.objects.attributes(self.caller(key.owner), &[key.reference]).unwrap();
            if shown.objects.0[0].attributes != key.attributes {
                return Err(format!("{:#x} is not what was answered", key.reference));
            }
        }
        Ok(())
    }
}

/// The flags of a new key: what is demanded, else what is said, else the default (aws-cloudhsm 6.4).
fn wanted(said: Said, demand: &Template, kind: Kind, generated: bool) -> Vec<(A, bool)> {
    NAMED
        .into_iter()
        .map(|name| {
            let said = said_of(said, name).filter(|_| kind.has(name));
            let default = match name {
                A::Sign | A::Verify => generated && kind.is_secret(),
                A::Extractable | A::Sensitive | A::Modifiable | A::Copyable | A::Destroyable => true,
                _ => false,
            };
            (name, demand.bool(name).or(said).unwrap_or(default))
        })
        .collect()
}

/// Every demand that sequences make is one that the model understands.
#[test]
fn demands_are_of_flags_that_every_secret_key_has() {
    for demand in (0..8).filter_map(demanded) {
        for (name, _) in demand.iter() {
            assert!(NAMED.contains(&name) && !matches!(name, A::Encrypt | A::Decrypt | A::Wrap | A::Unwrap));
        }
    }
}
