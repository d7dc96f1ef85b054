"""Keys of possible members: registered by two signatures, and shown to be held (2.10, purpose 1).

The organisation vouches for the keys, the signing key signs its own registration, and the opening
key answers a question that only its holder can open. Nobody else can check that answer: it stands
in no statement, and opening keys are not signed without it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from bidding.licence.profile import licence_signers
from bidding.sealing.bodies import MemberKey, OpeningKeys
from bidding.sealing.drill import ask, possession_drill
from bidding.sealing.opening_keys import check_algorithms, check_points
from bidding.sealing.suites import suite_of
from bidding.tender import member_key_store as store
from bidding.tender.domain import NotHeld, PossessionMissing, TooManyMemberKeys
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor
from foundation.problems import NotAllowed
from foundation.statements.canonical import Json, b64, time_text, unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
    find_signature,
    from_json,
    read,
)

# Of one organisation and in time: seats of many lots, and no more than a list can show.
MOST: Final = 50
LASTS: Final = timedelta(days=30)
ASKED_AFTER: Final = timedelta(days=20)


async def accept_member_key(
    connection: Connection, statement: Statement, anchors: Sequence[bytes], now: datetime
) -> MemberKey:
    """Register the key of a possible member and ask it to show possession.

    Refuses without the signatures of its organisation's licence and of the signing key itself, so
    that nobody takes the place of another's key. What is kept carries the licence's alone.
    """
    body = decode_body(statement, MemberKey)
    vouched = replace(statement, sigs=tuple(one for one in statement.sigs if one.chain))
    if body.uscc not in {s.uscc for s in licence_signers(vouched, anchors, now)}:
        raise NotAllowed(f"a member key of {body.uscc} needs the signature of that organisation")
    check_algorithms(statement, suite_of(body.suite))
    check_points(body)
    find_signature(statement, body.sign_kid, unb64(body.sign_pk, 65))
    if await store.count_of(connection, body.uscc, now) >= MOST:
        raise TooManyMemberKeys(f"expected at most {MOST} keys of {body.uscc} in time, got more")
    await store.insert_member_key(connection, vouched, body)
    await _ask(connection, statement.sid, body, now)
    return body


async def list_member_keys(db: Database) -> list[dict[str, Json]]:
    """Return the registered keys of possible members, as agencies choose seats from them."""
    async with reading(db, "bidding") as connection:
        found = await store.member_keys(connection)
    for one in found:
        one["shown_at"] = None if one["shown_at"] is None else time_text(one["shown_at"])
    return found


async def ask_due_possessions(db: Database) -> int:
    """Ask every key in time whose last answer is older than 20 days; return how many."""
    async with transaction(db, "bidding") as connection:
        now = await platform_now(connection)
        statements = [read(raw) for raw in await store.due(connection, now, now - ASKED_AFTER)]
        for statement in statements:
            await _ask(connection, statement.sid, decode_body(statement, MemberKey), now)
    return len(statements)


async def open_questions(db: Database, actor: Actor) -> list[dict[str, Any]]:
    """Return what the keys of the actor's organisation are asked; the answers stay here."""
    async with reading(db, "bidding") as connection:
        found = await store.open_questions(connection, actor.subject or "")
    return [
        {"member_key": q.member_key, "kid": q.kid, "nonce": b64(q.nonce), "wrap": b64(q.wrap)}
        for q in found
    ]


async def take_possession(db: Database, sid: str, nonce: bytes, answer: str) -> None:
    """Keep that the holder of a key answered; the answer proves itself, whoever brings it."""
    async with transaction(db, "bidding") as connection:
        now = await platform_now(connection)
        if not await store.answer_question(connection, sid, nonce, answer, now):
            raise NotHeld("expected the answer to an open question, got another; ask for it again")


async def require_possession(connection: Connection, keys: Statement, now: datetime) -> None:
    """Refuse opening keys of which a member did not show possession in the last 30 days."""
    body = decode_body(keys, OpeningKeys)
    members = [m for group in (body.t, body.r) if group is not None for m in group.members]
    names = {from_json(msgspec.to_builtins(m)).sid: m.body.name for m in members}
    shown = await store.shown_since(connection, sorted(names), now - LASTS)
    missing = [name for sid, name in names.items() if sid not in shown]
    if missing:
        raise PossessionMissing(
            f"expected of every member that it showed in the last {LASTS.days} days that it holds "
            f"its key, got none of {', '.join(missing)}; have them run `sunbid custodian possess`"
        )


async def _ask(connection: Connection, sid: str, body: MemberKey, now: datetime) -> None:
    drill = possession_drill(suite_of(body.suite))
    wrap, expected = ask(drill, unb64(body.pk, 65))
    asked = store.PossessionQuestion(member_key=sid, kid=body.kid, nonce=drill.nonce, wrap=wrap)
    await store.insert_question(connection, asked, expected, now)
