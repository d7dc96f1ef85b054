"""Keys of people in passphrase-protected JSON files, readable by their owner alone.

Three kinds: `signing`, `exchange` (unwraps), `pair` (both, for a seat). Of two curves: P-256 for
lots of INTL-1, SM2 for lots of GM-1. The public part is in the clear and is bound to the sealed
private part.
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
from foundation.statements import sm2_encryption
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.fields import B64of65, Kid
from foundation.statements.signed import KeySigner, decode, kid_of, public_key_of
from foundation.statements.sm2 import SM2PrivateKey, new_private_key

Kind = Literal["signing", "exchange", "pair"]
Curve = Literal["P-256", "SM2"]
CurveKey = ec.EllipticCurvePrivateKey | SM2PrivateKey
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
    """A key that unwraps, held in this process."""

    key: CurveKey

    @property
    def public(self) -> bytes:
        """The 65-byte uncompressed point."""
        return KeySigner(self.key).public

    @property
    def kid(self) -> str:
        """Identity of the public key."""
        return kid_of(self.public)

    def exchange(self, data: bytes) -> bytes:
        """P-256: the x coordinate shared with a point; SM2: what a raw ciphertext hides.

        Refuses a point that is not on the curve, and what was not encrypted for this key.
        """
        if isinstance(self.key, SM2PrivateKey):
            return sm2_encryption.decrypt(self.key, data)
        other = public_key_of(data)
        if not isinstance(other, ec.EllipticCurvePublicKey):
            raise BadField("expected an uncompressed point on P-256, got another key")
        return self.key.exchange(ec.ECDH(), other)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPart:
    """What a key file shows without its passphrase; an absent key is None."""

    kind: Kind
    curve: Curve
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

    sign_key: CurveKey | None
    exchange_key: CurveKey | None

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
            curve=_curve(self),
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


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    v: Literal[1]
    kind: Kind
    public: _Public
    kdf: _Kdf
    sealed: str
    # Left out for P-256: files of before the second curve are read and written unchanged.
    curve: Curve = "P-256"


def new_key(path: Path, passphrase: str, kind: Kind, curve: Curve = "P-256") -> LoadedKey:
    """Make keys and write them to a new file that only its owner can read."""
    made = LoadedKey(
        sign_key=None if kind == EXCHANGE else generate(curve),
        exchange_key=None if kind == SIGNING else generate(curve),
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
        curve=public.curve,
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
        sign_key=None if shape.public.sign is None else _private(shape.curve, scalars.pop(0)),
        exchange_key=(
            None if shape.public.exchange is None else _private(shape.curve, scalars.pop(0))
        ),
    )


def read_public(path: Path) -> PublicPart:
    """The public part of a key file; needs no passphrase and is not authenticated by one."""
    shape = _read(path)
    return PublicPart(
        kind=shape.kind,
        curve=shape.curve,
        sign=None if shape.public.sign is None else unb64(shape.public.sign, 65),
        exchange=None if shape.public.exchange is None else unb64(shape.public.exchange, 65),
    )


def _kind(keys: LoadedKey) -> Kind:
    if keys.sign_key is None and keys.exchange_key is None:
        raise BadKeyFile("expected at least one key, got none")
    if keys.sign_key is None:
        return "exchange"
    return "signing" if keys.exchange_key is None else "pair"


def _curve(keys: LoadedKey) -> Curve:
    held = [key for key in (keys.sign_key, keys.exchange_key) if key is not None]
    sm2 = [isinstance(key, SM2PrivateKey) for key in held]
    if any(sm2) and not all(sm2):
        raise BadKeyFile("expected both keys of a file on one curve, got two curves")
    return "SM2" if all(sm2) else "P-256"


def generate(curve: Curve) -> CurveKey:
    """A fresh key on a curve."""
    return new_private_key() if curve == "SM2" else ec.generate_private_key(ec.SECP256R1())


def _scalar(key: CurveKey) -> int:
    return key.scalar if isinstance(key, SM2PrivateKey) else key.private_numbers().private_value


def _secret(keys: LoadedKey) -> bytes:
    return b"".join(
        _scalar(key).to_bytes(32, "big")
        for key in (keys.sign_key, keys.exchange_key)
        if key is not None
    )


def _private(curve: Curve, scalar: bytes) -> CurveKey:
    number = int.from_bytes(scalar, "big")
    if curve == "SM2":
        return SM2PrivateKey(number)
    return ec.derive_private_key(number, ec.SECP256R1())


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
