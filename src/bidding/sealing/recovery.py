"""The recovery code (解密凭证): 140 bits on paper from which a bidder's unwrap key follows."""

import hashlib
import hmac
import secrets
from typing import Final

from bidding.sealing.keys import UnwrapKey
from bidding.sealing.refusals import BadRecoveryCode
from bidding.sealing.suites import Suite

SECRET_BITS: Final = 128
CHECK_BITS: Final = 12
LETTERS: Final = 28
_LABEL: Final = b"tbe1/rec/v1\0"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FORGIVEN: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_code() -> str:
    """A fresh code, shown in 7 groups of 4."""
    return show_code(secrets.token_bytes(16))


def show_code(secret: bytes) -> str:
    """The code of 16 random bytes with its check bits."""
    # 140 bits are 28 letters of 5: secret first, check bits last.
    value = int.from_bytes(secret, "big") << CHECK_BITS | _check(secret)
    letters = [_ALPHABET[value >> 5 * place & 31] for place in reversed(range(LETTERS))]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, LETTERS, 4))


def read_code(text: str) -> bytes:
    """The 16 bytes of a code as a person types it; refuses one whose check bits do not fit."""
    letters = text.upper().translate(_FORGIVEN).replace("-", "").replace(" ", "")
    if len(letters) != LETTERS or any(letter not in _ALPHABET for letter in letters):
        raise BadRecoveryCode(
            f"expected {LETTERS} letters and digits in groups of 4, got {len(letters)}; "
            "type the code again from the paper"
        )
    value = 0
    for letter in letters:
        value = value << 5 | _ALPHABET.index(letter)
    secret = (value >> CHECK_BITS).to_bytes(16, "big")
    given, right = value & (1 << CHECK_BITS) - 1, _check(secret)
    if not hmac.compare_digest(given.to_bytes(2, "big"), right.to_bytes(2, "big")):
        raise BadRecoveryCode("expected a code as printed, got a typing error; compare each group")
    return secret


def recovery_key(suite: Suite, secret: bytes, lot: str) -> UnwrapKey:
    """The unwrap key of a code for one lot (its id as 36 characters)."""
    ikm = suite.derive(salt=_LABEL + lot.encode("ascii"), ikm=secret, info=b"", length=32)
    if suite.ephemeral_length != len(ikm):
        ikm = suite.expand(ikm, _LABEL, suite.ephemeral_length)
    return suite.wrap.derive_key_pair(ikm)


def _check(secret: bytes) -> int:
    return int.from_bytes(hashlib.sha256(secret).digest()[:2], "big") >> 16 - CHECK_BITS
