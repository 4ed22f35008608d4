//! The functions of the standard that are present and answer `CKR_FUNCTION_NOT_SUPPORTED`: those of asynchronous sessions.

use cryptoki_sys::{CK_ASYNC_DATA, CK_BYTE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_UTF8CHAR};
use strongroom_wire::Rv;

use crate::edge::{enter, failure};

macro_rules! unsupported {
    ($($name:ident($($argument:ty),*);)*) => {$(
        #[doc = concat!(stringify!($name), ": not supported.")]
        ///
        /// # Safety
        /// Reads no argument.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($(_: $argument),*) -> CK_RV {
            enter(stringify!($name), |_| failure(Rv::FUNCTION_NOT_SUPPORTED, ""))
        }
    )*};
}

unsupported! {
    C_AsyncComplete(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
