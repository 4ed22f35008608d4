"""The PKCS #11 library as an application sees it: the C function list through ctypes, the few functions tests need.

Calls release the interpreter's lock, so threads of a test are threads of the library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from ctypes import byref, c_ubyte, c_ulong, c_void_p
from typing import Any

from cryptoki_mechanisms import CkMechanism, mechanism

CKF_RW_SERIAL = 6
CKU_SO, CKU_USER = 0, 1
CKM_ECDSA = 0x1041
CKM_EC_KEY_PAIR_GEN = 0x1040
CKO_PUBLIC_KEY, CKO_PRIVATE_KEY = 2, 3
CKA_CLASS, CKA_TOKEN, CKA_LABEL, CKA_EC_PARAMS, CKA_EC_POINT = 0, 1, 3, 0x180, 0x181
CKA_SIGN, CKA_VERIFY = 0x108, 0x10A
P256 = bytes.fromhex("06082a8648ce3d030107")
CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE = 0xC0, 0xC1
ROOM = 8192
"""Bytes that a result may have more than its input."""
PLACES = {
    "C_Initialize": 0,
    "C_Finalize": 1,
    "C_GetSlotList": 4,
    "C_GetTokenInfo": 6,
    "C_GetMechanismList": 7,
    "C_GetMechanismInfo": 8,
    "C_OpenSession": 12,
    "C_CloseSession": 13,
    "C_Login": 18,
    "C_Logout": 19,
    "C_CreateObject": 20,
    "C_CopyObject": 21,
    "C_DestroyObject": 22,
    "C_GetAttributeValue": 24,
    "C_SetAttributeValue": 25,
    "C_FindObjectsInit": 26,
    "C_FindObjects": 27,
    "C_FindObjectsFinal": 28,
    "C_EncryptInit": 29,
    "C_Encrypt": 30,
    "C_EncryptUpdate": 31,
    "C_EncryptFinal": 32,
    "C_DecryptInit": 33,
    "C_Decrypt": 34,
    "C_DecryptUpdate": 35,
    "C_DecryptFinal": 36,
    "C_DigestInit": 37,
    "C_Digest": 38,
    "C_DigestUpdate": 39,
    "C_DigestKey": 40,
    "C_DigestFinal": 41,
    "C_SignInit": 42,
    "C_Sign": 43,
    "C_SignUpdate": 44,
    "C_SignFinal": 45,
    "C_VerifyInit": 48,
    "C_Verify": 49,
    "C_VerifyUpdate": 50,
    "C_VerifyFinal": 51,
    "C_GenerateKey": 58,
    "C_GenerateKeyPair": 59,
    "C_WrapKey": 60,
    "C_UnwrapKey": 61,
    "C_DeriveKey": 62,
}
"""Where functions stand in CK_FUNCTION_LIST after its version (PKCS #11 2.40, section 3.6)."""

EXPORTED = (
    "C_EncapsulateKey",
    "C_DecapsulateKey",
    *(f"C_Message{function}{part}" for function in ("Encrypt", "Decrypt") for part in ("Init", "Final")),
    *(f"C_{function}Message{part}" for function in ("Encrypt", "Decrypt") for part in ("", "Begin", "Next")),
    *(f"C_VerifySignature{part}" for part in ("Init", "Update", "Final")),
)
"""Functions of PKCS #11 3.0 and 3.2, which are no part of that list: called by their symbols."""


class FunctionList(ctypes.Structure):
    _fields_ = (("version", c_ubyte * 2), ("functions", c_void_p * 68))


class AttributeValue(ctypes.Structure):
    _fields_ = (("type", c_ulong), ("value", c_void_p), ("length", c_ulong))


class CryptokiError(Exception):
    """A function answered something else than CKR_OK."""

    def __init__(self, function: str, rv: int) -> None:
        super().__init__(f"{function}: 0x{rv:x}")
        self.rv = rv


def refusal(call: Callable[[], object]) -> int:
    """The code that a call is refused with."""
    try:
        call()
    except CryptokiError as error:
        return error.rv
    raise AssertionError("it was not refused")


def _template(members: dict[int, Any]) -> tuple[Any, int]:
    """A CK_ATTRIBUTE array that keeps its values alive."""
    array = (AttributeValue * len(members))()
    kept = []
    for place, (kind, value) in enumerate(members.items()):
        if isinstance(value, bool):
            held: Any = c_ubyte(value)
        elif isinstance(value, int):
            held = c_ulong(value)
        elif isinstance(value, dict):
            held, _ = _template(value)
        else:
            held = ctypes.create_string_buffer(value, len(value))
        kept.append(held)
        array[place] = AttributeValue(kind, ctypes.cast(ctypes.pointer(held), c_void_p), ctypes.sizeof(held))
    array.kept = kept
    return array, len(members)


class Module:
    """A loaded library, initialised; its configuration is that of ``STRONGROOM_CONFIG`` at this time."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        listed = ctypes.POINTER(FunctionList)()
        assert self.library.C_GetFunctionList(byref(listed)) == 0
        prototype = ctypes.CFUNCTYPE(c_ulong)
        self._functions = {name: prototype(listed.contents.functions[place]) for name, place in PLACES.items()}
        present = (name for name in EXPORTED if hasattr(self.library, name))
        self._functions |= {name: prototype((name, self.library)) for name in present}
        self.call("C_Initialize", None)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function; raises :class:`CryptokiError` unless it answers CKR_OK. Integers are CK_ULONG."""
        passed = [c_ulong(each) if isinstance(each, int) else each for each in arguments]
        rv = self._functions[name](*passed)
        if rv != 0:
            raise CryptokiError(name, rv)

    def finalize(self) -> None:
        self.call("C_Finalize", None)

    def slot(self, place: int = 0) -> int:
        """The number of a slot, by its place in the list."""
        slots, count = (c_ulong * 8)(), c_ulong(8)
        self.call("C_GetSlotList", c_ubyte(1), slots, byref(count))
        return slots[place]

    def session(self, slot: int = 0, flags: int = CKF_RW_SERIAL) -> Session:
        """A session on a slot, by its place in the list; it may write unless told otherwise."""
        number, handle = self.slot(slot), c_ulong()
        self.call("C_OpenSession", number, flags, None, None, byref(handle))
        return Session(self, handle.value, number)

    def token_flags(self, slot: int = 0) -> int:
        """Of C_GetTokenInfo."""
        info = (c_ulong * 64)()
        self.call("C_GetTokenInfo", self.slot(slot), info)
        # Behind label, manufacturer, model and serial number.
        return info[12]


class Session:
    """One session; not for two threads at a time."""

    def __init__(self, module: Module, handle: int, slot: int) -> None:
        self.module = module
        self.handle = handle
        self.slot = slot

    def _call(self, name: str, *arguments: Any) -> None:
        self.module.call(name, self.handle, *arguments)

    def login(self, pin: str, user_type: int = CKU_USER) -> None:
        self._call("C_Login", user_type, ctypes.create_string_buffer(pin.encode()), len(pin.encode()))

    def generate_p256(self, label: str) -> tuple[int, int]:
        """Handles of a public and a private token key."""
        common = {CKA_TOKEN: True, CKA_LABEL: label.encode()}
        public = {**common, CKA_EC_PARAMS: P256, CKA_VERIFY: True}
        return self.generate_pair(mechanism(CKM_EC_KEY_PAIR_GEN), public, {**common, CKA_SIGN: True})

    def generate_pair(
        self, how: CkMechanism, public_template: dict[int, Any], private_template: dict[int, Any]
    ) -> tuple[int, int]:
        """Handles of a public and a private key."""
        public, private = c_ulong(), c_ulong()
        self._call(
            "C_GenerateKeyPair",
            byref(how),
            *_template(public_template),
            *_template(private_template),
            byref(public),
            byref(private),
        )
        return public.value, private.value

    def generate(self, how: CkMechanism, template: dict[int, Any]) -> int:
        key = c_ulong()
        self._call("C_GenerateKey", byref(how), *_template(template), byref(key))
        return key.value

    def create(self, template: dict[int, Any]) -> int:
        made = c_ulong()
        self._call("C_CreateObject", *_template(template), byref(made))
        return made.value

    def copy(self, handle: int, template: dict[int, Any]) -> int:
        made = c_ulong()
        self._call("C_CopyObject", handle, *_template(template), byref(made))
        return made.value

    def destroy(self, handle: int) -> None:
        self._call("C_DestroyObject", handle)

    def change(self, handle: int, template: dict[int, Any]) -> None:
        self._call("C_SetAttributeValue", handle, *_template(template))

    def logout(self) -> None:
        self._call("C_Logout")

    def close(self) -> None:
        self._call("C_CloseSession")

    def mechanisms(self) -> list[int]:
        """The mechanisms of the session's slot."""
        found, count = (c_ulong * 256)(), c_ulong(256)
        self.module.call("C_GetMechanismList", self.slot, found, byref(count))
        return found[: count.value]

    def mechanism_info(self, kind: int) -> tuple[int, int, int]:
        """Smallest and largest key, flags."""
        info = (c_ulong * 3)()
        self.module.call("C_GetMechanismInfo", self.slot, kind, info)
        return (info[0], info[1], info[2])

    def find(self, template: dict[int, Any]) -> list[int]:
        self._call("C_FindObjectsInit", *_template(template))
        found, count = (c_ulong * 100)(), c_ulong()
        handles: list[int] = []
        while True:
            self._call("C_FindObjects", found, 100, byref(count))
            handles += found[: count.value]
            if count.value == 0:
                break
        self._call("C_FindObjectsFinal")
        return handles

    def attribute(self, handle: int, kind: int) -> bytes:
        asked = (AttributeValue * 1)(AttributeValue(kind, None, 0))
        self._call("C_GetAttributeValue", handle, asked, 1)
        buffer = ctypes.create_string_buffer(asked[0].length)
        asked[0].value = ctypes.cast(buffer, c_void_p)
        self._call("C_GetAttributeValue", handle, asked, 1)
        return buffer.raw[: asked[0].length]

    def sign(self, key: int, data: bytes, how: CkMechanism | None = None) -> bytes:
        """Plain ECDSA (r and s) unless told otherwise."""
        return self._whole("Sign", how or mechanism(CKM_ECDSA), key, data)

    def verifies(self, how: CkMechanism, key: int, data: bytes, signature: bytes) -> bool:
        """Whether a signature holds; every other refusal is raised."""
        self._call("C_VerifyInit", byref(how), key)
        try:
            self._call("C_Verify", data, len(data), signature, len(signature))
        except CryptokiError as error:
            if error.rv in {CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE}:
                return False
            raise
        return True

    def verifies_in_parts(self, how: CkMechanism, key: int, parts: list[bytes], signature: bytes) -> bool:
        """The same with Update calls."""
        self._call("C_VerifyInit", byref(how), key)
        for part in parts:
            self._call("C_VerifyUpdate", part, len(part))
        try:
            self._call("C_VerifyFinal", signature, len(signature))
        except CryptokiError as error:
            if error.rv in {CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE}:
                return False
            raise
        return True

    def encrypt(self, how: CkMechanism, key: int, data: bytes) -> bytes:
        return self._whole("Encrypt", how, key, data)

    def decrypt(self, how: CkMechanism, key: int, data: bytes) -> bytes:
        return self._whole("Decrypt", how, key, data)

    def begin(self, function: str, how: CkMechanism, key: int) -> None:
        """Only the Init of a function."""
        self._call(f"C_{function}Init", byref(how), key)

    def digest(self, how: CkMechanism, data: bytes) -> bytes:
        return self._whole("Digest", how, None, data)

    def wrap(self, how: CkMechanism, wrapping_key: int, key: int) -> bytes:
        wrapped, length = ctypes.create_string_buffer(ROOM), c_ulong(ROOM)
        self._call("C_WrapKey", byref(how), wrapping_key, key, wrapped, byref(length))
        return wrapped.raw[: length.value]

    def unwrap(self, how: CkMechanism, unwrapping_key: int, wrapped: bytes, template: dict[int, Any]) -> int:
        key, found = c_ulong(), _template(template)
        self._call("C_UnwrapKey", byref(how), unwrapping_key, wrapped, len(wrapped), *found, byref(key))
        return key.value

    def derive(self, how: CkMechanism, base_key: int, template: dict[int, Any]) -> int:
        key = c_ulong()
        self._call("C_DeriveKey", byref(how), base_key, *_template(template), byref(key))
        return key.value

    def encapsulate(self, how: CkMechanism, public_key: int, template: dict[int, Any]) -> tuple[int, bytes]:
        """A key, and the ciphertext that carries it."""
        key, ciphertext, length = c_ulong(), ctypes.create_string_buffer(ROOM), c_ulong(ROOM)
        made = (*_template(template), ciphertext, byref(length), byref(key))
        self._call("C_EncapsulateKey", byref(how), public_key, *made)
        return key.value, ciphertext.raw[: length.value]

    def encapsulate_into(
        self, how: CkMechanism, public_key: int, template: dict[int, Any], buffer: Any, room: int
    ) -> tuple[int, int]:
        """What the function answers for a buffer, and the length that it tells."""
        length, key = c_ulong(room), c_ulong()
        try:
            self._call(
                "C_EncapsulateKey", byref(how), public_key, *_template(template), buffer, byref(length), byref(key)
            )
        except CryptokiError as error:
            return error.rv, length.value
        return 0, length.value

    def decapsulate(self, how: CkMechanism, private_key: int, ciphertext: bytes, template: dict[int, Any]) -> int:
        key, found = c_ulong(), _template(template)
        self._call("C_DecapsulateKey", byref(how), private_key, *found, ciphertext, len(ciphertext), byref(key))
        return key.value

    def in_parts(self, function: str, how: CkMechanism, key: int, parts: list[bytes]) -> bytes:
        """``Encrypt`` or ``Decrypt`` with Update calls."""
        self._call(f"C_{function}Init", byref(how), key)
        found = b""
        for part in parts:
            size = len(part) + ROOM
            result, length = ctypes.create_string_buffer(size), c_ulong(size)
            self._call(f"C_{function}Update", part, len(part), result, byref(length))
            found += result.raw[: length.value]
        length = c_ulong(0)
        self._call(f"C_{function}Final", None, byref(length))
        result = ctypes.create_string_buffer(length.value)
        self._call(f"C_{function}Final", result, byref(length))
        return found + result.raw[: length.value]

    def sign_in_parts(self, how: CkMechanism, key: int, parts: list[bytes]) -> bytes:
        """C_Sign with Update calls."""
        self._call("C_SignInit", byref(how), key)
        for part in parts:
            self._call("C_SignUpdate", part, len(part))
        result, length = ctypes.create_string_buffer(ROOM), c_ulong(ROOM)
        self._call("C_SignFinal", result, byref(length))
        return result.raw[: length.value]

    def digest_in_parts(self, how: CkMechanism, parts: Sequence[bytes | int]) -> bytes:
        """Of data, and of the values of keys, which are given by their handles."""
        self._call("C_DigestInit", byref(how))
        for part in parts:
            if isinstance(part, int):
                self._call("C_DigestKey", part)
            else:
                self._call("C_DigestUpdate", part, len(part))
        result, length = ctypes.create_string_buffer(ROOM), c_ulong(ROOM)
        self._call("C_DigestFinal", result, byref(length))
        return result.raw[: length.value]

    def _whole(self, function: str, how: CkMechanism, key: int | None, data: bytes) -> bytes:
        """Init and the function for one part."""
        size = len(data) + ROOM
        result, length = ctypes.create_string_buffer(size), c_ulong(size)
        self._call(f"C_{function}Init", byref(how), *([] if key is None else [key]))
        self._call(f"C_{function}", data, len(data), result, byref(length))
        return result.raw[: length.value]
