"""A program that calls every function of PKCS #11 with every argument wrong by itself: ``misuse.py STATE``.

It prints one line for each answer that is not as it should be, and ``N calls`` at the end. States: ``uninitialized``,
``logged-out``, ``idle``, ``data`` (with a data object in place of a key), ``busy`` (with operations of every kind under
way), ``read-only``, ``officer`` (with the security officer logged in), and ``threads``, in which many threads share one
session. The environment is an application's, with the admin's PIN.

What a length says of memory is the caller's word, and no library can check it: lengths here are right or too small.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from ctypes import byref, c_ubyte, c_ulong, c_void_p
from dataclasses import dataclass
from typing import Any

import vector_keys as keys
from cryptoki import CKF_RW_SERIAL, CKU_SO, Module, Session
from cryptoki_mechanisms import mechanism
from prototypes import prototypes, return_codes

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

FUNCTIONS = prototypes()
CODES = {number: name for name, number in return_codes().items()}
ROOM = 8192
"""Bytes behind every pointer; more than any structure has."""
LENGTH = 16
"""What counts and lengths say."""
THREADS = 8
CKF_SERIAL_SESSION = 4
NOT_THERE = {"FUNCTION_NOT_SUPPORTED", "FUNCTION_NOT_PARALLEL"}
VAGUE = {"HOST_MEMORY", "GENERAL_ERROR", "FUNCTION_FAILED", "DEVICE_ERROR", "DEVICE_MEMORY", "DEVICE_REMOVED"}
"""They would blame the library or the HSM for what the caller did."""
SO_DEFINED = {("C_GetInterface", "FUNCTION_FAILED")}
"""It means that there is no such interface (PKCS #11 3.0 section 5.4.5)."""
WITHOUT_INITIALIZE = {"C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"}
LEFT_OUT = {"C_Initialize", "C_Finalize"}
TAKEN = {"C_CloseAllSessions", "C_CloseSession", "C_CopyObject", "C_DestroyObject", "C_Logout", "C_WaitForSlotEvent"}
"""Functions that take all that has no wrong handle or missing pointer, and end something, make something or wait."""
NOT_TO_WAIT = {0: c_ulong(1)}
"""``CKF_DONT_BLOCK``: nothing happens that C_WaitForSlotEvent could wait for."""
WRONG_HANDLES = (0, 0x7FFF_FFFF, 2**64 - 1)


@dataclass(frozen=True)
class Place:
    """Handles that are right."""

    session: int
    slot: int
    key: int


@dataclass(frozen=True)
class Misuse:
    """A function, the places of the arguments that are not right, and these in words."""

    function: str
    instead: dict[int, Any]
    text: str

    def arguments(self, place: Place) -> list[Any]:
        kinds = FUNCTIONS[self.function]
        instead = {**NOT_TO_WAIT, **self.instead} if self.function == "C_WaitForSlotEvent" else self.instead
        return [instead.get(position, right(kind, place)) for position, kind in enumerate(kinds)]

    @property
    def has_wrong_session(self) -> bool:
        return any(FUNCTIONS[self.function][position] == "CK_SESSION_HANDLE" for position in self.instead)


def right(kind: str, place: Place) -> Any:
    """An argument of a type that could be right."""
    match kind:
        case "CK_SESSION_HANDLE":
            return c_ulong(place.session)
        case "CK_SLOT_ID":
            return c_ulong(place.slot)
        case "CK_OBJECT_HANDLE":
            return c_ulong(place.key)
        case "CK_BBOOL":
            return c_ubyte(1)
        case "CK_FLAGS":
            return c_ulong(CKF_RW_SERIAL)
        case "CK_NOTIFY":
            return c_void_p(None)
        case "CK_ULONG *":
            return byref(c_ulong(ROOM))
        case _ if kind.endswith("*"):
            return ctypes.create_string_buffer(ROOM)
        case _:
            return c_ulong(LENGTH)


def wrong(kind: str) -> Iterator[tuple[str, Any]]:
    """Arguments of a type that are wrong, or so unusual that a function may mind."""
    if kind.endswith("*"):
        yield "NULL", c_void_p(None)
    elif kind.endswith("HANDLE") or kind == "CK_SLOT_ID":
        for number in WRONG_HANDLES:
            yield f"{number:#x}", c_ulong(number)
    elif kind not in {"CK_BBOOL", "CK_NOTIFY"}:
        yield "0", c_ulong(0)
        yield "1", c_ulong(1)


def misuses() -> Iterator[Misuse]:
    """Every function with each of its arguments wrong by itself, with no pointer at all, and with zeros behind each."""
    for name, kinds in FUNCTIONS.items():
        if name in LEFT_OUT:
            continue
        for position, kind in enumerate(kinds):
            if name in TAKEN and not kind.endswith(("HANDLE", "*", "SLOT_ID")):
                continue
            for said, value in wrong(kind):
                yield Misuse(name, {position: value}, f"{name} with {said} as argument {position + 1}, {kind}")
        if name not in TAKEN:
            pointers = [position for position, kind in enumerate(kinds) if kind.endswith("*")]
            yield Misuse(name, dict.fromkeys(pointers, c_void_p(None)), f"{name} without pointers")
            yield Misuse(name, {}, f"{name} with zeros behind every pointer")


def complaint(misuse: Misuse, rv: int) -> str | None:
    """What is wrong with an answer."""
    code = CODES.get(rv, f"{rv:#x}, which is no code of the standard")
    is_wrong = rv not in CODES or (code in VAGUE and (misuse.function, code) not in SO_DEFINED)
    if misuse.has_wrong_session:
        is_wrong = code not in {*NOT_THERE, "SESSION_HANDLE_INVALID"}
    return f"{misuse.text}: {code}" if is_wrong else None


class Application:
    """The library, and what it has to leave as it is."""

    def __init__(self) -> None:
        self.module = Module(os.environ["STRONGROOM_PKCS11_MODULE"])
        self.complaints: list[str] = []
        self.calls = 0

    def call(self, misuse: Misuse, place: Place) -> str:
        """The name of the code that came back."""
        self.calls += 1
        function = getattr(self.module.library, misuse.function)
        function.restype = c_ulong
        rv = int(function(*misuse.arguments(place)))
        if said := complaint(misuse, rv):
            self.complaints.append(said)
        return CODES.get(rv, "")

    def expect(self, what: str, holds: bool) -> None:
        if not holds:
            self.complaints.append(what)

    def session(self, flags: int = CKF_RW_SERIAL) -> Session:
        session = self.module.session()
        if flags == CKF_RW_SERIAL:
            return session
        handle = c_ulong()
        self.module.call("C_OpenSession", session.slot, flags, None, None, byref(handle))
        session.close()
        return Session(self.module, handle.value, session.slot)


def uninitialized(application: Application) -> None:
    application.module.finalize()
    for misuse in misuses():
        if misuse.has_wrong_session:
            continue
        code = application.call(misuse, Place(1, 1, 1))
        if misuse.function not in WITHOUT_INITIALIZE:
            is_right = code in {*NOT_THERE, "CRYPTOKI_NOT_INITIALIZED"}
            application.expect(f"{misuse.text}: {code} before C_Initialize", is_right)


def logged_out(application: Application) -> None:
    for misuse in misuses():
        session = application.session()
        # A wrong PIN would lock the user.
        if misuse.function not in {"C_Login", "C_LoginUser", "C_SetPIN"}:
            application.call(misuse, Place(session.handle, session.slot, 1))
        session.close()


def idle(application: Application) -> None:
    each_in_its_session(application, application.session)


def read_only(application: Application) -> None:
    each_in_its_session(application, lambda: application.session(CKF_SERIAL_SESSION))


def officer(application: Application) -> None:
    """Users and public objects are the same after each call."""
    owner = application.session()
    owner.login(os.environ["STRONGROOM_ADMIN_PIN"], CKU_SO)
    before = owner.find({})
    for misuse in misuses():
        used = application.session()
        application.call(misuse, Place(used.handle, used.slot, 1))
        used.close()
        application.expect(f"{misuse.text}: other objects than before", owner.find({}) == before)
    owner.logout()
    logged_in(application).logout()
    owner.login(os.environ["STRONGROOM_ADMIN_PIN"], CKU_SO)


def busy(application: Application) -> None:
    owner = logged_in(application)
    public, private = recovering(owner)

    def session() -> Session:
        made = application.session()
        key = made.create(keys.secret(bytes(32)))
        for name in ("SignInit", "VerifyInit"):
            application.module.call(f"C_{name}", made.handle, byref(mechanism(Mechanism.SHA256_HMAC)), key)
        for name, half in (("C_SignRecoverInit", private), ("C_VerifyRecoverInit", public)):
            begin = getattr(application.module.library, name)
            rv = begin(c_ulong(made.handle), byref(mechanism(Mechanism.RSA_PKCS)), c_ulong(half))
            application.expect(f"{name}: {rv:#x}", rv == 0)
        application.module.call("C_DigestInit", made.handle, byref(mechanism(Mechanism.SHA256)))
        application.module.call("C_FindObjectsInit", made.handle, None, 0)
        return made

    each_in_its_session(application, session, owner=owner)


def recovering(session: Session) -> tuple[int, int]:
    """A key pair for signatures with recovery."""
    return session.generate_pair(
        mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
        {
            Attribute.MODULUS_BITS: 2048,
            Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
            Attribute.VERIFY_RECOVER: True,
        },
        {Attribute.SIGN_RECOVER: True},
    )


def data(application: Application) -> None:
    object_ = each_in_its_session(application, application.session, {Attribute.CLASS: 0, Attribute.VALUE: b"data"})
    session = application.session()
    application.expect("other data than before", session.attribute(object_, Attribute.VALUE) == b"data")


def each_in_its_session(
    application: Application,
    session: Any,
    misused: dict[int, Any] | None = None,
    owner: Session | None = None,
) -> int:
    """Every call in a new session, logged in; objects, login and session are the same afterwards.

    Gives the handle that the calls had for a key, of an object of the template ``misused``. ``owner`` is logged in.
    """
    owner = owner or logged_in(application)
    key = owner.create(keys.aes(bytes(32)))
    handle = owner.create(misused) if misused else key
    for misuse in misuses():
        before = owner.find({})
        used = session()
        application.call(misuse, Place(used.handle, used.slot, handle))
        used.close()
        application.expect(f"{misuse.text}: other objects than before", owner.find({}) == before)
    encrypted = owner.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16))
    application.expect("the key works no more", encrypted.hex() == "dc95c078a2408989ad48a21492842087")
    return handle


def threads(application: Application) -> None:
    """Many threads misuse one session, and one of them works in another."""
    owner = logged_in(application)
    key = owner.create(keys.aes(bytes(32)))
    before = owner.find({})
    shared, over = application.session(), threading.Event()
    place = Place(shared.handle, shared.slot, key)

    def misuse_all(number: int) -> None:
        listed = list(misuses())
        for misuse in listed[number::2] + listed[:number]:
            application.call(misuse, place)

    misusing = [threading.Thread(target=misuse_all, args=(number,)) for number in range(THREADS)]

    def work() -> None:
        while not over.is_set():
            encrypted = owner.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16))
            application.expect("a wrong result", encrypted.hex() == "dc95c078a2408989ad48a21492842087")

    working = threading.Thread(target=work)
    for each in (working, *misusing):
        each.start()
    for each in misusing:
        each.join()
    over.set()
    working.join()
    application.expect("other objects than before", owner.find({}) == before)


def logged_in(application: Application) -> Session:
    session = application.session()
    session.login(os.environ["CLOUDHSM_PIN"])
    return session


STATES = {
    "uninitialized": uninitialized,
    "logged-out": logged_out,
    "idle": idle,
    "data": data,
    "busy": busy,
    "read-only": read_only,
    "officer": officer,
    "threads": threads,
}


def main(state: str) -> None:
    application = Application()
    STATES[state](application)
    print("\n".join([*dict.fromkeys(application.complaints), f"{application.calls} calls"]))


if __name__ == "__main__":
    main(sys.argv[1])
