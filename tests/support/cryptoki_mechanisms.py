"""CK_MECHANISM values with their parameters (PKCS #11 2.40 sections 2.1 to 2.14), for :mod:`cryptoki`."""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_ubyte, c_ulong, c_void_p

from strongroom.vocabulary.mechanisms import Mechanism

MGF1 = {"SHA1": 1, "SHA224": 5, "SHA256": 2, "SHA384": 3, "SHA512": 4}
MGF1 |= {"SHA3_224": 6, "SHA3_256": 7, "SHA3_384": 8, "SHA3_512": 9}
HASHES = {
    "SHA1": Mechanism.SHA_1,
    "SHA224": Mechanism.SHA224,
    "SHA256": Mechanism.SHA256,
    "SHA384": Mechanism.SHA384,
    "SHA512": Mechanism.SHA512,
    "SHA3_224": Mechanism.SHA3_224,
    "SHA3_256": Mechanism.SHA3_256,
    "SHA3_384": Mechanism.SHA3_384,
    "SHA3_512": Mechanism.SHA3_512,
}
CKZ_DATA_SPECIFIED = 1


CKG_NO_GENERATE, CKG_GENERATE = 0, 1


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


class GcmMessage(ctypes.Structure):
    """A ``CK_GCM_MESSAGE_PARAMS``: the HSM's IV, or the caller's."""

    _fields_ = (
        ("iv", c_void_p),
        ("iv_length", c_ulong),
        ("iv_fixed_bits", c_ulong),
        ("iv_generator", c_ulong),
        ("tag", c_void_p),
        ("tag_bits", c_ulong),
    )

    def __init__(self, iv: bytes | None = None, tag: bytes = bytes(16)) -> None:
        self.iv_buffer, self.tag_buffer = (
            ctypes.create_string_buffer(each, len(each)) for each in (iv or bytes(12), tag)
        )
        generator = CKG_GENERATE if iv is None else CKG_NO_GENERATE
        iv_place, tag_place = (ctypes.cast(each, c_void_p) for each in (self.iv_buffer, self.tag_buffer))
        super().__init__(iv_place, len(self.iv_buffer), 0, generator, tag_place, 8 * len(tag))


class CcmMessage(ctypes.Structure):
    """A ``CK_CCM_MESSAGE_PARAMS``: a nonce of the library's, or the caller's."""

    _fields_ = (
        ("data_length", c_ulong),
        ("nonce", c_void_p),
        ("nonce_length", c_ulong),
        ("nonce_fixed_bits", c_ulong),
        ("nonce_generator", c_ulong),
        ("tag", c_void_p),
        ("tag_length", c_ulong),
    )

    def __init__(self, data_length: int = 0, nonce: bytes | None = None, tag: bytes = bytes(16)) -> None:
        self.nonce_buffer, self.tag_buffer = (
            ctypes.create_string_buffer(each, len(each)) for each in (nonce or bytes(12), tag)
        )
        generator = CKG_GENERATE if nonce is None else CKG_NO_GENERATE
        nonce_place, tag_place = (ctypes.cast(each, c_void_p) for each in (self.nonce_buffer, self.tag_buffer))
        super().__init__(data_length, nonce_place, len(self.nonce_buffer), 0, generator, tag_place, len(tag))


class CcmParameters(ctypes.Structure):
    _fields_ = (
        ("data_length", c_ulong),
        ("nonce", c_void_p),
        ("nonce_length", c_ulong),
        ("aad", c_void_p),
        ("aad_length", c_ulong),
        ("mac_length", c_ulong),
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


def ccm(plaintext_length: int, nonce: bytes, aad: bytes, tag_length: int) -> CkMechanism:
    held = (_buffer(nonce), _buffer(aad))
    parameters = CcmParameters(plaintext_length, _place(held[0]), len(nonce), _place(held[1]), len(aad), tag_length)
    parameters.kept = held
    return mechanism(Mechanism.AES_CCM, parameters)


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


class EcdhParameters(ctypes.Structure):
    _fields_ = (
        ("kdf", c_ulong),
        ("shared_length", c_ulong),
        ("shared", c_void_p),
        ("public_length", c_ulong),
        ("public", c_void_p),
    )


class HkdfParameters(ctypes.Structure):
    _fields_ = (
        ("extract", c_ubyte),
        ("expand", c_ubyte),
        ("hash", c_ulong),
        ("salt_type", c_ulong),
        ("salt", c_void_p),
        ("salt_length", c_ulong),
        ("salt_key", c_ulong),
        ("info", c_void_p),
        ("info_length", c_ulong),
    )


class PrfPart(ctypes.Structure):
    _fields_ = (("type", c_ulong), ("value", c_void_p), ("length", c_ulong))


class CounterFormat(ctypes.Structure):
    _fields_ = (("little_endian", c_ubyte), ("bits", c_ulong))


class LengthFormat(ctypes.Structure):
    _fields_ = (("method", c_ulong), ("little_endian", c_ubyte), ("bits", c_ulong))


class KdfParameters(ctypes.Structure):
    _fields_ = (
        ("prf", c_ulong),
        ("count", c_ulong),
        ("parts", c_void_p),
        ("additional_count", c_ulong),
        ("additional", c_void_p),
    )


class FeedbackParameters(ctypes.Structure):
    _fields_ = (
        ("prf", c_ulong),
        ("count", c_ulong),
        ("parts", c_void_p),
        ("iv_length", c_ulong),
        ("iv", c_void_p),
        ("additional_count", c_ulong),
        ("additional", c_void_p),
    )


class EddsaParameters(ctypes.Structure):
    _fields_ = (("is_hashed", c_ubyte), ("context_length", c_ulong), ("context", c_void_p))


class Pbkdf2Parameters(ctypes.Structure):
    _fields_ = (
        ("salt_source", c_ulong),
        ("salt", c_void_p),
        ("salt_length", c_ulong),
        ("iterations", c_ulong),
        ("prf", c_ulong),
        ("prf_data", c_void_p),
        ("prf_data_length", c_ulong),
        ("password", c_void_p),
        ("password_length", c_ulong),
    )


class VendorCounterFormat(ctypes.Structure):
    _fields_ = (("bits", c_ulong),)


class VendorLengthFormat(ctypes.Structure):
    _fields_ = (("method", c_ulong), ("bits", c_ulong))


class VendorKdfParameters(ctypes.Structure):
    _fields_ = (("prf", c_ulong), ("count", c_ulong), ("parts", c_void_p))


CKD_NULL = 1
X963 = {"SHA1": 2, "SHA224": 5, "SHA256": 6, "SHA384": 7, "SHA512": 8}
X963 |= {"SHA3_224": 10, "SHA3_256": 11, "SHA3_384": 12, "SHA3_512": 13}
"""``CKD_*_KDF`` by hash."""
ONE_STEP = {name: 14 + place for place, name in enumerate(X963)}
"""``CKD_*_KDF_SP800`` by hash."""
CKF_HKDF_SALT_NULL, CKF_HKDF_SALT_DATA = 1, 2
COUNTER, OPTIONAL_COUNTER, LENGTH, BYTES = 1, 2, 3, 4
"""``CK_SP800_108_*``: the types of parts."""
VENDOR_TYPES = {CounterFormat: 4, LengthFormat: 7, bytes: 8}
SUM_OF_KEYS = 1
Part = CounterFormat | LengthFormat | bytes
LAST = None
"""The iteration variable of feedback mode."""


def ecdh(
    point: bytes, kdf: int = CKD_NULL, shared: bytes = b"", kind: Mechanism = Mechanism.ECDH1_DERIVE
) -> CkMechanism:
    held = (_buffer(shared), _buffer(point))
    parameters = EcdhParameters(kdf, len(shared), _place(held[0]), len(point), _place(held[1]))
    parameters.kept = held
    return mechanism(kind, parameters)


def eddsa(context: bytes = b"", *, is_hashed: bool = False) -> CkMechanism:
    """Ed25519ctx, or Ed25519ph; neither with an empty context and without hashing."""
    held = _buffer(context)
    parameters = EddsaParameters(is_hashed, len(context), _place(held))
    parameters.kept = held
    return mechanism(Mechanism.EDDSA, parameters)


class SignParameters(ctypes.Structure):
    _fields_ = (("hedge", c_ulong), ("context", c_void_p), ("context_length", c_ulong))


HEDGE_PREFERRED, HEDGE_REQUIRED, DETERMINISTIC_REQUIRED = 0, 1, 2
"""``CKH_*``."""


def ml_dsa(context: bytes = b"", hedge: int = HEDGE_PREFERRED, kind: int = Mechanism.ML_DSA) -> CkMechanism:
    held = _buffer(context)
    parameters = SignParameters(hedge, _place(held), len(context))
    parameters.kept = held
    return mechanism(kind, parameters)


class HashSignParameters(ctypes.Structure):
    _fields_ = (*SignParameters._fields_, ("hash", c_ulong))


def hash_ml_dsa(kind: int, context: bytes = b"", hedge: int = HEDGE_PREFERRED) -> CkMechanism:
    """HashML-DSA over a digest that the caller made with the hash ``kind``."""
    held = _buffer(context)
    parameters = HashSignParameters(hedge, _place(held), len(context), kind)
    parameters.kept = held
    return mechanism(Mechanism.HASH_ML_DSA, parameters)


def mac_general(kind: int, length: int) -> CkMechanism:
    """A MAC that is cut to so many bytes."""
    return mechanism(kind, length.to_bytes(ctypes.sizeof(c_ulong), sys.byteorder))


PBKDF2 = {"SHA1": 1, "SHA224": 3, "SHA256": 4, "SHA384": 5, "SHA512": 6}
"""``CKP_PKCS5_PBKD2_HMAC_*`` by hash."""
CKZ_SALT_SPECIFIED = 1


def pbkdf2(hash_name: str, password: bytes, salt: bytes, iterations: int) -> CkMechanism:
    held = (_buffer(salt), _buffer(password))
    salt_and_password = ((_place(held[0]), len(salt)), (_place(held[1]), len(password)))
    parameters = Pbkdf2Parameters(
        CKZ_SALT_SPECIFIED, *salt_and_password[0], iterations, PBKDF2[hash_name], None, 0, *salt_and_password[1]
    )
    parameters.kept = held
    return mechanism(Mechanism.PKCS5_PBKD2, parameters)


def hkdf(hash_name: str, salt: bytes | None, info: bytes, *, extract: bool = True, expand: bool = True) -> CkMechanism:
    held = (_buffer(salt or b""), _buffer(info))
    kind = CKF_HKDF_SALT_NULL if salt is None else CKF_HKDF_SALT_DATA
    places = (_place(held[0]), len(salt or b""), 0, _place(held[1]), len(info))
    parameters = HkdfParameters(extract, expand, HASHES[hash_name], kind, *places)
    parameters.kept = held
    return mechanism(Mechanism.HKDF_DERIVE, parameters)


def counter_kdf(prf: int, *parts: Part) -> CkMechanism:
    """SP 800-108 in counter mode, with the standard's structs."""
    types = {CounterFormat: COUNTER, LengthFormat: LENGTH, bytes: BYTES}
    array = _parts([(types[type(part)], part) for part in parts])
    parameters = KdfParameters(prf, len(parts), ctypes.addressof(array), 0, None)
    parameters.kept = array
    return mechanism(Mechanism.SP800_108_COUNTER_KDF, parameters)


def feedback_kdf(prf: int, iv: bytes, *parts: Part | None) -> CkMechanism:
    """SP 800-108 in feedback mode; ``LAST`` stands for what the function gave last."""
    types = {CounterFormat: OPTIONAL_COUNTER, LengthFormat: LENGTH, bytes: BYTES}
    array = _parts([(COUNTER, b"") if part is None else (types[type(part)], part) for part in parts])
    held = _buffer(iv)
    parameters = FeedbackParameters(prf, len(parts), ctypes.addressof(array), len(iv), _place(held), 0, None)
    parameters.kept = (array, held)
    return mechanism(Mechanism.SP800_108_FEEDBACK_KDF, parameters)


def vendor_counter_kdf(prf: int, *parts: Part) -> CkMechanism:
    """The same with AWS's structs, which are big-endian."""

    def translated(part: Part) -> ctypes.Structure | bytes:
        if isinstance(part, CounterFormat):
            return VendorCounterFormat(part.bits)
        return VendorLengthFormat(part.method, part.bits) if isinstance(part, LengthFormat) else part

    array = _parts([(VENDOR_TYPES[type(part)], translated(part)) for part in parts])
    parameters = VendorKdfParameters(prf, len(parts), ctypes.addressof(array))
    parameters.kept = array
    return mechanism(Mechanism.CLOUDHSM_SP800_108_COUNTER_KDF, parameters)


def _parts(parts: list[tuple[int, ctypes.Structure | bytes]]) -> ctypes.Array[PrfPart]:
    held = [_buffer(part) if isinstance(part, bytes) else part for _, part in parts]
    array = (PrfPart * len(parts))(
        *(PrfPart(kind, _place(part), ctypes.sizeof(part)) for (kind, _), part in zip(parts, held, strict=True))
    )
    array.kept = held
    return array


def _place(held: ctypes.Array[ctypes.c_char] | ctypes.Structure) -> int | None:
    return ctypes.addressof(held) if ctypes.sizeof(held) else None


class RsaAesParameters(ctypes.Structure):
    _fields_ = (("key_bits", c_ulong), ("oaep", c_void_p))


def rsa_aes(key_bits: int, oaep_: OaepParameters) -> CkMechanism:
    parameters = RsaAesParameters(key_bits, ctypes.addressof(oaep_))
    parameters.kept = oaep_
    return mechanism(Mechanism.RSA_AES_KEY_WRAP, parameters)
