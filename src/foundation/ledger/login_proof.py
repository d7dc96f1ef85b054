"""Whose login a statement is: the signer's own judgement, by certificates and mandates alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

import msgspec

from foundation.problems import NotAllowed
from foundation.statements.canonical import parse_time, unb64
from foundation.statements.certificates import certificate_signers
from foundation.statements.fields import B64of16, B64of65, Kid, Text200, Time, Uuid
from foundation.statements.signed import Statement, decode_body, find_signature

LOGIN_TYPE: Final = "login"
LOGIN_AGE: Final = timedelta(hours=8)
CLOCK_SKEW: Final = timedelta(seconds=60)


class LoginRefused(NotAllowed):
    """This login statement gives no access."""

    code = "login-refused"


class _Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    TYPE: ClassVar[str] = "login"
    v: Literal[1]
    aud: Text200
    challenge: Uuid
    nonce: B64of16
    match: str
    issued_at: Time
    expires_at: Time


class _Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person_tag: str | None
    kid: Kid
    alg: str
    pk: B64of65


# What else a mandate says, and for what it is, the contexts above have checked.
class _Mandate(msgspec.Struct, frozen=True):
    TYPE: ClassVar[str] = "mandate"
    uscc: str
    operator: _Operator
    not_before: Time
    not_after: Time


def login_signer(
    login: Statement,
    mandate: Statement | None,
    anchors: Sequence[bytes],
    audience: str | None,
    now: datetime,
) -> str:
    """Return the identifier of the organisation whose login this is, or whose mandate it has.

    Refuses a login without exactly one signature, by a certificate under the anchors or the
    mandate's key, one older than eight hours or from the future, or for another audience.
    """
    if login.type != LOGIN_TYPE:
        raise LoginRefused(f"expected a login statement, got a {login.type}")
    body = decode_body(login, _Login)
    age = now - parse_time(body.issued_at)
    if not -CLOCK_SKEW <= age <= LOGIN_AGE:
        raise LoginRefused(
            f"expected a login of the last {LOGIN_AGE}, got one issued at {body.issued_at}; "
            "log in again"
        )
    if audience is not None and body.aud != audience:
        raise LoginRefused(f"expected a login for {audience}, got {body.aud!r}")
    if mandate is not None:
        return _mandated(login, mandate, anchors, now)
    signers = certificate_signers(login, anchors, now)
    if len(signers) != 1 or len(login.sigs) != 1:
        raise LoginRefused("expected exactly one signature, by a certificate; log in again")
    return signers[0].identifier


def _mandated(login: Statement, mandate: Statement, anchors: Sequence[bytes], now: datetime) -> str:
    """Who lets the login's key act for it; whether it was revoked the caller knows."""
    body = decode_body(mandate, _Mandate)
    since = parse_time(body.not_before)
    if not since <= now < parse_time(body.not_after):
        raise LoginRefused(f"expected a mandate for now, got one until {body.not_after}")
    givers = certificate_signers(mandate, anchors, now)
    if [giver.identifier for giver in givers] != [body.uscc] or len(mandate.sigs) != 1:
        raise LoginRefused(f"expected a mandate signed by {body.uscc} alone, got another")
    if len(login.sigs) != 1 or login.sigs[0].alg != body.operator.alg:
        raise LoginRefused("expected exactly one signature, by the mandate's key")
    find_signature(login, body.operator.kid, unb64(body.operator.pk, 65))
    return body.uscc
