"""SM2 (GB/T 32918): the curve, and signatures over SM3 with the identity 1234567812345678.

Our own, because the library has no SM2; SM3 is the library's. Not constant in time: it verifies,
it encrypts to others, and it holds keys of people on their own machine or of development. The
platform's own key is held by a device (`platform_device`).
"""

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

# GB/T 32918.5: sm2p256v1, y² = x³ + ax + b with a = p − 3.
PRIME: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = PRIME - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
BASE: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
# The one identity of signers here; another one is another hash, so it cannot verify.
IDENTITY: Final = b"1234567812345678"
POINT_LENGTH: Final = 65

Point = tuple[int, int]
# X/Z², Y/Z³; Z = 0 is the point at infinity.
_Jacobian = tuple[int, int, int]
_INFINITY: Final[_Jacobian] = (1, 1, 0)
_WINDOW: Final = 4


@dataclass(frozen=True, slots=True)
class SM2PublicKey:
    """A public key by its 65-byte uncompressed point; `from_bytes` refuses one off the curve."""

    point: bytes

    @classmethod
    def from_bytes(cls, point: bytes) -> Self:
        """The key of a point; refuses with `ValueError` what is not on the curve."""
        read_point(point)
        return cls(point)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a raw r‖s signature; refuses with `InvalidSignature`."""
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        total = (r + s) % ORDER
        if len(signature) != 64 or not (0 < r < ORDER and 0 < s < ORDER) or total == 0:
            raise InvalidSignature
        sum_ = _add(_times_base(s), _times(read_point(self.point), total))
        if sum_[2] == 0 or (digest_of(self, message) + _affine(sum_)[0]) % ORDER != r:
            raise InvalidSignature


@dataclass(frozen=True, slots=True)
class SM2PrivateKey:
    """A private key that is in this process."""

    # Never printed: a traceback or a log must not show it.
    scalar: int

    def __post_init__(self) -> None:
        if not 0 < self.scalar < ORDER:
            raise ValueError("expected a scalar from 1 to n - 1")

    def __repr__(self) -> str:
        return "SM2PrivateKey(…)"

    def public_key(self) -> SM2PublicKey:
        """Its public key."""
        return SM2PublicKey(_public_point(self.scalar))

    def sign(self, message: bytes) -> bytes:
        """A raw r‖s signature."""
        digest = digest_of(self.public_key(), message)
        while True:
            signature = sign_digest(self.scalar, digest, 1 + secrets.randbelow(ORDER - 1))
            if signature is not None:
                return signature

    def shared_point(self, point: Point) -> Point:
        """The point d·P of a point on the curve."""
        return multiply(point, self.scalar)


def new_private_key() -> SM2PrivateKey:
    """A fresh key."""
    # n − 1 cannot sign: 1 + d has no inverse then (GB/T 32918.2, 6.1).
    return SM2PrivateKey(1 + secrets.randbelow(ORDER - 2))


def sign_digest(scalar: int, digest: int, k: int) -> bytes | None:
    """The signature of a digest with one random number k; None where k must be another."""
    r = (digest + _affine(_times_base(k))[0]) % ORDER
    s = pow(1 + scalar, -1, ORDER) * (k - r * scalar) % ORDER
    if r == 0 or r + k == ORDER or s == 0:
        return None
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sm3(data: bytes) -> bytes:
    """The hash SM3."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


@lru_cache(maxsize=1024)
def read_point(point: bytes) -> Point:
    """The coordinates of an uncompressed point; refuses with `ValueError` one off the curve."""
    if len(point) == POINT_LENGTH and point[0] == 4:
        x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
        if x < PRIME and y < PRIME and (y * y - (x * x + A) * x - B) % PRIME == 0:
            return x, y
    raise ValueError("expected an uncompressed point on the SM2 curve (65 bytes)")


def is_point(raw: bytes) -> bool:
    """Whether bytes are an uncompressed point on the SM2 curve: what a raw key of GM-1 is."""
    try:
        read_point(raw)
    except ValueError:
        return False
    return True


def point_bytes(point: Point) -> bytes:
    """The 65 bytes of a point."""
    return b"\4" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def multiply_base(k: int) -> Point:
    """k·G for 0 < k < n."""
    return _affine(_times_base(k))


def multiply(point: Point, k: int) -> Point:
    """k·P for 0 < k < n; every point on the curve but infinity has the order n."""
    return _affine(_times(point, k))


@lru_cache(maxsize=64)
def _public_point(scalar: int) -> bytes:
    return point_bytes(multiply_base(scalar))


def digest_of(key: SM2PublicKey, message: bytes) -> int:
    """The number that is signed: SM3(Z_A ‖ M)."""
    return int.from_bytes(sm3(identity_hash(key.point) + message), "big")


@lru_cache(maxsize=1024)
def identity_hash(public: bytes) -> bytes:
    """Z_A: what binds a signature to identity, curve and key (a 65-byte point)."""
    numbers = b"".join(n.to_bytes(32, "big") for n in (A, B, *BASE))
    bits = (8 * len(IDENTITY)).to_bytes(2, "big")
    return sm3(bits + IDENTITY + numbers + public[1:])


def _times_base(k: int) -> _Jacobian:
    """k·G by additions alone: the multiples 1…15 of every power 16^i are kept."""
    total = _INFINITY
    for multiples in _base_table():
        digit = k & (1 << _WINDOW) - 1
        if digit:
            total = _add_affine(total, multiples[digit - 1])
        k >>= _WINDOW
    return total


def _times(point: Point, k: int) -> _Jacobian:
    """k·P from the top, in windows of four bits."""
    multiples = _normalised(_row((*point, 1)))
    total = _INFINITY
    for place in reversed(range(0, 256, _WINDOW)):
        if total[2]:
            for _ in range(_WINDOW):
                total = _double(total)
        digit = k >> place & (1 << _WINDOW) - 1
        if digit:
            total = _add_affine(total, multiples[digit - 1])
    return total


@lru_cache(maxsize=1)
def _base_table() -> list[list[Point]]:
    rows: list[_Jacobian] = []
    power: _Jacobian = (*BASE, 1)
    for _ in range(0, 256, _WINDOW):
        row = _row(power)
        rows += row
        power = _add(row[-1], power)
    points = _normalised(rows)
    per_row = (1 << _WINDOW) - 1
    return [points[at : at + per_row] for at in range(0, len(points), per_row)]


def _row(point: _Jacobian) -> list[_Jacobian]:
    """The multiples 1…15 of a point."""
    row = [point, _double(point)]
    while len(row) < (1 << _WINDOW) - 1:
        row.append(_add(row[-1], point))
    return row


def _normalised(points: list[_Jacobian]) -> list[Point]:
    """Affine points with one inversion for all (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % PRIME)
    inverse = pow(products[-1], -1, PRIME)
    found: list[Point] = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1]), strict=True):
        one = inverse * before % PRIME
        inverse = inverse * z % PRIME
        square = one * one % PRIME
        found.append((x * square % PRIME, y * square * one % PRIME))
    return found[::-1]


def _affine(point: _Jacobian) -> Point:
    return _normalised([point])[0]


def _double(point: _Jacobian) -> _Jacobian:
    """dbl-2001-b, for a = −3."""
    x, y, z = point
    delta, gamma = z * z % PRIME, y * y % PRIME
    beta = x * gamma % PRIME
    alpha = 3 * (x - delta) * (x + delta) % PRIME
    x3 = (alpha * alpha - 8 * beta) % PRIME
    z3 = ((y + z) ** 2 - gamma - delta) % PRIME
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % PRIME, z3


def _add(first: _Jacobian, second: _Jacobian) -> _Jacobian:
    x1, y1, z1 = first
    x2, y2, z2 = second
    if z1 == 0:
        return second
    if z2 == 0:
        return first
    square1, square2 = z1 * z1 % PRIME, z2 * z2 % PRIME
    u1, s1 = x1 * square2 % PRIME, y1 * z2 * square2 % PRIME
    return _sum((u1, s1, z1 * z2), x2 * square1 % PRIME, y2 * z1 * square1 % PRIME, first)


def _add_affine(first: _Jacobian, second: Point) -> _Jacobian:
    z = first[2]
    if z == 0:
        return (*second, 1)
    square = z * z % PRIME
    return _sum(first, second[0] * square % PRIME, second[1] * z * square % PRIME, first)


def _sum(first: _Jacobian, u2: int, s2: int, doubled: _Jacobian) -> _Jacobian:
    """The sum of two points over one denominator z; `doubled` is the first as it came."""
    u1, s1, z = first
    h, r = (u2 - u1) % PRIME, (s2 - s1) % PRIME
    if h == 0:
        return _double(doubled) if r == 0 else _INFINITY
    h2 = h * h % PRIME
    h3, v = h * h2 % PRIME, u1 * h2 % PRIME
    x3 = (r * r - h3 - 2 * v) % PRIME
    return x3, (r * (v - x3) - s1 * h3) % PRIME, z * h % PRIME
