//! A PKCS #11 module loaded from a file: the few calls that a load needs, with their codes as text.

use std::ptr;

use cryptoki_sys as p11;
use libloading::Library;

use crate::mechanisms::Template;

/// A key's handle in its session.
pub type Key = p11::CK_OBJECT_HANDLE;

/// A loaded and initialised module. It stays so until the process ends.
pub struct Module {
    functions: p11::CK_FUNCTION_LIST,
    library: Library,
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

    /// Makes a secret key.
    pub fn generate_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        template: &mut Template,
    ) -> Result<Key, String> {
        let mut template = template.attributes();
        let (place, count) = listed(&mut template);
        let mut key = 0;
        call!(self.module, C_GenerateKey(self.handle, &raw mut *mechanism, place, count, &raw mut key))?;
        Ok(key)
    }

    /// Makes a key pair: the public and the private key.
    pub fn generate_pair_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        public: &mut Template,
        private: &mut Template,
    ) -> Result<(Key, Key), String> {
        let (mut public, mut private) = (public.attributes(), private.attributes());
        let ((public_place, public_count), (private_place, private_count)) =
            (listed(&mut public), listed(&mut private));
        let mut keys = (0, 0);
        call!(
            self.module,
            C_GenerateKeyPair(
                self.handle,
                &raw mut *mechanism,
                public_place,
                public_count,
                private_place,
                private_count,
                &raw mut keys.0,
                &raw mut keys.1,
            )
        )?;
        Ok(keys)
    }

    /// An attribute's bytes.
    pub fn bytes_of(&self, key: Key, type_: p11::CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>, String> {
        let mut value = vec![0; 1024];
        let mut template = [bytes_attribute(type_, &mut value)];
        call!(self.module, C_GetAttributeValue(self.handle, key, template.as_mut_ptr(), 1))?;
        let length = usize::try_from(template[0].ulValueLen).map_err(|error| error.to_string())?;
        value.truncate(length);
        Ok(value)
    }

    /// Signs into `output` and gives the length.
    pub fn sign_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        key: Key,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        call!(self.module, C_SignInit(self.handle, &raw mut *mechanism, key))?;
        let (data, count) = given(data);
        let mut length = output.len() as p11::CK_ULONG;
        call!(self.module, C_Sign(self.handle, data, count, output.as_mut_ptr(), &raw mut length))?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Verifies.
    pub fn verify_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        key: Key,
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        call!(self.module, C_VerifyInit(self.handle, &raw mut *mechanism, key))?;
        let ((data, count), (signature, length)) = (given(data), given(signature));
        call!(self.module, C_Verify(self.handle, data, count, signature, length))
    }

    /// Encrypts into `output` and gives the length.
    pub fn encrypt_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        key: Key,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        call!(self.module, C_EncryptInit(self.handle, &raw mut *mechanism, key))?;
        let (data, count) = given(data);
        let mut length = output.len() as p11::CK_ULONG;
        call!(self.module, C_Encrypt(self.handle, data, count, output.as_mut_ptr(), &raw mut length))?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Decrypts into `output` and gives the length.
    pub fn decrypt_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        key: Key,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        call!(self.module, C_DecryptInit(self.handle, &raw mut *mechanism, key))?;
        let (data, count) = given(data);
        let mut length = output.len() as p11::CK_ULONG;
        call!(self.module, C_Decrypt(self.handle, data, count, output.as_mut_ptr(), &raw mut length))?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Hashes into `output` and gives the length.
    pub fn digest_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        call!(self.module, C_DigestInit(self.handle, &raw mut *mechanism))?;
        let (data, count) = given(data);
        let mut length = output.len() as p11::CK_ULONG;
        call!(self.module, C_Digest(self.handle, data, count, output.as_mut_ptr(), &raw mut length))?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Derives a key.
    pub fn derive_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        base: Key,
        template: &mut Template,
    ) -> Result<Key, String> {
        let mut template = template.attributes();
        let (place, count) = listed(&mut template);
        let mut key = 0;
        call!(self.module, C_DeriveKey(self.handle, &raw mut *mechanism, base, place, count, &raw mut key))?;
        Ok(key)
    }

    /// Wraps a key into `output` and gives the length.
    pub fn wrap_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        wrapping: Key,
        key: Key,
        output: &mut [u8],
    ) -> Result<usize, String> {
        let mut length = output.len() as p11::CK_ULONG;
        call!(
            self.module,
            C_WrapKey(self.handle, &raw mut *mechanism, wrapping, key, output.as_mut_ptr(), &raw mut length)
        )?;
        usize::try_from(length).map_err(|error| error.to_string())
    }

    /// Unwraps a key.
    pub fn unwrap_with(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        unwrapping: Key,
        wrapped: &[u8],
        template: &mut Template,
    ) -> Result<Key, String> {
        let mut template = template.attributes();
        let ((wrapped, length), (place, count)) = (given(wrapped), listed(&mut template));
        let mut key = 0;
        call!(
            self.module,
            C_UnwrapKey(
                self.handle,
                &raw mut *mechanism,
                unwrapping,
                wrapped,
                length,
                place,
                count,
                &raw mut key
            )
        )?;
        Ok(key)
    }

    /// Makes a key and its ciphertext, whose length it gives.
    pub fn encapsulate(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        public: Key,
        template: &mut Template,
        output: &mut [u8],
    ) -> Result<(usize, Key), String> {
        let mut template = template.attributes();
        let (place, count) = listed(&mut template);
        let (mut length, mut key) = (output.len() as p11::CK_ULONG, 0);
        // SAFETY: PKCS #11 3.2 gives the symbol this type.
        let function = unsafe { self.module.library.get::<EncapsulateKey>(b"C_EncapsulateKey\0") }
            .map_err(|error| error.to_string())?;
        // SAFETY: the pointers are to live local values of the length given beside them.
        let code = unsafe {
            function(
                self.handle,
                &raw mut *mechanism,
                public,
                place,
                count,
                output.as_mut_ptr(),
                &raw mut length,
                &raw mut key,
            )
        };
        if code != p11::CKR_OK {
            return Err(format!("C_EncapsulateKey answers 0x{code:x}"));
        }
        Ok((usize::try_from(length).map_err(|error| error.to_string())?, key))
    }

    /// The key of a ciphertext.
    pub fn decapsulate(
        &self,
        mechanism: &mut p11::CK_MECHANISM,
        private: Key,
        ciphertext: &[u8],
        template: &mut Template,
    ) -> Result<Key, String> {
        let mut template = template.attributes();
        let ((ciphertext, length), (place, count)) = (given(ciphertext), listed(&mut template));
        let mut key = 0;
        // SAFETY: PKCS #11 3.2 gives the symbol this type.
        let function = unsafe { self.module.library.get::<DecapsulateKey>(b"C_DecapsulateKey\0") }
            .map_err(|error| error.to_string())?;
        // SAFETY: the pointers are to live local values of the length given beside them.
        let code = unsafe {
            function(
                self.handle,
                &raw mut *mechanism,
                private,
                place,
                count,
                ciphertext,
                length,
                &raw mut key,
            )
        };
        if code == p11::CKR_OK { Ok(key) } else { Err(format!("C_DecapsulateKey answers 0x{code:x}")) }
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

type EncapsulateKey = unsafe extern "C" fn(
    p11::CK_SESSION_HANDLE,
    *mut p11::CK_MECHANISM,
    p11::CK_OBJECT_HANDLE,
    *mut p11::CK_ATTRIBUTE,
    p11::CK_ULONG,
    *mut p11::CK_BYTE,
    *mut p11::CK_ULONG,
    *mut p11::CK_OBJECT_HANDLE,
) -> p11::CK_RV;
type DecapsulateKey = unsafe extern "C" fn(
    p11::CK_SESSION_HANDLE,
    *mut p11::CK_MECHANISM,
    p11::CK_OBJECT_HANDLE,
    *mut p11::CK_ATTRIBUTE,
    p11::CK_ULONG,
    *mut p11::CK_BYTE,
    p11::CK_ULONG,
    *mut p11::CK_OBJECT_HANDLE,
) -> p11::CK_RV;

/// Bytes as a call takes them that does not change them.
fn given(data: &[u8]) -> (*mut p11::CK_BYTE, p11::CK_ULONG) {
    (data.as_ptr().cast_mut(), data.len() as p11::CK_ULONG)
}

fn listed(template: &mut [p11::CK_ATTRIBUTE]) -> (*mut p11::CK_ATTRIBUTE, p11::CK_ULONG) {
    (template.as_mut_ptr(), template.len() as p11::CK_ULONG)
}

/// A mechanism without parameters.
fn plain(mechanism: p11::CK_MECHANISM_TYPE) -> p11::CK_MECHANISM {
    p11::CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

/// An attribute of a fixed size; `value` must outlive its use.
pub fn attribute<T>(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut T) -> p11::CK_ATTRIBUTE {
    let length = size_of::<T>() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: ptr::from_mut(value).cast(), ulValueLen: length }
}

/// An attribute of bytes; `value` must outlive its use.
pub fn bytes_attribute(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut [u8]) -> p11::CK_ATTRIBUTE {
    let length = value.len() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: length }
}
