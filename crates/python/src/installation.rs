//! `Installation`: the installation's keys as the service uses them.

use std::os::fd::RawFd;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strongroom_boundary::keys;

use crate::errors::from_boundary;
use crate::root_key;

/// The installation's keys, opened with the root key.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct Installation(keys::Installation);

#[pymethods]
impl Installation {
    #[staticmethod]
    fn create(py: Python<'_>, root_key_fd: RawFd) -> PyResult<Py<PyBytes>> {
        let root_key = root_key::read(root_key_fd)?;
        let bundle = py.detach(|| keys::Installation::create(&root_key)).map_err(from_boundary)?;
        Ok(PyBytes::new(py, &bundle).unbind())
    }

    #[staticmethod]
    fn open(py: Python<'_>, root_key_fd: RawFd, bundle: &[u8]) -> PyResult<Self> {
        let root_key = root_key::read(root_key_fd)?;
        py.detach(|| keys::Installation::open(&root_key, bundle)).map(Self).map_err(from_boundary)
    }

    fn seal(&self, py: Python<'_>, context: &str, plaintext: &[u8]) -> PyResult<Py<PyBytes>> {
        let sealed = py.detach(|| self.0.seal(context, plaintext)).map_err(from_boundary)?;
        Ok(PyBytes::new(py, &sealed).unbind())
    }

    fn open_sealed(&self, py: Python<'_>, context: &str, sealed: &[u8]) -> PyResult<Py<PyBytes>> {
        let plaintext = py.detach(|| self.0.open_sealed(context, sealed)).map_err(from_boundary)?;
        Ok(PyBytes::new(py, &plaintext).unbind())
    }

    fn manufacturer_root_certificate(&self) -> String {
        self.0.manufacturer_root_certificate()
    }

    fn hardware_root_certificate(&self) -> String {
        self.0.hardware_root_certificate()
    }
}
