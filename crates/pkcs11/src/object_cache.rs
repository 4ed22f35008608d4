//! Handles and what is known of the objects behind them.
//!
//! A handle is a number of this process; it stands for the object's reference in the cluster. Attributes come with
//! every search and generation and are kept: those that can never change for good, the rest for a second, and never
//! past a newer revision of the cluster.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use cryptoki_sys::{CK_OBJECT_HANDLE, CKO_DATA};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{AttributesRequest, ObjectView, ObjectsResponse};
use strongroom_wire::{AttributeType, Operation, Rv, Template};

use crate::edge::{Failure, Result};
use crate::library::Slot;

/// How long attributes that can change are believed.
const FRESH: Duration = Duration::from_secs(1);

/// What is known of an object.
#[derive(Debug)]
pub struct View {
    /// Every readable attribute.
    pub attributes: Template,
    read_at: Instant,
    revision: u64,
}

/// An object that has a handle.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its number in the cluster.
    pub reference: u64,
    /// What is known of it.
    pub view: Arc<View>,
}

#[derive(Debug, Default)]
struct Table {
    by_handle: HashMap<CK_OBJECT_HANDLE, Object>,
    by_reference: HashMap<u64, CK_OBJECT_HANDLE>,
    last: CK_OBJECT_HANDLE,
}

/// The handles of one slot.
#[derive(Debug, Default)]
pub struct ObjectCache(RwLock<Table>);

impl ObjectCache {
    /// Without handles.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an object that an HSM has shown; gives its handle, the same as before if it had one.
    pub fn add(&self, view: ObjectView, revision: u64) -> CK_OBJECT_HANDLE {
        let reference = view.reference;
        let view = Arc::new(View { attributes: view.attributes, read_at: Instant::now(), revision });
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let handle = match table.by_reference.get(&reference) {
            Some(handle) => *handle,
            None => {
                table.last += 1;
                table.last
            }
        };
        table.by_reference.insert(reference, handle);
        table.by_handle.insert(handle, Object { reference, view });
        handle
    }

    /// The object with this handle.
    pub fn get(&self, handle: CK_OBJECT_HANDLE) -> Option<Object> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_handle.get(&handle).cloned()
    }

    /// An object has become another one, for which its handle stands from now on.
    pub fn replace(&self, handle: CK_OBJECT_HANDLE, view: ObjectView, revision: u64) {
        self.remove(handle);
        let reference = view.reference;
        let view = Arc::new(View { attributes: view.attributes, read_at: Instant::now(), revision });
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.by_reference.insert(reference, handle);
        table.by_handle.insert(handle, Object { reference, view });
    }

    /// The object is gone.
    pub fn remove(&self, handle: CK_OBJECT_HANDLE) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = table.by_handle.remove(&handle) {
            table.by_reference.remove(&object.reference);
        }
    }

    /// After a logout the handles of private objects are void (PKCS #11 2.40 section 5.6, C_Logout).
    pub fn forget_private(&self) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table
            .by_handle
            .retain(|_, object| object.view.attributes.bool(AttributeType::Private) == Some(false));
        let kept: HashMap<u64, CK_OBJECT_HANDLE> =
            table.by_handle.iter().map(|(handle, object)| (object.reference, *handle)).collect();
        table.by_reference = kept;
    }
}

impl Slot {
    /// The object with this handle as it is known.
    pub fn known(&self, handle: CK_OBJECT_HANDLE) -> Result<Object> {
        self.objects.get(handle).ok_or_else(|| Rv::OBJECT_HANDLE_INVALID.into())
    }

    /// The object with this handle, with attributes that can change not older than allowed.
    pub fn current(&self, handle: CK_OBJECT_HANDLE) -> Result<Object> {
        let object = self.known(handle)?;
        if object.view.revision >= self.client.revision() && object.view.read_at.elapsed() < FRESH {
            return Ok(object);
        }
        self.read(handle, object)
    }

    /// The object with this handle and with attributes of these types not older than allowed.
    pub fn knowing(
        &self,
        handle: CK_OBJECT_HANDLE,
        known: Object,
        mut named: impl Iterator<Item = AttributeType>,
    ) -> Result<Object> {
        let is_data = known.view.attributes.ulong(AttributeType::Class) == Some(CKO_DATA);
        let is_wanted = |attribute| !is_constant(attribute) || (is_data && attribute == AttributeType::Value);
        if !named.any(is_wanted) {
            return Ok(known);
        }
        let current = self.current(handle)?;
        // What is found or made comes without its data.
        if is_data && current.view.attributes.get(AttributeType::Value).is_none() {
            return self.read(handle, current);
        }
        Ok(current)
    }

    fn read(&self, handle: CK_OBJECT_HANDLE, object: Object) -> Result<Object> {
        let revision = self.client.revision();
        let request = AttributesRequest { references: List(vec![object.reference]) };
        let response: ObjectsResponse = self.client.call(Operation::Attributes, &request)?;
        match response.objects.0.into_iter().find(|view| view.reference == object.reference) {
            Some(view) => {
                let handle = self.objects.add(view, revision);
                self.known(handle)
            }
            None => {
                self.objects.remove(handle);
                Err(Failure::from(Rv::OBJECT_HANDLE_INVALID))
            }
        }
    }
}

/// Whether an attribute's value, or that it has none, can never change; CKA_VALUE of what is no data object.
pub fn is_constant(attribute: AttributeType) -> bool {
    use AttributeType as A;
    matches!(
        attribute,
        A::Class
            | A::Private
            | A::Value
            | A::CertificateType
            | A::KeyType
            | A::Modulus
            | A::ModulusBits
            | A::PublicExponent
            | A::PrivateExponent
            | A::Prime1
            | A::Prime2
            | A::Exponent1
            | A::Exponent2
            | A::Coefficient
            | A::PublicKeyInfo
            | A::ValueLen
            | A::Local
            | A::KeyGenMechanism
            | A::EcParams
            | A::EcPoint
            | A::CheckValue
            | A::ParameterSet
            | A::Seed
            | A::AlwaysAuthenticate
            | A::AllowedMechanisms
    )
}
