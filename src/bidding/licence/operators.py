"""Keys of operators (经办人) in a development authority's app, with or without a certificate.

With a certificate, issued under the company's licence, the operator acts for it by that alone
(sealing.md 5.4); without one the company gives the key a mandate.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bidding.licence.authority import UnknownLicence
from bidding.licence.folder import (
    OPERATOR_CERTIFICATE,
    OPERATORS,
    AuthorityFolder,
    key_pem,
    read_key,
    write_file,
)
from bidding.licence.issue import ISSUED_LIFE, issue_licence
from bidding.licence.profile import LONGEST_NAME, OPERATOR_USAGE, LicenceInfo
from foundation.problems import Invalid
from foundation.statements.canonical import b64
from foundation.statements.keyfile import CurveKey, generate
from foundation.statements.signed import KeySigner

KEY: Final = "key.pem"
ABOUT: Final = "about.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person's key on the phone; `company` is the USCC on its certificate, if it has one."""

    kid: str
    name: str
    company: str | None
    signer: KeySigner

    def public_file(self) -> dict[str, str | None]:
        """What the company puts into its mandate."""
        return {
            "person_tag": None,
            "kid": self.kid,
            "alg": self.signer.alg,
            "pk": b64(self.signer.public),
        }


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators' keys beside an authority's licences."""

    folder: AuthorityFolder

    def all(self) -> list[Operator]:
        """Everybody with a key here, by name."""
        found = [self._read(home) for home in self._homes()]
        return sorted(found, key=lambda one: (one.name, one.kid))

    def operator(self, kid: str) -> Operator | None:
        """Who has a key here, None where nobody has it."""
        return next((self._read(home) for home in self._homes() if home.name == kid), None)

    def make(self, name: str, company: str | None, at: datetime, crl_url: str) -> Operator:
        """Make a key for a person; with `company` a certificate under its licence as well.

        Refuses a company without a licence here, and a name that X.509 cannot hold.
        """
        name = " ".join(name.split())
        if not 1 <= len(name) <= LONGEST_NAME:
            raise Invalid(f"expected a name of 1 to {LONGEST_NAME} characters, got {len(name)}")
        key = generate(self.folder.curve)
        kid = KeySigner(key).kid
        home = self._home() / kid
        certificate = None if company is None else self._certificate(key, company, at, crl_url)
        home.mkdir(mode=0o700, parents=True)
        write_file(home / KEY, key_pem(key))
        if certificate is not None:
            write_file(home / OPERATOR_CERTIFICATE, certificate)
        # Last: a folder without it is nobody's.
        write_file(home / ABOUT, json.dumps({"name": name, "company": company}).encode())
        return self._read(home)

    def revoke(self, kid: str, at: datetime, reason: str = "unspecified") -> None:
        """Revoke an operator's certificate; refuses a key that has none here."""
        path = self._home() / kid / OPERATOR_CERTIFICATE
        if self.operator(kid) is None or not path.exists():
            raise UnknownLicence(f"no operator's certificate for the key {kid[:16]} lies here")
        serial = x509.load_der_x509_certificate(path.read_bytes()).serial_number
        self.folder.revoke_serials([serial], at, reason)

    def _certificate(self, key: CurveKey, company: str, at: datetime, crl_url: str) -> bytes:
        licence = self.folder.licence(company)
        if licence.subject.serial in {one.serial for one in self.folder.revoked()}:
            raise UnknownLicence(f"the licence of {company} was revoked; no operator acts for it")
        old = licence.subject.info
        since = at.replace(microsecond=0)
        info = LicenceInfo(
            uscc=old.uscc,
            name=old.name,
            type=old.type,
            person_tag=None,
            licence_no=old.licence_no,
            # Not longer than the licence under which it is issued.
            valid_to=min(since + ISSUED_LIFE, old.valid_to),
        )
        made = issue_licence(
            self.folder.issuer, key.public_key(), info, since, crl_url, usage=OPERATOR_USAGE
        )
        return made.public_bytes(serialization.Encoding.DER)

    def _home(self) -> Path:
        return self.folder.path / OPERATORS

    def _homes(self) -> Iterator[Path]:
        return (path.parent for path in sorted(self._home().glob(f"*/{ABOUT}")))

    def _read(self, home: Path) -> Operator:
        about = json.loads((home / ABOUT).read_text())
        chain: tuple[bytes, ...] = ()
        if about["company"] is not None:
            chain = ((home / OPERATOR_CERTIFICATE).read_bytes(), self.folder.root)
        return Operator(
            kid=home.name,
            name=about["name"],
            company=about["company"],
            signer=KeySigner(read_key(home / KEY), chain),
        )
