//! `Hsm`: boundary and engine of one HSM process. Its methods stand in the files of this folder as in the stub.

mod engine;
mod identity;
mod limits;
mod objects;
mod sealing;
mod users;

use std::os::fd::RawFd;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strongroom_boundary::keys::Config;
use strongroom_boundary::objects::Options;
use strongroom_boundary::{Approval, Approver, Boundary, Keys, Objects};
use strongroom_engine::{Engine, Identity};
use strongroom_wiping::scrubbed;
use strongroom_wire::{Role, Rv};

use crate::errors::{from_boundary, refused};
use crate::integrity;
use crate::root_key;
use limits::Limits;

pub(crate) use objects::StagedObject;

/// Boundary and engine of one HSM process.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct Hsm {
    boundary: Arc<Boundary>,
    engine: Engine,
    mode: String,
}

/// Who a boundary call is made for.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct Caller(strongroom_boundary::Caller);

#[pymethods]
impl Caller {
    #[new]
    #[pyo3(signature = (username, role, login_id, approvals=Vec::new()))]
    fn new(username: &str, role: u8, login_id: u64, approvals: Vec<GivenApproval>) -> PyResult<Self> {
        let approvals = approvals.into_iter().map(approval_of).collect();
        let role = role_of(role)?;
        Ok(Self(strongroom_boundary::Caller { username: username.into(), role, login_id, approvals }))
    }

    fn __repr__(&self) -> String {
        format!("Caller({:?}, {}, {})", self.0.username, self.0.role.code(), self.0.login_id)
    }
}

/// Approval data, and who signed it: name, sealed key, signature.
type GivenApproval = (Vec<u8>, Vec<(String, Vec<u8>, Vec<u8>)>);

fn approval_of((approval_data, approvers): GivenApproval) -> Approval {
    let approver = |(username, sealed_key, signature): (String, Vec<u8>, Vec<u8>)| Approver {
        username: username.into(),
        sealed_key,
        signature,
    };
    Approval { approval_data, approvers: approvers.into_iter().map(approver).collect() }
}

fn role_of(code: u8) -> PyResult<Role> {
    Role::from_code(code)
        .ok_or_else(|| refused(Rv::USER_TYPE_INVALID, format!("there is no role with number {code}")))
}

/// What a boundary call gives, with its refusal as an exception; computed without the GIL. What it left on the stack and
/// in registers is wiped: a password, or part of a key.
fn detached<T: Send>(
    py: Python<'_>,
    compute: impl FnOnce() -> strongroom_boundary::Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| scrubbed(compute)).map_err(from_boundary)
}

/// As [`detached`], for bytes.
fn detached_bytes<T: AsRef<[u8]> + Send>(
    py: Python<'_>,
    compute: impl FnOnce() -> strongroom_boundary::Result<T> + Send,
) -> PyResult<Py<PyBytes>> {
    detached(py, compute).map(|bytes| PyBytes::new(py, bytes.as_ref()).unbind())
}

#[pymethods]
impl Hsm {
    #[staticmethod]
    #[pyo3(signature = (
        *, cluster_id, hsm_id, mode, root_key_fd, installation, allow_unlocked_memory=false, limits=None
    ))]
    #[allow(clippy::too_many_arguments)] // named ones, as Python gives them
    fn start(
        py: Python<'_>,
        cluster_id: String,
        hsm_id: String,
        mode: String,
        root_key_fd: RawFd,
        installation: Vec<u8>,
        allow_unlocked_memory: bool,
        limits: Option<Limits>,
    ) -> PyResult<Self> {
        let root_key = root_key::read(root_key_fd)?;
        let fips = match mode.as_str() {
            "FIPS" => true,
            "NON_FIPS" => false,
            _ => return Err(refused(Rv::ARGUMENTS_BAD, "the mode is neither FIPS nor NON_FIPS")),
        };
        let identity =
            Identity { cluster_id: cluster_id.clone(), hsm_id: hsm_id.clone(), mode: mode.clone() };
        let boundary = detached(py, || {
            let keys = Arc::new(Keys::open(Config { cluster_id, hsm_id, root_key, installation })?);
            let objects = Objects::new(
                Arc::clone(&keys),
                Options {
                    fips,
                    allow_unlocked_memory,
                    sizes: limits.as_ref().map(Limits::sizes).unwrap_or_default(),
                },
            )?;
            if let Err(reason) = integrity::check() {
                objects.fail(&format!("integrity ({reason})"));
            }
            Ok(Arc::new(Boundary { keys, objects }))
        })?;
        let engine = Engine::new(
            Arc::clone(&boundary),
            identity,
            limits.as_ref().map(Limits::settings).unwrap_or_default(),
        )?;
        Ok(Self { boundary, engine, mode })
    }

    fn error(&self) -> Option<String> {
        self.boundary.objects.ready().err().map(|error| error.text.into_owned())
    }

    fn memory_locked(&self) -> bool {
        self.boundary.objects.memory_locked()
    }
}
