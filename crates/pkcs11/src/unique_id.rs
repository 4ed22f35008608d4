//! `CKA_UNIQUE_ID` (PKCS #11 3.0 section 4.4.1): the object's reference in the cluster, as the CLI writes it. Nobody sets it.

use cryptoki_sys::{CK_ATTRIBUTE, CKA_UNIQUE_ID};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{AttributesRequest, ObjectView, ObjectsResponse};
use strongroom_wire::{Operation, Rv, Template};

use crate::edge::Result;
use crate::library::Slot;

/// The bytes of each.
pub const LENGTH: usize = 18;

/// The one of the object with this reference.
pub fn of(reference: u64) -> String {
    format!("0x{reference:016x}")
}

/// The reference that one stands for, if there is one.
pub fn reference(unique_id: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(unique_id.strip_prefix(b"0x")?).ok()?;
    u64::from_str_radix(digits, 16).ok().filter(|reference| of(*reference).as_bytes() == unique_id)
}

/// Whether a template names one.
pub fn is_in(template: &[CK_ATTRIBUTE]) -> bool {
    template.iter().any(|attribute| attribute.type_ == CKA_UNIQUE_ID)
}

impl Slot {
    /// The object with this reference, if the user sees it and all else that was asked for is true of it.
    pub fn find_reference(&self, reference: u64, wanted: &Template) -> Result<Option<ObjectView>> {
        let request = AttributesRequest { references: List(vec![reference]) };
        let response: ObjectsResponse = match self.client.call(Operation::Attributes, &request) {
            Err(error) if error.rv == Rv::OBJECT_HANDLE_INVALID => return Ok(None),
            answer => answer?,
        };
        let matches = |view: &ObjectView| {
            view.reference == reference
                && wanted.iter().all(|(attribute, value)| view.attributes.get(attribute) == Some(value))
        };
        Ok(response.objects.0.into_iter().find(matches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_stands_for_one_reference_and_is_written_in_one_way() {
        for number in [1, 0x1234_5678_9abc_def0, u64::MAX] {
            assert_eq!(reference(of(number).as_bytes()), Some(number));
            assert_eq!(of(number).len(), LENGTH);
        }
        let others: [&[u8]; 6] =
            [b"", b"0x", b"0x1", b"0x00000000000000AB", b"0x+000000000000001", b"0x0000000000000001\0"];
        assert!(others.into_iter().all(|other| reference(other).is_none()));
    }
}
