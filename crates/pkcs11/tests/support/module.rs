//! The library as a C program sees it, with Rust types around it.

use std::ptr;

use cryptoki_sys::*;
use strongroom_wire::Rv;

pub type Result<T> = std::result::Result<T, Rv>;

fn check(rv: CK_RV) -> Result<()> {
    if rv == CKR_OK { Ok(()) } else { Err(Rv(rv)) }
}

pub fn functions() -> &'static CK_FUNCTION_LIST {
    let mut list = ptr::null_mut();
    // SAFETY: a place for a pointer; the list is a static of the library.
    unsafe {
        assert_eq!(strongroom_pkcs11::function_list::C_GetFunctionList(&raw mut list), CKR_OK);
        &*list
    }
}

/// The list of the newest version.
pub fn newest() -> &'static CK_FUNCTION_LIST_3_2 {
    let (mut found, mut version) = (ptr::null_mut(), CK_VERSION { major: 3, minor: 2 });
    // SAFETY: a version and a place for a pointer; interface and list are statics of the library.
    unsafe {
        let interface = strongroom_pkcs11::function_list::C_GetInterface;
        assert_eq!(interface(ptr::null_mut(), &raw mut version, &raw mut found, 0), CKR_OK);
        &*(*found).pFunctionList.cast()
    }
}

/// Calls a function of the list, or of the newest list.
#[macro_export]
macro_rules! call {
    (newest $name:ident($($argument:expr),*)) => {{
        let function = $crate::support::module::newest().$name.unwrap();
        // SAFETY: the test's arguments are valid as the standard says.
        $crate::support::module::checked(unsafe { function($($argument),*) })
    }};
    ($name:ident($($argument:expr),*)) => {{
        let function = $crate::support::module::functions().$name.unwrap();
        // SAFETY: the test's arguments are valid as the standard says.
        $crate::support::module::checked(unsafe { function($($argument),*) })
    }};
}

pub fn checked(rv: CK_RV) -> Result<()> {
    check(rv)
}

pub fn initialize() -> Result<()> {
    call!(C_Initialize(ptr::null_mut()))
}

pub fn slots() -> Vec<CK_SLOT_ID> {
    let mut count = 0;
    call!(C_GetSlotList(CK_TRUE, ptr::null_mut(), &raw mut count)).unwrap();
    let mut slots = vec![0; usize::try_from(count).unwrap()];
    call!(C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &raw mut count)).unwrap();
    slots
}

/// A value in a template.
pub enum V<'a> {
    B(bool),
    U(CK_ULONG),
    S(&'a [u8]),
}

/// A template that owns its values.
pub struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

impl Attributes {
    pub fn new(values: &[(CK_ATTRIBUTE_TYPE, V<'_>)]) -> Self {
        let encode = |value: &V<'_>| match value {
            V::B(flag) => vec![u8::from(*flag)],
            V::U(number) => number.to_ne_bytes().to_vec(),
            V::S(bytes) => bytes.to_vec(),
        };
        Self(values.iter().map(|(kind, value)| (*kind, encode(value))).collect())
    }

    pub fn raw(&mut self) -> Vec<CK_ATTRIBUTE> {
        let attribute = |(kind, value): &mut (CK_ATTRIBUTE_TYPE, Vec<u8>)| CK_ATTRIBUTE {
            type_: *kind,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: value.len() as CK_ULONG,
        };
        self.0.iter_mut().map(attribute).collect()
    }
}

pub fn mechanism(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: kind, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

pub fn mechanism_with<T>(kind: CK_MECHANISM_TYPE, parameter: &mut T) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism: kind,
        pParameter: ptr::from_mut(parameter).cast(),
        ulParameterLen: size_of::<T>() as CK_ULONG,
    }
}

fn length(bytes: &[u8]) -> CK_ULONG {
    bytes.len() as CK_ULONG
}

fn pointer(bytes: &[u8]) -> *mut CK_BYTE {
    bytes.as_ptr().cast_mut()
}

pub struct Session(pub CK_SESSION_HANDLE);

type Two =
    unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV;
type Last = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV;

impl Session {
    pub fn open(read_write: bool) -> Result<Self> {
        let flags = CKF_SERIAL_SESSION | if read_write { CKF_RW_SESSION } else { 0 };
        let mut handle = 0;
        call!(C_OpenSession(slots()[0], flags, ptr::null_mut(), None, &raw mut handle))?;
        Ok(Self(handle))
    }

    pub fn log_in(&self, pin: &str) -> Result<()> {
        call!(C_Login(self.0, CKU_USER, pointer(pin.as_bytes()), length(pin.as_bytes())))
    }

    pub fn generate(
        &self,
        kind: CK_MECHANISM_TYPE,
        template: &[(CK_ATTRIBUTE_TYPE, V<'_>)],
    ) -> Result<CK_OBJECT_HANDLE> {
        let (mut attributes, mut mechanism, mut key) = (Attributes::new(template), mechanism(kind), 0);
        let mut raw = attributes.raw();
        call!(C_GenerateKey(
            self.0,
            &raw mut mechanism,
            raw.as_mut_ptr(),
            raw.len() as CK_ULONG,
            &raw mut key
        ))?;
        Ok(key)
    }

    pub fn generate_pair(
        &self,
        kind: CK_MECHANISM_TYPE,
        public: &[(CK_ATTRIBUTE_TYPE, V<'_>)],
        private: &[(CK_ATTRIBUTE_TYPE, V<'_>)],
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let (mut public, mut private, mut mechanism) =
            (Attributes::new(public), Attributes::new(private), mechanism(kind));
        let (mut public, mut private) = (public.raw(), private.raw());
        let mut handles = (0, 0);
        call!(C_GenerateKeyPair(
            self.0,
            &raw mut mechanism,
            public.as_mut_ptr(),
            public.len() as CK_ULONG,
            private.as_mut_ptr(),
            private.len() as CK_ULONG,
            &raw mut handles.0,
            &raw mut handles.1
        ))?;
        Ok(handles)
    }

    pub fn create(&self, template: &[(CK_ATTRIBUTE_TYPE, V<'_>)]) -> Result<CK_OBJECT_HANDLE> {
        let (mut attributes, mut object) = (Attributes::new(template), 0);
        let mut raw = attributes.raw();
        call!(C_CreateObject(self.0, raw.as_mut_ptr(), raw.len() as CK_ULONG, &raw mut object))?;
        Ok(object)
    }

    pub fn set(&self, object: CK_OBJECT_HANDLE, template: &[(CK_ATTRIBUTE_TYPE, V<'_>)]) -> Result<()> {
        let mut attributes = Attributes::new(template);
        let mut raw = attributes.raw();
        call!(C_SetAttributeValue(self.0, object, raw.as_mut_ptr(), raw.len() as CK_ULONG))
    }

    /// One attribute, by a length query and a read.
    pub fn get(&self, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        let mut wanted = CK_ATTRIBUTE { type_: kind, pValue: ptr::null_mut(), ulValueLen: 0 };
        call!(C_GetAttributeValue(self.0, object, &raw mut wanted, 1))?;
        let mut value = vec![0_u8; usize::try_from(wanted.ulValueLen).unwrap()];
        wanted.pValue = value.as_mut_ptr().cast();
        call!(C_GetAttributeValue(self.0, object, &raw mut wanted, 1))?;
        Ok(value)
    }

    pub fn find(&self, template: &[(CK_ATTRIBUTE_TYPE, V<'_>)]) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let mut attributes = Attributes::new(template);
        let mut raw = attributes.raw();
        call!(C_FindObjectsInit(self.0, raw.as_mut_ptr(), raw.len() as CK_ULONG))?;
        let (mut found, mut page) = (Vec::new(), [0; 10]);
        loop {
            let mut count = 0;
            call!(C_FindObjects(self.0, page.as_mut_ptr(), 10, &raw mut count))?;
            if count == 0 {
                break;
            }
            found.extend_from_slice(&page[..usize::try_from(count).unwrap()]);
        }
        call!(C_FindObjectsFinal(self.0))?;
        Ok(found)
    }

    pub fn sign(&self, mut mechanism: CK_MECHANISM, key: CK_OBJECT_HANDLE, data: &[u8]) -> Result<Vec<u8>> {
        call!(C_SignInit(self.0, &raw mut mechanism, key))?;
        self.whole(functions().C_Sign.unwrap(), data)
    }

    pub fn sign_parts(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>> {
        call!(C_SignInit(self.0, &raw mut mechanism, key))?;
        for part in parts {
            call!(C_SignUpdate(self.0, pointer(part), length(part)))?;
        }
        self.last(functions().C_SignFinal.unwrap())
    }

    pub fn verify(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        call!(C_VerifyInit(self.0, &raw mut mechanism, key))?;
        call!(C_Verify(self.0, pointer(data), length(data), pointer(signature), length(signature)))
    }

    pub fn encrypt(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        call!(C_EncryptInit(self.0, &raw mut mechanism, key))?;
        self.whole(functions().C_Encrypt.unwrap(), data)
    }

    pub fn decrypt(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        call!(C_DecryptInit(self.0, &raw mut mechanism, key))?;
        self.whole(functions().C_Decrypt.unwrap(), data)
    }

    pub fn encrypt_parts(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        cut: usize,
    ) -> Result<Vec<u8>> {
        call!(C_EncryptInit(self.0, &raw mut mechanism, key))?;
        self.parts(functions().C_EncryptUpdate.unwrap(), functions().C_EncryptFinal.unwrap(), data, cut)
    }

    pub fn decrypt_parts(
        &self,
        mut mechanism: CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        cut: usize,
    ) -> Result<Vec<u8>> {
        call!(C_DecryptInit(self.0, &raw mut mechanism, key))?;
        self.parts(functions().C_DecryptUpdate.unwrap(), functions().C_DecryptFinal.unwrap(), data, cut)
    }

    fn parts(&self, update: Two, last: Last, data: &[u8], cut: usize) -> Result<Vec<u8>> {
        let mut result = Vec::new();
        for part in data.chunks(cut) {
            result.extend(self.whole(update, part)?);
        }
        result.extend(self.last(last)?);
        Ok(result)
    }

    /// A length query, then the call.
    pub fn whole(&self, function: Two, data: &[u8]) -> Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: valid pointers and lengths.
        check(unsafe { function(self.0, pointer(data), length(data), ptr::null_mut(), &raw mut size) })?;
        let mut result = vec![0; usize::try_from(size).unwrap()];
        // SAFETY: as above.
        check(unsafe { function(self.0, pointer(data), length(data), result.as_mut_ptr(), &raw mut size) })?;
        result.truncate(usize::try_from(size).unwrap());
        Ok(result)
    }

    fn last(&self, function: Last) -> Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: valid pointers and lengths.
        check(unsafe { function(self.0, ptr::null_mut(), &raw mut size) })?;
        let mut result = vec![0; usize::try_from(size).unwrap()];
        // SAFETY: as above.
        check(unsafe { function(self.0, result.as_mut_ptr(), &raw mut size) })?;
        result.truncate(usize::try_from(size).unwrap());
        Ok(result)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = call!(C_CloseSession(self.0));
    }
}
