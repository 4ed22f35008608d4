//! The parameters of key derivation in counter and feedback mode, as PKCS #11 3.0 (section 2.42) and, in counter mode, as AWS's
//! vendor mechanism lay them out.
//!
//! AWS's structs come from a draft of the standard: they have no byte order (big-endian is meant) and no additional keys,
//! and its parts have other numbers.

use cryptoki_sys::{
    CK_MECHANISM, CK_PRF_DATA_PARAM, CK_SP800_108_BYTE_ARRAY, CK_SP800_108_COUNTER,
    CK_SP800_108_COUNTER_FORMAT, CK_SP800_108_DKM_LENGTH, CK_SP800_108_DKM_LENGTH_FORMAT,
    CK_SP800_108_FEEDBACK_KDF_PARAMS, CK_SP800_108_ITERATION_VARIABLE, CK_SP800_108_KDF_PARAMS, CK_ULONG,
};
use strongroom_wire::MechanismType;
use strongroom_wire::codec::List;
use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS, PrfInput};

use crate::edge::{Result, bounded, size, take};
use crate::mechanism::{bad_parameter, read_struct};

/// Most parts that are read; the HSM has a limit of its own.
const MOST_PARTS: usize = 64;

/// `CK_SP800_108_KDF_PARAMS` of AWS's header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct VendorParameters {
    prf: CK_ULONG,
    count: CK_ULONG,
    parts: *mut CK_PRF_DATA_PARAM,
}

/// `CK_SP800_108_COUNTER_FORMAT` of AWS's header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct VendorCounter {
    bits: CK_ULONG,
}

/// `CK_SP800_108_DKM_LENGTH_FORMAT` of AWS's header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct VendorLength {
    method: CK_ULONG,
    bits: CK_ULONG,
}

/// Reads the parameter of the counter mode.
///
/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
pub unsafe fn read_counter(kind: MechanismType, mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    let is_vendors = kind == MechanismType::CloudhsmSp800108CounterKdf;
    let given = if is_vendors {
        // SAFETY: by this function's contract.
        unsafe { read_struct::<VendorParameters>(mechanism) }?
    } else {
        // SAFETY: as above.
        let given = unsafe { read_struct::<CK_SP800_108_KDF_PARAMS>(mechanism) }?;
        if given.ulAdditionalDerivedKeys != 0 {
            return bad_parameter();
        }
        VendorParameters { prf: given.prfType, count: given.ulNumberOfDataParams, parts: given.pDataParams }
    };
    // SAFETY: as above.
    let prf_inputs = unsafe { read_parts(&given, if is_vendors { read_vendors } else { read_standards }) }?;
    Ok(MechanismParameters { prf: Some(given.prf), prf_inputs, ..NO_PARAMETERS })
}

/// Reads the parameter of the feedback mode.
///
/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
pub unsafe fn read_feedback(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let given = unsafe { read_struct::<CK_SP800_108_FEEDBACK_KDF_PARAMS>(mechanism) }?;
    if given.ulAdditionalDerivedKeys != 0 {
        return bad_parameter();
    }
    let parts =
        VendorParameters { prf: given.prfType, count: given.ulNumberOfDataParams, parts: given.pDataParams };
    // SAFETY: as above.
    let (prf_inputs, iv) =
        unsafe { (read_parts(&parts, read_feedback_part)?, bounded(given.pIV, given.ulIVLen)?) };
    Ok(MechanismParameters { prf: Some(given.prfType), prf_inputs, iv: Some(iv.to_vec()), ..NO_PARAMETERS })
}

type ReadPart = unsafe fn(&CK_PRF_DATA_PARAM) -> Result<PrfInput>;

/// # Safety
/// The parts are there, and what they point to.
unsafe fn read_parts(given: &VendorParameters, read_part: ReadPart) -> Result<List<PrfInput>> {
    let count = size(given.count)?;
    if count > MOST_PARTS || (given.parts.is_null() && count > 0) {
        return bad_parameter();
    }
    let parts = (0..count).map(|index| {
        // SAFETY: by this function's contract.
        unsafe { take(given.parts.add(index)).and_then(|part| read_part(&part)) }
    });
    Ok(List(parts.collect::<Result<_>>()?))
}

/// The iteration variable is what the function gave last, and the counter a part of its own.
///
/// # Safety
/// The part's pointer is valid for its length.
unsafe fn read_feedback_part(part: &CK_PRF_DATA_PARAM) -> Result<PrfInput> {
    match part.type_ {
        CK_SP800_108_ITERATION_VARIABLE if part.ulValueLen == 0 => {
            Ok(PrfInput { bytes: None, bits: None, little_endian: false, length_method: None })
        }
        CK_SP800_108_ITERATION_VARIABLE => bad_parameter(),
        CK_SP800_108_COUNTER => {
            // SAFETY: by this function's contract.
            let format = unsafe { read_format::<CK_SP800_108_COUNTER_FORMAT>(part) }?;
            Ok(number(format.ulWidthInBits, format.bLittleEndian != 0, None))
        }
        // SAFETY: as above.
        _ => unsafe { read_standards(part) },
    }
}

/// # Safety
/// The part's pointer is valid for its length.
unsafe fn read_standards(part: &CK_PRF_DATA_PARAM) -> Result<PrfInput> {
    // SAFETY: by this function's contract.
    unsafe {
        match part.type_ {
            CK_SP800_108_ITERATION_VARIABLE => {
                let format = read_format::<CK_SP800_108_COUNTER_FORMAT>(part)?;
                Ok(number(format.ulWidthInBits, format.bLittleEndian != 0, None))
            }
            CK_SP800_108_DKM_LENGTH => {
                let format = read_format::<CK_SP800_108_DKM_LENGTH_FORMAT>(part)?;
                let method = Some(format.dkmLengthMethod);
                Ok(number(format.ulWidthInBits, format.bLittleEndian != 0, method))
            }
            CK_SP800_108_BYTE_ARRAY => read_bytes(part),
            _ => bad_parameter(),
        }
    }
}

/// AWS's headers have had two sets of numbers. Label and context (5 and 6), which do not say how they are put together,
/// are refused.
///
/// # Safety
/// The part's pointer is valid for its length.
unsafe fn read_vendors(part: &CK_PRF_DATA_PARAM) -> Result<PrfInput> {
    // SAFETY: by this function's contract.
    unsafe {
        match part.type_ {
            1 | 4 => Ok(number(read_format::<VendorCounter>(part)?.bits, false, None)),
            2 | 7 => {
                let format = read_format::<VendorLength>(part)?;
                Ok(number(format.bits, false, Some(format.method)))
            }
            3 | 8 => read_bytes(part),
            _ => bad_parameter(),
        }
    }
}

/// # Safety
/// The part's pointer is valid for its length.
unsafe fn read_format<T: Copy>(part: &CK_PRF_DATA_PARAM) -> Result<T> {
    if part.pValue.is_null() || part.ulValueLen as usize != size_of::<T>() {
        return bad_parameter();
    }
    // SAFETY: the length was checked.
    unsafe { take(part.pValue.cast::<T>()) }
}

/// # Safety
/// The part's pointer is valid for its length.
unsafe fn read_bytes(part: &CK_PRF_DATA_PARAM) -> Result<PrfInput> {
    // SAFETY: by this function's contract.
    let value = unsafe { bounded(part.pValue.cast(), part.ulValueLen) }?;
    Ok(PrfInput { bytes: Some(value.to_vec()), bits: None, little_endian: false, length_method: None })
}

const fn number(bits: CK_ULONG, little_endian: bool, length_method: Option<CK_ULONG>) -> PrfInput {
    PrfInput { bytes: None, bits: Some(bits), little_endian, length_method }
}
