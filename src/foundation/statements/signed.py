"""Signed statements: a typed body in canonical JSON, its identity, and its signatures.

The identity (`sid`) is the hash of the signed bytes; signatures never enter it, because anybody
can make a second valid ES256 signature of the same body.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.problems import Invalid
from foundation.statements.canonical import (
    BadField,
    Json,
    b64,
    canonical,
    parse,
    parse_time,
    time_text,
    unb64,
)
from foundation.statements.sm2 import SM2PrivateKey, SM2PublicKey, is_point, sm3

LARGEST_STATEMENT: Final = 4 * 1024 * 1024
LARGEST_ACT: Final = 256 * 1024
MOST_SIGNATURES: Final = 9
LARGEST_CERTIFICATE: Final = 16 * 1024
LONGEST_CHAIN: Final = 5

_TYPE: Final = re.compile(r"[a-z][a-z-]{0,31}")
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | SM2PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | SM2PrivateKey
Body = TypeVar("Body")


class Typed(Protocol):
    """The schema of the body of one type of statement."""

    TYPE: ClassVar[str]


TypedBody = TypeVar("TypedBody", bound=Typed)


class BadSignature(Invalid):
    """The signature does not fit the statement."""

    code = "E_SIG"


class Signer(Protocol):
    """Whoever can sign: a key file, a token, a licence app."""

    @property
    def alg(self) -> str:
        """`ES256`, `EdDSA` or `SM2SM3`."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Certificates in DER, leaf first; empty when `kid` names the key."""

    @property
    def kid(self) -> str | None:
        """Identity of the key when there is no chain."""

    def sign(self, message: bytes, /) -> bytes:
        """The raw 64-byte signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of a statement: by a certificate chain, or by a key named by `kid`."""

    alg: str
    at: str | None
    chain: tuple[bytes, ...]
    kid: str | None
    sig: bytes

    def json(self) -> Json:
        """The object that stands in `sigs`."""
        return {
            "alg": self.alg,
            "at": self.at,
            "chain": [b64(der) for der in self.chain],
            "kid": self.kid,
            "sig": b64(self.sig),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A typed body with its signatures; use `read` or `unsigned` to make one."""

    type: str
    body: Json
    sigs: tuple[Signature, ...] = ()

    @property
    def signed_bytes(self) -> bytes:
        """What every signer signs."""
        return b"sunbid/v1/" + self.type.encode("ascii") + b"\n" + canonical(self.body)

    @property
    def sid(self) -> str:
        """The identity, lower-case hex."""
        return hashlib.sha256(self.signed_bytes).hexdigest()

    def json(self) -> Json:
        """The statement as an object, to be put inside another document."""
        return {"body": self.body, "sigs": [s.json() for s in self.sigs], "type": self.type}

    def file(self) -> bytes:
        """The statement file."""
        return canonical(self.json())


class _SignatureShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    at: str | None
    chain: list[str]
    kid: str | None
    sig: str


class _StatementShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: dict[str, Json]
    sigs: list[_SignatureShape]
    type: str


def unsigned(type_: str, body: Json) -> Statement:
    """An unsigned statement of a body given as JSON or as a msgspec struct."""
    if isinstance(body, msgspec.Struct):
        body = msgspec.to_builtins(body)
    if _TYPE.fullmatch(type_) is None:
        raise BadField(f"expected a statement type of lower-case words, got {type_[:40]!r}")
    canonical(body)  # refuses now what could not be written later
    return Statement(type=type_, body=body)


def read(raw: bytes, *, limit: int = LARGEST_STATEMENT) -> Statement:
    """Read a statement file; refuses other spellings, unknown keys and malformed signatures.

    Signatures are not checked here: `check_signature`, `certificate_signers`.
    """
    return from_json(parse(raw, limit=limit))


def from_json(value: Json) -> Statement:
    """The statement that an already parsed object holds (statements lie inside statements)."""
    shape = decode(value, _StatementShape)
    if _TYPE.fullmatch(shape.type) is None:
        raise BadField(f"expected a statement type of lower-case words, got {shape.type[:40]!r}")
    if len(shape.sigs) > MOST_SIGNATURES:
        raise BadField(f"expected at most {MOST_SIGNATURES} signatures, got {len(shape.sigs)}")
    return Statement(
        type=shape.type, body=shape.body, sigs=tuple(_signature(s) for s in shape.sigs)
    )


def decode(value: Json, shape: type[Body]) -> Body:
    """Read parsed JSON as an exact schema; refuses missing, unknown and malformed keys."""
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise BadField(f"{error}; correct that field or use a version that knows it") from None


def decode_body(statement: Statement, shape: type[TypedBody]) -> TypedBody:
    """Read a statement's body as an exact schema; refuses missing, unknown, malformed keys.

    Refuses another type as well: two types may have the same body, and the type decides who signs.
    """
    if statement.type != shape.TYPE:
        raise BadField(f"expected a statement of type {shape.TYPE}, got {statement.type}")
    return decode(statement.body, shape)


def sign(statement: Statement, signer: Signer, at: datetime | None = None) -> Statement:
    """The statement with one more signature; `at` is informative."""
    if len(statement.sigs) >= MOST_SIGNATURES:
        raise BadField(f"expected at most {MOST_SIGNATURES} signatures; this statement is full")
    chain = tuple(signer.chain)
    made = Signature(
        alg=signer.alg,
        at=None if at is None else time_text(at),
        chain=chain,
        kid=None if chain else signer.kid,
        sig=signer.sign(statement.signed_bytes),
    )
    return replace(statement, sigs=(*statement.sigs, made))


def check_signature(alg: str, public_key: PublicKey | bytes, message: bytes, sig: bytes) -> None:
    """Check one raw signature; refuses DER, r or s out of range, and non-canonical S."""
    if isinstance(public_key, bytes):
        public_key = _key_for(alg, public_key)
    if len(sig) != 64:
        raise BadSignature(f"expected 64 bytes r‖s, got {len(sig)}; DER is not accepted")
    try:
        match alg, public_key:
            case "ES256", ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
                public_key.verify(_der(sig), message, ec.ECDSA(hashes.SHA256()))
            case "EdDSA", ed25519.Ed25519PublicKey():
                if int.from_bytes(sig[32:], "little") >= _ED25519_ORDER:
                    raise BadSignature("expected S below the group order, got a second spelling")
                public_key.verify(sig, message)
            case "SM2SM3", SM2PublicKey():
                public_key.verify(sig, message)
            case _:
                raise BadSignature(
                    "expected ES256 with a P-256 key, EdDSA with Ed25519 or SM2SM3 with SM2, got "
                    f"{alg[:20]!r} with another key; sign with a supported key"
                )
    except InvalidSignature:
        raise BadSignature(
            "expected a signature of exactly this statement, got one of other bytes or of another "
            "key; sign the statement again"
        ) from None


def find_signature(statement: Statement, kid: str, public_key: PublicKey | bytes) -> Signature:
    """The valid signature of a key stated elsewhere; refuses when there is none."""
    for signature in statement.sigs:
        if not signature.chain and signature.kid == kid:
            check_signature(signature.alg, public_key, statement.signed_bytes, signature.sig)
            return signature
    raise BadSignature(f"expected a signature of key {kid}, got none; sign with that key")


def raw_public_key(public_key: PublicKey) -> bytes:
    """65-byte uncompressed point of P-256 or SM2, or the 32 bytes of Ed25519."""
    if isinstance(public_key, SM2PublicKey):
        return public_key.point
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_key_of(raw: bytes) -> PublicKey:
    """The key of raw bytes; refuses a point that is not on P-256."""
    try:
        if len(raw) == 32:
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
        if len(raw) == 65 and raw[0] == 4:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        pass
    raise BadField(
        f"expected an uncompressed point on P-256 or an Ed25519 key, got {len(raw)} bytes"
    )


def _key_for(alg: str, raw: bytes) -> PublicKey:
    try:
        return stated_key(raw, alg)
    except BadField as wrong:
        # A key that is right for another algorithm: the signature is what does not fit.
        if alg == "SM2SM3":
            raise BadSignature(f"{wrong.message}; sign with the stated key") from None
        raise


def stated_key(raw: bytes, alg: str) -> PublicKey:
    """The key of raw bytes for an algorithm: a point alone does not say on which curve it lies."""
    if alg != "SM2SM3":
        return public_key_of(raw)
    try:
        return SM2PublicKey.from_bytes(raw)
    except ValueError:
        raise BadField(
            f"expected a point on the SM2 curve (65 bytes) for SM2SM3, got {len(raw)} other bytes"
        ) from None


def kid_of(public_key: PublicKey | bytes) -> str:
    """Identity of a public key: 16 characters of the hash of its suite (sealing.md 2.2).

    Which suite, the key itself says: SM3 for a point on the curve of SM2, SHA-256 for all others.
    """
    raw = public_key if isinstance(public_key, bytes) else raw_public_key(public_key)
    digest = sm3(raw) if is_point(raw) else hashlib.sha256(raw).digest()
    return b64(digest[:12])


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A signer whose private key is in this process."""

    key: PrivateKey
    chain: tuple[bytes, ...] = ()

    @property
    def alg(self) -> str:
        """`ES256`, `EdDSA` or `SM2SM3`."""
        if isinstance(self.key, SM2PrivateKey):
            return "SM2SM3"
        return "EdDSA" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "ES256"

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return kid_of(self.key.public_key())

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return raw_public_key(self.key.public_key())

    def sign(self, message: bytes, /) -> bytes:
        """The raw 64-byte signature."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey | SM2PrivateKey):
            return self.key.sign(message)
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _der(sig: bytes) -> bytes:
    r, s = int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big")
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        raise BadSignature("expected r and s between 1 and the group order, got another number")
    return encode_dss_signature(r, s)


def _signature(shape: _SignatureShape) -> Signature:
    if shape.alg not in {"ES256", "EdDSA", "SM2SM3"}:
        raise BadField(f"expected alg ES256, EdDSA or SM2SM3, got {shape.alg[:20]!r}")
    if len(shape.chain) > LONGEST_CHAIN:
        raise BadField(f"expected at most {LONGEST_CHAIN} certificates, got {len(shape.chain)}")
    if any(len(der) > 4 * LARGEST_CERTIFICATE // 3 + 4 for der in shape.chain):
        raise BadField(f"expected certificates of at most {LARGEST_CERTIFICATE} bytes")
    if bool(shape.chain) == (shape.kid is not None):
        raise BadField("expected a certificate chain or a kid, one of the two")
    if shape.kid is not None and not 1 <= len(shape.kid) <= 16:
        raise BadField("expected a kid of 1 to 16 characters")
    if shape.at is not None:
        parse_time(shape.at)
    return Signature(
        alg=shape.alg,
        at=shape.at,
        chain=tuple(unb64(der) for der in shape.chain),
        kid=shape.kid,
        sig=unb64(shape.sig, 64),
    )
