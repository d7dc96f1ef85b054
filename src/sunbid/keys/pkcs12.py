"""A key with its certificates in a PKCS#12 file, as authorities hand them out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from foundation.statements.keyfile import ExchangeKey, WrongPassphrase
from foundation.statements.signed import KeySigner
from sunbid.keys.problems import KeyUnusable

LARGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pkcs12Key:
    """The one key of a file, and the certificates that an authority gave for it, leaf first."""

    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    chain: tuple[bytes, ...]

    @property
    def signer(self) -> KeySigner:
        """Signs with the chain, or by `kid` where no authority certified the key."""
        return KeySigner(self.key, self.chain)

    @property
    def exchange(self) -> ExchangeKey:
        """The same key for key agreement; refuses an Ed25519 key."""
        if not isinstance(self.key, ec.EllipticCurvePrivateKey):
            raise KeyUnusable("expected a P-256 key to unwrap with, got an Ed25519 key")
        return ExchangeKey(self.key)


def open_pkcs12(path: Path, passphrase: str) -> Pkcs12Key:
    """Open a file; refuses a wrong passphrase, a missing key, and keys of other kinds."""
    try:
        raw = path.read_bytes()[:LARGEST]
    except OSError as error:
        raise KeyUnusable(f"expected a key file at {path}, got: {error.strerror}") from None
    try:
        found = pkcs12.load_pkcs12(raw, passphrase.encode() or None)
    except ValueError:
        raise WrongPassphrase(
            f"expected a PKCS#12 file and its passphrase, got others for {path.name}; try again"
        ) from None
    key = found.key
    is_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and not is_p256
    ):
        raise KeyUnusable(f"expected one P-256 or Ed25519 key in {path.name}, got another or none")
    own = [] if found.cert is None else [found.cert.certificate]
    # A certificate that the key gave itself says nothing about its holder.
    if not own or own[0].issuer == own[0].subject:
        return Pkcs12Key(key, ())
    own += [more.certificate for more in found.additional_certs]
    return Pkcs12Key(key, tuple(one.public_bytes(Encoding.DER) for one in own))
