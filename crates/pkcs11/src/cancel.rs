//! C_SessionCancel (PKCS #11 3.2 section 5.6): ends what is active in a session. Operations are local, so that always works.

use cryptoki_sys::{
    CK_FLAGS, CK_RV, CK_SESSION_HANDLE, CKF_DECRYPT, CKF_DIGEST, CKF_ENCRYPT, CKF_FIND_OBJECTS,
    CKF_MESSAGE_DECRYPT, CKF_MESSAGE_ENCRYPT, CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY, CKF_SIGN,
    CKF_SIGN_RECOVER, CKF_VERIFY, CKF_VERIFY_RECOVER,
};

use crate::edge::enter;

/// C_SessionCancel: flags of operations that are not active are ignored.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> CK_RV {
    enter("C_SessionCancel", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let is_named = |flag: CK_FLAGS| flags & flag != 0;
        if is_named(CKF_ENCRYPT) {
            operations.encrypt = None;
        }
        if is_named(CKF_DECRYPT) {
            operations.decrypt = None;
        }
        if is_named(CKF_MESSAGE_ENCRYPT) {
            operations.message_encrypt = None;
        }
        if is_named(CKF_MESSAGE_DECRYPT) {
            operations.message_decrypt = None;
        }
        if is_named(CKF_MESSAGE_SIGN) {
            operations.message_sign = None;
        }
        if is_named(CKF_MESSAGE_VERIFY) {
            operations.message_verify = None;
        }
        if is_named(CKF_DIGEST) {
            operations.digest = None;
        }
        if is_named(CKF_SIGN) {
            operations.sign = None;
        }
        if is_named(CKF_VERIFY) {
            operations.verify = None;
            operations.verify_signature = None;
        }
        if is_named(CKF_SIGN_RECOVER) {
            operations.sign_recover = None;
        }
        if is_named(CKF_VERIFY_RECOVER) {
            operations.verify_recover = None;
        }
        if is_named(CKF_FIND_OBJECTS) {
            operations.search = None;
        }
        Ok(())
    })
}
