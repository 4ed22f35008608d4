//! What a process gives up at its start and never gets back: core dumps and debuggers, capabilities, system calls.
//!
//! An HSM process does all of it before it opens its port ([`forbid_dumps`], [`drop_capabilities`],
//! [`filter_system_calls`]); the service and the command line only the first. `docs/adr/0024` gives the reasons.

mod calls;
mod capabilities;
mod filter;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

pub use capabilities::drop_capabilities;
pub use filter::filter_system_calls;

/// What the kernel refused, as a sentence.
#[derive(Debug)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Result of every function here.
pub type Result<T> = std::result::Result<T, Error>;

fn refused(what: &str) -> impl FnOnce(rustix::io::Errno) -> Error + '_ {
    move |errno| Error(format!("{what}: {errno}"))
}

/// No core dumps, and no debugger of the same user.
///
/// # Errors
/// The kernel refuses.
pub fn forbid_dumps() -> Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(refused("core dumps cannot be switched off"))
}
