"""Settings: read strictly, and what each mode refuses to start with."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certificates import certificate
from foundation.settings import (
    BadSetting,
    Settings,
    UnsafeSettings,
    check_settings,
    read_settings,
)


def test_nothing_given_is_production_on_loopback() -> None:
    settings = read_settings({})
    assert settings.mode == "production"
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.database_url is None
    assert settings.public_url == "http://127.0.0.1:8000"
    assert not settings.allow_soft_keys


def test_everything_can_be_given(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "SUNBID_MODE": "demo",
            "DATABASE_URL": "postgresql://a@b/c",
            "MIGRATION_DATABASE_URL": "postgresql://o@b/c",
            "SUNBID_DATA_DIR": str(tmp_path),
            "SUNBID_HOST": "::1",
            "SUNBID_PORT": "0",
            "SUNBID_ORIGIN": "example.cn/sunbid",
            "SUNBID_SIGNER_SOCKET": str(tmp_path / "s"),
            "SUNBID_PLATFORM_KEY": "~/key",
            "SUNBID_PLATFORM_CHAIN": "chain",
            "SUNBID_LICENCE_ANCHORS": "one.der:two.der",
            "SUNBID_LICENCE_URL": "http://127.0.0.1:8001/",
            "SUNBID_TICK_S": "0.5",
            "SUNBID_POLICY": "policy",
            "SUNBID_ADMINISTRATORS": "administrators.json",
            "SUNBID_ALLOW_SOFT_KEYS": "yes",
        }
    )
    assert settings.licence_anchors == (Path("one.der"), Path("two.der"))
    assert settings.licence_url == "http://127.0.0.1:8001"
    assert settings.platform_key == Path("~/key").expanduser()
    assert settings.tick_s == 0.5
    assert settings.public_url == "http://[::1]:0"
    assert settings.allow_soft_keys
    assert settings.signer_socket == tmp_path / "s"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUNBID_MODE", "prod"),
        ("SUNBID_PORT", "80a"),
        ("SUNBID_PORT", "65536"),
        ("SUNBID_PORT", "80.5"),
        ("SUNBID_PORT", "-1"),
        ("SUNBID_TICK_S", "0"),
        ("SUNBID_TICK_S", "nan"),
        ("SUNBID_TICK_S", "inf"),
        ("SUNBID_ALLOW_SOFT_KEYS", "true"),
        ("SUNBID_LICENCE_URL", "ftp://x"),
        ("SUNBID_PUBLIC_URL", "tenders.example.cn"),
        ("SUNBID_ORIGIN", "a b"),
        ("SUNBID_ORIGIN", "a+b"),
        ("SUNBID_SIGNER_SOCKET", "/" + "x" * 107),
    ],
)
def test_what_does_not_read_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"{name}: expected .* got"):
        read_settings({name: value})


def test_passwords_are_not_shown() -> None:
    settings = read_settings({"DATABASE_URL": "postgresql://a:secret@b/c"})
    assert "secret" not in repr(settings)


def anchor(path: Path, organisation: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, "Root"),
        ]
    )
    made = certificate(name, key.public_key()).sign(key, hashes.SHA256())
    path.write_bytes(made.public_bytes(serialization.Encoding.DER))
    return path


def test_production_starts_with_a_real_anchor(tmp_path: Path) -> None:
    real = anchor(tmp_path / "real.der", "市场监督管理局")
    check_settings(Settings(licence_anchors=(real,)))


@pytest.mark.misuse(29)
@pytest.mark.parametrize("organisation", ["Sunbid Development Authority", "开发用电子营业执照"])
def test_production_refuses_a_development_anchor(tmp_path: Path, organisation: str) -> None:
    development = anchor(tmp_path / "development.der", organisation)
    with pytest.raises(UnsafeSettings, match="development authority"):
        check_settings(Settings(licence_anchors=(development,)))
    check_settings(Settings(mode="development", licence_anchors=(development,)))


def test_production_refuses_no_anchor_at_all() -> None:
    with pytest.raises(UnsafeSettings, match="no licence authority"):
        check_settings(Settings())


def test_production_refuses_a_soft_key_unless_told(tmp_path: Path) -> None:
    real = anchor(tmp_path / "real.der", "市场监督管理局")
    soft = Settings(licence_anchors=(real,), platform_key=tmp_path / "key")
    with pytest.raises(UnsafeSettings, match="SUNBID_ALLOW_SOFT_KEYS=yes"):
        check_settings(soft)
    check_settings(
        Settings(licence_anchors=(real,), platform_key=tmp_path / "key", allow_soft_keys=True)
    )


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\n"])
def test_an_anchor_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.der"
    path.write_bytes(content)
    with pytest.raises(BadSetting, match="expected a certificate"):
        check_settings(Settings(licence_anchors=(path,)))


def test_a_missing_anchor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot read"):
        check_settings(Settings(licence_anchors=(tmp_path / "none.der",)))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "tenders.example.cn"])  # noqa: S104
def test_a_demonstration_is_for_this_machine_only(host: str) -> None:
    with pytest.raises(UnsafeSettings, match="loopback"):
        check_settings(Settings(mode="demo", host=host))
