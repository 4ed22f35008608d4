//! Who a request is made for.

use std::sync::Arc;

use strongroom_wire::Role;

/// The login that a request is made under. The engine makes it from a login that it has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, in lower case.
    pub username: Arc<str>,
    /// The user's role.
    pub role: Role,
    /// The login: session objects belong to it.
    pub login_id: u64,
}
