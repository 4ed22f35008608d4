//! Secrets that Python holds without seeing them.

use pyo3::prelude::*;
use strongroom_wire::{AttributeValue, Secret, Template};

/// Stands for secret bytes, or for a template with secrets in it; dropping it wipes them.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct SecretTicket {
    held: Held,
}

enum Held {
    Bytes(Secret),
    Template(Template),
}

impl SecretTicket {
    pub(crate) fn of_bytes(secret: Secret) -> Self {
        Self { held: Held::Bytes(secret) }
    }

    pub(crate) fn of_template(template: Template) -> Self {
        Self { held: Held::Template(template) }
    }

    /// The bytes; none when it stands for a template.
    pub(crate) fn bytes(&self) -> Option<&Secret> {
        if let Held::Bytes(secret) = &self.held { Some(secret) } else { None }
    }

    /// The template; none when it stands for bytes.
    pub(crate) fn template(&self) -> Option<&Template> {
        if let Held::Template(template) = &self.held { Some(template) } else { None }
    }
}

#[pymethods]
impl SecretTicket {
    fn __len__(&self) -> usize {
        match &self.held {
            Held::Bytes(secret) => secret.0.len(),
            Held::Template(template) => {
                let secrets = template.iter().filter_map(|(_, value)| match value {
                    AttributeValue::Secret(secret) => Some(secret.0.len()),
                    _ => None,
                });
                secrets.sum()
            }
        }
    }

    /// Whether both stand for the same bytes: a password that was typed twice.
    fn __eq__(&self, other: &Self) -> bool {
        matches!((self.bytes(), other.bytes()), (Some(own), Some(others)) if own.0 == others.0)
    }

    fn __repr__(&self) -> String {
        format!("<SecretTicket for {} bytes>", self.__len__())
    }
}
