"""CK_MECHANISM values with their parameters (PKCS #11 2.40 sections 2.1 to 2.14), for :mod:`cryptoki`."""

from __future__ import annotations

import ctypes
from ctypes import c_ubyte, c_ulong, c_void_p

from strongroom.vocabulary.mechanisms import Mechanism

MGF1 = {"SHA1": 1, "SHA224": 5, "SHA256": 2, "SHA384": 3, "SHA512": 4}
HASHES = {
    "SHA1": Mechanism.SHA_1,
    "SHA224": Mechanism.SHA224,
    "SHA256": Mechanism.SHA256,
    "SHA384": Mechanism.SHA384,
    "SHA512": Mechanism.SHA512,
}
CKZ_DATA_SPECIFIED = 1


class CkMechanism(ctypes.Structure):
    _fields_ = (("mechanism", c_ulong), ("parameter", c_void_p), ("length", c_ulong))


class GcmParameters(ctypes.Structure):
    _fields_ = (
        ("iv", c_void_p),
        ("iv_length", c_ulong),
        ("iv_bits", c_ulong),
        ("aad", c_void_p),
        ("aad_length", c_ulong),
        ("tag_bits", c_ulong),
    )


class CtrParameters(ctypes.Structure):
    _fields_ = (("counter_bits", c_ulong), ("block", c_ubyte * 16))


class PssParameters(ctypes.Structure):
    _fields_ = (("hash", c_ulong), ("mgf", c_ulong), ("salt_length", c_ulong))


class OaepParameters(ctypes.Structure):
    _fields_ = (
        ("hash", c_ulong),
        ("mgf", c_ulong),
        ("source", c_ulong),
        ("label", c_void_p),
        ("label_length", c_ulong),
    )


def mechanism(kind: int, parameter: ctypes.Structure | bytes | None = None) -> CkMechanism:
    """A mechanism that keeps its parameter alive."""
    if parameter is None:
        return CkMechanism(kind, None, 0)
    held = _buffer(parameter) if isinstance(parameter, bytes) else parameter
    made = CkMechanism(kind, ctypes.cast(ctypes.pointer(held), c_void_p), ctypes.sizeof(held))
    made.kept = held
    return made


def gcm(iv: bytes | None, aad: bytes, tag_bits: int, kind: int = Mechanism.AES_GCM) -> CkMechanism:
    """For encryption the HSM writes its IV over ``iv`` (see :func:`gcm_iv`)."""
    held_iv, held_aad = _buffer(iv or b""), _buffer(aad)
    parameters = GcmParameters(
        ctypes.addressof(held_iv) if iv else None,
        len(iv or b""),
        8 * len(iv or b""),
        ctypes.addressof(held_aad) if aad else None,
        len(aad),
        tag_bits,
    )
    parameters.kept = (held_iv, held_aad)
    return mechanism(kind, parameters)


def gcm_iv(made: CkMechanism) -> bytes:
    """The IV in the caller's buffer."""
    held: bytes = made.kept.kept[0].raw
    return held


def ctr(counter_bits: int, block: bytes) -> CkMechanism:
    return mechanism(Mechanism.AES_CTR, CtrParameters(counter_bits, (c_ubyte * 16)(*block)))


def pss(kind: int, hash_name: str, mgf_hash: str, salt_length: int) -> CkMechanism:
    return mechanism(kind, PssParameters(HASHES[hash_name], MGF1[mgf_hash], salt_length))


def oaep(hash_name: str, mgf_hash: str, label: bytes = b"") -> CkMechanism:
    return mechanism(Mechanism.RSA_PKCS_OAEP, oaep_parameters(hash_name, mgf_hash, label))


def oaep_parameters(hash_name: str, mgf_hash: str, label: bytes = b"") -> OaepParameters:
    held = _buffer(label)
    place = ctypes.addressof(held) if label else None
    parameters = OaepParameters(HASHES[hash_name], MGF1[mgf_hash], CKZ_DATA_SPECIFIED, place, len(label))
    parameters.kept = held
    return parameters


def _buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(content, len(content))
