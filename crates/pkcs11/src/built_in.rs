//! Objects of the library itself, which are in no HSM and which everybody sees: the profiles of the standard that it meets
//! (`CKO_PROFILE`, PKCS #11 3.0 section 4.13), and the mechanisms of a slot (`CKO_MECHANISM`, PKCS #11 2.20 section 10.12).
//!
//! Only a search that names the class finds them. The standard says so of mechanisms, to protect applications "from finding
//! objects that they do not understand", and it holds for profiles too (ADR 0137). Slots of profile `aws` have none.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_FALSE, CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CK_PROFILE_ID,
    CK_TRUE, CK_ULONG, CKA_CLASS, CKA_COPYABLE, CKA_DESTROYABLE, CKA_LABEL, CKA_MECHANISM_TYPE,
    CKA_MODIFIABLE, CKA_PRIVATE, CKA_PROFILE_ID, CKA_TOKEN, CKA_UNIQUE_ID, CKO_MECHANISM, CKO_PROFILE,
    CKP_AUTHENTICATION_TOKEN, CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER,
};
use strongroom_client::Profile;
use strongroom_wire::Rv;

use crate::attributes::value_of;
use crate::edge::{Result, failure};
use crate::library::Slot;
use crate::slots::mechanisms;

/// What the library meets of PKCS #11 Profiles 3.2, section 5. It is no Public Certificates Token, since certificates are
/// found after a login only; no HKDF TLS Token, since there is no `CKM_HKDF_DATA`; and not complete.
const PROFILES: [CK_PROFILE_ID; 3] = [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN];
/// In every handle of such an object, and in none of those that [`crate::object_cache`] counts. The highest bit stays free
/// for programs whose numbers have a sign.
const MARK: CK_OBJECT_HANDLE = 1 << 62;
/// Below the mark stands the class, then this many bits of a number.
const NUMBER_BITS: u32 = 32;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    class: CK_OBJECT_CLASS,
    /// `CKA_PROFILE_ID` or `CKA_MECHANISM_TYPE`.
    number: CK_ULONG,
}

impl BuiltIn {
    const fn handle(self) -> CK_OBJECT_HANDLE {
        MARK | (self.class << NUMBER_BITS) | self.number
    }

    /// The value of an attribute, if the object has that.
    pub fn value(self, attribute: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
        let flag = |value: CK_BBOOL| Some(vec![value]);
        let number = |value: CK_ULONG| Some(value.to_ne_bytes().to_vec());
        match (attribute, self.class) {
            (CKA_CLASS, class) => number(class),
            (CKA_PROFILE_ID, CKO_PROFILE) | (CKA_MECHANISM_TYPE, CKO_MECHANISM) => number(self.number),
            (CKA_UNIQUE_ID, CKO_PROFILE) => Some(format!("profile 0x{:x}", self.number).into_bytes()),
            (CKA_UNIQUE_ID, _) => Some(format!("mechanism 0x{:x}", self.number).into_bytes()),
            (CKA_LABEL, _) => Some(Vec::new()),
            (CKA_TOKEN, _) => flag(CK_TRUE),
            (CKA_PRIVATE | CKA_MODIFIABLE | CKA_COPYABLE | CKA_DESTROYABLE, _) => flag(CK_FALSE),
            _ => None,
        }
    }

    /// The bytes of all its attributes.
    pub fn length(self) -> usize {
        let all = [
            CKA_CLASS,
            CKA_PROFILE_ID,
            CKA_MECHANISM_TYPE,
            CKA_UNIQUE_ID,
            CKA_LABEL,
            CKA_TOKEN,
            CKA_PRIVATE,
            CKA_MODIFIABLE,
            CKA_COPYABLE,
            CKA_DESTROYABLE,
        ];
        all.into_iter().filter_map(|attribute| self.value(attribute)).map(|value| value.len()).sum()
    }
}

/// The class of such objects that a template names.
///
/// # Safety
/// Every attribute's value pointer is null or valid for its length.
unsafe fn named_class(template: &[CK_ATTRIBUTE]) -> Option<CK_OBJECT_CLASS> {
    let attribute = template.iter().find(|attribute| attribute.type_ == CKA_CLASS)?;
    // SAFETY: by this function's contract.
    let value = unsafe { value_of(attribute) }?;
    let class = CK_OBJECT_CLASS::from_ne_bytes(value.try_into().ok()?);
    [CKO_PROFILE, CKO_MECHANISM].contains(&class).then_some(class)
}

impl Slot {
    fn built_ins(&self, class: CK_OBJECT_CLASS) -> Vec<BuiltIn> {
        let numbers: Vec<CK_ULONG> = match class {
            CKO_PROFILE => PROFILES.to_vec(),
            _ => mechanisms(self).map(|mechanism| mechanism.code()).collect(),
        };
        numbers.into_iter().map(|number| BuiltIn { class, number }).collect()
    }

    /// The handles of those that match, if it is such objects that a template asks for.
    ///
    /// # Safety
    /// Every attribute's value pointer is null or valid for its length.
    pub unsafe fn find_built_ins(&self, template: &[CK_ATTRIBUTE]) -> Option<Vec<CK_OBJECT_HANDLE>> {
        if self.profile == Profile::Aws {
            return None;
        }
        // SAFETY: by this function's contract.
        let class = unsafe { named_class(template) }?;
        let matches = |object: &BuiltIn| {
            template.iter().all(|wanted| {
                // SAFETY: by this function's contract.
                let value = unsafe { value_of(wanted) };
                value.is_some() && object.value(wanted.type_).as_deref() == value
            })
        };
        Some(self.built_ins(class).into_iter().filter(matches).map(BuiltIn::handle).collect())
    }

    /// The one with this handle.
    pub fn built_in(&self, handle: CK_OBJECT_HANDLE) -> Option<BuiltIn> {
        if handle & MARK == 0 || self.profile == Profile::Aws {
            return None;
        }
        let class = (handle & !MARK) >> NUMBER_BITS;
        let is_it = |object: &BuiltIn| object.handle() == handle;
        [CKO_PROFILE, CKO_MECHANISM]
            .contains(&class)
            .then(|| self.built_ins(class).into_iter().find(is_it))
            .flatten()
    }

    /// Refuses to change, copy or destroy one of them: its `CKA_MODIFIABLE`, `CKA_COPYABLE` and `CKA_DESTROYABLE` are false.
    pub fn check_not_built_in(&self, handle: CK_OBJECT_HANDLE) -> Result {
        if self.built_in(handle).is_some() {
            return failure(Rv::ACTION_PROHIBITED, "the object is the library's own");
        }
        Ok(())
    }
}
