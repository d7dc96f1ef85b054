"""The forms in which authorities over HTTP are asked and answer, whatever carries them."""

import msgspec

from bidding.licence.authority import (
    Answer,
    AuthorityAway,
    Declined,
    Expired,
    OpeningKey,
    Pending,
    Signed,
    SignRequest,
    SignTicket,
)
from foundation.statements.canonical import Json, b64, unb64
from foundation.statements.signed import Signature, decode


class _Ticket(msgspec.Struct, frozen=True):
    id: str
    consent_url: str | None


class _SignatureShape(msgspec.Struct, frozen=True):
    alg: str
    at: str | None
    chain: list[str]
    kid: str | None
    sig: str


class _Answer(msgspec.Struct, frozen=True):
    state: str
    signature: _SignatureShape | None


class _Key(msgspec.Struct, frozen=True):
    kid: str
    pk: str


class _Value(msgspec.Struct, frozen=True):
    value: str


def request_json(request: SignRequest) -> dict[str, Json]:
    """A request to the holder's app."""
    asked = request.statement
    return {
        "holder": request.holder,
        "host": request.host,
        "purpose": request.purpose,
        "statement": None if asked is None else {"type": asked.type, "body": asked.body},
        "lot": None if request.lot is None else str(request.lot),
    }


def wrap_json(kid: str, info: bytes, ct: bytes) -> dict[str, Json]:
    """One wrap to be opened in the app."""
    return {"kid": kid, "info": b64(info), "ct": b64(ct)}


def read_ticket(value: Json) -> SignTicket:
    """The ticket of a request that was taken."""
    ticket = decode(value, _Ticket)
    return SignTicket(id=ticket.id, consent_url=ticket.consent_url)


def read_answer(value: Json) -> Answer:
    """What the holder answered so far; refuses a state that is none."""
    answer = decode(value, _Answer)
    match answer.state:
        case "pending":
            return Pending()
        case "signed":
            return Signed(None if answer.signature is None else _signature(answer.signature))
        case "declined":
            return Declined()
        case "expired":
            return Expired()
    raise AuthorityAway(f"expected a state of a request, got {answer.state[:40]!r}")


def read_key(value: Json) -> OpeningKey:
    """A key that the app made for a lot."""
    key = decode(value, _Key)
    return OpeningKey(key.kid, unb64(key.pk, 65))


def read_value(value: Json) -> bytes:
    """What lay in a wrap, 32 bytes."""
    return unb64(decode(value, _Value).value, 32)


def _signature(shape: _SignatureShape) -> Signature:
    return Signature(
        alg=shape.alg,
        at=shape.at,
        chain=tuple(unb64(der) for der in shape.chain),
        kid=shape.kid,
        sig=unb64(shape.sig, 64),
    )
