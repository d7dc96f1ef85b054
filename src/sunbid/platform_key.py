"""The platform's signing keys: given by the settings, or soft ones made for development.

Production is given a key and its chain; development and demonstration make a root and a leaf in
the data folder and renew the leaf before it ends. The key for lots of GM-1 lies in a device, of
which development has a soft one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from foundation.problems import Unavailable
from foundation.settings import Settings
from foundation.statements import sm2_certificates
from foundation.statements.device import DeviceSigner, SigningDevice, SoftDevice, device_signer
from foundation.statements.issuing import key_identifier, sign_certificate
from foundation.statements.keyfile import Curve, CurveKey, generate
from foundation.statements.signed import KeySigner
from foundation.statements.sm2 import SM2PrivateKey

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


@dataclass(frozen=True, slots=True)
class _Made:
    """A leaf's key with its certificate, and the root above it."""

    key: CurveKey
    leaf: bytes
    root: bytes


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
    made = _development(settings.data_dir / "platform", now, "P-256")
    return KeySigner(made.key, (made.leaf,)), made.root


def load_platform_device(settings: Settings, now: datetime) -> tuple[DeviceSigner, bytes] | None:
    """Return the signer for lots of GM-1 and the anchor (DER) above it; None: no such lots here.

    Production takes it from the adapter of the settings alone and refuses a soft device; elsewhere
    a soft one is made on first use.
    """
    if settings.platform_device is not None:
        if settings.platform_device_chain is None:
            raise PlatformKeyMissing(
                "expected SUNBID_PLATFORM_DEVICE_CHAIN beside SUNBID_PLATFORM_DEVICE: the device's "
                "certificate and those above it in PEM"
            )
        device = open_device(settings.platform_device)
        if device.soft and settings.mode == "production":
            raise PlatformKeyMissing(
                "expected a signing device for GM-1, got one whose key lies in this process; "
                "production needs the adapter of a certified module"
            )
        chain = _read_chain(settings.platform_device_chain)
        return device_signer(device, chain), chain[-1]
    if settings.mode == "production":
        return None
    made = _development(settings.data_dir / "platform", now, "SM2")
    assert isinstance(made.key, SM2PrivateKey)
    return device_signer(SoftDevice(made.key), (made.leaf,)), made.root


def open_device(adapter: str) -> SigningDevice:
    """Open the device of an adapter, named as `package.module:function`."""
    module, _, function = adapter.partition(":")
    try:
        opened: SigningDevice = getattr(import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise PlatformKeyMissing(
            f"expected the adapter of a signing device as package.module:function, got "
            f"{adapter!r} ({type(error).__name__})"
        ) from None
    return opened


def _configured(key_path: Path, chain_path: Path) -> tuple[KeySigner, bytes]:
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise PlatformKeyMissing(
            f"expected a PEM key in {key_path}, got none ({type(error).__name__})"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PlatformKeyMissing("expected a P-256 key of the platform, got another kind")
    ders = _read_chain(chain_path)
    return KeySigner(key, ders), ders[-1]


def _read_chain(path: Path) -> tuple[bytes, ...]:
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlatformKeyMissing(
            f"expected a PEM chain in {path}, got none ({type(error).__name__})"
        ) from None
    return tuple(c.public_bytes(Encoding.DER) for c in chain)


def _development(folder: Path, now: datetime, curve: Curve) -> _Made:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = "" if curve == "P-256" else "sm2-"
    root_key = _key(folder / f"{before}root.pem", curve)
    root = _certificate(folder / f"{before}root.der", now, root_key, root_key, is_root=True)
    key = _key(folder / f"{before}platform.pem", curve)
    leaf = _certificate(folder / f"{before}platform.der", now, key, root_key, is_root=False)
    return _Made(key, leaf, root)


def _key(path: Path, curve: Curve) -> CurveKey:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_pem(generate(curve)))
    raw = path.read_bytes()
    if curve == "SM2":
        return sm2_certificates.read_private_key_pem(raw)
    key = serialization.load_pem_private_key(raw, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PlatformKeyMissing(
            f"expected a P-256 key in {path.name}; delete it to make a new one"
        )
    return key


def _pem(key: CurveKey) -> bytes:
    if isinstance(key, SM2PrivateKey):
        return sm2_certificates.private_key_pem(key)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(
    path: Path, now: datetime, key: CurveKey, issuer_key: CurveKey, *, is_root: bool
) -> bytes:
    if path.exists():
        held = x509.load_der_x509_certificate(path.read_bytes())
        if is_root or held.not_valid_after_utc - now > RENEW_BEFORE:
            return path.read_bytes()
    lasts = ROOT_LASTS if is_root else LEAF_LASTS
    root_name = _name("development root")
    above = key_identifier(issuer_key.public_key()).digest
    builder = (
        x509.CertificateBuilder()
        .subject_name(root_name if is_root else _name("seal"))
        .issuer_name(root_name)
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
        .add_extension(key_identifier(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(above, None, None), critical=False)
    )
    made = sign_certificate(builder, key.public_key(), issuer_key)
    der = made.public_bytes(Encoding.DER)
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
