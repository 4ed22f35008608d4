"""Ed25519, Ed25519ctx and Ed25519ph after RFC 8032 section 5.1, written for clarity.

Neither pyca/cryptography nor OpenSSL 3.0 has the latter two.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def _add(left: Point, right: Point) -> Point:
    (x1, y1), (x2, y2) = left, right
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def _times(number: int, point: Point) -> Point:
    found = (0, 1)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _x(y: int, sign: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P)
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return P - x if x % 2 != sign else x


BASE = (_x(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)


def _encoded(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def _decoded(encoded: bytes) -> Point:
    number = int.from_bytes(encoded, "little")
    y = number & (1 << 255) - 1
    return _x(y, number >> 255), y


def _scalar(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _prepared(message: bytes, context: bytes | None, *, is_hashed: bool) -> tuple[bytes, bytes]:
    """``dom2`` and what stands for the message."""
    if is_hashed:
        message = hashlib.sha512(message).digest()
    elif context is None:
        return b"", message
    context = context or b""
    domain = b"SigEd25519 no Ed25519 collisions" + bytes([is_hashed, len(context)]) + context
    return domain, message


def public_key(seed: bytes) -> bytes:
    return _encoded(_times(_private(seed)[0], BASE))


def _private(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    number = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return number, digest[32:]


def sign(seed: bytes, message: bytes, context: bytes | None = None, *, is_hashed: bool = False) -> bytes:
    domain, message = _prepared(message, context, is_hashed=is_hashed)
    number, prefix = _private(seed)
    nonce = _scalar(domain, prefix, message) % ORDER
    commitment = _encoded(_times(nonce, BASE))
    challenge = _scalar(domain, commitment, public_key(seed), message) % ORDER
    return commitment + ((nonce + challenge * number) % ORDER).to_bytes(32, "little")


def verifies(
    public: bytes, message: bytes, signature: bytes, context: bytes | None = None, *, is_hashed: bool = False
) -> bool:
    domain, message = _prepared(message, context, is_hashed=is_hashed)
    challenge = _scalar(domain, signature[:32], public, message) % ORDER
    left = _times(int.from_bytes(signature[32:], "little"), BASE)
    return left == _add(_decoded(signature[:32]), _times(challenge, _decoded(public)))
