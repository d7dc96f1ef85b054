"""Requests to and replies of a licence service as signed tokens (JWT, RFC 7519).

What a token may be is fixed before it is read: one algorithm for each key, keys from our own table
by `kid` alone, and every claim required. Nothing in a token's header is ever followed.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bidding.licence.authority import AuthorityAway
from foundation.statements.canonical import Json

LIFE_S: Final = 60
SKEW_S: Final = 30
LONGEST_LIFE_S: Final = 300
LARGEST_TOKEN: Final = 4 * 1024 * 1024
# What a header may say; a token that names a place for keys or critical extensions is refused.
HEADER: Final = frozenset({"alg", "typ", "kid"})
REQUIRED: Final = ["iss", "aud", "iat", "exp", "jti"]
ALGORITHMS: Final = ("ES256", "EdDSA")

ClientKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
ServiceKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class BadReply(AuthorityAway):
    """The licence service's reply cannot be believed."""

    code = "authority-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedKey:
    """A key of the other side and the one algorithm it is used with."""

    alg: str
    key: ServiceKey

    def __post_init__(self) -> None:
        fits = "EdDSA" if isinstance(self.key, ed25519.Ed25519PublicKey) else "ES256"
        if self.alg != fits:
            raise BadReply(f"expected {fits} for this key in the settings, got {self.alg[:20]!r}")


@dataclass(slots=True, kw_only=True)
class TokenReader:
    """Reads the other side's tokens; each one once."""

    issuer: str
    audience: str
    keys: Mapping[str, PinnedKey]
    _seen: dict[str, float] = field(default_factory=dict)

    def read(self, token: str | bytes) -> dict[str, Any]:
        """The claims of a token; refuses every one that is not exactly what was agreed on."""
        if len(token) > LARGEST_TOKEN:
            raise BadReply("expected a smaller token from the licence service, got a huge one")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise _bad(error) from None
        pinned = self.keys.get(str(header.get("kid")))
        if pinned is None or header.keys() - HEADER:
            raise BadReply("expected a token of a key that the settings name, and nothing besides")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                pinned.key,
                algorithms=[pinned.alg],
                audience=self.audience,
                issuer=self.issuer,
                leeway=SKEW_S,
                options={"require": REQUIRED, "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise _bad(error) from None
        self._once(claims)
        return claims

    def _once(self, claims: Mapping[str, Any]) -> None:
        now = time.time()
        if claims["exp"] - claims["iat"] > LONGEST_LIFE_S:
            raise BadReply(f"expected a token of at most {LONGEST_LIFE_S} s, got a longer one")
        self._seen = {jti: until for jti, until in self._seen.items() if until > now}
        if claims["jti"] in self._seen:
            raise BadReply("expected a token that was not used before, got a repeated one")
        self._seen[claims["jti"]] = claims["exp"] + SKEW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWriter:
    """Signs our own tokens."""

    issuer: str
    audience: str
    kid: str
    key: ClientKey = field(repr=False)

    def write(self, claims: Mapping[str, Json]) -> tuple[str, str]:
        """A token with these claims, good for a minute; and its id."""
        now, jti = int(time.time()), secrets.token_urlsafe(18)
        said = {"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + LIFE_S}
        alg = "EdDSA" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "ES256"
        whole = {**claims, **said, "jti": jti}
        return jwt.encode(whole, self.key, algorithm=alg, headers={"kid": self.kid}), jti


def _bad(error: Exception) -> BadReply:
    return BadReply(f"expected a reply signed for us just now, got {type(error).__name__}")
