//! Managed requests and their answers.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use strongroom_wire::{Operation, Rv, bodies};

use crate::convert::{message_from_python, message_to_python};
use crate::errors::refused;
use crate::tickets::SecretTicket;

/// A managed request as the engine decoded it.
#[pyclass(frozen, get_all, module = "strongroom._native")]
pub(crate) struct ManagedRequest {
    token: u64,
    operation: u16,
    login_id: u64,
    username: String,
    role: u8,
    session: u64,
    peer: String,
    is_mutual: bool,
    request_id: Option<Py<PyBytes>>,
    digest: Py<PyBytes>,
    body: Py<PyDict>,
    deadline_ms: u64,
    trace_id: u64,
}

impl ManagedRequest {
    pub(crate) fn new(py: Python<'_>, request: strongroom_engine::ManagedRequest) -> PyResult<Self> {
        let body = message_to_python(py, request.body)?;
        if let Some(template) = request.template_ticket {
            body.set_item("template_ticket", Py::new(py, SecretTicket::of_template(template))?)?;
        }
        let left = request.deadline.saturating_duration_since(Instant::now());
        Ok(Self {
            token: request.token,
            operation: request.operation.code(),
            login_id: request.login_id,
            username: request.username,
            role: request.role.code(),
            session: request.session,
            peer: request.peer,
            is_mutual: request.is_mutual,
            request_id: request.request_id.map(|id| PyBytes::new(py, &id).unbind()),
            digest: PyBytes::new(py, &request.digest).unbind(),
            body: body.unbind(),
            deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            trace_id: request.trace_id,
        })
    }
}

#[pymethods]
impl ManagedRequest {
    fn __repr__(&self) -> String {
        format!("<ManagedRequest {} operation={:#06x} session={}>", self.token, self.operation, self.session)
    }
}

/// The response message of an operation from its members by name.
#[pyfunction]
pub(crate) fn encode_response(
    py: Python<'_>,
    operation: u16,
    body: &Bound<'_, PyDict>,
) -> PyResult<Py<PyBytes>> {
    let operation = Operation::from_code(operation)
        .ok_or_else(|| refused(Rv::FUNCTION_NOT_SUPPORTED, "there is no operation with this number"))?;
    let encoded = bodies::response_from_value(operation, &message_from_python(body)?).ok_or_else(|| {
        let text = format!("a member of the response of {} is missing or of another type", operation.name());
        refused(Rv::ARGUMENTS_BAD, text)
    })?;
    Ok(PyBytes::new(py, &encoded).unbind())
}
