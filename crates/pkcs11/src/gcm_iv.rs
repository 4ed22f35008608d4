//! Whose IV an AES-GCM encryption has (ADR 0130): the caller's if he chose one, the HSM's else. A choice that cannot be
//! followed is refused: put another IV in its place, and a caller who does not look can never decrypt.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use strongroom_client::Profile;
use strongroom_wire::{Rv, Template};

use crate::edge::{Result, failure};
use crate::library::Slot;
use crate::mechanism::{GCM_IV_LENGTH, IvPlace};

/// So many IVs are remembered, the newest.
const REMEMBERED: usize = 1024;

/// IVs that were written to the buffers of this program. One that stands there when the next encryption begins was left
/// over, as it is in programs written for AWS's library, and not chosen.
#[derive(Debug, Default)]
pub struct HandedOver(Mutex<Ivs>);

#[derive(Debug, Default)]
struct Ivs {
    known: HashSet<[u8; GCM_IV_LENGTH]>,
    in_order: VecDeque<[u8; GCM_IV_LENGTH]>,
}

impl HandedOver {
    fn add(&self, iv: [u8; GCM_IV_LENGTH]) {
        let mut ivs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ivs.known.insert(iv) {
            ivs.in_order.push_back(iv);
        }
        if ivs.in_order.len() > REMEMBERED
            && let Some(oldest) = ivs.in_order.pop_front()
        {
            ivs.known.remove(&oldest);
        }
    }

    fn has(&self, iv: &[u8]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.contains(iv)
    }
}

impl Slot {
    /// The IV that the caller chose for an encryption with a key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` where the HSM does not take one.
    pub fn chosen_iv(&self, given: Option<Vec<u8>>, key: &Template) -> Result<Option<Vec<u8>>> {
        if !self.takes_iv(key) {
            self.check_iv_is_left_to_the_hsm(given.as_deref())?;
            return Ok(None);
        }
        Ok(given.filter(|iv| self.is_chosen(iv)))
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

    /// Zeros are a place for the HSM's IV. Programs written for AWS's library leave anything there.
    fn is_chosen(&self, iv: &[u8]) -> bool {
        self.profile == Profile::Standard && iv.iter().any(|byte| *byte != 0) && !self.ivs_handed_over.has(iv)
    }

    /// Whether the HSM takes an IV for an encryption with a key.
    pub fn takes_iv(&self, key: &Template) -> bool {
        self.profile == Profile::Standard && key.allowed_mechanisms().is_none() && !self.client.is_fips()
    }

    /// Writes an IV that the HSM made to its caller's buffer.
    ///
    /// # Safety
    /// As [`IvPlace::write`].
    pub unsafe fn hand_over(&self, place: IvPlace, iv: &[u8]) -> Result {
        // SAFETY: by this function's contract.
        unsafe { place.write(iv) }?;
        if let Ok(iv) = iv.try_into() {
            self.ivs_handed_over.add(iv);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{HandedOver, REMEMBERED};

    #[test]
    fn the_newest_are_remembered() {
        let handed_over = HandedOver::default();
        let iv = |number: usize| {
            let mut iv = [0; 12];
            iv[4..].copy_from_slice(&number.to_be_bytes());
            iv
        };
        for number in 0..=REMEMBERED {
            handed_over.add(iv(number));
            handed_over.add(iv(number));
        }
        assert!(!handed_over.has(&iv(0)));
        assert!((1..=REMEMBERED).all(|number| handed_over.has(&iv(number))));
        assert!(!handed_over.has(&iv(1)[..11]));
    }
}
