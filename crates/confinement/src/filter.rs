//! The system-call filter (seccomp(2)): what is not listed in [`calls`](super::calls) is refused with `EPERM`.

use std::collections::BTreeMap;

use rustix::process::getpid;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op,
    SeccompCondition as Condition, SeccompFilter, SeccompRule as Rule, apply_filter_all_threads,
};

use super::calls::{self, Arguments};
use super::{Error, Result};

type Rules = BTreeMap<i64, Vec<Rule>>;

/// Puts the filter in force for every thread of the process, those to come included; sets `no_new_privs`.
///
/// # Errors
/// The kernel has no seccomp, or refuses.
pub fn filter_system_calls() -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error(format!("system calls cannot be filtered: {error}"));
    // The C library tries the newer call first and falls back only on "no such call".
    let missing: Rules = calls::MISSING.iter().map(|call| (*call, Vec::new())).collect();
    let no_such_call = SeccompAction::Errno(libc::ENOSYS as u32);
    let missing = program(missing, SeccompAction::Allow, no_such_call).map_err(|error| failed(&error))?;
    let listed = listed().map_err(|error| failed(&error))?;
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let listed = program(listed, refuse, SeccompAction::Allow).map_err(|error| failed(&error))?;
    // Of two filters' answers the stricter counts, so a call that is "missing" may stand in the list.
    apply_filter_all_threads(&missing).map_err(|error| failed(&error))?;
    apply_filter_all_threads(&listed).map_err(|error| failed(&error))
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> std::result::Result<BpfProgram, BackendError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, otherwise, matching, architecture)?.try_into()
}

fn listed() -> std::result::Result<Rules, BackendError> {
    let mut rules: Rules = calls::FREE.iter().chain(calls::MISSING).map(|call| (*call, Vec::new())).collect();
    for (call, arguments) in calls::RESTRICTED {
        rules.insert(*call, restrictions(arguments)?);
    }
    Ok(rules)
}

/// Any of the rules lets the call through.
fn restrictions(arguments: &Arguments) -> std::result::Result<Vec<Rule>, BackendError> {
    let one = |index, width, op, value| Rule::new(vec![Condition::new(index, width, op, value)?]);
    match arguments {
        Arguments::OneOf { index, values } => {
            values.iter().map(|value| one(*index, Width::Dword, Op::Eq, *value)).collect()
        }
        Arguments::AllBits { index, bits } => {
            Ok(vec![one(*index, Width::Qword, Op::MaskedEq(*bits), *bits)?])
        }
        Arguments::NotAllBits { index, bits: (first, second) } => Ok(vec![
            one(*index, Width::Qword, Op::MaskedEq(*first), 0)?,
            one(*index, Width::Qword, Op::MaskedEq(*second), 0)?,
        ]),
        Arguments::OwnProcess { index } => {
            let own = getpid().as_raw_nonzero().get().unsigned_abs().into();
            Ok(vec![one(*index, Width::Dword, Op::Eq, own)?])
        }
    }
}
