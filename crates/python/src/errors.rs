//! Refusals as Python exceptions.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;
use strongroom_boundary::{Error, ErrorKind};
use strongroom_client::Origin;
use strongroom_wire::Rv;

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// The classes of `errors.py`, as members of `strongroom._native`.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let source = include_str!("errors.py");
    let source = std::ffi::CString::new(source)?;
    let classes = PyModule::from_code(py, &source, c"strongroom/_native/errors.py", c"strongroom._native")?;
    for name in ["HsmError", "IntegrityError", "ConnectionFailed"] {
        module.add(name, classes.getattr(name)?)?;
    }
    CLASSES.get_or_init(py, || classes.unbind());
    Ok(())
}

fn raise(class: &str, rv: Rv, text: &str) -> PyErr {
    Python::attach(|py| {
        let made = CLASSES.get(py).map(|classes| classes.bind(py).getattr(class)?.call1((rv.0, text)));
        match made {
            Some(Ok(exception)) => PyErr::from_value(exception),
            Some(Err(error)) => error,
            None => pyo3::exceptions::PyRuntimeError::new_err(text.to_owned()),
        }
    })
}

/// `HsmError`
pub(crate) fn refused(rv: Rv, text: impl AsRef<str>) -> PyErr {
    raise("HsmError", rv, text.as_ref())
}

/// A boundary's refusal.
pub(crate) fn from_boundary(error: Error) -> PyErr {
    let class = if error.kind == ErrorKind::Integrity { "IntegrityError" } else { "HsmError" };
    raise(class, error.rv, &error.text)
}

/// A client's refusal.
pub(crate) fn from_client(error: strongroom_client::Error) -> PyErr {
    let class = match error.origin {
        Origin::Network | Origin::ServerCheck => "ConnectionFailed",
        Origin::Local | Origin::Hsm => "HsmError",
    };
    raise(class, error.rv, &error.text)
}
