"""Time-stamp tokens of RFC 3161 over checkpoints, read without anybody's help.

A token is a CMS SignedData around a TSTInfo: the hash of a text and a time, signed by a
certificate that may sign nothing but times.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from sunbid.verify.der import content, elements

SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
TST_INFO: Final = bytes.fromhex("060b2a864886f70d0109100104")
CONTENT_TYPE: Final = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST: Final = bytes.fromhex("06092a864886f70d010904")
HASHES: Final[dict[bytes, hashes.HashAlgorithm]] = {
    bytes.fromhex("0609608648016503040201"): hashes.SHA256(),
    bytes.fromhex("0609608648016503040202"): hashes.SHA384(),
    bytes.fromhex("0609608648016503040203"): hashes.SHA512(),
}
# The attribute that names the signer's certificate, in both versions, and its usual hash.
CERTIFICATE_HASHES: Final[dict[bytes, hashes.HashAlgorithm]] = {
    bytes.fromhex("060b2a864886f70d010910022f"): hashes.SHA256(),
    bytes.fromhex("060b2a864886f70d010910020c"): hashes.SHA1(),  # noqa: S303 - RFC 2634 has no other
}
SEQUENCE: Final = 0x30
SET: Final = 0x31
LONGEST_CHAIN: Final = 5
WRONG: Final = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.ExtensionNotFound,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """The parts of a token that count; nothing is checked by taking it apart."""

    info: bytes
    certificates: list[x509.Certificate]
    issuer: bytes
    serial: int
    digest: hashes.HashAlgorithm
    attributes: bytes
    signature: bytes


def stamped_at(token: bytes, text: str, anchors: list[bytes]) -> int:
    """Return the time of a token over a text (Unix ms); refuse by ValueError what proves none."""
    try:
        parts = _apart(token)
        at = _info(parts.info, text)
        _check_signature(parts)
        _check_chain(_signer(parts), parts.certificates, anchors, at)
    except WRONG as problem:
        raise ValueError(
            f"the time-stamp token: {str(problem) or type(problem).__name__}"
        ) from None
    return int(at.timestamp() * 1000)


def _apart(token: bytes) -> _Token:
    (whole,) = elements(token)
    kind, wrapped = elements(content(whole))
    if kind != SIGNED_DATA:
        raise ValueError("it is no signed data")
    (data,) = elements(content(wrapped))
    _version, _digests, carried, *more, signers = elements(content(data))
    carried_type, info = elements(content(carried))
    if carried_type != TST_INFO:
        raise ValueError("it carries no time")
    (octets,) = elements(content(info))
    (signer,) = elements(content(signers))
    _version, name, digest, attributes, _algorithm, signature, *_ = elements(content(signer))
    issuer, serial = elements(content(name))
    if attributes[0] != 0xA0 or not more:
        raise ValueError("it has no signed attributes or no certificates")
    return _Token(
        info=content(octets),
        certificates=[x509.load_der_x509_certificate(der) for der in elements(content(more[0]))],
        issuer=issuer,
        serial=int.from_bytes(content(serial)),
        digest=HASHES[elements(content(digest))[0]],
        attributes=bytes([SET]) + attributes[1:],
        signature=content(signature),
    )


def _info(raw: bytes, text: str) -> datetime:
    """The time that the token states; refuse another text."""
    (whole,) = elements(raw)
    _version, _policy, imprint, _serial, at, *_ = elements(content(whole))
    algorithm, hashed = elements(content(imprint))
    digest = HASHES[elements(content(algorithm))[0]]
    if content(hashed) != hashlib.new(digest.name, text.encode()).digest():
        raise ValueError("it is over another text")
    said = content(at).decode("ascii")
    form = "%Y%m%d%H%M%S.%fZ" if "." in said else "%Y%m%d%H%M%SZ"
    return datetime.strptime(said, form).replace(tzinfo=UTC)


def _signer(parts: _Token) -> x509.Certificate:
    for certificate in parts.certificates:
        named = (certificate.issuer.public_bytes(), certificate.serial_number)
        if named == (parts.issuer, parts.serial):
            return certificate
    raise ValueError("the certificate of its signer is not in it")


def _check_signature(parts: _Token) -> None:
    listed = [elements(content(one)) for one in elements(content(parts.attributes))]
    attributes = {kind: value for kind, value in listed}  # noqa: C416 - pairs, not lists
    (kind,) = elements(content(attributes[CONTENT_TYPE]))
    (digest,) = elements(content(attributes[MESSAGE_DIGEST]))
    if kind != TST_INFO:
        raise ValueError("its attributes name another content")
    if content(digest) != hashlib.new(parts.digest.name, parts.info).digest():
        raise ValueError("its attributes name another time")
    signer = _signer(parts)
    if not _names(attributes, signer):
        raise ValueError("its attributes name another certificate")
    key = signer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(parts.signature, parts.attributes, padding.PKCS1v15(), parts.digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(parts.signature, parts.attributes, ec.ECDSA(parts.digest))
    else:
        raise TypeError("it is signed with an algorithm that is not read here")


def _names(attributes: dict[bytes, bytes], signer: x509.Certificate) -> bool:
    """Say whether the signed attributes name the signer's certificate by its hash (2.4.2)."""
    for kind, default in CERTIFICATE_HASHES.items():
        if kind in attributes:
            (value,) = elements(content(attributes[kind]))
            first = elements(content(elements(content(value))[0]))[0]
            named = elements(content(first))
            digest = (
                HASHES[elements(content(named.pop(0)))[0]] if named[0][0] == SEQUENCE else default
            )
            return content(named[0]) == signer.fingerprint(digest)
    return False


def _check_chain(
    signer: x509.Certificate, others: list[x509.Certificate], anchors: list[bytes], at: datetime
) -> None:
    """The signer may state times, and a chain valid at `at` leads to an anchor."""
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise ValueError("its certificate is not for time stamps alone")
    roots = [x509.load_der_x509_certificate(der) for der in anchors]
    now = signer
    for _ in range(LONGEST_CHAIN):
        if not now.not_valid_before_utc <= at <= now.not_valid_after_utc:
            raise ValueError("a certificate was not valid at its time")
        if now in roots or any(_issued(now, root) for root in roots):
            return
        issuers = [other for other in others if other != now and _issued(now, other)]
        if not issuers:
            raise ValueError("its chain ends at no trusted root")
        now = issuers[0]
    raise ValueError("its chain is too long")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except WRONG:
        return False
    return basic.ca
