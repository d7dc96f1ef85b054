"""The folder of a development authority: its root key, the licences it holds, what was revoked.

Nobody but the authority's own process reads it. Keys lie in files of mode 0600; each file is
written beside its place and renamed, so that a crash leaves the old one or the new one.
"""

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.licence.authority import UnknownLicence
from bidding.licence.issue import ISSUED_LIFE, Issuer, issue_licence, issue_root
from bidding.licence.profile import LicenceInfo, LicenceSubject, licence_subject
from bidding.licence.revocation import REASONS, Revocation, make_list
from bidding.licence.uscc import check_uscc
from foundation.problems import Conflict, Invalid, Unavailable
from foundation.statements import sm2_certificates
from foundation.statements.canonical import canonical, parse_time, time_text
from foundation.statements.certificates import certified_key
from foundation.statements.keyfile import Curve, CurveKey, generate
from foundation.statements.signed import KeySigner
from foundation.statements.sm2 import SM2PrivateKey

LARGEST_TYPE: Final = 40
OPERATORS: Final = "operators"
OPERATOR_CERTIFICATE: Final = "operator.der"


class LicenceExists(Conflict):
    """This organisation already has a licence in force."""

    code = "licence-exists"


class FolderUnusable(Unavailable):
    """The authority's folder cannot be used."""

    code = "folder-unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence with its private key, as the authority's app holds it."""

    subject: LicenceSubject
    signer: KeySigner


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityFolder:
    """An opened folder; `open_folder` makes one."""

    path: Path
    issuer: Issuer

    @property
    def root(self) -> bytes:
        """The root certificate in DER."""
        return self.issuer.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def curve(self) -> Curve:
        """The curve of the root and of every key here: one authority serves one suite."""
        return "SM2" if isinstance(self.issuer.key, SM2PrivateKey) else "P-256"

    @property
    def suite(self) -> str:
        """The suite whose lots its licences are for."""
        return "GM-1" if self.curve == "SM2" else "INTL-1"

    def holders(self) -> list[str]:
        """The USCCs that have a licence here."""
        return sorted(p.name for p in (self.path / "licences").iterdir() if "." not in p.name)

    def licence(self, uscc: str) -> Licence:
        """The newest licence of an organisation; refuses one that has none here."""
        home = self.path / "licences" / check_uscc(uscc)
        if not home.is_dir():
            raise UnknownLicence(f"no licence of {uscc} lies here; issue one first")
        der = (home / "licence.der").read_bytes()
        key = read_key(home / "key.pem")
        return Licence(
            subject=licence_subject(x509.load_der_x509_certificate(der)),
            signer=KeySigner(key, (der, self.root)),
        )

    def person_tag(self, number: str) -> str:
        """The tag of a person, hex: one person, one tag, and nobody else can try numbers.

        An identity number has few digits: without a key anybody could guess it from its hash.
        """
        with self._locked():
            path = self.path / "person.key"
            if not path.exists():
                write_file(path, secrets.token_bytes(32))
            key = path.read_bytes()
        return hmac.digest(key, number.strip().upper().encode(), "sha256").hex()

    def issue(
        self, uscc: str, name: str, kind: str, at: datetime, crl_url: str, person: str | None = None
    ) -> Licence:
        """Issue a licence; the same again returns the one in force, another name is refused.

        `person` is the identity number of whoever speaks for the organisation; it is not kept.
        """
        check_uscc(uscc)
        tag = None if person is None else self.person_tag(person)
        if not 1 <= len(kind) <= LARGEST_TYPE:
            raise Invalid(f"expected a kind of organisation of 1 to {LARGEST_TYPE} characters")
        with self._locked():
            home = self.path / "licences" / uscc
            if home.is_dir():
                held = self.licence(uscc)
                if self._in_force(held, at):
                    if (held.subject.name, held.subject.info.type) != (name, kind):
                        raise LicenceExists(
                            f"{uscc} has a licence as {held.subject.name}; revoke it first"
                        )
                    return held
                home.rename(home.with_name(f"{uscc}.{held.subject.serial:x}"))
            info = LicenceInfo(
                uscc=uscc,
                name=name,
                type=kind,
                person_tag=tag,
                licence_no=f"DEV-{secrets.token_hex(6).upper()}",
                # X.509 counts in whole seconds.
                valid_to=at.replace(microsecond=0) + ISSUED_LIFE,
            )
            self._write_licence(home, info, at, crl_url)
            return self.licence(uscc)

    def revoke(self, uscc: str, at: datetime, reason: str) -> Revocation:
        """Revoke an organisation's newest licence from `at` on; a second time changes nothing.

        The certificates of its operators end with it: nobody acts for it any more.
        """
        serial = self.licence(uscc).subject.serial
        return self.revoke_serials([serial, *self._operators_of(uscc)], at, reason)

    def revoke_serials(self, serials: Sequence[int], at: datetime, reason: str) -> Revocation:
        """Revoke certificates by their serial numbers; returns the first one's revocation."""
        if reason not in REASONS:
            raise Invalid(f"expected a reason of {', '.join(sorted(REASONS))}, got {reason[:40]!r}")
        with self._locked():
            revoked = {one.serial: one for one in self.revoked()}
            for serial in serials:
                made = Revocation(serial=serial, at=at.replace(microsecond=0), reason=reason)
                revoked.setdefault(serial, made)
            write_file(self.path / "revoked.json", _revoked_file([*revoked.values()]))
            return revoked[serials[0]]

    def revoked(self) -> list[Revocation]:
        """Everything revoked so far."""
        raw = json.loads((self.path / "revoked.json").read_text())
        return [
            Revocation(serial=int(r["serial"], 16), at=parse_time(r["at"]), reason=r["reason"])
            for r in raw
        ]

    def revocation_list(self, at: datetime) -> bytes:
        """The revocation list as of `at`, in DER."""
        return make_list(self.issuer, self.revoked(), at.replace(microsecond=0))

    def opening_key(self, uscc: str, lot: UUID) -> CurveKey:
        """The opening key of one organisation for one lot, made when first asked for."""
        path = self.path / "opening" / check_uscc(uscc) / f"{lot}.pem"
        with self._locked():
            if not path.exists():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                write_file(path, key_pem(generate(self.curve)))
        return read_key(path)

    def _operators_of(self, uscc: str) -> list[int]:
        """The serial numbers of the operators' certificates issued under a company's licence."""
        found = [
            licence_subject(x509.load_der_x509_certificate(path.read_bytes()))
            for path in sorted(self.path.glob(f"{OPERATORS}/*/{OPERATOR_CERTIFICATE}"))
        ]
        return [subject.serial for subject in found if subject.uscc == uscc]

    def _in_force(self, licence: Licence, at: datetime) -> bool:
        certificate = licence.subject.certificate
        return at <= certificate.not_valid_after_utc and all(
            r.serial != licence.subject.serial for r in self.revoked()
        )

    def _write_licence(self, home: Path, info: LicenceInfo, at: datetime, crl_url: str) -> None:
        key = generate(self.curve)
        certificate = issue_licence(
            self.issuer, key.public_key(), info, at.replace(microsecond=0), crl_url
        )
        # A name with a dot is never a USCC: a half-written licence is not found by anybody.
        draft = home.with_name(f"{home.name}.{secrets.token_hex(4)}")
        draft.mkdir(mode=0o700)
        write_file(draft / "key.pem", key_pem(key))
        write_file(draft / "licence.der", certificate.public_bytes(serialization.Encoding.DER))
        draft.rename(home)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time: the serving process and `sunbid licence issue` share the folder."""
        with (self.path / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def open_folder(path: Path, curve: Curve | None = None) -> AuthorityFolder:
    """Open an authority's folder; an empty or missing one becomes a new authority with its root.

    A new one is of P-256 unless `curve` says SM2; an old one of another curve is refused.
    """
    try:
        for part in (path, path / "licences", path / "opening"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (path / "root.der").exists():
                _make_root(path, curve or "P-256")
        certificate = x509.load_der_x509_certificate((path / "root.der").read_bytes())
        key = read_key(path / "root.key.pem")
    except OSError as error:
        raise FolderUnusable(
            f"expected a folder that can be written at {path}, got: {error.strerror}"
        ) from None
    except ValueError:
        raise FolderUnusable(f"the root of the authority in {path} does not read") from None
    if key.public_key() != certified_key(certificate):
        raise FolderUnusable(f"key and certificate of the root in {path} do not belong together")
    found = AuthorityFolder(path=path, issuer=Issuer(key=key, certificate=certificate))
    if curve not in {None, found.curve}:
        raise FolderUnusable(
            f"expected an authority of {curve} in {path}, got one of {found.curve}; name another "
            "folder"
        )
    return found


def _make_root(path: Path, curve: Curve) -> None:
    key = generate(curve)
    root = issue_root(key)
    write_file(path / "root.key.pem", key_pem(key))
    write_file(path / "revoked.json", b"[]")
    # Last, because its presence says that the authority is complete.
    write_file(path / "root.der", root.public_bytes(serialization.Encoding.DER))


def _revoked_file(revoked: list[Revocation]) -> bytes:
    return canonical(
        [{"serial": f"{r.serial:x}", "at": time_text(r.at), "reason": r.reason} for r in revoked]
    )


def key_pem(key: CurveKey) -> bytes:
    """A private key as it lies in a file."""
    if isinstance(key, SM2PrivateKey):
        return sm2_certificates.private_key_pem(key)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def read_key(path: Path) -> CurveKey:
    """A private key out of its file."""
    raw = path.read_bytes()
    with suppress(ValueError):
        return sm2_certificates.read_private_key_pem(raw)
    key = serialization.load_pem_private_key(raw, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FolderUnusable(f"expected a P-256 or SM2 key in {path.name}, got another kind")
    return key


def write_file(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 beside its place and rename it."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
