//! The data plane: port, members, revision, lease, managed requests.

use std::collections::BTreeMap;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use strongroom_engine::{ClientTrust, anchors_from_pem};
use strongroom_wire::messages::Member;
use strongroom_wire::tables::Lane;
use strongroom_wire::{Field, RetryClass, Rv};

use super::Hsm;
use crate::convert::message_from_python;
use crate::errors::refused;
use crate::requests::ManagedRequest;

fn lane_of(name: &str) -> PyResult<Lane> {
    Ok(match name {
        "login" => Lane::Login,
        "slow" => Lane::Slow,
        "general" => Lane::General,
        _ => return Err(PyValueError::new_err(format!("there is no lane {name:?}"))),
    })
}

fn retry_class_of(code: u64) -> PyResult<RetryClass> {
    let known = [RetryClass::Pure, RetryClass::Create, RetryClass::Change, RetryClass::Never];
    let found = known.into_iter().find(|class| *class as u64 == code);
    found.ok_or_else(|| PyValueError::new_err(format!("there is no retry class {code}")))
}

#[pymethods]
impl Hsm {
    fn listen(&self, py: Python<'_>, address: &str, port: u16) -> PyResult<u16> {
        Ok(py.detach(|| self.engine.listen(address, port))?)
    }

    fn set_members(&self, py: Python<'_>, members: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        let member = |member: &Bound<'_, PyDict>| {
            let wrong = || refused(Rv::ARGUMENTS_BAD, "a member has hsm_id, address and port");
            Member::from_value(&message_from_python(member)?).ok_or_else(wrong)
        };
        let members = members.iter().map(member).collect::<PyResult<_>>()?;
        py.detach(|| self.engine.set_members(members));
        Ok(())
    }

    fn set_client_trust(&self, py: Python<'_>, anchors: Vec<Vec<u8>>, required: bool) -> PyResult<()> {
        py.detach(|| self.engine.set_client_trust(ClientTrust { anchors, required }))
            .map_err(|text| refused(Rv::ARGUMENTS_BAD, text))
    }

    #[staticmethod]
    fn read_trust_anchors(py: Python<'_>, pem: &[u8]) -> PyResult<Vec<Py<PyBytes>>> {
        let anchors = anchors_from_pem(pem).map_err(|text| refused(Rv::ARGUMENTS_BAD, text))?;
        Ok(anchors.iter().map(|anchor| PyBytes::new(py, anchor).unbind()).collect())
    }

    fn set_revision(&self, py: Python<'_>, revision: u64, head: &[u8]) {
        py.detach(|| self.engine.set_revision(revision, head));
    }

    fn extend_lease(&self, milliseconds: u64) {
        self.engine.extend_lease(milliseconds);
    }

    fn set_offline_grace(&self, milliseconds: u64) {
        self.engine.set_offline_grace(milliseconds);
    }

    fn next_request(&self, py: Python<'_>, lane: &str, timeout_ms: u64) -> PyResult<Option<ManagedRequest>> {
        let lane = lane_of(lane)?;
        let timeout = Duration::from_millis(timeout_ms);
        let request = py.detach(|| self.engine.next_request(lane, timeout));
        request.map(|request| ManagedRequest::new(py, request)).transpose()
    }

    fn respond(&self, py: Python<'_>, token: u64, body: &[u8], revision: u64) {
        py.detach(|| self.engine.respond(token, body, revision));
    }

    fn respond_error(&self, py: Python<'_>, token: u64, rv: u64, text: String, retry: u64) -> PyResult<()> {
        let retry = retry_class_of(retry)?;
        py.detach(|| self.engine.respond_error(token, Rv(rv), text, retry));
        Ok(())
    }

    fn wait_behind(&self, py: Python<'_>, timeout_ms: u64) -> bool {
        py.detach(|| self.engine.wait_behind(Duration::from_millis(timeout_ms)))
    }

    fn statistics(&self) -> BTreeMap<&'static str, u64> {
        self.engine.statistics().into_iter().collect()
    }

    #[allow(clippy::type_complexity)] // a row of the table that the seam describes
    fn operation_figures(&self) -> Vec<(&'static str, &'static str, u64, u64, Vec<u64>)> {
        let figures = self.engine.operation_figures().into_iter();
        figures
            .map(|it| (it.operation, it.mechanism, it.refused, it.microseconds, it.buckets.to_vec()))
            .collect()
    }

    fn shutdown(&self, py: Python<'_>, drain_ms: u64) {
        py.detach(|| self.engine.shutdown(Duration::from_millis(drain_ms)));
    }
}
