"""What every adapter of a signing device must do; import and call it with an opened adapter."""

import secrets

import pytest
from cryptography.exceptions import InvalidSignature

from foundation.statements.device import SigningDevice
from foundation.statements.sm2 import ORDER, SM2PublicKey


def check_device(device: SigningDevice) -> None:
    """Fails where an adapter does not keep to `SigningDevice`."""
    point = device.public_point()
    public = SM2PublicKey.from_bytes(point)
    assert device.public_point() == point, "one device, one key"
    assert isinstance(device.soft, bool)
    seen = set()
    for message in (b"", b"message", "汉字".encode(), bytes(100_000), secrets.token_bytes(33)):
        signature = device.sign(message)
        assert len(signature) == 64, "raw r and s: DER is converted by the adapter"
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        assert 0 < r < ORDER
        assert 0 < s < ORDER
        public.verify(signature, message)
        with pytest.raises(InvalidSignature):
            public.verify(signature, message + b"\0")
        seen.add(signature)
    assert device.sign(b"message") not in seen, "a random number was used twice"
