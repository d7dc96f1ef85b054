"""A key in a PKCS#11 token or card: it signs and agrees on keys there and never comes out.

`pkcs11:token=LABEL;object=LABEL?module-path=/path/of/module.so` (RFC 7512). The certificate of the
same label in the token, if there is one, goes with the signatures.
"""

import atexit
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.statements.canonical import BadField
from foundation.statements.keyfile import WrongPassphrase
from foundation.statements.signed import kid_of, public_key_of
from sunbid.keys.problems import KeyUnusable

KNOWN: Final = frozenset({"token", "object", "module-path"})
# A process logs in to a token once; a second login would be refused by the token itself.
_OPEN: Final[dict[tuple[str, str], tuple[str, Any]]] = {}


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A private key that stays in its token; the session lasts as long as this process."""

    private: Any = field(repr=False)
    public: bytes
    chain: tuple[bytes, ...]

    @property
    def alg(self) -> str:
        """`ES256`."""
        return "ES256"

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return kid_of(self.public)

    @property
    def signer(self) -> "TokenKey":
        """Itself."""
        return self

    @property
    def exchange(self) -> "TokenAgreement":
        """The same key for key agreement."""
        return TokenAgreement(self)

    def sign(self, message: bytes, /) -> bytes:
        """The raw 64-byte signature; the token gets the hash, which every token can sign."""
        import pkcs11

        digest = hashlib.sha256(message).digest()
        try:
            made: bytes = self.private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        except pkcs11.PKCS11Error as error:
            raise KeyUnusable(f"the token did not sign: {type(error).__name__}") from None
        return made


@dataclass(frozen=True, slots=True)
class TokenAgreement:
    """A token's key for key agreement."""

    key: TokenKey

    @property
    def public(self) -> bytes:
        """The 65-byte uncompressed point."""
        return self.key.public

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return self.key.kid

    def exchange(self, point: bytes, /) -> bytes:
        """The x coordinate shared with a point; refuses a point that is not on the curve."""
        import pkcs11

        # A token may or may not check this; a foreign point would give the key away bit by bit.
        if not isinstance(public_key_of(point), ec.EllipticCurvePublicKey):
            raise BadField("expected an uncompressed point on P-256, got another key")
        try:
            made = self.key.private.derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                256,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template={
                    pkcs11.Attribute.SENSITIVE: False,
                    pkcs11.Attribute.EXTRACTABLE: True,
                    pkcs11.Attribute.TOKEN: False,
                },
            )
            shared: bytes = made[pkcs11.Attribute.VALUE]
        except pkcs11.PKCS11Error as error:
            raise KeyUnusable(f"the token did not agree on a key: {type(error).__name__}") from None
        return shared


def open_token(uri: str, pin: str) -> TokenKey:
    """Open a key in a token; refuses a wrong PIN, a missing token or key, and other curves."""
    try:
        import pkcs11
    except ImportError:
        raise KeyUnusable("expected the library for tokens; install sunbid[token]") from None
    named = read_uri(uri)
    place = (named["module-path"], named["token"])
    if place not in _OPEN:
        try:
            token = pkcs11.lib(place[0]).get_token(token_label=place[1])
            session = token.open(user_pin=pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
            raise _wrong_pin(named["token"]) from None
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
            raise KeyUnusable(
                f"cannot open token {place[1]}: {type(error).__name__} {error}; is it plugged in?"
            ) from None
        atexit.register(session.close)
        _OPEN[place] = (pin, session)
    known, session = _OPEN[place]
    if not secrets.compare_digest(known.encode(), pin.encode()):
        raise _wrong_pin(named["token"])
    return _key_of(session, named["object"])


def _wrong_pin(token: str) -> WrongPassphrase:
    return WrongPassphrase(f"expected the PIN of token {token}, got another one; try again")


def read_uri(uri: str) -> dict[str, str]:
    """The parts of a PKCS#11 URI; refuses one that names no token, key or module."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    pairs = [part.partition("=") for part in [*path.split(";"), *query.split("&")] if part]
    named = {name: unquote(value) for name, _, value in pairs}
    if named.keys() != KNOWN:
        raise KeyUnusable(
            "expected pkcs11:token=LABEL;object=LABEL?module-path=FILE, got "
            f"{', '.join(sorted(named)) or 'nothing'}; the PIN is asked for, or --passphrase-file"
        )
    return named


def _key_of(session: Any, label: str) -> TokenKey:
    import pkcs11

    try:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
    except pkcs11.PKCS11Error as error:
        raise KeyUnusable(
            f"expected one private key {label!r} in the token, got: {type(error).__name__}"
        ) from None
    chain = _certificates(session, label)
    return TokenKey(private, _point(session, label, chain), chain)


def _certificates(session: Any, label: str) -> tuple[bytes, ...]:
    import pkcs11

    query = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
        pkcs11.Attribute.LABEL: label,
    }
    found = [bytes(one[pkcs11.Attribute.VALUE]) for one in session.get_objects(query)]
    return tuple(found[:1])


def _point(session: Any, label: str, chain: tuple[bytes, ...]) -> bytes:
    """The public point, from the token's public key object or from the certificate."""
    import pkcs11
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    query = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
        pkcs11.Attribute.LABEL: label,
    }
    for one in session.get_objects(query):
        # An OCTET STRING around the point, as PKCS#11 has it.
        raw = bytes(one[pkcs11.Attribute.EC_POINT])
        point = raw[2:] if len(raw) == 67 and raw[:2] == b"\x04\x41" else raw
        try:
            public_key_of(point)
        except BadField:
            break
        return point
    if chain:
        key = x509.load_der_x509_certificate(chain[0]).public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise KeyUnusable(
        f"expected a P-256 public key or certificate {label!r} in the token, got none"
    )
