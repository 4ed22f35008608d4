//! What an operator limits of an HSM's work, as Python gives it: a dictionary by the settings' names.

use pyo3::prelude::*;
use strongroom_boundary::{MAX_DATA, Sizes};
use strongroom_engine::Settings;

/// See `docs/reference/limits.md`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Limits {
    max_connections: usize,
    max_label_characters: usize,
    max_secret_bytes: u64,
    max_data_object_bytes: usize,
    max_data_bytes: u64,
    certificate_reads_per_second: u32,
}

impl Limits {
    pub(super) const fn sizes(&self) -> Sizes {
        Sizes {
            label_characters: self.max_label_characters,
            secret_bytes: self.max_secret_bytes,
            data_object_bytes: self.max_data_object_bytes,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            max_connections: self.max_connections,
            max_data: self.max_data_bytes.min(MAX_DATA as u64),
            certificate_reads_per_second: self.certificate_reads_per_second,
            ..Settings::default()
        }
    }
}
