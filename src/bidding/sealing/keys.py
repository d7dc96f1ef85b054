"""Private keys that unwrap, of either suite, as long as they are in this process."""

from cryptography.hazmat.primitives.asymmetric import ec

from bidding.sealing import kem
from bidding.sealing.kem import Exchange
from foundation.statements import sm2_encryption
from foundation.statements.sm2 import SM2PrivateKey

UnwrapKey = ec.EllipticCurvePrivateKey | SM2PrivateKey


def public_point(key: UnwrapKey) -> bytes:
    """The 65-byte uncompressed point of a key."""
    return key.public_key().point if isinstance(key, SM2PrivateKey) else kem.public_point(key)


def exchange_of(key: UnwrapKey) -> Exchange:
    """The callback of a key: agreement on P-256, decryption by SM2."""
    if isinstance(key, SM2PrivateKey):
        return lambda wrapped: sm2_encryption.decrypt(key, wrapped)
    return kem.exchange_of(key)
