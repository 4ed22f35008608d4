//! `strongroom._native`: the boundary, the engine and the client for Python; the seam is `src/strongroom/_native.pyi`.
//!
//! Only bytes, numbers, text and public templates cross it. Secrets stay behind [`tickets::SecretTicket`]; every call that
//! computes or waits releases the GIL.

mod client;
mod convert;
mod errors;
mod hsm;
mod installation;
mod integrity;
mod passwords;
mod process;
mod requests;
mod root_key;
mod tickets;

use pyo3::prelude::*;
use strongroom_wiping::WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::add_to(module)?;
    module.add_class::<client::Client>()?;
    module.add_class::<client::LoginToken>()?;
    module.add_class::<hsm::Caller>()?;
    module.add_class::<hsm::Hsm>()?;
    module.add_class::<hsm::StagedObject>()?;
    module.add_class::<installation::Installation>()?;
    module.add_class::<requests::ManagedRequest>()?;
    module.add_class::<tickets::SecretTicket>()?;
    module.add_function(wrap_pyfunction!(passwords::ask_password, module)?)?;
    module.add_function(wrap_pyfunction!(passwords::read_password_line, module)?)?;
    module.add_function(wrap_pyfunction!(process::confine_hsm_process, module)?)?;
    module.add_function(wrap_pyfunction!(process::crypto_library, module)?)?;
    module.add_function(wrap_pyfunction!(process::forbid_dumps, module)?)?;
    module.add_function(wrap_pyfunction!(requests::encode_response, module)?)
}
