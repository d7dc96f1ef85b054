"""A person's key wherever it lies: our key file, a PKCS#12 file, or a PKCS#11 token or card.

A key is named by one word: `pkcs11:…` (RFC 7512), a file that ends in `.p12` or `.pfx`, or the path
of a key file. All three sign and agree on keys alike; a token's private key never leaves it.
"""

from pathlib import Path
from typing import Final, Protocol

from foundation.statements.keyfile import load_key
from foundation.statements.signed import Signer

PKCS12: Final = frozenset({".p12", ".pfx"})


class Agreement(Protocol):
    """A key for key agreement, as the envelopes need it."""

    @property
    def public(self) -> bytes:
        """The 65-byte uncompressed point."""

    @property
    def kid(self) -> str:
        """Identity of the public key."""

    def exchange(self, point: bytes, /) -> bytes:
        """The x coordinate shared with a point; refuses a point that is not on the curve."""


class OpenedKey(Protocol):
    """A key that was opened: ask for what is needed of it."""

    @property
    def signer(self) -> Signer:
        """The key as a signer; refuses where it only unwraps."""

    @property
    def exchange(self) -> Agreement:
        """The key for key agreement; refuses where it only signs."""


def open_key(word: str, passphrase: str) -> OpenedKey:
    """Open a key; the passphrase is a token's PIN. Refuses a wrong one and an unknown form."""
    if word.startswith("pkcs11:"):
        # Imported here: whoever has no token needs no library for one.
        from sunbid.keys.token import open_token

        return open_token(word, passphrase)
    if not is_key_file(word):
        from sunbid.keys.pkcs12 import open_pkcs12

        return open_pkcs12(Path(word), passphrase)
    return load_key(Path(word), passphrase)


def is_key_file(word: str) -> bool:
    """Say whether a word names one of our own key files."""
    return not word.startswith("pkcs11:") and Path(word).suffix.lower() not in PKCS12
