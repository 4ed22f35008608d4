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
    /// What others have approved of this one request.
    pub approvals: Box<[Approval]>,
}

/// A quorum token and its approvals (aws-cloudhsm.md 3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What was signed: who asked, for which service and key.
    pub approval_data: Vec<u8>,
    /// Who signed it.
    pub approvers: Vec<Approver>,
}

/// A user's approval of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// In lower case.
    pub username: Arc<str>,
    /// The user's key, of [`Keys::seal_quorum_key`](crate::Keys::seal_quorum_key).
    pub sealed_key: Vec<u8>,
    /// RSASSA-PKCS1-v1_5 with SHA-256 over the approval data.
    pub signature: Vec<u8>,
}
