//! The calls of a session that a load needs.

use std::ptr;

use cryptoki_sys as p11;
use p11::{CK_ATTRIBUTE, CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};

use crate::module::{Module, answered, call};
use crate::template::{Template, bytes_attribute};

/// A key's handle in its session.
pub type Key = CK_OBJECT_HANDLE;

/// An open session; a session is used by one thread at a time.
pub struct Session<'a> {
    module: &'a Module,
    handle: CK_SESSION_HANDLE,
}

/// Calls a function of the session whose last arguments are a buffer and its length, and gives how much it has filled.
macro_rules! fill {
    ($session:ident, $function:ident($($argument:expr),*), $output:expr) => {{
        let (place, mut length) = ($output.as_mut_ptr(), $output.len() as CK_ULONG);
        call!($session.module, $function($session.handle, $($argument,)* place, &raw mut length))?;
        usize::try_from(length).map_err(|error| error.to_string())
    }};
}

/// Calls a function of the session that makes a key by a template, and gives the key.
macro_rules! make {
    ($session:ident, $function:ident($($argument:expr),*), $template:expr) => {{
        let mut template = $template.attributes();
        let (place, count) = listed(&mut template);
        let mut key = 0;
        call!($session.module, $function($session.handle, $($argument,)* place, count, &raw mut key))?;
        Ok(key)
    }};
}

/// Functions with a key that take data and fill a buffer, after another that begins them.
macro_rules! transforms {
    ($($(#[$doc:meta])* $name:ident: $init:ident, $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(
            &self,
            mechanism: &mut CK_MECHANISM,
            key: Key,
            data: &[u8],
            output: &mut [u8],
        ) -> Result<usize, String> {
            call!(self.module, $init(self.handle, &raw mut *mechanism, key))?;
            let (data, count) = given(data);
            fill!(self, $function(data, count), output)
        }
    )*};
}

impl<'a> Session<'a> {
    /// An open session of a module.
    pub const fn new(module: &'a Module, handle: CK_SESSION_HANDLE) -> Self {
        Self { module, handle }
    }

    /// Logs the whole process in.
    pub fn login(&self, pin: &str) -> Result<(), String> {
        let mut pin = pin.as_bytes().to_vec();
        call!(self.module, C_Login(self.handle, p11::CKU_USER, pin.as_mut_ptr(), pin.len() as CK_ULONG))
    }

    /// The one object of a class and a label.
    pub fn key(&self, class: p11::CK_OBJECT_CLASS, label: &str) -> Result<Key, String> {
        let mut template = Template::new(&[(p11::CKA_CLASS, class)], &[]).labelled(label);
        let mut template = template.attributes();
        let (place, many) = listed(&mut template);
        let (mut found, mut count) = ([0; 2], 0);
        call!(self.module, C_FindObjectsInit(self.handle, place, many))?;
        call!(self.module, C_FindObjects(self.handle, found.as_mut_ptr(), 2, &raw mut count))?;
        call!(self.module, C_FindObjectsFinal(self.handle))?;
        if count == 1 { Ok(found[0]) } else { Err(format!("{count} objects are called {label:?}, not one")) }
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

    /// Makes a secret key.
    pub fn generate(&self, mechanism: &mut CK_MECHANISM, template: &mut Template) -> Result<Key, String> {
        make!(self, C_GenerateKey(&raw mut *mechanism), template)
    }

    /// Makes a key pair: the public and the private key.
    pub fn generate_pair(
        &self,
        mechanism: &mut CK_MECHANISM,
        public: &mut Template,
        private: &mut Template,
    ) -> Result<(Key, Key), String> {
        let (mut public, mut private) = (public.attributes(), private.attributes());
        let ((public, count), (private, private_count)) = (listed(&mut public), listed(&mut private));
        let (mut made, mut other) = (0, 0);
        let (first, second) = (&raw mut made, &raw mut other);
        let mechanism = &raw mut *mechanism;
        call!(
            self.module,
            C_GenerateKeyPair(self.handle, mechanism, public, count, private, private_count, first, second)
        )?;
        Ok((made, other))
    }

    transforms! {
        /// Signs into `output` and gives the length.
        sign: C_SignInit, C_Sign;
        /// Encrypts into `output` and gives the length.
        encrypt: C_EncryptInit, C_Encrypt;
        /// Decrypts into `output` and gives the length.
        decrypt: C_DecryptInit, C_Decrypt;
    }

    /// Verifies.
    pub fn verify(
        &self,
        mechanism: &mut CK_MECHANISM,
        key: Key,
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        call!(self.module, C_VerifyInit(self.handle, &raw mut *mechanism, key))?;
        let ((data, count), (signature, length)) = (given(data), given(signature));
        call!(self.module, C_Verify(self.handle, data, count, signature, length))
    }

    /// Hashes into `output` and gives the length.
    pub fn digest(
        &self,
        mechanism: &mut CK_MECHANISM,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, String> {
        call!(self.module, C_DigestInit(self.handle, &raw mut *mechanism))?;
        let (data, count) = given(data);
        fill!(self, C_Digest(data, count), output)
    }

    /// Derives a key.
    pub fn derive(
        &self,
        mechanism: &mut CK_MECHANISM,
        base: Key,
        template: &mut Template,
    ) -> Result<Key, String> {
        make!(self, C_DeriveKey(&raw mut *mechanism, base), template)
    }

    /// Wraps a key into `output` and gives the length.
    pub fn wrap(
        &self,
        mechanism: &mut CK_MECHANISM,
        wrapping: Key,
        key: Key,
        output: &mut [u8],
    ) -> Result<usize, String> {
        fill!(self, C_WrapKey(&raw mut *mechanism, wrapping, key), output)
    }

    /// Unwraps a key.
    pub fn unwrap(
        &self,
        mechanism: &mut CK_MECHANISM,
        unwrapping: Key,
        wrapped: &[u8],
        template: &mut Template,
    ) -> Result<Key, String> {
        let (wrapped, length) = given(wrapped);
        make!(self, C_UnwrapKey(&raw mut *mechanism, unwrapping, wrapped, length), template)
    }

    /// Makes a key and its ciphertext, whose length it gives.
    pub fn encapsulate(
        &self,
        mechanism: &mut CK_MECHANISM,
        public: Key,
        template: &mut Template,
        output: &mut [u8],
    ) -> Result<(usize, Key), String> {
        let mut template = template.attributes();
        let (place, count) = listed(&mut template);
        let (mut length, mut key) = (output.len() as CK_ULONG, 0);
        let (ciphertext, size) = (output.as_mut_ptr(), &raw mut length);
        let mechanism = &raw mut *mechanism;
        // SAFETY: PKCS #11 3.2 gives the symbol this type; the pointers are to live local values of the length given beside them.
        let code = unsafe {
            let function = self
                .module
                .library
                .get::<EncapsulateKey>(b"C_EncapsulateKey\0")
                .map_err(|error| error.to_string())?;
            function(self.handle, mechanism, public, place, count, ciphertext, size, &raw mut key)
        };
        answered("C_EncapsulateKey", code)?;
        Ok((usize::try_from(length).map_err(|error| error.to_string())?, key))
    }

    /// The key of a ciphertext.
    pub fn decapsulate(
        &self,
        mechanism: &mut CK_MECHANISM,
        private: Key,
        ciphertext: &[u8],
        template: &mut Template,
    ) -> Result<Key, String> {
        let mut template = template.attributes();
        let ((ciphertext, length), (place, count)) = (given(ciphertext), listed(&mut template));
        let mut key = 0;
        let mechanism = &raw mut *mechanism;
        // SAFETY: as above.
        let code = unsafe {
            let function = self
                .module
                .library
                .get::<DecapsulateKey>(b"C_DecapsulateKey\0")
                .map_err(|error| error.to_string())?;
            function(self.handle, mechanism, private, place, count, ciphertext, length, &raw mut key)
        };
        answered("C_DecapsulateKey", code)?;
        Ok(key)
    }

    /// Destroys an object.
    pub fn destroy(&self, object: Key) -> Result<(), String> {
        call!(self.module, C_DestroyObject(self.handle, object))
    }
}

/// The two functions differ in how the ciphertext's length is given.
type Encapsulation<Size> = unsafe extern "C" fn(
    CK_SESSION_HANDLE,
    *mut CK_MECHANISM,
    CK_OBJECT_HANDLE,
    *mut CK_ATTRIBUTE,
    CK_ULONG,
    *mut CK_BYTE,
    Size,
    *mut CK_OBJECT_HANDLE,
) -> CK_RV;
type EncapsulateKey = Encapsulation<*mut CK_ULONG>;
type DecapsulateKey = Encapsulation<CK_ULONG>;

/// Bytes as a call takes them that does not change them.
fn given(data: &[u8]) -> (*mut CK_BYTE, CK_ULONG) {
    (data.as_ptr().cast_mut(), data.len() as CK_ULONG)
}

fn listed(template: &mut [CK_ATTRIBUTE]) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
    (template.as_mut_ptr(), template.len() as CK_ULONG)
}

/// A mechanism without parameters.
pub const fn plain(mechanism: p11::CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}
