//! What a program gives up at its start.

use pyo3::prelude::*;
use strongroom_boundary::{hold_crypto_library, lock_in_advance};
use strongroom_confinement as confinement;
use strongroom_wire::Rv;

use crate::errors::{from_boundary, refused};

fn from_kernel(error: confinement::Error) -> PyErr {
    refused(Rv::FUNCTION_FAILED, error.to_string())
}

/// No core dumps, and no debugger of the same user.
#[pyfunction]
pub(crate) fn forbid_dumps() -> PyResult<()> {
    confinement::forbid_dumps().map_err(from_kernel)
}

/// Everything that an HSM process gives up before it holds a key, in the order in which it can be given up.
#[pyfunction]
pub(crate) fn confine_hsm_process() -> PyResult<()> {
    forbid_dumps()?;
    hold_crypto_library().map_err(from_boundary)?;
    lock_in_advance();
    confinement::drop_capabilities().map_err(from_kernel)?;
    confinement::filter_system_calls().map_err(from_kernel)
}

/// The crypto library and its version.
#[pyfunction]
pub(crate) fn crypto_library() -> String {
    strongroom_boundary::crypto_library()
}
