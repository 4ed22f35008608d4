//! Rule records, anchors, audit entries and heads.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strongroom_boundary::keys::HeadWrite;

use super::{Hsm, detached, detached_bytes};

/// Key, old version, new version, SHA-256 of the new record.
type Write = (String, Option<u64>, Option<u64>, Vec<u8>);

fn head_writes(writes: Vec<Write>) -> PyResult<Vec<HeadWrite>> {
    let write = |(key, old_version, new_version, digest): Write| {
        let digest = digest.try_into().map_err(|_| PyValueError::new_err("a digest has 32 bytes"))?;
        Ok(HeadWrite { key, old_version, new_version, digest })
    };
    writes.into_iter().map(write).collect()
}

#[pymethods]
impl Hsm {
    fn seal_rule(&self, py: Python<'_>, key: &str, version: u64, plaintext: &[u8]) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.seal_rule(key, version, plaintext))
    }

    fn open_rule(&self, py: Python<'_>, key: &str, version: u64, sealed: &[u8]) -> PyResult<Py<PyBytes>> {
        let plaintext = detached(py, || self.boundary.keys.open_rule(key, version, sealed))?;
        Ok(PyBytes::new(py, &plaintext).unbind())
    }

    fn seal_anchor(&self, py: Python<'_>, revision: u64, head: &[u8]) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.seal_anchor(revision, head))
    }

    fn open_anchor(&self, py: Python<'_>, sealed: &[u8]) -> PyResult<(u64, Py<PyBytes>)> {
        let (revision, head) = detached(py, || self.boundary.keys.open_anchor(sealed))?;
        Ok((revision, PyBytes::new(py, &head).unbind()))
    }

    fn audit_mac(&self, py: Python<'_>, entry: &[u8]) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.audit_mac(entry))
    }

    #[pyo3(signature = (previous, writes))]
    fn advance_head(
        &self,
        py: Python<'_>,
        previous: Option<&[u8]>,
        writes: Vec<Write>,
    ) -> PyResult<Py<PyBytes>> {
        let writes = head_writes(writes)?;
        detached_bytes(py, || self.boundary.keys.advance_head(previous, &writes))
    }

    #[pyo3(signature = (previous, writes, head))]
    fn verify_head(
        &self,
        py: Python<'_>,
        previous: Option<&[u8]>,
        writes: Vec<Write>,
        head: &[u8],
    ) -> PyResult<()> {
        let writes = head_writes(writes)?;
        detached(py, || self.boundary.keys.verify_head(previous, &writes, head))
    }

    fn head_revision(&self, py: Python<'_>, head: &[u8]) -> PyResult<u64> {
        detached(py, || self.boundary.keys.head_revision(head))
    }

    fn verify_index(&self, py: Python<'_>, head: &[u8], entries: Vec<(String, u64)>) -> PyResult<bool> {
        detached(py, || self.boundary.keys.verify_index(head, &entries))
    }
}
