//! Capabilities: an HSM needs none (capabilities(7)).

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::{Error, Result, refused};

/// The most capabilities that the kernel's interface has room for.
const MOST_CAPABILITIES: u32 = 64;

/// Gives up every capability, for this thread and those that it will start.
///
/// The bounding set is emptied where the process may do that (`CAP_SETPCAP`); without it nothing can be gained from that
/// set either, once no program can be executed.
///
/// # Errors
/// The process has other threads already, which would keep theirs, or the kernel refuses.
pub fn drop_capabilities() -> Result<()> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if threads != 1 {
        return Err(Error(format!("capabilities cannot be dropped: the process has {threads} threads")));
    }
    for number in 0..MOST_CAPABILITIES {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(_) => break, // the kernel knows no further one
        }
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            Err(Errno::PERM) => break,
            Err(errno) => return Err(refused("the capability bounding set cannot be emptied")(errno)),
        }
    }
    let none = CapabilitySet::empty();
    clear_ambient_capability_set()
        .and_then(|()| {
            set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        })
        .map_err(refused("capabilities cannot be dropped"))
}
