/* Prints how many slots there are, then opens sessions on the first one, logs in through one of them and sees in all of
 * them that they are logged in. The PIN is CLOUDHSM_PIN.
 *
 *     many_sessions MODULE COUNT
 *
 * The exit status is 1 when any call fails; standard error then says which.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strongroom/pkcs11.h"

static void check(CK_RV rv, const char *call) {
    if (rv != CKR_OK) {
        fprintf(stderr, "%s: 0x%lx\n", call, rv);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *pin = getenv("CLOUDHSM_PIN");
    void *module = dlopen(argv[1], RTLD_NOW);
    if (pin == NULL || module == NULL) {
        fprintf(stderr, "no CLOUDHSM_PIN, or no module: %s\n", module ? "" : dlerror());
        return 1;
    }
    CK_RV (*get_list)(CK_FUNCTION_LIST_PTR_PTR);
    *(void **)&get_list = dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST_PTR p11;
    check(get_list(&p11), "C_GetFunctionList");
    check(p11->C_Initialize(NULL_PTR), "C_Initialize");

    CK_ULONG slots = 0;
    check(p11->C_GetSlotList(CK_TRUE, NULL_PTR, &slots), "C_GetSlotList");
    CK_SLOT_ID *slot = calloc(slots, sizeof *slot);
    check(p11->C_GetSlotList(CK_TRUE, slot, &slots), "C_GetSlotList");
    printf("%lu slots\n", slots);

    size_t count = strtoul(argv[2], NULL, 10);
    CK_SESSION_HANDLE *sessions = calloc(count, sizeof *sessions);
    for (size_t i = 0; i < count; i++)
        check(p11->C_OpenSession(slot[0], CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &sessions[i]), "C_OpenSession");
    check(p11->C_Login(sessions[0], CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin)), "C_Login");
    size_t logged_in = 0;
    for (size_t i = 0; i < count; i++) {
        CK_SESSION_INFO info;
        check(p11->C_GetSessionInfo(sessions[i], &info), "C_GetSessionInfo");
        logged_in += info.state == CKS_RO_USER_FUNCTIONS;
    }
    printf("%zu sessions logged in\n", logged_in);
    for (size_t i = 0; i < count; i++) check(p11->C_CloseSession(sessions[i]), "C_CloseSession");
    check(p11->C_Finalize(NULL_PTR), "C_Finalize");
    return 0;
}
