"""Signing devices: every adapter passes one suite; a device that signs wrongly is noticed."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device_conformance import check_device
from foundation.settings import Mode, Settings
from foundation.statements import sm2_certificates
from foundation.statements.device import (
    DeviceFault,
    SigningDevice,
    SoftDevice,
    WrongDevice,
    device_signer,
)
from foundation.statements.signed import check_signature, sign, unsigned
from foundation.statements.sm2 import SM2PrivateKey
from sunbid.platform_key import PlatformKeyMissing, load_platform_device

pytestmark = pytest.mark.domain

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = SM2PrivateKey(4711)
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")


@dataclass(frozen=True)
class OpensslDevice:
    """An adapter of something outside this process that speaks DER, as real devices do."""

    folder: Path
    soft: bool = False

    def public_point(self) -> bytes:
        return KEY.public_key().point

    def sign(self, message: bytes, /) -> bytes:
        (self.folder / "k.der").write_bytes(sm2_certificates.private_key_info(KEY))
        (self.folder / "m").write_bytes(message)
        words = "-sign -rawin -digest sm3 -inkey k.der -keyform DER -in m -out s"
        identity = ["-pkeyopt", "distid:1234567812345678"]
        subprocess.run(
            ["openssl", "pkeyutl", *words.split(" "), *identity], cwd=self.folder, check=True
        )
        return sm2_certificates.raw_signature((self.folder / "s").read_bytes())


@dataclass(frozen=True)
class BrokenDevice(SoftDevice):
    """A device whose adapter forgets the identity, or gives DER."""

    gives: bytes = bytes(64)

    def sign(self, message: bytes, /) -> bytes:
        return self.gives


def open_test_device() -> SigningDevice:
    """As `SUNBID_PLATFORM_DEVICE` names it."""
    return SoftDevice(KEY)


def test_the_soft_device_conforms() -> None:
    check_device(SoftDevice(KEY))


@openssl
def test_a_device_outside_that_speaks_der_conforms(tmp_path: Path) -> None:
    check_device(OpensslDevice(tmp_path))


def test_development_signs_with_a_soft_device_and_keeps_its_key(tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path)
    made = load_platform_device(settings, NOW)
    again = load_platform_device(settings, NOW)
    assert made is not None
    assert again is not None
    assert made[0].kid == again[0].kid
    signed = sign(unsigned("event", {"v": 1}), made[0])
    assert signed.sigs[0].alg == "SM2SM3"
    check_signature("SM2SM3", made[0].public, signed.signed_bytes, signed.sigs[0].sig)


def chain_of(folder: Path, key: SM2PrivateKey) -> Path:
    """The PEM chain of a key, made by development for its own."""
    settings = Settings(mode="development", data_dir=folder)
    (folder / "platform").mkdir(parents=True)
    (folder / "platform/sm2-platform.pem").write_bytes(sm2_certificates.private_key_pem(key))
    made = load_platform_device(settings, NOW)
    assert made is not None
    chain = folder / "chain.pem"
    ders = (made[0].chain[0], made[1])
    chain.write_text("".join(ssl.DER_cert_to_PEM_cert(der) for der in ders))
    return chain


def test_production_refuses_a_soft_device_and_needs_a_chain(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, KEY)
    adapter = f"{__name__}:open_test_device"

    def settings(mode: Mode, chain: Path | None) -> Settings:
        return Settings(
            mode=mode,
            data_dir=tmp_path,
            platform_device=adapter,
            platform_device_chain=chain,
        )

    assert load_platform_device(Settings(mode="production", data_dir=tmp_path), NOW) is None
    with pytest.raises(PlatformKeyMissing, match="in this process"):
        load_platform_device(settings("production", chain), NOW)
    found = load_platform_device(settings("development", chain), NOW)
    assert found is not None
    assert found[0].device == SoftDevice(KEY)
    with pytest.raises(PlatformKeyMissing, match="CHAIN"):
        load_platform_device(settings("development", None), NOW)
    for wrong in ("no.such.module:open", f"{__name__}:nothing", "nonsense"):
        broken = Settings(mode="development", platform_device=wrong, platform_device_chain=chain)
        with pytest.raises(PlatformKeyMissing, match="adapter"):
            load_platform_device(broken, NOW)


def test_a_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    made = load_platform_device(Settings(mode="development", data_dir=tmp_path), NOW)
    assert made is not None
    with pytest.raises(WrongDevice):
        device_signer(SoftDevice(KEY), made[0].chain)


@pytest.mark.parametrize(
    "gives",
    [bytes(64), b"", KEY.sign(b"another message"), b"0" * 70],
    ids=["zeros", "nothing", "another message", "too long"],
)
def test_a_device_that_signs_wrongly_is_noticed_before_anything_leaves(
    tmp_path: Path, gives: bytes
) -> None:
    made = load_platform_device(Settings(mode="development", data_dir=tmp_path), NOW)
    assert made is not None
    good = made[0].device
    assert isinstance(good, SoftDevice)
    signer = device_signer(BrokenDevice(good.key, gives), made[0].chain)
    with pytest.raises(DeviceFault):
        signer.sign(b"message")
