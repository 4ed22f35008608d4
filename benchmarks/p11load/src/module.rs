//! A PKCS #11 module loaded from a file: the few calls that a load needs, with their codes as text.

use std::ptr;

use cryptoki_sys as p11;
use libloading::Library;

/// A key's handle in its session.
pub type Key = p11::CK_OBJECT_HANDLE;

/// A loaded and initialised module. It stays so until the process ends.
pub struct Module {
    functions: p11::CK_FUNCTION_LIST,
    _library: Library,
}

/// An open session; a session is used by one thread at a time.
pub struct Session<'a> {
    module: &'a Module,
    handle: p11::CK_SESSION_HANDLE,
}

/// Calls a function of the module and gives an error with its name and code unless it answers `CKR_OK`.
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        match $module.functions.$function {
            None => Err(concat!(stringify!($function), " is missing").to_owned()),
            Some(function) => {
                // SAFETY: the pointers among the arguments are to live local values of the length given beside them.
                let code = unsafe { function($($argument),*) };
                if code == p11::CKR_OK {
                    Ok(())
                } else {
                    Err(format!(concat!(stringify!($function), " answers 0x{:x}"), code))
                }
            }
        }
    }};
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
        let module = Self { functions, _library: library };
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
        Ok(Session { module: self, handle })
    }
}

impl Session<'_> {
    /// Logs the whole process in.
    pub fn login(&self, pin: &str) -> Result<(), String> {
        let mut pin = pin.as_bytes().to_vec();
        call!(self.module, C_Login(self.handle, p11::CKU_USER, pin.as_mut_ptr(), pin.len() as p11::CK_ULONG))
    }

    /// The one object of a class and a label.
    pub fn key(&self, class: p11::CK_OBJECT_CLASS, label: &str) -> Result<Key, String> {
        let mut class = class;
        let mut name = label.as_bytes().to_vec();
        let mut template =
            [attribute(p11::CKA_CLASS, &mut class), bytes_attribute(p11::CKA_LABEL, &mut name)];
        let mut found = [0; 2];
        let mut count = 0;
        call!(
            self.module,
            C_FindObjectsInit(self.handle, template.as_mut_ptr(), template.len() as p11::CK_ULONG)
        )?;
        call!(self.module, C_FindObjects(self.handle, found.as_mut_ptr(), 2, &raw mut count))?;
        call!(self.module, C_FindObjectsFinal(self.handle))?;
        if count == 1 { Ok(found[0]) } else { Err(format!("{count} objects are called {label:?}, not one")) }
    }

    /// Generates an AES-256 token key.
    pub fn generate_aes256(&self, label: &str) -> Result<Key, String> {
        let mut mechanism = plain(p11::CKM_AES_KEY_GEN);
        let mut name = label.as_bytes().to_vec();
        let mut length: p11::CK_ULONG = 32;
        let (mut token, mut encrypt) = (p11::CK_TRUE, p11::CK_TRUE);
        let mut template = [
            attribute(p11::CKA_TOKEN, &mut token),
            attribute(p11::CKA_ENCRYPT, &mut encrypt),
            attribute(p11::CKA_VALUE_LEN, &mut length),
            bytes_attribute(p11::CKA_LABEL, &mut name),
        ];
        let mut key = 0;
        call!(
            self.module,
            C_GenerateKey(
                self.handle,
                &raw mut mechanism,
                template.as_mut_ptr(),
                template.len() as p11::CK_ULONG,
                &raw mut key,
            )
        )?;
        Ok(key)
    }

    /// Destroys an object.
    pub fn destroy(&self, object: Key) -> Result<(), String> {
        call!(self.module, C_DestroyObject(self.handle, object))
    }

    /// Encrypts with AES-GCM and a tag of 128 bits into `output` and gives the length.
    pub fn encrypt_gcm(
        &self,
        key: Key,
        iv: &mut [u8; 12],
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        let mut parameters = p11::CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let mut mechanism = p11::CK_MECHANISM {
            mechanism: p11::CKM_AES_GCM,
            pParameter: (&raw mut parameters).cast(),
            ulParameterLen: size_of_val(&parameters) as p11::CK_ULONG,
        };
        let mut length = output.len() as p11::CK_ULONG;
        call!(self.module, C_EncryptInit(self.handle, &raw mut mechanism, key))?;
        call!(
            self.module,
            C_Encrypt(
                self.handle,
                data.as_ptr().cast_mut(),
                data.len() as p11::CK_ULONG,
                output.as_mut_ptr(),
                &raw mut length,
            )
        )?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Signs into `signature` and gives the length.
    pub fn sign(
        &self,
        mechanism: p11::CK_MECHANISM_TYPE,
        key: Key,
        data: &[u8],
        signature: &mut [u8],
    ) -> Result<usize, String> {
        let mut mechanism = plain(mechanism);
        let mut length = signature.len() as p11::CK_ULONG;
        call!(self.module, C_SignInit(self.handle, &raw mut mechanism, key))?;
        call!(
            self.module,
            C_Sign(
                self.handle,
                data.as_ptr().cast_mut(),
                data.len() as p11::CK_ULONG,
                signature.as_mut_ptr(),
                &raw mut length,
            )
        )?;
        usize::try_from(length).map_err(|error| error.to_string())
    }
}

/// A mechanism without parameters.
fn plain(mechanism: p11::CK_MECHANISM_TYPE) -> p11::CK_MECHANISM {
    p11::CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

/// An attribute of a fixed size; `value` must outlive its use.
fn attribute<T>(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut T) -> p11::CK_ATTRIBUTE {
    let length = size_of::<T>() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: ptr::from_mut(value).cast(), ulValueLen: length }
}

/// An attribute of bytes; `value` must outlive its use.
fn bytes_attribute(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut [u8]) -> p11::CK_ATTRIBUTE {
    let length = value.len() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: length }
}
