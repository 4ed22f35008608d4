//! Identity, cluster keys and certificates.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{Hsm, detached, detached_bytes};

#[pymethods]
impl Hsm {
    fn create_identity(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.create_identity())
    }

    fn open_identity(&self, py: Python<'_>, sealed: &[u8]) -> PyResult<()> {
        detached(py, || self.boundary.keys.open_identity(sealed))
    }

    fn serial_number(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || self.boundary.keys.serial_number())
    }

    fn identity_statement(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.identity_statement())
    }

    fn sign_checkpoint(&self, py: Python<'_>, checkpoint: &[u8]) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.sign_checkpoint(checkpoint))
    }

    fn identity_certificates(&self, py: Python<'_>) -> PyResult<Vec<Py<PyBytes>>> {
        let certificates = detached(py, || self.boundary.keys.identity_certificates())?;
        Ok(certificates.iter().map(|der| PyBytes::new(py, der).unbind()).collect())
    }

    fn create_cluster_keys(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.boundary.keys.create_cluster_keys())
    }

    fn has_cluster_keys(&self) -> bool {
        self.boundary.keys.has_cluster_keys()
    }

    fn seal_envelope(&self, py: Python<'_>, hsm_id: &str, statement: &[u8]) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.seal_envelope(hsm_id, statement))
    }

    fn open_envelope(&self, py: Python<'_>, envelope: &[u8]) -> PyResult<()> {
        detached(py, || self.boundary.keys.open_envelope(envelope))
    }

    fn seal_recovery_envelope(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.seal_recovery_envelope())
    }

    fn open_recovery_envelope(&self, py: Python<'_>, envelope: &[u8]) -> PyResult<()> {
        detached(py, || self.boundary.keys.open_recovery_envelope(envelope))
    }

    fn certificates(&self, py: Python<'_>) -> PyResult<BTreeMap<&'static str, String>> {
        let certificates = detached(py, || self.boundary.keys.certificates(&self.mode))?;
        Ok(certificates.into_iter().collect())
    }

    fn install_certificate(&self, py: Python<'_>, certificate_pem: &str) -> PyResult<()> {
        detached(py, || self.boundary.keys.install_certificate(certificate_pem))
    }
}
