//! A PKCS #11 module loaded from a file, with its codes as text.

use std::ptr;

use cryptoki_sys as p11;
use libloading::Library;

use crate::session::Session;

/// A loaded and initialised module. It stays so until the process ends.
pub struct Module {
    pub functions: p11::CK_FUNCTION_LIST,
    /// For the functions that are not in the list of PKCS #11 2.40.
    pub library: Library,
}

/// Calls a function of the module and gives an error with its name and code unless it answers `CKR_OK`.
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        match $module.functions.$function {
            None => Err(concat!(stringify!($function), " is missing").to_owned()),
            Some(function) => {
                // SAFETY: the pointers among the arguments are to live local values of the length given beside them.
                let code = unsafe { function($($argument),*) };
                $crate::module::answered(stringify!($function), code)
            }
        }
    }};
}
pub(crate) use call;

/// An error with a function's name and code unless that is `CKR_OK`.
pub fn answered(function: &str, code: p11::CK_RV) -> Result<(), String> {
    if code == p11::CKR_OK { Ok(()) } else { Err(format!("{function} answers 0x{code:x}")) }
}

impl Module {
    /// Loads a module and initialises it for several threads.
    pub fn load(path: &str) -> Result<Self, String> {
        // SAFETY: the constructors of a PKCS #11 module that the caller named are trusted to be sound.
        let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
        let functions = {
            // SAFETY: the standard gives the symbol this type.
            let list = unsafe {
                library.get::<unsafe extern "C" fn(*mut *mut p11::CK_FUNCTION_LIST) -> p11::CK_RV>(
                    b"C_GetFunctionList\0",
                )
            }
            .map_err(|error| error.to_string())?;
            let mut pointer = ptr::null_mut();
            // SAFETY: `pointer` is a valid place for the result.
            let code = unsafe { list(&raw mut pointer) };
            if code != p11::CKR_OK || pointer.is_null() {
                return Err(format!("C_GetFunctionList answers 0x{code:x}"));
            }
            // SAFETY: the module says that the list is there; it is copied while the library is loaded.
            unsafe { *pointer }
        };
        let module = Self { functions, library };
        let mut arguments = p11::CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: p11::CKF_OS_LOCKING_OK,
            pReserved: ptr::null_mut(),
        };
        call!(module, C_Initialize((&raw mut arguments).cast()))?;
        Ok(module)
    }

    /// The slot whose token has a label.
    pub fn slot_of_token(&self, label: &str) -> Result<p11::CK_SLOT_ID, String> {
        let mut slots = [0; 64];
        let mut count = slots.len() as p11::CK_ULONG;
        call!(self, C_GetSlotList(p11::CK_TRUE, slots.as_mut_ptr(), &raw mut count))?;
        let mut labels = Vec::new();
        for &slot in slots.iter().take(usize::try_from(count).unwrap_or(0)) {
            // SAFETY: the structure is plain numbers and bytes, for which zero is a value.
            let mut info: p11::CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
            call!(self, C_GetTokenInfo(slot, &raw mut info))?;
            let found = String::from_utf8_lossy(&info.label).trim_end().to_owned();
            if found == label {
                return Ok(slot);
            }
            labels.push(found);
        }
        Err(format!("no token is called {label:?}; there are: {labels:?}"))
    }

    /// Opens a read-write session.
    pub fn open_session(&self, slot: p11::CK_SLOT_ID) -> Result<Session<'_>, String> {
        let mut handle = 0;
        let flags = p11::CKF_SERIAL_SESSION | p11::CKF_RW_SESSION;
        call!(self, C_OpenSession(slot, flags, ptr::null_mut(), None, &raw mut handle))?;
        Ok(Session::new(self, handle))
    }
}
