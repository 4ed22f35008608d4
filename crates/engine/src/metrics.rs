//! How the data plane did: answers by operation, mechanism family and outcome, how long they took, and bytes.
//!
//! Counting is part of every answer, so it takes no lock and no memory: the cells exist from the start, and an answer adds
//! to three of them. Times are from when the request's frame was whole to when its answer was queued, waiting included.

use std::time::Duration;

use strongroom_wire::tables::Function;
use strongroom_wire::{KeyKind, MechanismType, Operation};

use crate::hot::HotRequest;
use crate::statistics::Counter;

/// Bucket `n` has the answers that took less than 2^n µs and not less than the bucket before; the last has all longer ones,
/// which took 4.2 s or more.
pub const BUCKETS: usize = 24;

const OPERATIONS: usize = Operation::ALL.len();
const FAMILIES: [&str; 19] = [
    "none", "rsa_pkcs", "rsa_pss", "rsa_oaep", "rsa_raw", "ecdsa", "eddsa", "aes_ecb", "aes_cbc", "aes_ctr",
    "aes_gcm", "aes_cmac", "hmac", "aes_ccm", "aes_xts", "aes_gmac", "des3", "ml_dsa", "other",
];
/// Operation codes are below this.
const CODES: usize = 0x300;
/// The position of each operation code in [`Operation::ALL`].
const POSITIONS: [u8; CODES] = positions();

#[allow(clippy::cast_possible_truncation)] // there are fewer than 256 operations
const fn positions() -> [u8; CODES] {
    let mut positions = [0; CODES];
    let mut position = 0;
    while position < OPERATIONS {
        positions[Operation::ALL[position].code() as usize] = position as u8;
        position += 1;
    }
    positions
}

/// What was counted for an operation and a mechanism family.
#[derive(Debug, Default)]
struct Cell {
    refused: Counter,
    microseconds: Counter,
    buckets: [Counter; BUCKETS],
}

/// The counted figures of one operation with one mechanism family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationFigures {
    /// The operation's name.
    pub operation: &'static str,
    /// The mechanism family, `none` where an operation has no mechanism or the brain decides it.
    pub mechanism: &'static str,
    /// Answers that were errors.
    pub refused: u64,
    /// How long all answers took together.
    pub microseconds: u64,
    /// Answers by how long they took; see [`BUCKETS`].
    pub buckets: [u64; BUCKETS],
}

/// What the data plane counts of its answers since it started.
#[derive(Debug)]
pub(crate) struct Metrics {
    cells: Box<[Cell]>,
    pub(crate) bytes_received: Counter,
    pub(crate) bytes_sent: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let cells = (0..OPERATIONS * FAMILIES.len()).map(|_| Cell::default()).collect();
        Self { cells, bytes_received: Counter::default(), bytes_sent: Counter::default() }
    }
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        operation: Operation,
        hot: Option<&HotRequest>,
        took: Duration,
        is_refusal: bool,
    ) {
        let position = usize::from(POSITIONS[usize::from(operation.code())]);
        let cell = &self.cells[position * FAMILIES.len() + family(hot)];
        // Half a million years of microseconds fit.
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - microseconds.leading_zeros()) as usize;
        cell.buckets[bucket.min(BUCKETS - 1)].add(1);
        cell.microseconds.add(microseconds);
        if is_refusal {
            cell.refused.add(1);
        }
    }

    /// The figures of what was answered at all.
    pub(crate) fn figures(&self) -> Vec<OperationFigures> {
        let figures = self.cells.iter().enumerate().map(|(number, cell)| OperationFigures {
            operation: Operation::ALL[number / FAMILIES.len()].name(),
            mechanism: FAMILIES[number % FAMILIES.len()],
            refused: cell.refused.value(),
            microseconds: cell.microseconds.value(),
            buckets: std::array::from_fn(|bucket| cell.buckets[bucket].value()),
        });
        figures.filter(|figures| figures.buckets.iter().any(|count| *count > 0)).collect()
    }
}

/// The position of a request's mechanism in [`FAMILIES`].
fn family(hot: Option<&HotRequest>) -> usize {
    let code = match hot {
        Some(HotRequest::Crypt(crypt)) => crypt.mechanism,
        Some(HotRequest::Verify(verify)) => verify.mechanism,
        Some(HotRequest::StreamOpen(open)) => open.mechanism,
        _ => return 0,
    };
    match MechanismType::from_code(code) {
        Some(MechanismType::RsaPkcs) => 1,
        Some(MechanismType::RsaPkcsPss) => 2,
        Some(MechanismType::RsaPkcsOaep) => 3,
        Some(MechanismType::RsaX509) => 4,
        Some(MechanismType::Ecdsa) => 5,
        Some(MechanismType::Eddsa) => 6,
        Some(MechanismType::AesEcb) => 7,
        Some(MechanismType::AesCbc | MechanismType::AesCbcPad) => 8,
        Some(MechanismType::AesCtr) => 9,
        Some(MechanismType::AesGcm | MechanismType::CloudhsmAesGcm) => 10,
        Some(MechanismType::AesCmac | MechanismType::AesCmacGeneral) => 11,
        Some(mechanism) if is_hmac(mechanism) => 12,
        Some(MechanismType::AesCcm) => 13,
        Some(MechanismType::AesXts) => 14,
        Some(MechanismType::AesGmac) => 15,
        Some(mechanism) if mechanism.key_kinds() == [KeyKind::Des3] => 16,
        Some(mechanism) if mechanism.key_kinds() == [KeyKind::MlDsa] => 17,
        _ => 18,
    }
}

fn is_hmac(mechanism: MechanismType) -> bool {
    mechanism.functions() == [Function::Sign] && mechanism.key_kinds().contains(&KeyKind::GenericSecret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_wire::bulk::CryptRequestView;

    fn sign(mechanism: MechanismType) -> HotRequest {
        HotRequest::Crypt(CryptRequestView {
            key: 1,
            mechanism: mechanism.code(),
            parameters: None,
            data: 0..0,
        })
    }

    #[test]
    fn an_answer_is_counted_once_where_it_belongs() {
        let metrics = Metrics::default();
        let took = Duration::from_micros(100);
        metrics.answered(Operation::Sign, Some(&sign(MechanismType::Ecdsa)), took, false);
        metrics.answered(Operation::Sign, Some(&sign(MechanismType::Ecdsa)), took, true);
        metrics.answered(Operation::DeriveKey, None, Duration::from_secs(3600), false);
        let figures = metrics.figures();
        let shown: Vec<_> = figures.iter().map(|it| (it.operation, it.mechanism, it.refused)).collect();
        assert_eq!(shown, [("sign", "ecdsa", 1), ("derive_key", "none", 0)]);
        assert_eq!(figures[0].microseconds, 200);
        assert_eq!(figures[0].buckets[7], 2, "64 to 127 µs");
        assert_eq!(figures[1].buckets[BUCKETS - 1], 1);
    }

    #[test]
    fn every_operation_has_cells_of_its_own() {
        let metrics = Metrics::default();
        for operation in Operation::ALL {
            metrics.answered(*operation, None, Duration::ZERO, false);
        }
        let figures = metrics.figures();
        assert_eq!(figures.len(), Operation::ALL.len());
        assert!(figures.iter().all(|it| it.buckets[0] == 1));
    }

    #[test]
    fn the_mechanisms_of_hot_operations_have_families() {
        use strongroom_wire::tables::Function;
        for mechanism in MechanismType::ALL {
            let functions = mechanism.functions();
            let is_hot = functions.contains(&Function::Sign) || functions.contains(&Function::Encrypt);
            if is_hot && mechanism.raw().is_none() {
                assert_ne!(FAMILIES[family(Some(&sign(*mechanism)))], "other", "{mechanism:?}");
            }
        }
    }
}
