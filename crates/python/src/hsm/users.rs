//! Passwords, logins and tickets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strongroom_boundary::Error;
use strongroom_boundary::keys::{
    LoginGrant, TICKET_LIFETIME_SECONDS, check_second_factor, verify_second_factor,
};
use strongroom_engine::at_low_priority;
use strongroom_wire::{Rv, Secret};

use super::{Hsm, detached, detached_bytes, role_of};
use crate::errors::{from_boundary, refused};
use crate::tickets::SecretTicket;

fn password(ticket: &Bound<'_, SecretTicket>) -> PyResult<Secret> {
    let secret = ticket.get().bytes().cloned();
    secret.ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "this ticket stands for a template, not for a password"))
}

/// Anybody may ask for it, so it must not slow signatures. Gives the CPU time too.
fn stretching<T: Send>(
    work: impl FnOnce() -> strongroom_boundary::Result<T> + Send,
) -> (strongroom_boundary::Result<T>, Duration) {
    at_low_priority("hsm-password", work).unwrap_or_else(|error| {
        let refusal = Error::refused(Rv::HOST_MEMORY, format!("no thread for a password: {error}"));
        (Err(refusal), Duration::ZERO)
    })
}

#[pymethods]
impl Hsm {
    fn make_verifier(&self, py: Python<'_>, password: &Bound<'_, SecretTicket>) -> PyResult<Py<PyBytes>> {
        let secret = self::password(password)?;
        detached_bytes(py, || stretching(|| self.boundary.keys.make_verifier(&secret.0)).0)
    }

    #[pyo3(signature = (request_token, password, verifier))]
    fn verify_password(
        &self,
        py: Python<'_>,
        request_token: u64,
        password: &Bound<'_, SecretTicket>,
        verifier: Option<&[u8]>,
    ) -> PyResult<bool> {
        let secret = self::password(password)?;
        detached(py, || {
            let (right, cpu_time) = stretching(|| self.boundary.keys.verify_password(&secret.0, verifier));
            self.engine.attempt_took(request_token, cpu_time);
            right
        })
    }

    fn check_second_factor(&self, py: Python<'_>, public_key: &[u8]) -> PyResult<()> {
        detached(py, || check_second_factor(public_key))
    }

    #[pyo3(signature = (public_key, token, signature))]
    fn verify_second_factor(
        &self,
        py: Python<'_>,
        public_key: Option<&[u8]>,
        token: &[u8],
        signature: &[u8],
    ) -> bool {
        py.detach(|| verify_second_factor(public_key, token, signature))
    }

    fn seal_quorum_key(
        &self,
        py: Python<'_>,
        username: &str,
        public_key: &[u8],
        signed: &[u8],
        signature: &[u8],
    ) -> PyResult<Py<PyBytes>> {
        detached_bytes(py, || self.boundary.keys.seal_quorum_key(username, public_key, signed, signature))
    }

    fn verify_approval(
        &self,
        py: Python<'_>,
        username: &str,
        sealed_key: &[u8],
        approval_data: &[u8],
        signature: &[u8],
    ) -> PyResult<()> {
        let keys = &self.boundary.keys;
        detached(py, || keys.verify_approval(username, sealed_key, approval_data, signature))
    }

    fn random(&self, py: Python<'_>, length: usize) -> PyResult<Py<PyBytes>> {
        let bytes = detached(py, || self.boundary.objects.random(length))?;
        Ok(PyBytes::new(py, &bytes.0).unbind())
    }

    fn new_login_id(&self, py: Python<'_>) -> PyResult<u64> {
        detached(py, || self.boundary.keys.new_login_id())
    }

    fn issue_ticket(
        &self,
        py: Python<'_>,
        login_id: u64,
        username: String,
        role: u8,
        epoch: u64,
        client_key: Vec<u8>,
    ) -> PyResult<(Py<PyBytes>, u64)> {
        let role = role_of(role)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        let expires_at = now + TICKET_LIFETIME_SECONDS;
        let grant = LoginGrant { login_id, username, role, epoch, client_key, expires_at };
        let ticket = detached_bytes(py, || self.boundary.keys.issue_ticket(&grant))?;
        Ok((ticket, TICKET_LIFETIME_SECONDS))
    }

    fn apply_login(
        &self,
        login_id: u64,
        username: &str,
        role: u8,
        epoch: u64,
        client_key: Vec<u8>,
    ) -> PyResult<()> {
        let caller = strongroom_boundary::Caller {
            username: username.into(),
            role: role_of(role)?,
            login_id,
            approvals: Box::default(),
        };
        self.engine.apply_login(caller, epoch, client_key);
        Ok(())
    }

    fn remove_login(&self, py: Python<'_>, login_id: u64) {
        py.detach(|| self.engine.remove_login(login_id));
    }

    fn attach_login(&self, request_token: u64, login_id: u64) -> PyResult<()> {
        self.engine.attach_login(request_token, login_id).map_err(from_boundary)
    }

    fn ended_logins(&self) -> Vec<u64> {
        self.engine.ended_logins()
    }

    fn active_logins(&self) -> Vec<u64> {
        self.engine.active_logins()
    }
}
