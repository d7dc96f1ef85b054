"""The two doors through which signed things enter: papers, and statements of one signer.

The type of a statement decides which service accepts it; this table is the only place that knows
all contexts' acceptors.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.award import service as award
from bidding.bid.desk import Desk
from bidding.licence import revocation
from bidding.licence.profile import bidder_signers, licence_signers
from bidding.opening import steps
from bidding.opening import store as opening_store
from bidding.opening.oversight import decisions, objections
from bidding.opening.releases import members
from bidding.opening.results import record, stages
from bidding.participant import service as mandates
from bidding.participant.domain import RELEASE
from bidding.sealing.bodies import MemberKey
from bidding.tender import drill, member_key_store, member_keys
from bidding.tender import service as tender
from bidding.tender import store as tender_store
from experts.drawing import service as drawing
from experts.panel import service as panel
from foundation.clock import platform_now
from foundation.database import Connection, Context, acting_as, reading, transaction
from foundation.identity import Actor, require
from foundation.identity import store as identity_store
from foundation.identity.actor import OPERATOR, NewActor
from foundation.problems import Invalid, NotAllowed, Refused
from foundation.statements.canonical import BadField, unb64
from foundation.statements.signed import BadSignature, Signature, Statement, check_signature
from foundation.statements.store import (
    NotYourPaper,
    Paper,
    Required,
    add_signature,
    find_paper,
    kept_statement,
    paper,
    paper_locked,
    papers_waiting,
)

BIDDER: Final = "bidder"
MEMBER_KEY: Final = "member-key"
MANDATES: Final = frozenset({"mandate", "mandate-revoke"})
SEAT_DEVICE: Final = "custodian"
# That one of these is kept its signer alone is told: others could try their guesses of a vote.
PERSONAL: Final = frozenset({"pledge", "scorecard", "dissent", "vote"})

AcceptPaper = Callable[[Connection, Statement], Awaitable[None]]
AcceptStatement = Callable[[Desk, Actor, Statement], Awaitable[None]]


class UnknownType(Invalid):
    """Statements of this type do not enter by this door."""

    code = "unknown-statement-type"


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Who accepts a complete paper, with the rights of which context."""

    context: Context
    accept: AcceptPaper


PAPERS: Final[Mapping[str, Acceptor]] = {
    "opening-keys": Acceptor("bidding", tender.accept_opening_keys),
    "schedule": Acceptor("bidding", stages.accept_schedule),
    "stage": Acceptor("bidding", stages.accept_stage),
    "remedy-start": Acceptor("bidding", steps.accept_remedy_start),
    "supervisor-decision": Acceptor("bidding", decisions.accept_decision),
    "opening-record": Acceptor("bidding", record.accept_opening_record),
    "draw": Acceptor("experts", panel.accept_draw),
    "evaluation-report": Acceptor("experts", panel.accept_report),
    "award": Acceptor("bidding", award.accept_award),
    "letter": Acceptor("bidding", award.accept_letter),
}


async def sign_paper(
    desk: Desk, actor: Actor, sid: str, signature: Signature
) -> tuple[Statement, bool]:
    """Add one signature to a paper; with the last one it is accepted in the same transaction.

    Refuses a signature that does not verify, and one that the paper does not wait for; who has
    signed already is told so, and nothing changes.
    """
    async with reading(desk.db, "foundation") as connection:
        kind = (await paper(connection, sid)).statement.type
        now = await platform_now(connection)
    acceptor = PAPERS[kind]
    await refuse_revoked(desk, [signature], now)
    async with transaction(desk.db, acceptor.context) as connection:
        held = await paper_locked(connection, sid)
        now = await platform_now(connection)
        subject, kid = await _signer_of(desk, connection, actor, held, signature)
        if has_signed(held, subject, kid):
            return held.statement, held.completed_at is not None
        if kind == "opening-keys":
            await member_keys.require_possession(connection, held.statement, now)
        signed, complete = await add_signature(
            connection, held, signature, subject=subject, kid=kid, at=now
        )
        if complete:
            await acceptor.accept(connection, signed)
    return signed, complete


def speaks_for(actor: Actor, required: Required) -> bool:
    """Say whether a required signature is the actor's; what nobody states is nobody's.

    An operator speaks for its company as a bidder, by its mandate.
    """
    if actor.role == OPERATOR:
        return required.role == BIDDER and required.subject == actor.subject
    return _is_of(actor, required.subject, required.kid)


def _is_of(actor: Actor, subject: str | None, kid: str | None) -> bool:
    if kid is not None:
        return actor.kid == kid
    # Whoever has a key of its own never signs for the organisation it belongs to.
    return subject is not None and actor.kid is None and actor.subject == subject


def has_signed(held: Paper, subject: str | None, kid: str | None) -> bool:
    """Say whether a paper waited for this organisation or key and has its signature."""
    return any(
        waiting.signed_at is not None
        and (waiting.required.subject, waiting.required.kid) == (subject, kid)
        for waiting in held.waiting
    )


async def _signer_of(
    desk: Desk, connection: Connection, actor: Actor, held: Paper, signature: Signature
) -> tuple[str | None, str | None]:
    """Verify the actor's signature of a paper; return the organisation or the key it is of."""
    one = Statement(type=held.statement.type, body=held.statement.body, sigs=(signature,))
    if actor.role == OPERATOR:
        return await _company_of(desk, connection, actor, held, one), None
    subject, kid = await _verified(desk, connection, one, signature)
    if not _is_of(actor, subject, kid):
        raise NotAllowed("a paper is signed by the one who is logged in")
    return subject, kid


async def _company_of(
    desk: Desk, connection: Connection, actor: Actor, held: Paper, one: Statement
) -> str:
    """The company for which an operator signs, with a mandate in force for it (5.4)."""
    if held.scope is None or not any(speaks_for(actor, w.required) for w in held.waiting):
        raise NotYourPaper("this paper does not need your company's signature as a bidder")
    lot = await tender_store.lot(connection, held.scope)
    now = await platform_now(connection)
    company = actor.subject or ""
    if one.sigs[0].chain:
        return await _certified_company(desk, one, company, now)
    await mandates.check_mandated(
        desk, connection, one, company, scope=RELEASE, tender=str(lot.tender), at=now
    )
    return company


async def refuse_revoked(desk: Desk, signatures: Sequence[Signature], at: datetime) -> None:
    """Refuse a signature whose certificate was revoked: a session may be older than that."""
    for signature in signatures:
        if signature.chain:
            revocation.refuse_revoked(await desk.authority.status(signature.chain[0], at))


async def _certified_company(desk: Desk, one: Statement, company: str, now: datetime) -> str:
    """The company under whose licence an operator's own certificate was issued (5.4)."""
    [signer] = bidder_signers(one, desk.anchors, now)
    if not signer.is_operator or signer.uscc != company:
        raise NotAllowed("a paper is signed by the one who is logged in")
    return company


async def _verified(
    desk: Desk, connection: Connection, one: Statement, signature: Signature
) -> tuple[str | None, str | None]:
    """Verify one signature; return the organisation or the key that made it."""
    if signature.chain:
        now = await platform_now(connection)
        return licence_signers(one, desk.anchors, now)[0].uscc, None
    found = None
    if signature.kid is not None:
        found = await identity_store.actor_of_key(connection, signature.kid)
    if found is None:
        raise NotYourPaper(f"no registered person has the key {signature.kid}")
    check_signature(signature.alg, found[1], one.signed_bytes, signature.sig)
    return None, signature.kid


async def waiting_papers(desk: Desk, actor: Actor) -> list[Paper]:
    """Return the papers that wait for the actor's organisation or key."""
    async with reading(desk.db, "foundation") as connection:
        by_company = actor.kid is None or actor.role == OPERATOR
        subject = actor.subject if by_company else None
        found = await papers_waiting(connection, subject=subject, kid=actor.kid)
    return [one for one in found if any(speaks_for(actor, w.required) for w in one.waiting)]


async def show_paper(desk: Desk, actor: Actor, sid: str) -> Paper:
    """Return one paper to those whose signature it needs."""
    async with reading(desk.db, "foundation") as connection:
        found = await paper(connection, sid)
    for waiting in found.waiting:
        if speaks_for(actor, waiting.required):
            return found
    raise NotYourPaper("this paper does not need your signature")


async def _member_key(desk: Desk, _: Actor, statement: Statement) -> None:
    async with transaction(desk.db, "bidding", tender_store.CONSTRAINTS) as connection:
        now = await platform_now(connection)
        body = await member_keys.accept_member_key(connection, statement, desk.anchors, now)
        if body.unattended:
            # Its organisation's licence vouches for the key, and nobody is there to use the licence
            # every eight hours: the seat opens its own sessions.
            async with acting_as(connection, "foundation", "bidding"):
                await identity_store.insert_actor(connection, _device(body), by=None, at=now)


def _device(body: MemberKey) -> NewActor:
    """The device of an unattended seat as an actor: it may read what its organisation may."""
    return NewActor(
        role=SEAT_DEVICE,
        subject=body.uscc,
        name=body.name,
        alg="ES256" if body.suite == "INTL-1" else "SM2SM3",
        public_key=unb64(body.sign_pk, 65),
    )


async def _share_check(desk: Desk, _: Actor, statement: Statement) -> None:
    await members.take_share_check(desk, statement, await _lot_of(desk, statement))


async def _release_r(desk: Desk, _: Actor, statement: Statement) -> None:
    await members.take_release_r(desk, statement, await _lot_of(desk, statement))


async def _release_t(desk: Desk, _: Actor, statement: Statement) -> None:
    await members.take_release_t(desk, statement, await _lot_of(desk, statement))


async def _objection(desk: Desk, actor: Actor, statement: Statement) -> None:
    await objections.take_objection(desk, actor, statement, await _lot_of(desk, statement))


async def _readiness(desk: Desk, _: Actor, statement: Statement) -> None:
    await drill.take_answer(desk.db, statement)


async def _vote(desk: Desk, actor: Actor, statement: Statement) -> None:
    require(actor, "committee")
    await award.cast_vote(desk.db, statement)


async def _lot_of(desk: Desk, statement: Statement) -> UUID:
    closing = statement.body.get("closing")
    if not isinstance(closing, str) or len(closing) != 64:
        raise BadField("expected the sid of a closing in `closing`")
    async with reading(desk.db, "bidding") as connection:
        return await opening_store.lot_of_closing(connection, closing)


STATEMENTS: Final[Mapping[str, AcceptStatement]] = {
    MEMBER_KEY: _member_key,
    "mandate": mandates.give_mandate,
    "mandate-revoke": mandates.revoke_mandate,
    "readiness": _readiness,
    "share-check": _share_check,
    "release-r": _release_r,
    "release-t": _release_t,
    "objection": _objection,
    "seed-commit": lambda d, a, s: drawing.accept_seed_commit(d.db, a, s, d.anchors),
    "seed-reveal": lambda d, a, s: drawing.accept_seed_reveal(d.db, a, s, d.anchors),
    "pledge": lambda d, a, s: panel.accept_pledge(d.db, a, s),
    "scorecard": lambda d, a, s: panel.accept_scorecard(d.db, a, s),
    "dissent": lambda d, a, s: panel.accept_dissent(d.db, a, s),
    "vote": _vote,
}


async def accept_statement(desk: Desk, actor: Actor, statement: Statement) -> None:
    """Hand a signed statement to the service of its type; refuses types of other doors.

    What was accepted before is accepted: an answer that was lost may be asked for again.
    """
    acceptor = STATEMENTS.get(statement.type)
    if acceptor is None:
        raise UnknownType(f"expected one of {', '.join(sorted(STATEMENTS))}, got {statement.type}")
    _require_signatures(statement)
    if not await _is_accepted(desk, actor, statement):
        try:
            async with reading(desk.db, "bidding") as connection:
                now = await platform_now(connection)
            await refuse_revoked(desk, statement.sigs, now)
            await acceptor(desk, actor, statement)
        except Refused:
            # Posted twice at once: the other one was faster.
            if not await _is_accepted(desk, actor, statement):
                raise


def _require_signatures(statement: Statement) -> None:
    """One signer each; a member key is vouched for by its organisation and signs itself as well."""
    expected, who = 1, "the signature of its one signer"
    if statement.type == MEMBER_KEY:
        expected = 2
        who = "the signatures of the organisation's licence and of the member's own signing key"
    if len(statement.sigs) != expected:
        raise BadSignature(f"expected {who}, got {len(statement.sigs)} signatures")


async def _is_accepted(desk: Desk, actor: Actor, statement: Statement) -> bool:
    if statement.type in MANDATES:
        return await mandates.is_kept(desk, statement)
    async with reading(desk.db, "bidding") as connection:
        if statement.type == MEMBER_KEY:
            return await member_key_store.member_key(connection, statement.sid) is not None
        kept = await kept_statement(connection, statement.sid)
    if kept is None:
        return False
    signers = {signature.kid for signature in kept.statement.sigs}
    return statement.type not in PERSONAL or actor.kid in signers


async def enter(desk: Desk, actor: Actor, signed: Statement) -> dict[str, Any]:
    """Take what a phone or page signed by the door that fits: a waiting paper, else a statement."""
    async with reading(desk.db, "foundation") as connection:
        is_paper = await find_paper(connection, signed.sid) is not None
    if not signed.sigs:
        raise BadSignature("expected the signature of whoever sends this, got none")
    if is_paper:
        _, complete = await sign_paper(desk, actor, signed.sid, signed.sigs[-1])
        return {"paper": signed.sid, "complete": complete}
    await accept_statement(desk, actor, signed)
    return {"statement": signed.sid}
