//! Whose IV an AES-GCM encryption has (ADR 0130): the caller's if he chose one, the HSM's else. A choice that cannot be
//! followed is refused: put another IV in its place, and a caller who does not look can never decrypt.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_client::Profile;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{Rv, Template};

use crate::edge::{Result, failure};
use crate::library::Slot;
use crate::mechanism::{GCM_IV_LENGTH, IvPlace};

/// So many IVs of each kind are remembered, the newest.
const REMEMBERED: usize = 1024;

type Iv = [u8; GCM_IV_LENGTH];

/// IVs that may be in this program's buffers when an encryption begins, and were not chosen for it. Programs written for
/// AWS's library leave there what an encryption wrote, or what they decrypted with, and expect a new one.
#[derive(Debug, Default)]
pub struct LeftOver {
    /// What the HSM made: who gave it a place for that knows that it makes another.
    made: Mutex<Newest<Iv>>,
    /// What was decrypted with which key: nobody can know whether another is expected.
    decrypted: Mutex<Newest<(u64, Iv)>>,
}

impl LeftOver {
    fn add_decrypted(&self, key: u64, iv: &[u8]) {
        if let Ok(iv) = Iv::try_from(iv) {
            lock(&self.decrypted).add((key, iv));
        }
    }

    fn was_made(&self, iv: &[u8]) -> bool {
        Iv::try_from(iv).is_ok_and(|iv| lock(&self.made).has(&iv))
    }

    fn was_decrypted_with(&self, key: u64, iv: &[u8]) -> bool {
        Iv::try_from(iv).is_ok_and(|iv| lock(&self.decrypted).has(&(key, iv)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The newest of what was added.
#[derive(Debug)]
struct Newest<T> {
    known: HashSet<T>,
    in_order: VecDeque<T>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { known: HashSet::new(), in_order: VecDeque::new() }
    }
}

impl<T: Copy + Eq + Hash> Newest<T> {
    fn add(&mut self, one: T) {
        if self.known.insert(one) {
            self.in_order.push_back(one);
        }
        if self.in_order.len() > REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    fn has(&self, one: &T) -> bool {
        self.known.contains(one)
    }
}

impl Slot {
    /// The IV that the caller chose for an encryption with a key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` where the HSM does not take one.
    pub fn chosen_iv(
        &self,
        given: Option<Vec<u8>>,
        key: u64,
        attributes: &Template,
    ) -> Result<Option<Vec<u8>>> {
        if !self.takes_iv(attributes) {
            self.check_iv_is_left_to_the_hsm(given.as_deref())?;
            return Ok(None);
        }
        let chosen = given.filter(|iv| self.is_chosen(iv));
        if chosen.as_deref().is_some_and(|iv| self.left_over.was_decrypted_with(key, iv)) {
            return failure(
                Rv::MECHANISM_PARAM_INVALID,
                "the key has encrypted with this IV before, and GCM must not again: give another, or 12 bytes of zeros for \
                 the HSM's",
            );
        }
        Ok(chosen)
    }

    /// Refuses an IV that was chosen where the HSM makes it.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub fn check_iv_is_left_to_the_hsm(&self, given: Option<&[u8]>) -> Result {
        if given.is_some_and(|iv| self.is_chosen(iv)) {
            return failure(
                Rv::MECHANISM_PARAM_INVALID,
                "the HSM makes this IV (mode FIPS, CKA_ALLOWED_MECHANISMS, wrapping, GMAC): give 12 bytes of zeros for it",
            );
        }
        Ok(())
    }

    /// Zeros are a place for the HSM's IV, and so is one that it made. AWS's library takes anything for that.
    fn is_chosen(&self, iv: &[u8]) -> bool {
        self.profile == Profile::Standard && iv.iter().any(|byte| *byte != 0) && !self.left_over.was_made(iv)
    }

    /// Whether the HSM takes an IV for an encryption with a key.
    pub fn takes_iv(&self, key: &Template) -> bool {
        self.profile == Profile::Standard && key.allowed_mechanisms().is_none() && !self.client.is_fips()
    }

    /// Takes note of a decryption or an unwrapping, where an IV can be chosen.
    pub fn saw_decryption(&self, key: u64, parameters: Option<&MechanismParameters>) {
        if let Some(iv) = parameters.and_then(|given| given.iv.as_deref())
            && self.profile == Profile::Standard
            && !self.client.is_fips()
        {
            self.left_over.add_decrypted(key, iv);
        }
    }

    /// Writes an IV that the HSM made to its caller's buffer.
    ///
    /// # Safety
    /// As [`IvPlace::write`].
    pub unsafe fn hand_over(&self, place: IvPlace, iv: &[u8]) -> Result {
        // SAFETY: by this function's contract.
        unsafe { place.write(iv) }?;
        if let (Profile::Standard, Ok(iv)) = (self.profile, iv.try_into()) {
            lock(&self.left_over.made).add(iv);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LeftOver, Newest, REMEMBERED};

    #[test]
    fn the_newest_are_remembered() {
        let mut newest = Newest::default();
        for number in 0..=REMEMBERED {
            newest.add(number);
            newest.add(number);
        }
        assert!(!newest.has(&0));
        assert!((1..=REMEMBERED).all(|number| newest.has(&number)));
    }

    #[test]
    fn what_was_decrypted_with_one_key_is_a_choice_for_another() {
        let left_over = LeftOver::default();
        left_over.add_decrypted(1, &[7; 12]);
        left_over.add_decrypted(1, &[8; 13]);
        assert!(left_over.was_decrypted_with(1, &[7; 12]));
        assert!(!left_over.was_decrypted_with(2, &[7; 12]));
        assert!(!left_over.was_decrypted_with(1, &[8; 13]));
        assert!(!left_over.was_made(&[7; 12]));
    }
}
