/* AWS CloudHSM's vendor-defined mechanisms, by AWS's names and values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STRONGROOM_CLOUDHSM_VENDOR_H
#define STRONGROOM_CLOUDHSM_VENDOR_H

#include "pkcs11.h"

/* GCM whose output begins with the 12-byte IV that the HSM made; pIv is NULL. */
#define CKM_CLOUDHSM_AES_GCM ((CK_MECHANISM_TYPE)0x80001087UL)
/* RFC 3394 without padding. */
#define CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD ((CK_MECHANISM_TYPE)0x80002109UL)
/* RFC 5649. */
#define CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD ((CK_MECHANISM_TYPE)0x8000216FUL)

/* SP 800-108 in counter mode with AWS's structs, which are those below; the standard's mechanism is in pkcs11.h. */
#define CKM_CLOUDHSM_SP800_108_COUNTER_KDF ((CK_MECHANISM_TYPE)0x80000001UL)

typedef struct CK_CLOUDHSM_SP800_108_COUNTER_FORMAT {
    CK_ULONG ulWidthInBits;
} CK_CLOUDHSM_SP800_108_COUNTER_FORMAT;

typedef struct CK_CLOUDHSM_SP800_108_DKM_LENGTH_FORMAT {
    CK_ULONG dkmLengthMethod;
    CK_ULONG ulWidthInBits;
} CK_CLOUDHSM_SP800_108_DKM_LENGTH_FORMAT;

typedef struct CK_CLOUDHSM_SP800_108_KDF_PARAMS {
    CK_SP800_108_PRF_TYPE prftype;
    CK_ULONG ulNumberOfDataParams;
    CK_PRF_DATA_PARAM_PTR pDataParams;
} CK_CLOUDHSM_SP800_108_KDF_PARAMS;

/* The type of a CK_PRF_DATA_PARAM of this mechanism. */
#define CK_CLOUDHSM_SP800_108_COUNTER_FORMAT_TYPE 0x4UL
#define CK_CLOUDHSM_SP800_108_DKM_FORMAT_TYPE     0x7UL
#define CK_CLOUDHSM_SP800_108_BYTE_ARRAY_TYPE     0x8UL

/* ML-DSA: AWS's names for what PKCS #11 3.2 has. Their numbers in AWS's library are not published. */
#define CKM_CLOUDHSM_ML_DSA_KEY_PAIR_GEN CKM_ML_DSA_KEY_PAIR_GEN
#define CKM_CLOUDHSM_ML_DSA              CKM_ML_DSA
#define CKA_CLOUDHSM_PARAMETER_SET       CKA_PARAMETER_SET
#define CKP_CLOUDHSM_ML_DSA_44           CKP_ML_DSA_44
#define CKP_CLOUDHSM_ML_DSA_65           CKP_ML_DSA_65
#define CKP_CLOUDHSM_ML_DSA_87           CKP_ML_DSA_87
/* Signs mu, the 64 bytes that stand for key, context and message (FIPS 204 section 6.2). PKCS #11 3.2 has no such mechanism
 * and AWS does not publish the number of its own: this one is Strongroom's. The parameter is as for CKM_ML_DSA, without a
 * context, or NULL. */
#define CKM_CLOUDHSM_EXT_MU_ML_DSA ((CK_MECHANISM_TYPE)0x8000001DUL)

/* Named by AWS and answered with CKR_MECHANISM_INVALID by this release. */
#define CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD ((CK_MECHANISM_TYPE)0x8000210AUL)
#define CKM_CLOUDHSM_DES3_NIST_WRAP ((CK_MECHANISM_TYPE)0x80008000UL)

#endif
