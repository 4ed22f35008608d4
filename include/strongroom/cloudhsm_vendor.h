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

/* Named by AWS and answered with CKR_MECHANISM_INVALID by this release. */
#define CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD ((CK_MECHANISM_TYPE)0x8000210AUL)
#define CKM_CLOUDHSM_SP800_108_COUNTER_KDF ((CK_MECHANISM_TYPE)0x80000001UL)
#define CKM_CLOUDHSM_DES3_NIST_WRAP ((CK_MECHANISM_TYPE)0x80008000UL)

#endif
