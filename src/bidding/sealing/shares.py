"""Shamir shares over GF(2^8)/0x11B, dealt deterministically from the two halves.

Because every share follows from T, B, header and opening keys, anybody who knows T and B can
deal again and see which share was wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from bidding.sealing.refusals import WrongShare
from bidding.sealing.suites import SECRET_LENGTH, Suite

DealtRole = Literal["T", "R"]

_POLYNOMIAL: Final = 0x11B


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """The two secrets of one envelope: T for the custodians, B for the bidder and the remedy."""

    t: bytes
    b: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """Everything that follows from the halves of one envelope."""

    suite: Suite
    halves: Halves
    seed: bytes

    def value(self, role: DealtRole) -> bytes:
        """The half that a group shares."""
        return self.halves.t if role == "T" else self.halves.b

    def coefficient(self, role: DealtRole, j: int) -> bytes:
        """Coefficient j of a group's polynomial; coefficient 0 is the half itself."""
        if j == 0:
            return self.value(role)
        label = b"tbe1/coef/v1\0" + role.encode("ascii") + bytes([j])
        return self.suite.expand(self.seed, label, SECRET_LENGTH)

    def shares(self, role: DealtRole, k: int, n: int) -> list[bytes]:
        """Shares 1…n of a group whose threshold is k."""
        coefficients = [self.coefficient(role, j) for j in range(k)]
        return [evaluate(coefficients, i) for i in range(1, n + 1)]

    def ephemeral(self, role: str, i: int) -> bytes:
        """Input of the ephemeral key of wrap i of a role (T, R or B)."""
        label = b"tbe1/eph/v1\0" + role.encode("ascii") + bytes([i])
        return self.suite.expand(self.seed, label, self.suite.ephemeral_length)


def deal(suite: Suite, halves: Halves, header_hash: bytes) -> Deal:
    """The deal of an envelope."""
    seed = suite.derive(
        salt=header_hash,
        ikm=halves.t + halves.b,
        info=b"tbe1/deal/v1\0" + suite.label,
        length=32,
    )
    return Deal(suite=suite, halves=halves, seed=seed)


def input_key(suite: Suite, halves: Halves, header_hash: bytes) -> bytes:
    """The payload's input key: hidden as long as either half is."""
    return suite.derive(
        salt=header_hash,
        ikm=halves.t + halves.b,
        info=b"tbe1/ikey/v1\0" + suite.label,
        length=suite.input_key_length,
    )


def combine(points: Mapping[int, bytes], k: int) -> bytes:
    """The half from the k shares of lowest index; no other subset is ever tried."""
    if len(points) < k:
        raise WrongShare(f"expected {k} shares, got {len(points)}; wait for more members")
    # Trying other subsets would let a bidder decide by one friend whether its bid opens.
    chosen = sorted(points)[:k]
    if any(not 1 <= i <= 255 or len(points[i]) != SECRET_LENGTH for i in chosen):
        raise WrongShare("expected shares of 32 bytes with an index from 1 on, got others")
    value = 0
    for i in chosen:
        # Lagrange basis at 0; subtraction is XOR in this field.
        factor = 1
        for j in chosen:
            if j != i:
                factor = multiply(factor, divide(j, j ^ i))
        value ^= int.from_bytes(points[i].translate(_times(factor)), "big")
    return value.to_bytes(SECRET_LENGTH, "big")


def evaluate(coefficients: list[bytes], at: int) -> bytes:
    """A polynomial with 32-byte coefficients at one point (Horner's rule, byte for byte)."""
    table = _times(at)
    value = 0
    for coefficient in reversed(coefficients):
        shifted = value.to_bytes(SECRET_LENGTH, "big").translate(table)
        value = int.from_bytes(shifted, "big") ^ int.from_bytes(coefficient, "big")
    return value.to_bytes(SECRET_LENGTH, "big")


def multiply(a: int, b: int) -> int:
    """Product in GF(2^8)/0x11B."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        # Reduce as soon as the degree reaches 8.
        if a & 0x100:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


def divide(a: int, b: int) -> int:
    """Quotient in GF(2^8): the inverse of b is b^254."""
    if b == 0:
        raise ZeroDivisionError("two shares of one index")
    inverse = 1
    for _ in range(254):
        inverse = multiply(inverse, b)
    return multiply(a, inverse)


@lru_cache(maxsize=256)
def _times(factor: int) -> bytes:
    """Multiplication by a constant as a translation table."""
    return bytes(multiply(factor, x) for x in range(256))
