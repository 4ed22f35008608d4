/* PKCS #11 2.40, 3.0 and 3.2, as libstrongroom_pkcs11.so speaks them.
 *
 * Written for Strongroom: types, names and values are those of the OASIS standard (PKCS #11 Cryptographic Token
 * Interface Base Specification and Current Mechanisms Specification 2.40, PKCS #11 Specification 3.0 and 3.2); only
 * mechanisms that the library has are listed. Linux on 64 bits: structures are laid out by the platform's C ABI.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STRONGROOM_PKCS11_H
#define STRONGROOM_PKCS11_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#define CK_PTR *
#define CK_TRUE 1
#define CK_FALSE 0
#define CK_INVALID_HANDLE 0UL
#define CK_UNAVAILABLE_INFORMATION (~0UL)
#define CK_EFFECTIVELY_INFINITE 0UL

typedef unsigned char CK_BYTE, CK_CHAR, CK_UTF8CHAR, CK_BBOOL;
typedef unsigned long CK_ULONG;
typedef long CK_LONG;
typedef CK_ULONG CK_FLAGS, CK_RV, CK_SLOT_ID, CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_OBJECT_CLASS;
typedef CK_ULONG CK_KEY_TYPE, CK_CERTIFICATE_TYPE, CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CK_STATE, CK_USER_TYPE;
typedef CK_ULONG CK_NOTIFICATION, CK_RSA_PKCS_MGF_TYPE, CK_RSA_PKCS_OAEP_SOURCE_TYPE;
typedef void *CK_VOID_PTR;
typedef CK_VOID_PTR *CK_VOID_PTR_PTR;
typedef CK_BYTE *CK_BYTE_PTR;
typedef CK_CHAR *CK_CHAR_PTR;
typedef CK_UTF8CHAR *CK_UTF8CHAR_PTR;
typedef CK_BBOOL *CK_BBOOL_PTR;
typedef CK_ULONG *CK_ULONG_PTR;
typedef CK_SLOT_ID *CK_SLOT_ID_PTR;
typedef CK_SESSION_HANDLE *CK_SESSION_HANDLE_PTR;
typedef CK_OBJECT_HANDLE *CK_OBJECT_HANDLE_PTR;
typedef CK_OBJECT_CLASS *CK_OBJECT_CLASS_PTR;
typedef CK_MECHANISM_TYPE *CK_MECHANISM_TYPE_PTR;

typedef struct CK_VERSION { CK_BYTE major, minor; } CK_VERSION, *CK_VERSION_PTR;

typedef struct CK_INFO {
    CK_VERSION cryptokiVersion;
    CK_UTF8CHAR manufacturerID[32];
    CK_FLAGS flags;
    CK_UTF8CHAR libraryDescription[32];
    CK_VERSION libraryVersion;
} CK_INFO, *CK_INFO_PTR;

typedef struct CK_SLOT_INFO {
    CK_UTF8CHAR slotDescription[64];
    CK_UTF8CHAR manufacturerID[32];
    CK_FLAGS flags;
    CK_VERSION hardwareVersion;
    CK_VERSION firmwareVersion;
} CK_SLOT_INFO, *CK_SLOT_INFO_PTR;

typedef struct CK_TOKEN_INFO {
    CK_UTF8CHAR label[32];
    CK_UTF8CHAR manufacturerID[32];
    CK_UTF8CHAR model[16];
    CK_CHAR serialNumber[16];
    CK_FLAGS flags;
    CK_ULONG ulMaxSessionCount, ulSessionCount, ulMaxRwSessionCount, ulRwSessionCount;
    CK_ULONG ulMaxPinLen, ulMinPinLen;
    CK_ULONG ulTotalPublicMemory, ulFreePublicMemory, ulTotalPrivateMemory, ulFreePrivateMemory;
    CK_VERSION hardwareVersion;
    CK_VERSION firmwareVersion;
    CK_CHAR utcTime[16];
} CK_TOKEN_INFO, *CK_TOKEN_INFO_PTR;

typedef struct CK_SESSION_INFO {
    CK_SLOT_ID slotID;
    CK_STATE state;
    CK_FLAGS flags;
    CK_ULONG ulDeviceError;
} CK_SESSION_INFO, *CK_SESSION_INFO_PTR;

typedef struct CK_ATTRIBUTE {
    CK_ATTRIBUTE_TYPE type;
    CK_VOID_PTR pValue;
    CK_ULONG ulValueLen;
} CK_ATTRIBUTE, *CK_ATTRIBUTE_PTR;

typedef struct CK_DATE { CK_CHAR year[4], month[2], day[2]; } CK_DATE;

typedef struct CK_MECHANISM {
    CK_MECHANISM_TYPE mechanism;
    CK_VOID_PTR pParameter;
    CK_ULONG ulParameterLen;
} CK_MECHANISM, *CK_MECHANISM_PTR;

typedef struct CK_MECHANISM_INFO {
    CK_ULONG ulMinKeySize;
    CK_ULONG ulMaxKeySize;
    CK_FLAGS flags;
} CK_MECHANISM_INFO, *CK_MECHANISM_INFO_PTR;

typedef struct CK_RSA_PKCS_PSS_PARAMS {
    CK_MECHANISM_TYPE hashAlg;
    CK_RSA_PKCS_MGF_TYPE mgf;
    CK_ULONG sLen;
} CK_RSA_PKCS_PSS_PARAMS, *CK_RSA_PKCS_PSS_PARAMS_PTR;

typedef struct CK_RSA_PKCS_OAEP_PARAMS {
    CK_MECHANISM_TYPE hashAlg;
    CK_RSA_PKCS_MGF_TYPE mgf;
    CK_RSA_PKCS_OAEP_SOURCE_TYPE source;
    CK_VOID_PTR pSourceData;
    CK_ULONG ulSourceDataLen;
} CK_RSA_PKCS_OAEP_PARAMS, *CK_RSA_PKCS_OAEP_PARAMS_PTR;

typedef struct CK_RSA_AES_KEY_WRAP_PARAMS {
    CK_ULONG ulAESKeyBits;
    CK_RSA_PKCS_OAEP_PARAMS_PTR pOAEPParams;
} CK_RSA_AES_KEY_WRAP_PARAMS, *CK_RSA_AES_KEY_WRAP_PARAMS_PTR;

typedef struct CK_AES_CTR_PARAMS {
    CK_ULONG ulCounterBits;
    CK_BYTE cb[16];
} CK_AES_CTR_PARAMS, *CK_AES_CTR_PARAMS_PTR;

/* To encrypt, pIv is a place for the 12-byte IV that the HSM makes; it is written by C_Encrypt and C_WrapKey. */
typedef struct CK_GCM_PARAMS {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvBits;
    CK_BYTE_PTR pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
} CK_GCM_PARAMS, *CK_GCM_PARAMS_PTR;

/* Of one message. To encrypt, ivGenerator is CKG_GENERATE or CKG_GENERATE_RANDOM, ulIvFixedBits 0, and pIv a place for
 * the 12-byte IV that the HSM makes; it is written with the tag. */
typedef CK_ULONG CK_GENERATOR_FUNCTION;
typedef struct CK_GCM_MESSAGE_PARAMS {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvFixedBits;
    CK_GENERATOR_FUNCTION ivGenerator;
    CK_BYTE_PTR pTag;
    CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS, *CK_GCM_MESSAGE_PARAMS_PTR;

/* Of one message. The nonce is the caller's: nonceGenerator is CKG_NO_GENERATE. */
typedef struct CK_CCM_MESSAGE_PARAMS {
    CK_ULONG ulDataLen;
    CK_BYTE_PTR pNonce;
    CK_ULONG ulNonceLen;
    CK_ULONG ulNonceFixedBits;
    CK_GENERATOR_FUNCTION nonceGenerator;
    CK_BYTE_PTR pMAC;
    CK_ULONG ulMACLen;
} CK_CCM_MESSAGE_PARAMS, *CK_CCM_MESSAGE_PARAMS_PTR;

/* No function is asynchronous. */
typedef struct CK_ASYNC_DATA CK_ASYNC_DATA;
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;

/* The parameter of CKM_*_CMAC_GENERAL: the MAC's length in bytes. */
typedef CK_ULONG CK_MAC_GENERAL_PARAMS;

typedef struct CK_EDDSA_PARAMS {
    CK_BBOOL phFlag;
    CK_ULONG ulContextDataLen;
    CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS, *CK_EDDSA_PARAMS_PTR;

/* The parameter of CKM_ML_DSA and CKM_HASH_ML_DSA_* (PKCS #11 3.2); NULL stands for a hedged signature without context. */
typedef CK_ULONG CK_HEDGE_TYPE;
typedef CK_ULONG CK_ML_DSA_PARAMETER_SET_TYPE;
typedef CK_ULONG CK_ML_KEM_PARAMETER_SET_TYPE;
typedef struct CK_SIGN_ADDITIONAL_CONTEXT {
    CK_HEDGE_TYPE hedgeVariant;
    CK_BYTE_PTR pContext;
    CK_ULONG ulContextLen;
} CK_SIGN_ADDITIONAL_CONTEXT, *CK_SIGN_ADDITIONAL_CONTEXT_PTR;

/* The parameter of CKM_HASH_ML_DSA, whose data is a digest: `hash` is the mechanism that made it. */
typedef struct CK_HASH_SIGN_ADDITIONAL_CONTEXT {
    CK_HEDGE_TYPE hedgeVariant;
    CK_BYTE_PTR pContext;
    CK_ULONG ulContextLen;
    CK_MECHANISM_TYPE hash;
} CK_HASH_SIGN_ADDITIONAL_CONTEXT, *CK_HASH_SIGN_ADDITIONAL_CONTEXT_PTR;

typedef CK_ULONG CK_EC_KDF_TYPE;
typedef struct CK_ECDH1_DERIVE_PARAMS {
    CK_EC_KDF_TYPE kdf;
    CK_ULONG ulSharedDataLen;
    CK_BYTE_PTR pSharedData;
    CK_ULONG ulPublicDataLen;
    CK_BYTE_PTR pPublicData;
} CK_ECDH1_DERIVE_PARAMS, *CK_ECDH1_DERIVE_PARAMS_PTR;

typedef struct CK_HKDF_PARAMS {
    CK_BBOOL bExtract;
    CK_BBOOL bExpand;
    CK_MECHANISM_TYPE prfHashMechanism;
    CK_ULONG ulSaltType;
    CK_BYTE_PTR pSalt;
    CK_ULONG ulSaltLen;
    CK_OBJECT_HANDLE hSaltKey;
    CK_BYTE_PTR pInfo;
    CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS, *CK_HKDF_PARAMS_PTR;

typedef CK_MECHANISM_TYPE CK_SP800_108_PRF_TYPE;
typedef CK_ULONG CK_PRF_DATA_TYPE;
typedef CK_ULONG CK_SP800_108_DKM_LENGTH_METHOD;

typedef struct CK_PRF_DATA_PARAM {
    CK_PRF_DATA_TYPE type;
    CK_VOID_PTR pValue;
    CK_ULONG ulValueLen;
} CK_PRF_DATA_PARAM, *CK_PRF_DATA_PARAM_PTR;

typedef struct CK_SP800_108_COUNTER_FORMAT {
    CK_BBOOL bLittleEndian;
    CK_ULONG ulWidthInBits;
} CK_SP800_108_COUNTER_FORMAT, *CK_SP800_108_COUNTER_FORMAT_PTR;

typedef struct CK_SP800_108_DKM_LENGTH_FORMAT {
    CK_SP800_108_DKM_LENGTH_METHOD dkmLengthMethod;
    CK_BBOOL bLittleEndian;
    CK_ULONG ulWidthInBits;
} CK_SP800_108_DKM_LENGTH_FORMAT, *CK_SP800_108_DKM_LENGTH_FORMAT_PTR;

typedef struct CK_DERIVED_KEY {
    CK_ATTRIBUTE_PTR pTemplate;
    CK_ULONG ulAttributeCount;
    CK_OBJECT_HANDLE_PTR phKey;
} CK_DERIVED_KEY, *CK_DERIVED_KEY_PTR;

/* ulAdditionalDerivedKeys must be 0. */
typedef struct CK_SP800_108_KDF_PARAMS {
    CK_SP800_108_PRF_TYPE prfType;
    CK_ULONG ulNumberOfDataParams;
    CK_PRF_DATA_PARAM_PTR pDataParams;
    CK_ULONG ulAdditionalDerivedKeys;
    CK_DERIVED_KEY_PTR pAdditionalDerivedKeys;
} CK_SP800_108_KDF_PARAMS, *CK_SP800_108_KDF_PARAMS_PTR;

typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE, CK_NOTIFICATION, CK_VOID_PTR);
typedef CK_RV (*CK_CREATEMUTEX)(CK_VOID_PTR_PTR);
typedef CK_RV (*CK_DESTROYMUTEX)(CK_VOID_PTR);
typedef CK_RV (*CK_LOCKMUTEX)(CK_VOID_PTR);
typedef CK_RV (*CK_UNLOCKMUTEX)(CK_VOID_PTR);

typedef struct CK_C_INITIALIZE_ARGS {
    CK_CREATEMUTEX CreateMutex;
    CK_DESTROYMUTEX DestroyMutex;
    CK_LOCKMUTEX LockMutex;
    CK_UNLOCKMUTEX UnlockMutex;
    CK_FLAGS flags;
    CK_VOID_PTR pReserved;
} CK_C_INITIALIZE_ARGS, *CK_C_INITIALIZE_ARGS_PTR;

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE, *CK_INTERFACE_PTR, **CK_INTERFACE_PTR_PTR;

/* Return codes */
#define CKR_OK                               ((CK_RV)0x0UL)
#define CKR_CANCEL                           ((CK_RV)0x1UL)
#define CKR_HOST_MEMORY                      ((CK_RV)0x2UL)
#define CKR_SLOT_ID_INVALID                  ((CK_RV)0x3UL)
#define CKR_GENERAL_ERROR                    ((CK_RV)0x5UL)
#define CKR_FUNCTION_FAILED                  ((CK_RV)0x6UL)
#define CKR_ARGUMENTS_BAD                    ((CK_RV)0x7UL)
#define CKR_NO_EVENT                         ((CK_RV)0x8UL)
#define CKR_NEED_TO_CREATE_THREADS           ((CK_RV)0x9UL)
#define CKR_CANT_LOCK                        ((CK_RV)0xaUL)
#define CKR_ATTRIBUTE_READ_ONLY              ((CK_RV)0x10UL)
#define CKR_ATTRIBUTE_SENSITIVE              ((CK_RV)0x11UL)
#define CKR_ATTRIBUTE_TYPE_INVALID           ((CK_RV)0x12UL)
#define CKR_ATTRIBUTE_VALUE_INVALID          ((CK_RV)0x13UL)
#define CKR_ACTION_PROHIBITED                ((CK_RV)0x1bUL)
#define CKR_DATA_INVALID                     ((CK_RV)0x20UL)
#define CKR_DATA_LEN_RANGE                   ((CK_RV)0x21UL)
#define CKR_DEVICE_ERROR                     ((CK_RV)0x30UL)
#define CKR_DEVICE_MEMORY                    ((CK_RV)0x31UL)
#define CKR_DEVICE_REMOVED                   ((CK_RV)0x32UL)
#define CKR_ENCRYPTED_DATA_INVALID           ((CK_RV)0x40UL)
#define CKR_ENCRYPTED_DATA_LEN_RANGE         ((CK_RV)0x41UL)
#define CKR_AEAD_DECRYPT_FAILED              ((CK_RV)0x42UL)
#define CKR_FUNCTION_CANCELED                ((CK_RV)0x50UL)
#define CKR_FUNCTION_NOT_PARALLEL            ((CK_RV)0x51UL)
#define CKR_FUNCTION_NOT_SUPPORTED           ((CK_RV)0x54UL)
#define CKR_KEY_HANDLE_INVALID               ((CK_RV)0x60UL)
#define CKR_KEY_SIZE_RANGE                   ((CK_RV)0x62UL)
#define CKR_KEY_TYPE_INCONSISTENT            ((CK_RV)0x63UL)
#define CKR_KEY_NOT_NEEDED                   ((CK_RV)0x64UL)
#define CKR_KEY_CHANGED                      ((CK_RV)0x65UL)
#define CKR_KEY_NEEDED                       ((CK_RV)0x66UL)
#define CKR_KEY_INDIGESTIBLE                 ((CK_RV)0x67UL)
#define CKR_KEY_FUNCTION_NOT_PERMITTED       ((CK_RV)0x68UL)
#define CKR_KEY_NOT_WRAPPABLE                ((CK_RV)0x69UL)
#define CKR_KEY_UNEXTRACTABLE                ((CK_RV)0x6aUL)
#define CKR_MECHANISM_INVALID                ((CK_RV)0x70UL)
#define CKR_MECHANISM_PARAM_INVALID          ((CK_RV)0x71UL)
#define CKR_OBJECT_HANDLE_INVALID            ((CK_RV)0x82UL)
#define CKR_OPERATION_ACTIVE                 ((CK_RV)0x90UL)
#define CKR_OPERATION_NOT_INITIALIZED        ((CK_RV)0x91UL)
#define CKR_PIN_INCORRECT                    ((CK_RV)0xa0UL)
#define CKR_PIN_INVALID                      ((CK_RV)0xa1UL)
#define CKR_PIN_LEN_RANGE                    ((CK_RV)0xa2UL)
#define CKR_PIN_EXPIRED                      ((CK_RV)0xa3UL)
#define CKR_PIN_LOCKED                       ((CK_RV)0xa4UL)
#define CKR_SESSION_CLOSED                   ((CK_RV)0xb0UL)
#define CKR_SESSION_COUNT                    ((CK_RV)0xb1UL)
#define CKR_SESSION_HANDLE_INVALID           ((CK_RV)0xb3UL)
#define CKR_SESSION_PARALLEL_NOT_SUPPORTED   ((CK_RV)0xb4UL)
#define CKR_SESSION_READ_ONLY                ((CK_RV)0xb5UL)
#define CKR_SESSION_EXISTS                   ((CK_RV)0xb6UL)
#define CKR_SESSION_READ_ONLY_EXISTS         ((CK_RV)0xb7UL)
#define CKR_SESSION_READ_WRITE_SO_EXISTS     ((CK_RV)0xb8UL)
#define CKR_SIGNATURE_INVALID                ((CK_RV)0xc0UL)
#define CKR_SIGNATURE_LEN_RANGE              ((CK_RV)0xc1UL)
#define CKR_TEMPLATE_INCOMPLETE              ((CK_RV)0xd0UL)
#define CKR_TEMPLATE_INCONSISTENT            ((CK_RV)0xd1UL)
#define CKR_TOKEN_NOT_PRESENT                ((CK_RV)0xe0UL)
#define CKR_TOKEN_NOT_RECOGNIZED             ((CK_RV)0xe1UL)
#define CKR_TOKEN_WRITE_PROTECTED            ((CK_RV)0xe2UL)
#define CKR_UNWRAPPING_KEY_HANDLE_INVALID    ((CK_RV)0xf0UL)
#define CKR_UNWRAPPING_KEY_SIZE_RANGE        ((CK_RV)0xf1UL)
#define CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT ((CK_RV)0xf2UL)
#define CKR_USER_ALREADY_LOGGED_IN           ((CK_RV)0x100UL)
#define CKR_USER_NOT_LOGGED_IN               ((CK_RV)0x101UL)
#define CKR_USER_PIN_NOT_INITIALIZED         ((CK_RV)0x102UL)
#define CKR_USER_TYPE_INVALID                ((CK_RV)0x103UL)
#define CKR_USER_ANOTHER_ALREADY_LOGGED_IN   ((CK_RV)0x104UL)
#define CKR_USER_TOO_MANY_TYPES              ((CK_RV)0x105UL)
#define CKR_WRAPPED_KEY_INVALID              ((CK_RV)0x110UL)
#define CKR_WRAPPED_KEY_LEN_RANGE            ((CK_RV)0x112UL)
#define CKR_WRAPPING_KEY_HANDLE_INVALID      ((CK_RV)0x113UL)
#define CKR_WRAPPING_KEY_SIZE_RANGE          ((CK_RV)0x114UL)
#define CKR_WRAPPING_KEY_TYPE_INCONSISTENT   ((CK_RV)0x115UL)
#define CKR_RANDOM_SEED_NOT_SUPPORTED        ((CK_RV)0x120UL)
#define CKR_RANDOM_NO_RNG                    ((CK_RV)0x121UL)
#define CKR_DOMAIN_PARAMS_INVALID            ((CK_RV)0x130UL)
#define CKR_CURVE_NOT_SUPPORTED              ((CK_RV)0x140UL)
#define CKR_BUFFER_TOO_SMALL                 ((CK_RV)0x150UL)
#define CKR_SAVED_STATE_INVALID              ((CK_RV)0x160UL)
#define CKR_INFORMATION_SENSITIVE            ((CK_RV)0x170UL)
#define CKR_STATE_UNSAVEABLE                 ((CK_RV)0x180UL)
#define CKR_CRYPTOKI_NOT_INITIALIZED         ((CK_RV)0x190UL)
#define CKR_CRYPTOKI_ALREADY_INITIALIZED     ((CK_RV)0x191UL)
#define CKR_MUTEX_BAD                        ((CK_RV)0x1a0UL)
#define CKR_MUTEX_NOT_LOCKED                 ((CK_RV)0x1a1UL)
#define CKR_FIPS_SELF_TEST_FAILED            ((CK_RV)0x1b6UL)
#define CKR_LIBRARY_LOAD_FAILED              ((CK_RV)0x1b7UL)
#define CKR_PUBLIC_KEY_INVALID               ((CK_RV)0x1b9UL)
#define CKR_FUNCTION_REJECTED                ((CK_RV)0x200UL)
#define CKR_OPERATION_CANCEL_FAILED          ((CK_RV)0x202UL)
#define CKR_SESSION_ASYNC_NOT_SUPPORTED      ((CK_RV)0x205UL)
#define CKR_PARAMETER_SET_NOT_SUPPORTED      ((CK_RV)0x209UL)
#define CKR_VENDOR_DEFINED                   ((CK_RV)0x80000000UL)

/* Object classes, key and certificate types */
#define CKO_DATA              ((CK_OBJECT_CLASS)0x0UL)
#define CKO_CERTIFICATE       ((CK_OBJECT_CLASS)0x1UL)
#define CKO_PUBLIC_KEY        ((CK_OBJECT_CLASS)0x2UL)
#define CKO_PRIVATE_KEY       ((CK_OBJECT_CLASS)0x3UL)
#define CKO_SECRET_KEY        ((CK_OBJECT_CLASS)0x4UL)
#define CKO_HW_FEATURE        ((CK_OBJECT_CLASS)0x5UL)
#define CKO_DOMAIN_PARAMETERS ((CK_OBJECT_CLASS)0x6UL)
#define CKO_MECHANISM         ((CK_OBJECT_CLASS)0x7UL)
#define CKO_VENDOR_DEFINED    ((CK_OBJECT_CLASS)0x80000000UL)
#define CKK_RSA            ((CK_KEY_TYPE)0x0UL)
#define CKK_DSA            ((CK_KEY_TYPE)0x1UL)
#define CKK_DH             ((CK_KEY_TYPE)0x2UL)
#define CKK_EC             ((CK_KEY_TYPE)0x3UL)
#define CKK_GENERIC_SECRET ((CK_KEY_TYPE)0x10UL)
#define CKK_DES3           ((CK_KEY_TYPE)0x15UL)
#define CKK_AES            ((CK_KEY_TYPE)0x1fUL)
#define CKK_EC_EDWARDS     ((CK_KEY_TYPE)0x40UL)
#define CKK_ML_KEM         ((CK_KEY_TYPE)0x49UL)
#define CKK_ML_DSA         ((CK_KEY_TYPE)0x4aUL)
#define CKK_VENDOR_DEFINED ((CK_KEY_TYPE)0x80000000UL)
#define CKK_ECDSA CKK_EC
#define CKC_X_509 ((CK_CERTIFICATE_TYPE)0x0UL)

/* Attributes */
#define CKA_CLASS                ((CK_ATTRIBUTE_TYPE)0x0UL)
#define CKA_TOKEN                ((CK_ATTRIBUTE_TYPE)0x1UL)
#define CKA_PRIVATE              ((CK_ATTRIBUTE_TYPE)0x2UL)
#define CKA_LABEL                ((CK_ATTRIBUTE_TYPE)0x3UL)
#define CKA_APPLICATION          ((CK_ATTRIBUTE_TYPE)0x10UL)
#define CKA_VALUE                ((CK_ATTRIBUTE_TYPE)0x11UL)
#define CKA_OBJECT_ID            ((CK_ATTRIBUTE_TYPE)0x12UL)
#define CKA_CERTIFICATE_TYPE     ((CK_ATTRIBUTE_TYPE)0x80UL)
#define CKA_ISSUER               ((CK_ATTRIBUTE_TYPE)0x81UL)
#define CKA_SERIAL_NUMBER        ((CK_ATTRIBUTE_TYPE)0x82UL)
#define CKA_TRUSTED              ((CK_ATTRIBUTE_TYPE)0x86UL)
#define CKA_CERTIFICATE_CATEGORY ((CK_ATTRIBUTE_TYPE)0x87UL)
#define CKA_URL                  ((CK_ATTRIBUTE_TYPE)0x89UL)
#define CKA_CHECK_VALUE          ((CK_ATTRIBUTE_TYPE)0x90UL)
#define CKA_KEY_TYPE             ((CK_ATTRIBUTE_TYPE)0x100UL)
#define CKA_SUBJECT              ((CK_ATTRIBUTE_TYPE)0x101UL)
#define CKA_ID                   ((CK_ATTRIBUTE_TYPE)0x102UL)
#define CKA_SENSITIVE            ((CK_ATTRIBUTE_TYPE)0x103UL)
#define CKA_ENCRYPT              ((CK_ATTRIBUTE_TYPE)0x104UL)
#define CKA_DECRYPT              ((CK_ATTRIBUTE_TYPE)0x105UL)
#define CKA_WRAP                 ((CK_ATTRIBUTE_TYPE)0x106UL)
#define CKA_UNWRAP               ((CK_ATTRIBUTE_TYPE)0x107UL)
#define CKA_SIGN                 ((CK_ATTRIBUTE_TYPE)0x108UL)
#define CKA_SIGN_RECOVER         ((CK_ATTRIBUTE_TYPE)0x109UL)
#define CKA_VERIFY               ((CK_ATTRIBUTE_TYPE)0x10aUL)
#define CKA_VERIFY_RECOVER       ((CK_ATTRIBUTE_TYPE)0x10bUL)
#define CKA_DERIVE               ((CK_ATTRIBUTE_TYPE)0x10cUL)
#define CKA_START_DATE           ((CK_ATTRIBUTE_TYPE)0x110UL)
#define CKA_END_DATE             ((CK_ATTRIBUTE_TYPE)0x111UL)
#define CKA_MODULUS              ((CK_ATTRIBUTE_TYPE)0x120UL)
#define CKA_MODULUS_BITS         ((CK_ATTRIBUTE_TYPE)0x121UL)
#define CKA_PUBLIC_EXPONENT      ((CK_ATTRIBUTE_TYPE)0x122UL)
#define CKA_PRIVATE_EXPONENT     ((CK_ATTRIBUTE_TYPE)0x123UL)
#define CKA_PRIME_1              ((CK_ATTRIBUTE_TYPE)0x124UL)
#define CKA_PRIME_2              ((CK_ATTRIBUTE_TYPE)0x125UL)
#define CKA_EXPONENT_1           ((CK_ATTRIBUTE_TYPE)0x126UL)
#define CKA_EXPONENT_2           ((CK_ATTRIBUTE_TYPE)0x127UL)
#define CKA_COEFFICIENT          ((CK_ATTRIBUTE_TYPE)0x128UL)
#define CKA_PUBLIC_KEY_INFO      ((CK_ATTRIBUTE_TYPE)0x129UL)
#define CKA_VALUE_LEN            ((CK_ATTRIBUTE_TYPE)0x161UL)
#define CKA_EXTRACTABLE          ((CK_ATTRIBUTE_TYPE)0x162UL)
#define CKA_LOCAL                ((CK_ATTRIBUTE_TYPE)0x163UL)
#define CKA_NEVER_EXTRACTABLE    ((CK_ATTRIBUTE_TYPE)0x164UL)
#define CKA_ALWAYS_SENSITIVE     ((CK_ATTRIBUTE_TYPE)0x165UL)
#define CKA_KEY_GEN_MECHANISM    ((CK_ATTRIBUTE_TYPE)0x166UL)
#define CKA_MODIFIABLE           ((CK_ATTRIBUTE_TYPE)0x170UL)
#define CKA_COPYABLE             ((CK_ATTRIBUTE_TYPE)0x171UL)
#define CKA_DESTROYABLE          ((CK_ATTRIBUTE_TYPE)0x172UL)
#define CKA_EC_PARAMS            ((CK_ATTRIBUTE_TYPE)0x180UL)
#define CKA_EC_POINT             ((CK_ATTRIBUTE_TYPE)0x181UL)
#define CKA_ALWAYS_AUTHENTICATE  ((CK_ATTRIBUTE_TYPE)0x202UL)
#define CKA_WRAP_WITH_TRUSTED    ((CK_ATTRIBUTE_TYPE)0x210UL)
#define CKA_WRAP_TEMPLATE        ((CK_ATTRIBUTE_TYPE)0x40000211UL)
#define CKA_UNWRAP_TEMPLATE      ((CK_ATTRIBUTE_TYPE)0x40000212UL)
#define CKA_DERIVE_TEMPLATE      ((CK_ATTRIBUTE_TYPE)0x40000213UL)
#define CKA_PARAMETER_SET        ((CK_ATTRIBUTE_TYPE)0x61dUL)
#define CKA_ENCAPSULATE_TEMPLATE ((CK_ATTRIBUTE_TYPE)0x62aUL)
#define CKA_DECAPSULATE_TEMPLATE ((CK_ATTRIBUTE_TYPE)0x62bUL)
#define CKA_ENCAPSULATE          ((CK_ATTRIBUTE_TYPE)0x633UL)
#define CKA_DECAPSULATE          ((CK_ATTRIBUTE_TYPE)0x634UL)
#define CKA_SEED                 ((CK_ATTRIBUTE_TYPE)0x637UL)
#define CKA_DERIVE_TEMPLATE      ((CK_ATTRIBUTE_TYPE)0x40000213UL)
#define CKA_ALLOWED_MECHANISMS   ((CK_ATTRIBUTE_TYPE)0x40000600UL)
#define CKA_VENDOR_DEFINED       ((CK_ATTRIBUTE_TYPE)0x80000000UL)
#define CKA_ECDSA_PARAMS CKA_EC_PARAMS

/* Mechanisms of this library; AWS's own are in cloudhsm_vendor.h */
#define CKM_RSA_PKCS_KEY_PAIR_GEN   ((CK_MECHANISM_TYPE)0x0UL)
#define CKM_RSA_X9_31_KEY_PAIR_GEN  ((CK_MECHANISM_TYPE)0xaUL)
#define CKM_EC_KEY_PAIR_GEN         ((CK_MECHANISM_TYPE)0x1040UL)
#define CKM_ML_KEM_KEY_PAIR_GEN     ((CK_MECHANISM_TYPE)0xfUL)
#define CKM_ML_KEM                  ((CK_MECHANISM_TYPE)0x17UL)
#define CKM_ML_DSA_KEY_PAIR_GEN     ((CK_MECHANISM_TYPE)0x1cUL)
#define CKM_ML_DSA                  ((CK_MECHANISM_TYPE)0x1dUL)
#define CKM_HASH_ML_DSA             ((CK_MECHANISM_TYPE)0x1fUL)
#define CKM_HASH_ML_DSA_SHA224      ((CK_MECHANISM_TYPE)0x23UL)
#define CKM_HASH_ML_DSA_SHA256      ((CK_MECHANISM_TYPE)0x24UL)
#define CKM_HASH_ML_DSA_SHA384      ((CK_MECHANISM_TYPE)0x25UL)
#define CKM_HASH_ML_DSA_SHA512      ((CK_MECHANISM_TYPE)0x26UL)
#define CKM_HASH_ML_DSA_SHA3_224    ((CK_MECHANISM_TYPE)0x27UL)
#define CKM_HASH_ML_DSA_SHA3_256    ((CK_MECHANISM_TYPE)0x28UL)
#define CKM_HASH_ML_DSA_SHA3_384    ((CK_MECHANISM_TYPE)0x29UL)
#define CKM_HASH_ML_DSA_SHA3_512    ((CK_MECHANISM_TYPE)0x2aUL)
#define CKM_HASH_ML_DSA_SHAKE128    ((CK_MECHANISM_TYPE)0x2bUL)
#define CKM_HASH_ML_DSA_SHAKE256    ((CK_MECHANISM_TYPE)0x2cUL)
#define CKM_EC_EDWARDS_KEY_PAIR_GEN ((CK_MECHANISM_TYPE)0x1055UL)
#define CKM_AES_KEY_GEN             ((CK_MECHANISM_TYPE)0x1080UL)
#define CKM_GENERIC_SECRET_KEY_GEN  ((CK_MECHANISM_TYPE)0x350UL)
#define CKM_RSA_PKCS                ((CK_MECHANISM_TYPE)0x1UL)
#define CKM_RSA_X_509               ((CK_MECHANISM_TYPE)0x3UL)
#define CKM_RSA_PKCS_OAEP           ((CK_MECHANISM_TYPE)0x9UL)
#define CKM_RSA_AES_KEY_WRAP        ((CK_MECHANISM_TYPE)0x1054UL)
#define CKM_RSA_PKCS_PSS            ((CK_MECHANISM_TYPE)0xdUL)
#define CKM_SHA1_RSA_PKCS           ((CK_MECHANISM_TYPE)0x6UL)
#define CKM_SHA224_RSA_PKCS         ((CK_MECHANISM_TYPE)0x46UL)
#define CKM_SHA256_RSA_PKCS         ((CK_MECHANISM_TYPE)0x40UL)
#define CKM_SHA384_RSA_PKCS         ((CK_MECHANISM_TYPE)0x41UL)
#define CKM_SHA512_RSA_PKCS         ((CK_MECHANISM_TYPE)0x42UL)
#define CKM_SHA1_RSA_PKCS_PSS       ((CK_MECHANISM_TYPE)0xeUL)
#define CKM_SHA224_RSA_PKCS_PSS     ((CK_MECHANISM_TYPE)0x47UL)
#define CKM_SHA256_RSA_PKCS_PSS     ((CK_MECHANISM_TYPE)0x43UL)
#define CKM_SHA384_RSA_PKCS_PSS     ((CK_MECHANISM_TYPE)0x44UL)
#define CKM_SHA512_RSA_PKCS_PSS     ((CK_MECHANISM_TYPE)0x45UL)
#define CKM_ECDSA                   ((CK_MECHANISM_TYPE)0x1041UL)
#define CKM_ECDSA_SHA1              ((CK_MECHANISM_TYPE)0x1042UL)
#define CKM_ECDSA_SHA224            ((CK_MECHANISM_TYPE)0x1043UL)
#define CKM_ECDSA_SHA256            ((CK_MECHANISM_TYPE)0x1044UL)
#define CKM_ECDSA_SHA384            ((CK_MECHANISM_TYPE)0x1045UL)
#define CKM_ECDSA_SHA512            ((CK_MECHANISM_TYPE)0x1046UL)
#define CKM_EDDSA                   ((CK_MECHANISM_TYPE)0x1057UL)
#define CKM_AES_ECB                 ((CK_MECHANISM_TYPE)0x1081UL)
#define CKM_AES_CBC                 ((CK_MECHANISM_TYPE)0x1082UL)
#define CKM_AES_CBC_PAD             ((CK_MECHANISM_TYPE)0x1085UL)
#define CKM_AES_CTR                 ((CK_MECHANISM_TYPE)0x1086UL)
#define CKM_AES_GCM                 ((CK_MECHANISM_TYPE)0x1087UL)
#define CKM_AES_CMAC                ((CK_MECHANISM_TYPE)0x108aUL)
#define CKM_AES_CMAC_GENERAL        ((CK_MECHANISM_TYPE)0x108bUL)
#define CKM_DES3_CMAC_GENERAL       ((CK_MECHANISM_TYPE)0x137UL)
#define CKM_DES3_CMAC               ((CK_MECHANISM_TYPE)0x138UL)
#define CKM_AES_KEY_WRAP            ((CK_MECHANISM_TYPE)0x2109UL)
#define CKM_AES_KEY_WRAP_KWP        ((CK_MECHANISM_TYPE)0x210bUL)
#define CKM_SHA_1_HMAC              ((CK_MECHANISM_TYPE)0x221UL)
#define CKM_SHA224_HMAC             ((CK_MECHANISM_TYPE)0x256UL)
#define CKM_SHA256_HMAC             ((CK_MECHANISM_TYPE)0x251UL)
#define CKM_SHA384_HMAC             ((CK_MECHANISM_TYPE)0x261UL)
#define CKM_SHA512_HMAC             ((CK_MECHANISM_TYPE)0x271UL)
#define CKM_ECDH1_DERIVE            ((CK_MECHANISM_TYPE)0x1050UL)
#define CKM_HKDF_DERIVE             ((CK_MECHANISM_TYPE)0x402aUL)
#define CKM_SP800_108_COUNTER_KDF   ((CK_MECHANISM_TYPE)0x3acUL)
#define CKM_SHA_1                   ((CK_MECHANISM_TYPE)0x220UL)
#define CKM_SHA224                  ((CK_MECHANISM_TYPE)0x255UL)
#define CKM_SHA256                  ((CK_MECHANISM_TYPE)0x250UL)
#define CKM_SHA384                  ((CK_MECHANISM_TYPE)0x260UL)
#define CKM_SHA512                  ((CK_MECHANISM_TYPE)0x270UL)
#define CKM_ECDSA_KEY_PAIR_GEN CKM_EC_KEY_PAIR_GEN
#define CKP_ML_KEM_512  0x1UL
#define CKP_ML_KEM_768  0x2UL
#define CKP_ML_KEM_1024 0x3UL
#define CKP_ML_DSA_44 0x1UL
#define CKP_ML_DSA_65 0x2UL
#define CKP_ML_DSA_87 0x3UL
#define CKH_HEDGE_PREFERRED        0x0UL
#define CKH_HEDGE_REQUIRED         0x1UL
#define CKH_DETERMINISTIC_REQUIRED 0x2UL

/* Mask generation functions and label sources of OAEP and PSS */
#define CKG_MGF1_SHA1   ((CK_RSA_PKCS_MGF_TYPE)0x1UL)
#define CKG_MGF1_SHA224 ((CK_RSA_PKCS_MGF_TYPE)0x5UL)
#define CKG_MGF1_SHA256 ((CK_RSA_PKCS_MGF_TYPE)0x2UL)
#define CKG_MGF1_SHA384 ((CK_RSA_PKCS_MGF_TYPE)0x3UL)
#define CKG_MGF1_SHA512 ((CK_RSA_PKCS_MGF_TYPE)0x4UL)
#define CKZ_DATA_SPECIFIED ((CK_RSA_PKCS_OAEP_SOURCE_TYPE)0x1UL)

/* Derivation: functions after ECDH (ANSI X9.63), salts of HKDF, parts and lengths of SP 800-108 */
#define CKD_NULL       ((CK_EC_KDF_TYPE)0x1UL)
#define CKD_SHA1_KDF   ((CK_EC_KDF_TYPE)0x2UL)
#define CKD_SHA224_KDF ((CK_EC_KDF_TYPE)0x5UL)
#define CKD_SHA256_KDF ((CK_EC_KDF_TYPE)0x6UL)
#define CKD_SHA384_KDF ((CK_EC_KDF_TYPE)0x7UL)
#define CKD_SHA512_KDF ((CK_EC_KDF_TYPE)0x8UL)
#define CKF_HKDF_SALT_NULL 0x1UL
#define CKF_HKDF_SALT_DATA 0x2UL
#define CK_SP800_108_ITERATION_VARIABLE 0x1UL
#define CK_SP800_108_DKM_LENGTH         0x3UL
#define CK_SP800_108_BYTE_ARRAY         0x4UL
#define CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS     0x1UL
#define CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS 0x2UL

/* Session states and users */
#define CKS_RO_PUBLIC_SESSION ((CK_STATE)0x0UL)
#define CKS_RO_USER_FUNCTIONS ((CK_STATE)0x1UL)
#define CKS_RW_PUBLIC_SESSION ((CK_STATE)0x2UL)
#define CKS_RW_USER_FUNCTIONS ((CK_STATE)0x3UL)
#define CKS_RW_SO_FUNCTIONS   ((CK_STATE)0x4UL)
#define CKU_SO               ((CK_USER_TYPE)0x0UL)
#define CKU_USER             ((CK_USER_TYPE)0x1UL)
#define CKU_CONTEXT_SPECIFIC ((CK_USER_TYPE)0x2UL)

/* Flags */
#define CKF_TOKEN_PRESENT                  ((CK_FLAGS)0x1UL)
#define CKF_REMOVABLE_DEVICE               ((CK_FLAGS)0x2UL)
#define CKF_HW_SLOT                        ((CK_FLAGS)0x4UL)
#define CKF_RNG                            ((CK_FLAGS)0x1UL)
#define CKF_WRITE_PROTECTED                ((CK_FLAGS)0x2UL)
#define CKF_LOGIN_REQUIRED                 ((CK_FLAGS)0x4UL)
#define CKF_USER_PIN_INITIALIZED           ((CK_FLAGS)0x8UL)
#define CKF_RESTORE_KEY_NOT_NEEDED         ((CK_FLAGS)0x20UL)
#define CKF_CLOCK_ON_TOKEN                 ((CK_FLAGS)0x40UL)
#define CKF_PROTECTED_AUTHENTICATION_PATH  ((CK_FLAGS)0x100UL)
#define CKF_DUAL_CRYPTO_OPERATIONS         ((CK_FLAGS)0x200UL)
#define CKF_TOKEN_INITIALIZED              ((CK_FLAGS)0x400UL)
#define CKF_USER_PIN_COUNT_LOW             ((CK_FLAGS)0x10000UL)
#define CKF_USER_PIN_FINAL_TRY             ((CK_FLAGS)0x20000UL)
#define CKF_USER_PIN_LOCKED                ((CK_FLAGS)0x40000UL)
#define CKF_USER_PIN_TO_BE_CHANGED         ((CK_FLAGS)0x80000UL)
#define CKF_SO_PIN_COUNT_LOW               ((CK_FLAGS)0x100000UL)
#define CKF_SO_PIN_FINAL_TRY               ((CK_FLAGS)0x200000UL)
#define CKF_SO_PIN_LOCKED                  ((CK_FLAGS)0x400000UL)
#define CKF_SO_PIN_TO_BE_CHANGED           ((CK_FLAGS)0x800000UL)
#define CKF_ERROR_STATE                    ((CK_FLAGS)0x1000000UL)
#define CKF_RW_SESSION                     ((CK_FLAGS)0x2UL)
#define CKF_SERIAL_SESSION                 ((CK_FLAGS)0x4UL)
#define CKF_HW                             ((CK_FLAGS)0x1UL)
#define CKF_ENCRYPT                        ((CK_FLAGS)0x100UL)
#define CKF_DECRYPT                        ((CK_FLAGS)0x200UL)
#define CKF_DIGEST                         ((CK_FLAGS)0x400UL)
#define CKF_SIGN                           ((CK_FLAGS)0x800UL)
#define CKF_SIGN_RECOVER                   ((CK_FLAGS)0x1000UL)
#define CKF_VERIFY                         ((CK_FLAGS)0x2000UL)
#define CKF_VERIFY_RECOVER                 ((CK_FLAGS)0x4000UL)
#define CKF_GENERATE                       ((CK_FLAGS)0x8000UL)
#define CKF_GENERATE_KEY_PAIR              ((CK_FLAGS)0x10000UL)
#define CKF_WRAP                           ((CK_FLAGS)0x20000UL)
#define CKF_UNWRAP                         ((CK_FLAGS)0x40000UL)
#define CKF_DERIVE                         ((CK_FLAGS)0x80000UL)
#define CKF_ENCAPSULATE                    ((CK_FLAGS)0x10000000UL)
#define CKF_DECAPSULATE                    ((CK_FLAGS)0x20000000UL)
#define CKF_EC_F_P                         ((CK_FLAGS)0x100000UL)
#define CKF_EC_NAMEDCURVE                  ((CK_FLAGS)0x800000UL)
#define CKF_EC_UNCOMPRESS                  ((CK_FLAGS)0x1000000UL)
#define CKF_LIBRARY_CANT_CREATE_OS_THREADS ((CK_FLAGS)0x1UL)
#define CKF_OS_LOCKING_OK                  ((CK_FLAGS)0x2UL)
#define CKF_DONT_BLOCK                     ((CK_FLAGS)0x1UL)
#define CKF_INTERFACE_FORK_SAFE            ((CK_FLAGS)0x1UL)
#define CKF_ASYNC_SESSION                  ((CK_FLAGS)0x8UL)
#define CKF_MESSAGE_ENCRYPT                ((CK_FLAGS)0x2UL)
#define CKF_MESSAGE_DECRYPT                ((CK_FLAGS)0x4UL)
#define CKF_MESSAGE_SIGN                   ((CK_FLAGS)0x8UL)
#define CKF_MESSAGE_VERIFY                 ((CK_FLAGS)0x10UL)
#define CKF_MULTI_MESSAGE                  ((CK_FLAGS)0x20UL)
#define CKF_FIND_OBJECTS                   ((CK_FLAGS)0x40UL)
#define CKF_END_OF_MESSAGE                 ((CK_FLAGS)0x1UL)
#define CKG_NO_GENERATE      0x0UL
#define CKG_GENERATE         0x1UL
#define CKG_GENERATE_COUNTER 0x2UL
#define CKG_GENERATE_RANDOM  0x3UL
#define CKS_LAST_VALIDATION_OK 0x1UL

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST, *CK_FUNCTION_LIST_PTR, **CK_FUNCTION_LIST_PTR_PTR;
typedef struct CK_FUNCTION_LIST_3_0 CK_FUNCTION_LIST_3_0, *CK_FUNCTION_LIST_3_0_PTR, **CK_FUNCTION_LIST_3_0_PTR_PTR;
typedef struct CK_FUNCTION_LIST_3_2 CK_FUNCTION_LIST_3_2, *CK_FUNCTION_LIST_3_2_PTR, **CK_FUNCTION_LIST_3_2_PTR_PTR;

/* Each list begins with the one before it. */
#define STRONGROOM_FUNCTIONS_2_40 \
    CK_RV (*C_Initialize)(void *); \
    CK_RV (*C_Finalize)(void *); \
    CK_RV (*C_GetInfo)(CK_INFO *); \
    CK_RV (*C_GetFunctionList)(CK_FUNCTION_LIST **); \
    CK_RV (*C_GetSlotList)(CK_BBOOL, CK_SLOT_ID *, CK_ULONG *); \
    CK_RV (*C_GetSlotInfo)(CK_SLOT_ID, CK_SLOT_INFO *); \
    CK_RV (*C_GetTokenInfo)(CK_SLOT_ID, CK_TOKEN_INFO *); \
    CK_RV (*C_GetMechanismList)(CK_SLOT_ID, CK_MECHANISM_TYPE *, CK_ULONG *); \
    CK_RV (*C_GetMechanismInfo)(CK_SLOT_ID, CK_MECHANISM_TYPE, CK_MECHANISM_INFO *); \
    CK_RV (*C_InitToken)(CK_SLOT_ID, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *); \
    CK_RV (*C_InitPIN)(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG); \
    CK_RV (*C_SetPIN)(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *, CK_ULONG); \
    CK_RV (*C_OpenSession)(CK_SLOT_ID, CK_FLAGS, void *, CK_NOTIFY, CK_SESSION_HANDLE *); \
    CK_RV (*C_CloseSession)(CK_SESSION_HANDLE); \
    CK_RV (*C_CloseAllSessions)(CK_SLOT_ID); \
    CK_RV (*C_GetSessionInfo)(CK_SESSION_HANDLE, CK_SESSION_INFO *); \
    CK_RV (*C_GetOperationState)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SetOperationState)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE); \
    CK_RV (*C_Login)(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR *, CK_ULONG); \
    CK_RV (*C_Logout)(CK_SESSION_HANDLE); \
    CK_RV (*C_CreateObject)(CK_SESSION_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *); \
    CK_RV (*C_CopyObject)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *); \
    CK_RV (*C_DestroyObject)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE); \
    CK_RV (*C_GetObjectSize)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ULONG *); \
    CK_RV (*C_GetAttributeValue)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG); \
    CK_RV (*C_SetAttributeValue)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG); \
    CK_RV (*C_FindObjectsInit)(CK_SESSION_HANDLE, CK_ATTRIBUTE *, CK_ULONG); \
    CK_RV (*C_FindObjects)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE *, CK_ULONG, CK_ULONG *); \
    CK_RV (*C_FindObjectsFinal)(CK_SESSION_HANDLE); \
    CK_RV (*C_EncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_Encrypt)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_EncryptUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_EncryptFinal)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_Decrypt)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptFinal)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DigestInit)(CK_SESSION_HANDLE, CK_MECHANISM *); \
    CK_RV (*C_Digest)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DigestUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_DigestKey)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE); \
    CK_RV (*C_DigestFinal)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SignInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_Sign)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SignUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_SignFinal)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SignRecoverInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_SignRecover)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_VerifyInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_Verify)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifyUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifyFinal)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifyRecoverInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_VerifyRecover)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DigestEncryptUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptDigestUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SignEncryptUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptVerifyUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_GenerateKey)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *); \
    CK_RV (*C_GenerateKeyPair)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG, \
        CK_OBJECT_HANDLE *, CK_OBJECT_HANDLE *); \
    CK_RV (*C_WrapKey)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_UnwrapKey)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG, \
        CK_OBJECT_HANDLE *); \
    CK_RV (*C_DeriveKey)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *); \
    CK_RV (*C_SeedRandom)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_GenerateRandom)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_GetFunctionStatus)(CK_SESSION_HANDLE); \
    CK_RV (*C_CancelFunction)(CK_SESSION_HANDLE); \
    CK_RV (*C_WaitForSlotEvent)(CK_FLAGS, CK_SLOT_ID *, void *);

#define STRONGROOM_FUNCTIONS_3_0 \
    CK_RV (*C_GetInterfaceList)(CK_INTERFACE *, CK_ULONG *); \
    CK_RV (*C_GetInterface)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS); \
    CK_RV (*C_LoginUser)(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *, CK_ULONG); \
    CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS); \
    CK_RV (*C_MessageEncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_EncryptMessage)( \
        CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_EncryptMessageBegin)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_EncryptMessageNext)( \
        CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *, CK_FLAGS); \
    CK_RV (*C_MessageEncryptFinal)(CK_SESSION_HANDLE); \
    CK_RV (*C_MessageDecryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_DecryptMessage)( \
        CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_DecryptMessageBegin)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_DecryptMessageNext)( \
        CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *, CK_FLAGS); \
    CK_RV (*C_MessageDecryptFinal)(CK_SESSION_HANDLE); \
    CK_RV (*C_MessageSignInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_SignMessage)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_SignMessageBegin)(CK_SESSION_HANDLE, void *, CK_ULONG); \
    CK_RV (*C_SignMessageNext)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *); \
    CK_RV (*C_MessageSignFinal)(CK_SESSION_HANDLE); \
    CK_RV (*C_MessageVerifyInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE); \
    CK_RV (*C_VerifyMessage)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifyMessageBegin)(CK_SESSION_HANDLE, void *, CK_ULONG); \
    CK_RV (*C_VerifyMessageNext)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_MessageVerifyFinal)(CK_SESSION_HANDLE);

#define STRONGROOM_FUNCTIONS_3_2 \
    CK_RV (*C_EncapsulateKey)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_BYTE *, CK_ULONG *, \
        CK_OBJECT_HANDLE *); \
    CK_RV (*C_DecapsulateKey)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_BYTE *, CK_ULONG, \
        CK_OBJECT_HANDLE *); \
    CK_RV (*C_VerifySignatureInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifySignature)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifySignatureUpdate)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_VerifySignatureFinal)(CK_SESSION_HANDLE); \
    CK_RV (*C_GetSessionValidationFlags)(CK_SESSION_HANDLE, CK_SESSION_VALIDATION_FLAGS_TYPE, CK_FLAGS *); \
    CK_RV (*C_AsyncComplete)(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ASYNC_DATA *); \
    CK_RV (*C_AsyncGetID)(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG *); \
    CK_RV (*C_AsyncJoin)(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG, CK_BYTE *, CK_ULONG); \
    CK_RV (*C_WrapKeyAuthenticated)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, \
        CK_ULONG *); \
    CK_RV (*C_UnwrapKeyAuthenticated)( \
        CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG, \
        CK_BYTE *, CK_ULONG, CK_OBJECT_HANDLE *);

struct CK_FUNCTION_LIST {
    CK_VERSION version;
    STRONGROOM_FUNCTIONS_2_40
};

struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    STRONGROOM_FUNCTIONS_2_40
    STRONGROOM_FUNCTIONS_3_0
};

struct CK_FUNCTION_LIST_3_2 {
    CK_VERSION version;
    STRONGROOM_FUNCTIONS_2_40
    STRONGROOM_FUNCTIONS_3_0
    STRONGROOM_FUNCTIONS_3_2
};

CK_RV C_Initialize(void *);
CK_RV C_Finalize(void *);
CK_RV C_GetInfo(CK_INFO *);
CK_RV C_GetFunctionList(CK_FUNCTION_LIST **);
CK_RV C_GetSlotList(CK_BBOOL, CK_SLOT_ID *, CK_ULONG *);
CK_RV C_GetSlotInfo(CK_SLOT_ID, CK_SLOT_INFO *);
CK_RV C_GetTokenInfo(CK_SLOT_ID, CK_TOKEN_INFO *);
CK_RV C_GetMechanismList(CK_SLOT_ID, CK_MECHANISM_TYPE *, CK_ULONG *);
CK_RV C_GetMechanismInfo(CK_SLOT_ID, CK_MECHANISM_TYPE, CK_MECHANISM_INFO *);
CK_RV C_InitToken(CK_SLOT_ID, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *);
CK_RV C_InitPIN(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG);
CK_RV C_SetPIN(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *, CK_ULONG);
CK_RV C_OpenSession(CK_SLOT_ID, CK_FLAGS, void *, CK_NOTIFY, CK_SESSION_HANDLE *);
CK_RV C_CloseSession(CK_SESSION_HANDLE);
CK_RV C_CloseAllSessions(CK_SLOT_ID);
CK_RV C_GetSessionInfo(CK_SESSION_HANDLE, CK_SESSION_INFO *);
CK_RV C_GetOperationState(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_SetOperationState(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE);
CK_RV C_Login(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR *, CK_ULONG);
CK_RV C_Logout(CK_SESSION_HANDLE);
CK_RV C_CreateObject(CK_SESSION_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *);
CK_RV C_CopyObject(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *);
CK_RV C_DestroyObject(CK_SESSION_HANDLE, CK_OBJECT_HANDLE);
CK_RV C_GetObjectSize(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ULONG *);
CK_RV C_GetAttributeValue(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG);
CK_RV C_SetAttributeValue(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG);
CK_RV C_FindObjectsInit(CK_SESSION_HANDLE, CK_ATTRIBUTE *, CK_ULONG);
CK_RV C_FindObjects(CK_SESSION_HANDLE, CK_OBJECT_HANDLE *, CK_ULONG, CK_ULONG *);
CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE);
CK_RV C_EncryptInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_Encrypt(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_EncryptUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_EncryptFinal(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_Decrypt(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptFinal(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_DigestInit(CK_SESSION_HANDLE, CK_MECHANISM *);
CK_RV C_Digest(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DigestUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_DigestKey(CK_SESSION_HANDLE, CK_OBJECT_HANDLE);
CK_RV C_DigestFinal(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_SignInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_Sign(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_SignUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_SignFinal(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_SignRecoverInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_SignRecover(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_VerifyInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_Verify(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_VerifyUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_VerifyFinal(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_VerifyRecover(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_GenerateKey(CK_SESSION_HANDLE, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *);
CK_RV C_GenerateKeyPair(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_ATTRIBUTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *,
    CK_OBJECT_HANDLE *);
CK_RV C_WrapKey(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG *);
CK_RV C_UnwrapKey(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG,
    CK_OBJECT_HANDLE *);
CK_RV C_DeriveKey(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_OBJECT_HANDLE *);
CK_RV C_SeedRandom(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_GenerateRandom(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE);
CK_RV C_CancelFunction(CK_SESSION_HANDLE);
CK_RV C_WaitForSlotEvent(CK_FLAGS, CK_SLOT_ID *, void *);
CK_RV C_GetInterfaceList(CK_INTERFACE *, CK_ULONG *);
CK_RV C_GetInterface(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
CK_RV C_LoginUser(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR *, CK_ULONG, CK_UTF8CHAR *, CK_ULONG);
CK_RV C_SessionCancel(CK_SESSION_HANDLE, CK_FLAGS);
CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_EncryptMessage(
    CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_EncryptMessageNext(
    CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *, CK_FLAGS);
CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE);
CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_DecryptMessage(
    CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_DecryptMessageNext(
    CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *, CK_FLAGS);
CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE);
CK_RV C_MessageSignInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_SignMessage(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_SignMessageBegin(CK_SESSION_HANDLE, void *, CK_ULONG);
CK_RV C_SignMessageNext(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
CK_RV C_MessageSignFinal(CK_SESSION_HANDLE);
CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
CK_RV C_VerifyMessage(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE, void *, CK_ULONG);
CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE);
CK_RV C_EncapsulateKey(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_BYTE *, CK_ULONG *,
    CK_OBJECT_HANDLE *);
CK_RV C_DecapsulateKey(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG, CK_BYTE *, CK_ULONG,
    CK_OBJECT_HANDLE *);
CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_VerifySignature(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE);
CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE, CK_SESSION_VALIDATION_FLAGS_TYPE, CK_FLAGS *);
CK_RV C_AsyncComplete(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ASYNC_DATA *);
CK_RV C_AsyncGetID(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG *);
CK_RV C_AsyncJoin(CK_SESSION_HANDLE, CK_UTF8CHAR *, CK_ULONG, CK_BYTE *, CK_ULONG);
CK_RV C_WrapKeyAuthenticated(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *,
    CK_ULONG *);
CK_RV C_UnwrapKeyAuthenticated(
    CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE, CK_BYTE *, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG,
    CK_BYTE *, CK_ULONG, CK_OBJECT_HANDLE *);

typedef CK_RV (*CK_C_GetFunctionList)(CK_FUNCTION_LIST_PTR_PTR);
typedef CK_RV (*CK_C_GetInterface)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);

#ifdef __cplusplus
}
#endif
#endif
