"""Where a certificate of a real authority says whose it is (`uscc_path`, sealing.md 5.1).

Each authority puts the credit code elsewhere; its adapter names the places, and where two of them
disagree the certificate is refused, because one of them was not meant for us.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from cryptography import x509

from bidding.licence.uscc import check_uscc
from foundation.problems import Invalid, Refused
from foundation.statements.certificates import BadChain

_PATH: Final = re.compile(r"(subject|ext):([0-9]+(?:\.[0-9]+)+)(?:,(.+))?")
_TAGS: Final = frozenset({0x0C, 0x13, 0x16})  # UTF8String, PrintableString, IA5String


class BadPath(Invalid):
    """This is no place in a certificate."""

    code = "bad-certificate-path"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePath:
    """One place: an attribute of the subject or an extension, and a pattern around the value."""

    kind: str
    oid: x509.ObjectIdentifier
    pattern: re.Pattern[str]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `subject:<oid>` or `ext:<oid>`, with `,<pattern>` whose first group is the value."""
        match = _PATH.fullmatch(text)
        try:
            pattern = re.compile((match and match[3]) or "(.*)", re.DOTALL)
        except re.error as error:
            raise BadPath(f"expected a regular expression in {text[:80]!r}, got {error}") from None
        if match is None or pattern.groups != 1:
            raise BadPath(
                f"expected subject:OID or ext:OID, then perhaps a comma and a pattern with one "
                f"group, got {text[:80]!r}"
            )
        return cls(kind=match[1], oid=x509.ObjectIdentifier(match[2]), pattern=pattern)

    def value(self, certificate: x509.Certificate) -> str:
        """What stands there; refuses a place that is empty, twice there or of another form."""
        found = self._texts(certificate)
        if len(found) != 1:
            raise BadChain(
                f"expected exactly one {self.kind}:{self.oid.dotted_string} in the certificate, "
                f"got {len(found)}; use the licence that its authority issued for signing"
            )
        match = self.pattern.fullmatch(found[0])
        if match is None:
            raise BadChain(
                f"expected {self.kind}:{self.oid.dotted_string} like {self.pattern.pattern}, got "
                f"{found[0][:60]!r}"
            )
        return match[1]

    def _texts(self, certificate: x509.Certificate) -> list[str]:
        if self.kind == "subject":
            parts = certificate.subject.get_attributes_for_oid(self.oid)
            return [part.value for part in parts if isinstance(part.value, str)]
        try:
            extension = certificate.extensions.get_extension_for_oid(self.oid).value
        except x509.ExtensionNotFound:
            return []
        raw = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
        return [_text(raw)]


def read_uscc(certificate: x509.Certificate, paths: tuple[CertificatePath, ...]) -> str:
    """The credit code of a certificate; refuses where two places disagree (`E_CERT_CHAIN`)."""
    if not paths:
        raise BadPath("expected at least one place of the credit code, got none")
    values = {path.value(certificate) for path in paths}
    if len(values) != 1:
        raise BadChain(
            f"expected one credit code in all places of the certificate, got "
            f"{' and '.join(sorted(values))}; it must be issued again"
        )
    try:
        return check_uscc(values.pop())
    except Refused as refused:
        raise BadChain(f"the certificate's credit code does not read: {refused.message}") from None


def _text(raw: bytes) -> str:
    """The text of a DER string, or of bytes that are text themselves."""
    is_string = len(raw) >= 2 and raw[0] in _TAGS and raw[1] < 0x80 and raw[1] == len(raw) - 2
    try:
        return (raw[2:] if is_string else raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadChain("expected text in the certificate's extension, got other bytes") from None
