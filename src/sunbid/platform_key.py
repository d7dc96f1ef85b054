"""The platform's signing key: given by the settings, or a soft one made for development.

Production is given a key and its chain; development and demonstration make a root and a leaf in
the data folder and renew the leaf before it ends.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from foundation.problems import Unavailable
from foundation.settings import Settings
from foundation.statements.signed import KeySigner

ROOT_LASTS: Final = timedelta(days=3650)
LEAF_LASTS: Final = timedelta(days=700)
RENEW_BEFORE: Final = timedelta(days=200)
EARLIER: Final = timedelta(days=1)
# The trading centre's operator; synthetic, its check digit is right.
DEVELOPMENT_USCC: Final = "11000000MB00000014"
DEVELOPMENT_NAME: Final = "阳光标 development platform"


class PlatformKeyMissing(Unavailable):
    """The platform has no key to sign with."""

    code = "platform-key-missing"


def load_platform_key(settings: Settings, now: datetime) -> tuple[KeySigner, bytes]:
    """Return the platform's signer with its chain, and the anchor (DER) above it.

    Refuses production without a configured key; elsewhere makes a soft one on first use.
    """
    if settings.platform_key is not None and settings.platform_chain is not None:
        return _configured(settings.platform_key, settings.platform_chain)
    if settings.mode == "production":
        raise PlatformKeyMissing(
            "production needs SUNBID_PLATFORM_KEY and SUNBID_PLATFORM_CHAIN; a soft key is made "
            "in development and demonstration only"
        )
    return _development(settings.data_dir / "platform", now)


def _configured(key_path: Path, chain_path: Path) -> tuple[KeySigner, bytes]:
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        chain = x509.load_pem_x509_certificates(chain_path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlatformKeyMissing(
            f"expected a PEM key in {key_path} and its PEM chain in {chain_path}, got neither "
            f"({type(error).__name__})"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PlatformKeyMissing("expected a P-256 key of the platform, got another kind")
    ders = tuple(c.public_bytes(Encoding.DER) for c in chain)
    return KeySigner(key, ders), ders[-1]


def _development(folder: Path, now: datetime) -> tuple[KeySigner, bytes]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_key = _key(folder / "root.pem")
    root = _certificate(folder / "root.der", now, root_key, root_key, is_root=True)
    leaf_key = _key(folder / "platform.pem")
    leaf = _certificate(folder / "platform.der", now, leaf_key, root_key, is_root=False)
    return KeySigner(leaf_key, (leaf,)), root


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        path.touch(mode=0o600)
        path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PlatformKeyMissing(
            f"expected a P-256 key in {path.name}; delete it to make a new one"
        )
    return key


def _certificate(
    path: Path,
    now: datetime,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
) -> bytes:
    if path.exists():
        held = x509.load_der_x509_certificate(path.read_bytes())
        if is_root or held.not_valid_after_utc - now > RENEW_BEFORE:
            return path.read_bytes()
    lasts = ROOT_LASTS if is_root else LEAF_LASTS
    root_name = _name("development root")
    builder = (
        x509.CertificateBuilder()
        .subject_name(root_name if is_root else _name("seal"))
        .issuer_name(root_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_root,
                content_commitment=not is_root,
                key_cert_sign=is_root,
                crl_sign=is_root,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    der = builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)
    path.write_bytes(der)
    return der


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT_NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{DEVELOPMENT_NAME} {role}"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, DEVELOPMENT_USCC),
        ]
    )
