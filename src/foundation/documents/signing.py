"""PAdES signatures on documents: baseline B-B, or B-T where a time-stamp authority is configured.

The signature says who made the file; the evidence is the statement named on it (`sid`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final, Protocol

from asn1crypto import x509
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers, timestamps, validation
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from foundation.problems import Invalid, Unavailable

DIGEST: Final = "sha256"
FIELD: Final = "Sunbid"
# An ES256 signature in DER takes at most this many bytes.
LONGEST_ES256_DER: Final = 72


class BadDocument(Invalid):
    """This file is not a document signed by us."""

    code = "bad-document"


class CannotSign(Unavailable):
    """The platform's key cannot sign documents."""

    code = "cannot-sign"


class DocumentKey(Protocol):
    """The platform's P-256 key with its certificate; any signer of statements with ES256 is one."""

    @property
    def alg(self) -> str: ...

    @property
    def chain(self) -> Sequence[bytes]: ...

    def sign(self, message: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSignature:
    """What the signature of a document proves."""

    signer: str
    signed_at: datetime | None
    stamped_at: datetime | None
    intact: bool
    trusted: bool
    whole: bool

    @property
    def ok(self) -> bool:
        """Whether every byte of the file is signed, unchanged, by a key our anchor vouches for."""
        return self.intact and self.trusted and self.whole


class _KeySigner(signers.Signer):
    """Lets pyHanko sign with a key that it never sees."""

    def __init__(self, key: DocumentKey, chain: list[x509.Certificate]) -> None:
        store = SimpleCertificateStore.from_certs(chain)  # type: ignore[no-untyped-call]
        super().__init__(
            signing_cert=chain[0],
            cert_registry=store,
            signature_mechanism=SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
        )
        self._key = key

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        if dry_run:
            return bytes(LONGEST_ES256_DER)
        raw = self._key.sign(data)
        # Statements carry raw r and s, CMS wants them in DER.
        return encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        )


class _DatedSigner(signers.PdfSigner):
    """A signer that writes the document's own time, not the machine's."""

    def __init__(self, at: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at = at

    def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self._at
        return session


def sign_pdf(
    pdf: bytes,
    key: DocumentKey,
    *,
    at: datetime,
    reason: str,
    timestamp_url: str | None = None,
) -> bytes:
    """The file with a PAdES signature over all of it; refuses a key without a certificate.

    Blocks and starts an event loop of its own: call it in a thread (`asyncio.to_thread`).
    """
    if key.alg != "ES256" or not key.chain:
        raise CannotSign(
            f"Expected an ES256 key with its certificate chain, got {key.alg} with "
            f"{len(key.chain)} certificates. Set SUNBID_PLATFORM_KEY and SUNBID_PLATFORM_CHAIN."
        )
    chain = [x509.Certificate.load(der) for der in key.chain]
    stamper = None if timestamp_url is None else timestamps.HTTPTimeStamper(timestamp_url)
    signer = _DatedSigner(
        at,
        signers.PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm=DIGEST,
            subfilter=fields.SigSeedSubFilter.PADES,
            reason=reason,
        ),
        signer=_KeySigner(key, chain),
        timestamper=stamper,
    )
    try:
        signed = signer.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
    except (timestamps.TimestampRequestError, OSError, TimeoutError) as fault:
        raise CannotSign(
            f"Expected a time stamp from {timestamp_url}, got: {fault}. Start the authority, or "
            "sign without one."
        ) from None
    return bytes(signed.getvalue())


def check_pdf(pdf: bytes, anchors: Sequence[bytes], *, at: datetime) -> DocumentSignature:
    """What the file's signature proves to somebody who trusts these anchors.

    Refuses a file that is no PDF or has no signature. Revocation is not asked here: the statement
    is what counts in a dispute. Blocks: call it in a thread.
    """
    try:
        found = PdfFileReader(BytesIO(pdf)).embedded_signatures
    except (PdfError, ValueError, OSError) as fault:
        raise BadDocument(
            f"Expected a signed PDF, got a file that cannot be read: {fault}"
        ) from None
    if len(found) != 1:
        raise BadDocument(f"Expected a PDF with one signature, got {len(found)} signatures.")
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(anchor) for anchor in anchors],
        allow_fetching=False,
        moment=at,
        revocation_mode="soft-fail",
    )
    try:
        status = validation.validate_pdf_signature(
            found[0],
            signer_validation_context=context,
            key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
        )
    except (PdfError, ValueError) as fault:
        raise BadDocument(f"The signature of this PDF cannot be read: {fault}") from None
    return DocumentSignature(
        signer=found[0].signer_cert.subject.human_friendly,
        signed_at=status.signer_reported_dt,
        stamped_at=_stamped_at(status),
        intact=bool(status.intact and status.valid),
        trusted=bool(status.trusted),
        whole=status.coverage == validation.SignatureCoverageLevel.ENTIRE_FILE,
    )


def _stamped_at(status: Any) -> datetime | None:
    """When a time-stamp authority saw the signature; None where none that we trust did."""
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid and stamp.trusted):
        return None
    at: datetime = stamp.timestamp
    return at
