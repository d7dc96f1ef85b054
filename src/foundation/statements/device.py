"""Signing devices: the platform's own SM2 key lies in one, and this is all that is asked of it.

An adapter speaks to a certified module (SDF, SKF, or PKCS #11 with a vendor's mechanisms) and
passes the tests of `tests/device_conformance.py`.
"""

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature

from foundation.problems import Invalid, Unavailable
from foundation.statements.certificates import certified_key, load_certificate
from foundation.statements.signed import kid_of
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey


class DeviceFault(Unavailable):
    """The signing device does not answer as it should."""

    code = "device-fault"


class WrongDevice(Invalid):
    """The signing device does not hold the key of the certificate."""

    code = "wrong-device"


class SigningDevice(Protocol):
    """One SM2 key in a device; what the device speaks in DER its adapter converts."""

    @property
    def soft(self) -> bool:
        """Whether the key lies in this process; production refuses such a device."""

    def public_point(self) -> bytes:
        """The 65-byte uncompressed point of the key."""

    def sign(self, message: bytes, /) -> bytes:
        """The raw 64 bytes r‖s over SM3(Z_A ‖ message), identity 1234567812345678.

        Raises `DeviceFault` where the device is away.
        """


@dataclass(frozen=True, slots=True)
class SoftDevice:
    """A device of development: the key lies in this process."""

    key: SM2PrivateKey

    @property
    def soft(self) -> bool:
        """It is."""
        return True

    def public_point(self) -> bytes:
        """The point of the key."""
        return self.key.public_key().point

    def sign(self, message: bytes, /) -> bytes:
        """A raw signature."""
        return self.key.sign(message)


@dataclass(frozen=True, slots=True)
class DeviceSigner:
    """A statement's signer whose key lies in a device; `device_signer` makes one."""

    device: SigningDevice
    chain: tuple[bytes, ...]
    public: SM2PublicKey

    @property
    def alg(self) -> str:
        """`SM2SM3`."""
        return "SM2SM3"

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return kid_of(self.public)

    def sign(self, message: bytes, /) -> bytes:
        """The raw signature, checked: a device that signs wrongly is noticed here, not in court."""
        signature = self.device.sign(message)
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            raise DeviceFault(
                "expected the device's signature of this statement, got one that does not verify; "
                "check its adapter (identity, raw form) and the device"
            ) from None
        return signature


def device_signer(device: SigningDevice, chain: tuple[bytes, ...]) -> DeviceSigner:
    """The signer of a device and its certificate chain (DER, leaf first).

    Refuses a chain whose leaf certifies another key.
    """
    key = certified_key(load_certificate(chain[0]))
    if not isinstance(key, SM2PublicKey) or key.point != device.public_point():
        raise WrongDevice(
            "expected a certificate of the device's own SM2 key, got another; name the chain that "
            "belongs to the device"
        )
    return DeviceSigner(device, chain, key)
