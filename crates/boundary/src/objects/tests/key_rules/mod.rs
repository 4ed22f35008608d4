//! Random sequences of everything that is done with keys, by several users and an admin.
//!
//! Two properties. *No sequence reveals a secret*: whatever the users did before, they then try together all that they can
//! ([`plunder`]), and no byte string that they have got from the HSM holds a key that is promised to stay secret.
//! *No sequence widens a right*: each request is allowed or refused as a model says ([`model`]) that states the rules a
//! second time, and each key then has the attributes that the model has.

mod kinds;
mod model;
mod plunder;
mod world;

use proptest::prelude::*;
use strongroom_wire::AttributeType as A;

use kinds::Kind;
use world::World;

/// What a template of a sequence may say.
pub const NAMED: [A; 15] = [
    A::Encrypt,
    A::Decrypt,
    A::Sign,
    A::Verify,
    A::SignRecover,
    A::VerifyRecover,
    A::Wrap,
    A::Unwrap,
    A::Derive,
    A::Extractable,
    A::Sensitive,
    A::WrapWithTrusted,
    A::Modifiable,
    A::Copyable,
    A::Destroyable,
];
pub const USERS: u8 = 3;
/// In an action's `user`: the owner of the key that it is about.
pub const OWNER: u8 = USERS;
/// Somebody whom that key is shared with, else its owner.
pub const FRIEND: u8 = USERS + 1;

/// Flags that a template says, or does not say: two bits for each of [`NAMED`].
pub type Said = u32;

/// A request. Keys and wrapped keys are picked among those that there are, by number.
#[derive(Clone, Debug)]
pub enum Action {
    Generate { user: u8, kind: Kind, session: bool, said: Said, demands: [u8; 3], bound: u8 },
    Import { user: u8, kind: Kind, said: Said },
    Copy { user: u8, key: u8, session: Option<bool>, change: Option<(u8, bool)>, bound: u8 },
    Set { user: u8, key: u8, attribute: u8, value: bool },
    Demand { user: u8, key: u8, which: u8, demand: u8 },
    Trust { key: u8, value: bool },
    Wrap { user: u8, wrapping: u8, key: u8, second: bool },
    Unwrap { user: u8, unwrapping: u8, wrapped: u8, kind: Kind, said: Said },
    Derive { user: u8, base: u8, info: u8, kind: Kind, said: Said },
    Share { user: u8, key: u8, with: u8, on: bool },
    Encrypt { user: u8, key: u8 },
    Decrypt { user: u8, key: u8, wrapped: u8 },
    Sign { user: u8, key: u8, info: u8 },
    SignRecover { user: u8, key: u8, info: u8 },
    Destroy { user: u8, key: u8 },
}

/// Mostly what nobody said; then true and false alike.
fn said() -> impl Strategy<Value = Said> {
    prop::collection::vec(prop_oneof![6 => Just(0_u32), 2 => Just(2_u32), 1 => Just(3_u32)], NAMED.len())
        .prop_map(|choices| choices.iter().fold(0, |all, choice| all << 2 | choice))
}

/// As makers of wrapping keys and of keys for them say it, which random flags seldom are.
fn likely() -> impl Strategy<Value = Said> {
    let on = |attributes: &[A]| attributes.iter().fold(0, |all, attribute| all | 2 << shift(*attribute));
    let off = |attributes: &[A]| attributes.iter().fold(0, |all, attribute| all | 3 << shift(*attribute));
    prop_oneof![
        3 => Just(on(&[A::Wrap, A::Unwrap]) | off(&[A::Extractable])),
        3 => Just(on(&[A::Wrap, A::Unwrap, A::Encrypt, A::Decrypt]) | off(&[A::Extractable])),
        3 => Just(on(&[A::WrapWithTrusted])),
        1 => Just(off(&[A::Extractable])),
        1 => Just(on(&[A::Derive]) | off(&[A::Extractable, A::Sign, A::Modifiable])),
        4 => said(),
    ]
}

fn shift(attribute: A) -> usize {
    let index = NAMED.iter().position(|named| *named == attribute).unwrap();
    2 * (NAMED.len() - 1 - index)
}

/// What a template says of an attribute.
pub fn said_of(said: Said, attribute: A) -> Option<bool> {
    match said >> shift(attribute) & 3 {
        2 => Some(true),
        3 => Some(false),
        _ => None,
    }
}

fn secret_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Aes), Just(Kind::Secret)]
}

/// Mostly AES, which does the most.
fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![4 => Just(Kind::Aes), 2 => Just(Kind::Secret), 2 => Just(Kind::Rsa), 2 => Just(Kind::Ec)]
}

fn action() -> impl Strategy<Value = Action> {
    let user = || 0..USERS;
    let owner = || prop_oneof![1 => 0..USERS, 3 => Just(OWNER), 1 => Just(FRIEND)];
    let key = || 0_u8..12;
    // Mostly to no mechanisms in particular.
    let bound = || prop_oneof![5 => Just(0_u8), 2 => 1_u8..6];
    let mostly_token = || prop::bool::weighted(0.2);
    prop_oneof![
        4 => (user(), kind(), mostly_token(), likely(), [0_u8..8, 0_u8..8, 0_u8..8], bound())
            .prop_map(|(user, kind, session, said, demands, bound)| {
                Action::Generate { user, kind, session, said, demands, bound }
            }),
        1 => (user(), secret_kind(), said()).prop_map(|(user, kind, said)| Action::Import { user, kind, said }),
        2 => (owner(), key(), any::<Option<bool>>(), prop::option::weighted(0.4, (0_u8..16, any::<bool>())), bound())
            .prop_map(|(user, key, session, change, bound)| Action::Copy { user, key, session, change, bound }),
        3 => (owner(), key(), 0_u8..16, any::<bool>())
            .prop_map(|(user, key, attribute, value)| Action::Set { user, key, attribute, value }),
        1 => (owner(), key(), 0_u8..3, 0_u8..6)
            .prop_map(|(user, key, which, demand)| Action::Demand { user, key, which, demand }),
        3 => (key(), prop::bool::weighted(0.8)).prop_map(|(key, value)| Action::Trust { key, value }),
        6 => (owner(), key(), key(), any::<bool>())
            .prop_map(|(user, wrapping, key, second)| Action::Wrap { user, wrapping, key, second }),
        4 => (user(), key(), key(), kind(), said())
            .prop_map(|(user, unwrapping, wrapped, kind, said)| Action::Unwrap { user, unwrapping, wrapped, kind, said }),
        2 => (owner(), key(), 0_u8..2, secret_kind(), said())
            .prop_map(|(user, base, info, kind, said)| Action::Derive { user, base, info, kind, said }),
        6 => (owner(), key(), user(), prop::bool::weighted(0.8))
            .prop_map(|(user, key, with, on)| Action::Share { user, key, with, on }),
        1 => (user(), key()).prop_map(|(user, key)| Action::Encrypt { user, key }),
        1 => (user(), key(), key()).prop_map(|(user, key, wrapped)| Action::Decrypt { user, key, wrapped }),
        1 => (user(), key(), 0_u8..2).prop_map(|(user, key, info)| Action::Sign { user, key, info }),
        1 => (user(), key(), 0_u8..2).prop_map(|(user, key, info)| Action::SignRecover { user, key, info }),
        1 => (owner(), key()).prop_map(|(user, key)| Action::Destroy { user, key }),
    ]
}

fn cases(number: u32) -> ProptestConfig {
    ProptestConfig { cases: number, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(600))]

    /// The admin trusts what was generated here and was never extractable, as docs/threat-model.md says that admins should.
    #[test]
    fn no_sequence_reveals_a_secret(
        actions in prop::collection::vec(action(), 1..24),
        hides in any::<bool>(),
    ) {
        let mut world = World::new(true);
        for action in &actions {
            let _ = world.act(action);
        }
        world.plunder(hides);
        prop_assert_eq!(world.revealed(), None);
    }

    /// Whatever an admin trusts, a key that was never extractable stays here.
    #[test]
    fn no_sequence_reveals_a_key_that_was_never_extractable(
        actions in prop::collection::vec(action(), 1..24),
        hides in any::<bool>(),
    ) {
        let mut world = World::new(false);
        for action in &actions {
            let _ = world.act(action);
        }
        world.plunder(hides);
        prop_assert_eq!(world.revealed(), None);
    }

}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn no_sequence_widens_a_right(actions in prop::collection::vec(action(), 1..40)) {
        let mut world = World::new(false);
        for action in &actions {
            let action = &world.resolved(action);
            let (expected, before) = (world.expected(action), world.keys.clone());
            let outcome = world.act(action);
            if let Some(expected) = expected {
                prop_assert_eq!(outcome.is_ok(), expected, "{:?}: {:?}", action, outcome);
            }
            let checked = world.check_new(action, &before);
            let checked = checked.and_then(|()| world.check_kept(&before));
            prop_assert_eq!(checked.and_then(|()| world.check_attributes()), Ok(()), "{:?}", action);
        }
    }
}
