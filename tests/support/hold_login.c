/* Logs in through a PKCS #11 library with the PIN on standard input, wipes its own copy of the PIN, prints "ready" and
 * stays until its standard input ends.
 *
 *     hold_login MODULE
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "strongroom/pkcs11.h"

static int check(CK_RV rv, const char *call) {
    if (rv != CKR_OK) fprintf(stderr, "%s: 0x%lx\n", call, rv);
    return rv != CKR_OK;
}

int main(int argc, char **argv) {
    char pin[128];
    ssize_t length = read(STDIN_FILENO, pin, sizeof pin);
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (length <= 0 || module == NULL) return 2;
    CK_RV (*get_list)(CK_FUNCTION_LIST_PTR_PTR);
    *(void **)&get_list = dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST_PTR p11;
    CK_SLOT_ID slot;
    CK_ULONG slots = 1;
    CK_SESSION_HANDLE session;
    if (check(get_list(&p11), "C_GetFunctionList") || check(p11->C_Initialize(NULL_PTR), "C_Initialize") ||
        check(p11->C_GetSlotList(CK_TRUE, &slot, &slots), "C_GetSlotList") ||
        check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &session), "C_OpenSession") ||
        check(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin, (CK_ULONG)length), "C_Login"))
        return 1;
    memset(pin, 0, sizeof pin);
    __asm__ volatile("" : : "r"(pin) : "memory");
    puts("ready");
    fflush(stdout);
    char rest;
    while (read(STDIN_FILENO, &rest, 1) > 0) {}
    return check(p11->C_Finalize(NULL_PTR), "C_Finalize");
}
