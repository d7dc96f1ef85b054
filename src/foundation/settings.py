"""Everything an installation can set, read once from the environment, and what production refuses.

No module below this one reads the environment; whoever needs a setting is given it.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from foundation.problems import Invalid, Unavailable

Mode: TypeAlias = Literal["production", "development", "demo"]

MODES: Final = ("production", "development", "demo")
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
# A development authority says so in its own name (O or CN); that is how production knows it.
DEVELOPMENT_MARKS: Final = ("development", "开发")
LONGEST_TICK_S: Final = 600.0
LARGEST_PORT: Final = 65_535
# sun_path holds 108 bytes with the closing zero.
LONGEST_SOCKET_PATH: Final = 107


class BadSetting(Invalid):
    """A setting cannot be used."""

    code = "bad-setting"


class UnsafeSettings(Unavailable):
    """These settings may not be used in production."""

    code = "unsafe-settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one installation; None means "not given"."""

    mode: Mode = "production"
    # None: the embedded server under data_dir.
    database_url: str | None = field(default=None, repr=False)
    migration_database_url: str | None = field(default=None, repr=False)
    data_dir: Path = Path("var/sunbid")
    host: str = "127.0.0.1"
    port: int = 8000
    origin: str = "localhost/sunbid"
    signer_socket: Path = Path("var/sunbid/signer.sock")
    platform_key: Path | None = None
    platform_chain: Path | None = None
    # Adapter of the device with the SM2 key, `package.module:function`, and its chain in PEM.
    platform_device: str | None = None
    platform_device_chain: Path | None = None
    licence_anchors: tuple[Path, ...] = ()
    licence_url: str | None = None
    # The development authority of licences of SM2, beside the other.
    licence_gm_url: str | None = None
    # The settings of real licence services; without: the development authority at licence_url.
    licence_services: tuple[Path, ...] = ()
    tick_s: float = 5.0
    policy: Path | None = None
    timestamp_url: str | None = None
    timestamp_anchors: tuple[Path, ...] = ()
    administrators: Path | None = None
    # A TrueType font for documents, instead of the one built at set-up.
    font: Path | None = None
    public_url: str = "http://127.0.0.1:8000"
    # Where bids are sealed in the browser: static files on an origin of their own.
    seal_port: int = 8001
    seal_url: str = "http://127.0.0.1:8001"
    allow_soft_keys: bool = False
    # Where mail is handed over, `host:port`; None: nobody is told by mail.
    mail_relay: str | None = None
    mail_from: str = "sunbid@localhost"

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us by https, so that cookies are Secure."""
        return self.public_url.startswith("https://")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings; refuses a value that does not read, naming the variable."""
    given = Environment(os.environ if environment is None else environment)
    host = given.text("SUNBID_HOST") or "127.0.0.1"
    port = given.number("SUNBID_PORT", 8000, least=0, most=LARGEST_PORT)
    following = port + 1 if 0 < port < LARGEST_PORT else 0
    seal_port = given.number("SUNBID_SEAL_PORT", following, least=0, most=LARGEST_PORT)
    data_dir = given.path("SUNBID_DATA_DIR") or Path("var/sunbid")
    return Settings(
        mode=given.mode(),
        database_url=given.text("DATABASE_URL"),
        migration_database_url=given.text("MIGRATION_DATABASE_URL"),
        data_dir=data_dir,
        host=host,
        port=int(port),
        origin=given.origin(),
        signer_socket=given.socket(data_dir),
        platform_key=given.path("SUNBID_PLATFORM_KEY"),
        platform_chain=given.path("SUNBID_PLATFORM_CHAIN"),
        platform_device=given.text("SUNBID_PLATFORM_DEVICE"),
        platform_device_chain=given.path("SUNBID_PLATFORM_DEVICE_CHAIN"),
        licence_anchors=given.paths("SUNBID_LICENCE_ANCHORS"),
        licence_url=given.address("SUNBID_LICENCE_URL"),
        licence_gm_url=given.address("SUNBID_LICENCE_GM_URL"),
        licence_services=given.paths("SUNBID_LICENCE_SERVICE"),
        tick_s=given.number("SUNBID_TICK_S", 5.0, least=0.01, most=LONGEST_TICK_S),
        policy=given.path("SUNBID_POLICY"),
        timestamp_url=given.address("SUNBID_TIMESTAMP_URL"),
        timestamp_anchors=given.paths("SUNBID_TIMESTAMP_ANCHORS"),
        administrators=given.path("SUNBID_ADMINISTRATORS"),
        font=given.path("SUNBID_FONT"),
        public_url=(given.address("SUNBID_PUBLIC_URL") or f"http://{bracketed(host)}:{port:.0f}"),
        seal_port=int(seal_port),
        seal_url=(given.address("SUNBID_SEAL_URL") or f"http://{bracketed(host)}:{seal_port:.0f}"),
        allow_soft_keys=given.yes("SUNBID_ALLOW_SOFT_KEYS"),
        mail_relay=given.relay("SUNBID_MAIL_RELAY"),
        mail_from=given.text("SUNBID_MAIL_FROM") or "sunbid@localhost",
    )


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment, read value by value; an empty variable counts as not set."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """A text, or None where it is empty or not set."""
        return self.values.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        """A path, with ~ for the home folder."""
        value = self.text(name)
        return None if value is None else Path(value).expanduser()

    def paths(self, name: str) -> tuple[Path, ...]:
        """Several paths, separated as PATH is."""
        parts = (self.text(name) or "").split(os.pathsep)
        return tuple(Path(part).expanduser() for part in parts if part)

    def mode(self) -> Mode:
        """The mode; production where nothing is said."""
        value = self.text("SUNBID_MODE") or "production"
        if value not in MODES:
            raise BadSetting(f"SUNBID_MODE: expected one of {', '.join(MODES)}, got {value!r}")
        return cast("Mode", value)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """A number within its limits."""
        value = self.text(name)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not least <= number <= most or (isinstance(default, int) and number % 1):
            raise BadSetting(f"{name}: expected a number from {least:g} to {most:g}, got {value!r}")
        return number

    def yes(self, name: str) -> bool:
        """A switch: `yes` or `no`, nothing else, so that no slip of the pen opens it."""
        value = self.text(name) or "no"
        if value not in {"yes", "no"}:
            raise BadSetting(f"{name}: expected yes or no, got {value!r}")
        return value == "yes"

    def address(self, name: str) -> str | None:
        """An http or https address without a closing slash."""
        value = self.text(name)
        if value is not None and not value.startswith(("http://", "https://")):
            raise BadSetting(f"{name}: expected http://… or https://…, got {value!r}")
        return None if value is None else value.rstrip("/")

    def relay(self, name: str) -> str | None:
        """A host with its port, `host:port`."""
        value = self.text(name)
        host, _, port = (value or "x:25").rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= LARGEST_PORT:
            raise BadSetting(f"{name}: expected host:port, got {value!r}")
        return value

    def origin(self) -> str:
        """The ledger's name: one line without blanks or `+`, as the note format demands."""
        value = self.text("SUNBID_ORIGIN") or "localhost/sunbid"
        if "+" in value or any(c.isspace() for c in value):
            raise BadSetting(f"SUNBID_ORIGIN: expected no blank and no +, got {value!r}")
        return value

    def socket(self, data_dir: Path) -> Path:
        """The signer's socket; a path that the kernel could not hold is refused."""
        path = (self.path("SUNBID_SIGNER_SOCKET") or data_dir / "signer.sock").absolute()
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise BadSetting(
                f"SUNBID_SIGNER_SOCKET: expected a path of at most {LONGEST_SOCKET_PATH} bytes, "
                f"got {len(os.fsencode(path))}; name a shorter one"
            )
        return path


def bracketed(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def check_settings(settings: Settings) -> None:
    """Refuses what a mode must not start with; all faults in one sentence each.

    The database is asked separately (`foundation.database.check_database`).
    """
    faults = []
    if settings.mode == "demo" and settings.host not in LOOPBACK:
        faults.append(
            f"a demonstration listens on loopback only, got SUNBID_HOST={settings.host}; "
            "anybody who reaches it may be anybody in it"
        )
    if settings.mode == "production":
        faults += production_faults(settings)
    if settings.timestamp_url is not None and not settings.timestamp_anchors:
        faults.append(
            "no root of the time-stamp authority is trusted; name it in SUNBID_TIMESTAMP_ANCHORS"
        )
    if faults:
        raise UnsafeSettings("; ".join(faults))


def production_faults(settings: Settings) -> list[str]:
    """What production refuses of its settings, a sentence each."""
    faults = [
        f"{anchor} is the anchor of a development authority; name the real one in {name}"
        for name, anchors in (
            ("SUNBID_LICENCE_ANCHORS", settings.licence_anchors),
            ("SUNBID_TIMESTAMP_ANCHORS", settings.timestamp_anchors),
        )
        for anchor in anchors
        if is_development_anchor(anchor)
    ]
    if settings.seal_url.rstrip("/") == settings.public_url.rstrip("/"):
        faults.append(
            f"{settings.seal_url} is the platform's own origin, whose pages could read the sealing "
            "frame; name another host in SUNBID_SEAL_URL"
        )
    if not settings.licence_anchors:
        faults.append("no licence authority is trusted; name its anchor in SUNBID_LICENCE_ANCHORS")
    if settings.platform_key is not None and not settings.allow_soft_keys:
        faults.append(
            f"{settings.platform_key} is a key in a file; keep it in a device, or say "
            "SUNBID_ALLOW_SOFT_KEYS=yes"
        )
    return faults


def is_development_anchor(path: Path) -> bool:
    """Whether a certificate file names a development authority; refuses one that does not read."""
    # Imported here: reading settings must stay cheap for commands that check no anchor.
    from cryptography import x509

    try:
        raw = path.read_bytes()
        pem = raw.lstrip().startswith(b"-----BEGIN")
        found = (
            x509.load_pem_x509_certificates(raw) if pem else [x509.load_der_x509_certificate(raw)]
        )
    except OSError as error:
        raise BadSetting(f"cannot read the certificate {path}: {error.strerror}") from None
    except ValueError:
        raise BadSetting(f"expected a certificate (DER or PEM) in {path}") from None
    names = " ".join(
        str(part.value).lower()
        for certificate in found
        for name in (certificate.subject, certificate.issuer)
        for part in name
    )
    return any(mark in names for mark in DEVELOPMENT_MARKS)
