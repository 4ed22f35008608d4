//! Objects: made, changed, wrapped, published, loaded.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use strongroom_boundary::objects::{Service, Staged};
use strongroom_wire::messages::{KeyQuorum, MechanismParameters};
use strongroom_wire::{Field, MechanismType, Rv, Template};

use super::{Caller, Hsm, detached, detached_bytes};
use crate::convert::{message_from_python, message_to_python, template_from_python};
use crate::errors::refused;
use crate::tickets::SecretTicket;

/// An object that was made or changed and that nobody can use yet.
#[pyclass(frozen, get_all, module = "strongroom._native")]
pub(crate) struct StagedObject {
    reference: u64,
    version: u64,
    record: Py<PyBytes>,
    view: Py<PyDict>,
    is_token: bool,
}

impl StagedObject {
    fn new(py: Python<'_>, staged: Staged) -> PyResult<Self> {
        Ok(Self {
            reference: staged.reference,
            version: staged.version,
            record: PyBytes::new(py, &staged.record).unbind(),
            view: message_to_python(py, staged.view.to_value())?.unbind(),
            is_token: staged.is_token,
        })
    }
}

#[pymethods]
impl StagedObject {
    fn __repr__(&self) -> String {
        format!("<StagedObject {:016x} version={}>", self.reference, self.version)
    }
}

fn mechanism_of(code: u64) -> PyResult<MechanismType> {
    MechanismType::from_code(code).ok_or_else(|| {
        refused(Rv::MECHANISM_INVALID, format!("the HSM does not know the mechanism {code:#x}"))
    })
}

fn template_of<'py>(ticket: &'py Bound<'_, SecretTicket>) -> PyResult<&'py Template> {
    ticket.get().template().ok_or_else(|| {
        refused(Rv::ARGUMENTS_BAD, "this ticket stands for bytes, not for an object's template")
    })
}

fn parameters_of(parameters: Option<&Bound<'_, PyDict>>) -> PyResult<Option<MechanismParameters>> {
    let Some(parameters) = parameters else { return Ok(None) };
    let parameters = MechanismParameters::from_value(&message_from_python(parameters)?);
    let wrong = || refused(Rv::MECHANISM_PARAM_INVALID, "a mechanism parameter is of another type");
    parameters.map(Some).ok_or_else(wrong)
}

#[pymethods]
impl Hsm {
    fn generate_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        mechanism: u64,
        template: &Bound<'_, PyDict>,
    ) -> PyResult<StagedObject> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let template = template_from_python(template)?;
        let staged = detached(py, || self.boundary.objects.generate_key(caller, mechanism, template))?;
        StagedObject::new(py, staged)
    }

    #[pyo3(signature = (caller, mechanism, parameters, password, template))]
    fn key_from_password(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        mechanism: u64,
        parameters: Option<&Bound<'_, PyDict>>,
        password: &Bound<'_, SecretTicket>,
        template: &Bound<'_, PyDict>,
    ) -> PyResult<StagedObject> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let (parameters, template) = (parameters_of(parameters)?, template_from_python(template)?);
        let password = password.get().bytes().ok_or_else(|| {
            refused(Rv::ARGUMENTS_BAD, "this ticket stands for a template, not for a password")
        })?;
        let objects = &self.boundary.objects;
        let staged = detached(py, || {
            objects.key_from_password(caller, mechanism, parameters.as_ref(), &password.0, template)
        })?;
        StagedObject::new(py, staged)
    }

    fn generate_key_pair(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        mechanism: u64,
        public_template: &Bound<'_, PyDict>,
        private_template: &Bound<'_, PyDict>,
    ) -> PyResult<(StagedObject, StagedObject)> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let public = template_from_python(public_template)?;
        let private = template_from_python(private_template)?;
        let (public, private) =
            detached(py, || self.boundary.objects.generate_key_pair(caller, mechanism, public, private))?;
        Ok((StagedObject::new(py, public)?, StagedObject::new(py, private)?))
    }

    fn create_object(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        template: &Bound<'_, SecretTicket>,
    ) -> PyResult<StagedObject> {
        let caller = &caller.get().0;
        let template = template_of(template)?.clone();
        let staged = detached(py, || self.boundary.objects.create_object(caller, template))?;
        StagedObject::new(py, staged)
    }

    #[pyo3(signature = (caller, unwrapping_key, mechanism, parameters, wrapped_key, template))]
    #[allow(clippy::too_many_arguments)] // the members of the request
    fn unwrap_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        unwrapping_key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'_, PyDict>>,
        wrapped_key: &[u8],
        template: &Bound<'_, PyDict>,
    ) -> PyResult<StagedObject> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let (parameters, template) = (parameters_of(parameters)?, template_from_python(template)?);
        let objects = &self.boundary.objects;
        let staged = detached(py, || {
            objects.unwrap_key(caller, unwrapping_key, mechanism, parameters.as_ref(), wrapped_key, template)
        })?;
        StagedObject::new(py, staged)
    }

    #[pyo3(signature = (caller, base_key, mechanism, parameters, template))]
    fn derive_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        base_key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'_, PyDict>>,
        template: &Bound<'_, PyDict>,
    ) -> PyResult<StagedObject> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let (parameters, template) = (parameters_of(parameters)?, template_from_python(template)?);
        let objects = &self.boundary.objects;
        let staged =
            detached(py, || objects.derive_key(caller, base_key, mechanism, parameters.as_ref(), template))?;
        StagedObject::new(py, staged)
    }

    /// The new object, and the ciphertext.
    #[pyo3(signature = (caller, public_key, mechanism, parameters, template))]
    fn encapsulate_key<'py>(
        &self,
        py: Python<'py>,
        caller: &Bound<'py, Caller>,
        public_key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'py, PyDict>>,
        template: &Bound<'py, PyDict>,
    ) -> PyResult<(StagedObject, Bound<'py, PyBytes>)> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let (parameters, template) = (parameters_of(parameters)?, template_from_python(template)?);
        let objects = &self.boundary.objects;
        let (staged, ciphertext) = detached(py, || {
            objects.encapsulate_key(caller, public_key, mechanism, parameters.as_ref(), template)
        })?;
        Ok((StagedObject::new(py, staged)?, PyBytes::new(py, &ciphertext)))
    }

    #[pyo3(signature = (caller, private_key, mechanism, parameters, ciphertext, template))]
    #[allow(clippy::too_many_arguments)] // the members of the request
    fn decapsulate_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        private_key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'_, PyDict>>,
        ciphertext: &[u8],
        template: &Bound<'_, PyDict>,
    ) -> PyResult<StagedObject> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let (parameters, template) = (parameters_of(parameters)?, template_from_python(template)?);
        let objects = &self.boundary.objects;
        let staged = detached(py, || {
            objects.decapsulate_key(caller, private_key, mechanism, parameters.as_ref(), ciphertext, template)
        })?;
        StagedObject::new(py, staged)
    }

    #[pyo3(signature = (caller, wrapping_key, mechanism, parameters, key))]
    fn wrap_key<'py>(
        &self,
        py: Python<'py>,
        caller: &Bound<'py, Caller>,
        wrapping_key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'py, PyDict>>,
        key: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let parameters = parameters_of(parameters)?;
        let objects = &self.boundary.objects;
        let wrapped =
            detached(py, || objects.wrap_key(caller, wrapping_key, mechanism, parameters.as_ref(), key))?;
        message_to_python(py, wrapped.to_value())
    }

    fn set_attributes(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        template: &Bound<'_, SecretTicket>,
    ) -> PyResult<StagedObject> {
        let caller = &caller.get().0;
        let template = template_of(template)?.clone();
        let staged = detached(py, || self.boundary.objects.set_attributes(caller, reference, template))?;
        StagedObject::new(py, staged)
    }

    fn copy_object(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        template: &Bound<'_, SecretTicket>,
    ) -> PyResult<(StagedObject, Option<StagedObject>)> {
        let (caller, template) = (&caller.get().0, template_of(template)?);
        let objects = &self.boundary.objects;
        let (copy, original) = detached(py, || objects.copy_object(caller, reference, template))?;
        let original = original.map(|staged| StagedObject::new(py, staged)).transpose()?;
        Ok((StagedObject::new(py, copy)?, original))
    }

    fn share_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        username: &str,
    ) -> PyResult<StagedObject> {
        let caller = &caller.get().0;
        let staged = detached(py, || self.boundary.objects.share_key(caller, reference, username))?;
        StagedObject::new(py, staged)
    }

    fn unshare_key(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        username: &str,
    ) -> PyResult<StagedObject> {
        let caller = &caller.get().0;
        let staged = detached(py, || self.boundary.objects.unshare_key(caller, reference, username))?;
        StagedObject::new(py, staged)
    }

    #[allow(clippy::needless_pass_by_value)] // a list of Python's
    fn share_staged(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        usernames: Vec<String>,
    ) -> PyResult<StagedObject> {
        let caller = &caller.get().0;
        let staged = detached(py, || self.boundary.objects.share_staged(caller, reference, &usernames))?;
        StagedObject::new(py, staged)
    }

    fn set_quorum(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        manage: u64,
        usage: u64,
    ) -> PyResult<StagedObject> {
        let (caller, quorum) = (&caller.get().0, KeyQuorum { manage, usage });
        let staged = detached(py, || self.boundary.objects.set_quorum(caller, reference, &quorum))?;
        StagedObject::new(py, staged)
    }

    fn quorum_of(&self, reference: u64) -> Option<(u64, u64)> {
        self.boundary.objects.quorum_of(reference).map(|quorum| (quorum.manage, quorum.usage))
    }

    fn check_quorum(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        reference: u64,
        service: u16,
    ) -> PyResult<()> {
        let caller = &caller.get().0;
        let service = Service::from_number(service)
            .ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "this is no service of keys"))?;
        detached(py, || self.boundary.objects.check_quorum(caller, reference, service))
    }

    #[pyo3(signature = (caller, key, mechanism, parameters, data))]
    fn sign(
        &self,
        py: Python<'_>,
        caller: &Bound<'_, Caller>,
        key: u64,
        mechanism: u64,
        parameters: Option<&Bound<'_, PyDict>>,
        data: &[u8],
    ) -> PyResult<Py<PyBytes>> {
        let (caller, mechanism) = (&caller.get().0, mechanism_of(mechanism)?);
        let parameters = parameters_of(parameters)?;
        let objects = &self.boundary.objects;
        detached_bytes(py, || objects.sign(caller, key, mechanism, parameters.as_ref(), data))
    }

    fn references_shared_with(&self, username: &str) -> Vec<u64> {
        self.boundary.objects.references_shared_with(username)
    }

    fn withdraw(&self, py: Python<'_>, reference: u64, username: &str) -> PyResult<StagedObject> {
        let staged = detached(py, || self.boundary.objects.withdraw(reference, username))?;
        StagedObject::new(py, staged)
    }

    fn check_destroy(&self, py: Python<'_>, caller: &Bound<'_, Caller>, reference: u64) -> PyResult<bool> {
        let caller = &caller.get().0;
        detached(py, || self.boundary.objects.check_destroy(caller, reference))
    }

    fn sees(&self, caller: &Bound<'_, Caller>, reference: u64) -> bool {
        self.boundary.objects.sees(&caller.get().0, reference)
    }

    fn is_public_key(&self, reference: u64) -> bool {
        self.boundary.objects.is_public_key(reference)
    }

    fn publish(&self, py: Python<'_>, references: Vec<u64>) {
        py.detach(|| self.boundary.objects.publish(&references));
    }

    fn discard(&self, py: Python<'_>, references: Vec<u64>) {
        py.detach(|| self.boundary.objects.discard(&references));
    }

    fn remove_objects(&self, py: Python<'_>, references: Vec<u64>) {
        py.detach(|| self.boundary.objects.remove(&references));
    }

    fn load_object(&self, py: Python<'_>, reference: u64, version: u64, record: &[u8]) -> PyResult<()> {
        detached(py, || self.boundary.objects.load(reference, version, record))
    }

    fn private_key_count(&self) -> usize {
        self.boundary.objects.private_key_count()
    }

    fn is_certificate(&self, reference: u64) -> bool {
        self.boundary.objects.is_certificate(reference)
    }

    fn data_object_count(&self, are_tokens: bool) -> usize {
        self.boundary.objects.data_object_count(are_tokens)
    }

    fn certificate_count(&self) -> usize {
        self.boundary.objects.certificate_count()
    }

    #[pyo3(signature = (username=None))]
    fn object_count(&self, username: Option<&str>) -> usize {
        self.boundary.objects.object_count(username)
    }

    fn session_object_count(&self) -> usize {
        self.boundary.objects.session_object_count()
    }
}
