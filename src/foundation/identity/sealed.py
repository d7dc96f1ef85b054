"""How a challenge rests in the database: under a digest of its id, encrypted with a key from it.

The id stands in the code that the phone scans, never in the database, so that neither a copy of
the tables nor their administrator tells who is about to sign a bid for which lot.
"""

import hashlib
import secrets
from typing import Final, Literal
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROW_LABEL: Final = b"sunbid/challenge-row/v1\0"
KEY_LABEL: Final = b"sunbid/challenge-key/v1\0"
NONCE: Final = 12

Part = Literal["content", "signed"]


def row_of(challenge: UUID) -> UUID:
    """The key of a challenge's row."""
    return UUID(bytes=hashlib.sha256(ROW_LABEL + challenge.bytes).digest()[:16])


def seal(challenge: UUID, part: Part, content: bytes) -> bytes:
    """Encrypt one part of a challenge for its row."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + _cipher(challenge).encrypt(nonce, content, part.encode())


def unseal(challenge: UUID, part: Part, sealed: bytes) -> bytes:
    """Decrypt one part of a challenge with the id that the asker holds."""
    return _cipher(challenge).decrypt(sealed[:NONCE], sealed[NONCE:], part.encode())


def _cipher(challenge: UUID) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=KEY_LABEL)
    return AESGCM(derived.derive(challenge.bytes))
