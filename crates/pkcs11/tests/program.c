/* Compiles against the installed headers. Without arguments it prints the sizes of structures; with the path of a
 * module and a PIN it makes a P-256 key pair, signs with it and verifies, as an application would. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <strongroom/cloudhsm_vendor.h>
#include <strongroom/pkcs11.h>

#define CHECK(call)                                                                                                   \
    do {                                                                                                              \
        CK_RV rv = (call);                                                                                            \
        if (rv != CKR_OK) {                                                                                           \
            fprintf(stderr, "%s: 0x%lx\n", #call, rv);                                                                \
            return 1;                                                                                                 \
        }                                                                                                             \
    } while (0)

static void print_sizes(void) {
    printf("%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n", sizeof(CK_FUNCTION_LIST), sizeof(CK_TOKEN_INFO),
           sizeof(CK_C_INITIALIZE_ARGS), sizeof(CK_GCM_PARAMS), sizeof(CK_RSA_PKCS_OAEP_PARAMS),
           sizeof(CK_AES_CTR_PARAMS), sizeof(CK_INTERFACE));
    printf("%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n", sizeof(CK_RSA_AES_KEY_WRAP_PARAMS), sizeof(CK_ECDH1_DERIVE_PARAMS), sizeof(CK_HKDF_PARAMS),
           sizeof(CK_PRF_DATA_PARAM), sizeof(CK_SP800_108_COUNTER_FORMAT), sizeof(CK_SP800_108_DKM_LENGTH_FORMAT),
           sizeof(CK_SP800_108_KDF_PARAMS));
    printf("%zu\n%zu\n%zu\n%zu\n", sizeof(CK_FUNCTION_LIST_3_0), sizeof(CK_FUNCTION_LIST_3_2),
           sizeof(CK_GCM_MESSAGE_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS));
}

static int sign_and_verify(CK_FUNCTION_LIST_PTR p11, char *pin) {
    CK_SLOT_ID slots[2];
    CK_ULONG count = 2;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_VERIFY, &yes, sizeof yes}};
    CK_ATTRIBUTE private_template[] = {{CKA_SIGN, &yes, sizeof yes}};
    CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL_PTR, 0}, sign = {CKM_ECDSA_SHA256, NULL_PTR, 0};
    CK_BYTE data[] = "data", signature[64];
    CK_ULONG length = sizeof signature;

    CHECK(p11->C_Initialize(NULL_PTR));
    CHECK(p11->C_GetSlotList(CK_TRUE, slots, &count));
    CHECK(p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR, &session));
    CHECK(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin)));
    CHECK(p11->C_GenerateKeyPair(session, &generate, public_template, 2, private_template, 1, &public_key,
                                 &private_key));
    CHECK(p11->C_SignInit(session, &sign, private_key));
    CHECK(p11->C_Sign(session, data, sizeof data, signature, &length));
    CHECK(p11->C_VerifyInit(session, &sign, public_key));
    CHECK(p11->C_Verify(session, data, sizeof data, signature, length));
    CHECK(p11->C_Finalize(NULL_PTR));
    printf("signed and verified\n");
    return 0;
}

int main(int count, char **arguments) {
    void *module;
    CK_C_GetFunctionList get_function_list;
    CK_FUNCTION_LIST_PTR p11;

    if (count != 3) {
        print_sizes();
        return 0;
    }
    module = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&get_function_list = dlsym(module, "C_GetFunctionList");
    if (get_function_list == NULL) {
        return 1;
    }
    CHECK(get_function_list(&p11));
    return sign_and_verify(p11, arguments[2]);
}
