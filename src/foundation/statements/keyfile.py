"""Keys of people in passphrase-protected JSON files, readable by their owner alone.

Three kinds: `signing` (ES256), `exchange` (P-256 key agreement), `pair` (both, for a seat that
unwraps and signs). The public part is in the clear and is bound to the sealed private part.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.fields import B64of65, Kid
from foundation.statements.signed import KeySigner, decode, kid_of, public_key_of

Kind = Literal["signing", "exchange", "pair"]
SIGNING: Final = "signing"
EXCHANGE: Final = "exchange"
PAIR: Final = "pair"

# 16 MiB and about 40 ms a try; a longer wait would be felt at every signature.
_COST: Final = 2**14
_LARGEST_COST: Final = 2**17
_LARGEST_FILE: Final = 16_384


class WrongPassphrase(NotAllowed):
    """The passphrase does not open this key file."""

    code = "wrong-passphrase"


class BadKeyFile(Invalid):
    """This is not a key file of this program."""

    code = "bad-key-file"


class KeyFileExists(Conflict):
    """There is already a file of that name."""

    code = "key-file-exists"


@dataclass(frozen=True, slots=True)
class ExchangeKey:
    """A P-256 key for key agreement, held in this process."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> bytes:
        """The 65-byte uncompressed point."""
        return KeySigner(self.key).public

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return kid_of(self.public)

    def exchange(self, point: bytes) -> bytes:
        """The x coordinate shared with a point; refuses a point that is not on the curve."""
        other = public_key_of(point)
        if not isinstance(other, ec.EllipticCurvePublicKey):
            raise BadField("expected an uncompressed point on P-256, got another key")
        return self.key.exchange(ec.ECDH(), other)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPart:
    """What a key file shows without its passphrase; an absent key is None."""

    kind: Kind
    sign: bytes | None
    exchange: bytes | None

    @property
    def sign_kid(self) -> str | None:
        """Identity of the signing key."""
        return None if self.sign is None else kid_of(self.sign)

    @property
    def exchange_kid(self) -> str | None:
        """Identity of the key for key agreement."""
        return None if self.exchange is None else kid_of(self.exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedKey:
    """The private keys of a file; ask `signer` or `exchange` for the one that is needed."""

    sign_key: ec.EllipticCurvePrivateKey | None
    exchange_key: ec.EllipticCurvePrivateKey | None

    @property
    def signer(self) -> KeySigner:
        """The signing key; refuses when the file holds none."""
        if self.sign_key is None:
            raise BadKeyFile("expected a key file that can sign, got one that only unwraps")
        return KeySigner(self.sign_key)

    @property
    def exchange(self) -> ExchangeKey:
        """The key for key agreement; refuses when the file holds none."""
        if self.exchange_key is None:
            raise BadKeyFile("expected a key file that can unwrap, got one that only signs")
        return ExchangeKey(self.exchange_key)

    @property
    def public(self) -> PublicPart:
        """The public keys."""
        return PublicPart(
            kind=_kind(self),
            sign=None if self.sign_key is None else self.signer.public,
            exchange=None if self.exchange_key is None else self.exchange.public,
        )


class _Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["scrypt"]
    n: int
    r: Literal[8]
    p: Literal[1]
    salt: str


class _Public(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sign: B64of65 | None
    sign_kid: Kid | None
    exchange: B64of65 | None
    exchange_kid: Kid | None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: Literal[1]
    kind: Kind
    public: _Public
    kdf: _Kdf
    sealed: str


def new_key(path: Path, passphrase: str, kind: Kind) -> LoadedKey:
    """Make keys and write them to a new file that only its owner can read."""
    made = LoadedKey(
        sign_key=None if kind == EXCHANGE else ec.generate_private_key(ec.SECP256R1()),
        exchange_key=None if kind == SIGNING else ec.generate_private_key(ec.SECP256R1()),
    )
    write_key(path, passphrase, made)
    return made


def write_key(path: Path, passphrase: str, keys: LoadedKey) -> None:
    """Write keys to a new file (mode 0600); refuses an empty passphrase and an existing file."""
    if not passphrase:
        raise BadKeyFile("expected a passphrase, got an empty one; choose one and keep it safe")
    public = keys.public
    shape = _File(
        v=1,
        kind=public.kind,
        public=_Public(
            sign=None if public.sign is None else b64(public.sign),
            sign_kid=public.sign_kid,
            exchange=None if public.exchange is None else b64(public.exchange),
            exchange_kid=public.exchange_kid,
        ),
        kdf=_Kdf(name="scrypt", n=_COST, r=8, p=1, salt=b64(secrets.token_bytes(16))),
        sealed="",
    )
    nonce = secrets.token_bytes(12)
    sealed = nonce + _cipher(shape, passphrase).encrypt(nonce, _secret(keys), _bound(shape))
    _write_new(
        path, canonical(msgspec.to_builtins(msgspec.structs.replace(shape, sealed=b64(sealed))))
    )


def load_key(path: Path, passphrase: str) -> LoadedKey:
    """Open a key file; refuses a wrong passphrase, and a public part that was changed."""
    shape = _read(path)
    sealed = unb64(shape.sealed)
    try:
        secret = _cipher(shape, passphrase).decrypt(sealed[:12], sealed[12:], _bound(shape))
    except (InvalidTag, ValueError):
        raise WrongPassphrase(
            f"expected the passphrase of {path.name}, got another one; try again"
        ) from None
    scalars = [secret[:32], secret[32:]]
    return LoadedKey(
        sign_key=None if shape.public.sign is None else _private(scalars.pop(0)),
        exchange_key=None if shape.public.exchange is None else _private(scalars.pop(0)),
    )


def read_public(path: Path) -> PublicPart:
    """The public part of a key file; needs no passphrase and is not authenticated by one."""
    shape = _read(path)
    return PublicPart(
        kind=shape.kind,
        sign=None if shape.public.sign is None else unb64(shape.public.sign, 65),
        exchange=None if shape.public.exchange is None else unb64(shape.public.exchange, 65),
    )


def _kind(keys: LoadedKey) -> Kind:
    if keys.sign_key is None and keys.exchange_key is None:
        raise BadKeyFile("expected at least one key, got none")
    if keys.sign_key is None:
        return "exchange"
    return "signing" if keys.exchange_key is None else "pair"


def _secret(keys: LoadedKey) -> bytes:
    return b"".join(
        key.private_numbers().private_value.to_bytes(32, "big")
        for key in (keys.sign_key, keys.exchange_key)
        if key is not None
    )


def _private(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def _bound(shape: _File) -> bytes:
    """The public part, which the cipher authenticates: nobody can swap it."""
    return canonical(msgspec.to_builtins(msgspec.structs.replace(shape, sealed="")))


def _cipher(shape: _File, passphrase: str) -> AESGCM:
    salt = unb64(shape.kdf.salt, 16)
    return AESGCM(Scrypt(salt=salt, length=32, n=shape.kdf.n, r=8, p=1).derive(passphrase.encode()))


def _read(path: Path) -> _File:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadKeyFile(f"expected a readable key file at {path.name}: {error.strerror}") from None
    try:
        shape = decode(json.loads(raw[:_LARGEST_FILE]), _File)
    except (ValueError, RecursionError, BadField):
        raise BadKeyFile(f"expected a key file, got something else in {path.name}") from None
    n = shape.kdf.n
    if n < 2 or n & (n - 1) or n > _LARGEST_COST:
        raise BadKeyFile(f"expected a scrypt cost up to {_LARGEST_COST}, got {n}")
    if [shape.public.sign is not None, shape.public.exchange is not None] != [
        shape.kind != EXCHANGE,
        shape.kind != SIGNING,
    ]:
        raise BadKeyFile(f"expected the keys of kind {shape.kind}, got others in {path.name}")
    return shape


def _write_new(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileExists(
            f"expected a new file name, got {path.name}, which exists; a key is never overwritten"
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
