"""From the evaluation report to the letters: candidates, standstill, votes, award."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.award import store
from bidding.award.domain import (
    Award,
    CastVote,
    CommitteeTooSmall,
    Letter,
    Member,
    NotACandidate,
    NotDecided,
    NotOnCommittee,
    ReportMissing,
    Standstill,
    Vote,
    WrongBallot,
    ballots_of,
    check_committee,
    first_ranked,
    open_ballot,
    winner_of,
)
from bidding.opening.domain import OpenedBid
from bidding.opening.results.result_store import opened_bids
from bidding.regime.clocks import beijing_date, clocks
from bidding.tender import store as tender_store
from bidding.tender.domain import (
    AWARDED,
    CONTRACTED,
    EVALUATING,
    STANDSTILL,
    Lot,
    WrongStatus,
    next_status,
)
from bidding.tender.service import is_party, lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.problems import NotAllowed
from foundation.statements.signed import (
    Statement,
    decode_body,
    find_signature,
    unsigned,
)
from foundation.statements.store import (
    Required,
    keep_statement,
    kept_statement,
    offer_paper,
    record_event,
)

BASIS_VOTE: Final = "票决定标：定标委员会直接票决，得票最多者中标（试点规则，演示数据）"
PUBLISHED_RESULT: Final = frozenset({STANDSTILL, AWARDED, CONTRACTED})
BASIS_RANK: Final = "招标投标法实施条例第五十五条：排名第一的中标候选人中标"


async def accept_report(connection: Connection, statement: Statement) -> None:
    """Take the evaluation report that every member signed: the lot is evaluated."""
    lot = await tender_store.lot_exclusive(connection, UUID(statement.body["lot"]))
    if lot.status != EVALUATING:
        raise WrongStatus(f"a lot that is {lot.status} takes no evaluation report")
    now = await platform_now(connection)
    await store.insert_evaluation(connection, lot.id, statement.sid, now)
    await tender_store.move_lot(connection, lot, next_status(lot.status, "report"))


async def appoint_committee(
    db: Database, actor: Actor, lot_id: UUID, members: Sequence[UUID]
) -> None:
    """Appoint the award committee, by the buyer, before the candidates are published."""
    require(actor, "buyer")
    check_committee(len(set(members)))
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        _require_buyer(actor, lot)
        if not lot.award_separated:
            raise WrongStatus("this lot is awarded by rank; it has no award committee")
        if await store.members(connection, lot_id):
            raise WrongStatus("the award committee of this lot was already appointed")
        if await store.add_members(connection, lot_id, list(set(members))) != len(set(members)):
            raise CommitteeTooSmall("every member must be registered as committee, with a key")
        await record_event(
            connection,
            "bidding:committee:appoint",
            actor=actor.subject,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={"members": sorted(str(m) for m in set(members))},
        )


async def announce_candidates(db: Database, actor: Actor, lot_id: UUID) -> Standstill:
    """Publish the candidates and start the standstill; for the agency."""
    require(actor, "agency")
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if actor.subject != lot.parties.agency_uscc:
            raise NotAllowed("the candidates are published by the agency of the tender")
        after = next_status(lot.status, "announce")
        if lot.award_separated and not await store.members(connection, lot_id):
            raise NotDecided("the buyer appoints the award committee first")
        now = await platform_now(connection)
        ends_at = clocks(lot.regime, beijing_date(now)).standstill_ends_at(now, lot.standstill_days)
        standstill = Standstill(starts_at=now, ends_at=ends_at)
        await store.insert_standstill(connection, lot_id, standstill)
        await tender_store.move_lot(connection, lot, after)
        report = await _report(connection, lot_id)
        await record_event(
            connection,
            "bidding:candidates:announce",
            actor=actor.subject,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={
                "report": report.sid,
                "candidates": report.body["candidates"],
                "ends_at": ends_at.isoformat(),
            },
            public=True,
            at=now,
        )
    return standstill


async def cast_vote(db: Database, statement: Statement) -> None:
    """Keep a committee member's signed vote; after the standstill, one a ballot."""
    body = decode_body(statement, Vote)
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
        now = await platform_now(connection)
        await _require_standstill_over(connection, lot, now)
        member = _member(await store.members(connection, lot.id), UUID(body.member))
        find_signature(statement, member.kid, member.pk)
        members = await store.members(connection, lot.id)
        votes = await store.votes(connection, lot.id)
        ballot = open_ballot(votes, len(members))
        if body.ballot != ballot or winner_of(votes, ballot, len(members)) is not None:
            raise WrongBallot(f"ballot {ballot} is the current one, got {body.ballot}")
        if body.candidate not in (await _report(connection, lot.id)).body["candidates"]:
            raise NotACandidate(f"{body.candidate} is not a candidate of the report")
        await keep_statement(
            connection,
            statement,
            scope=lot.id,
            body=lot_ledger_body(lot, "vote", statement.sid, now),
            at=now,
        )
        vote = CastVote(
            sid=statement.sid,
            ballot=body.ballot,
            member=UUID(body.member),
            candidate=UUID(body.candidate),
        )
        await store.insert_vote(connection, lot.id, vote)


async def propose_award(db: Database, actor: Actor, lot_id: UUID) -> str:
    """Offer the award for the buyer's signature: the vote's winner, or candidate no. 1.

    Refuses before the end of the standstill and before the committee has decided.
    """
    require(actor, "buyer")
    async with transaction(db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        _require_buyer(actor, lot)
        now = await platform_now(connection)
        await _require_standstill_over(connection, lot, now)
        report = await _report(connection, lot_id)
        votes = await store.votes(connection, lot_id)
        members = await store.members(connection, lot_id)
        winner = _winner(lot, report.body, votes, len(members))
        bid = await _opened(connection, lot_id, winner)
        body = {
            **_place(lot),
            "submission": str(winner),
            "uscc": bid.uscc,
            "name": bid.name,
            "price_yuan": bid.items["price_yuan"],
            "ballots": ballots_of(votes, [UUID(c) for c in report.body["candidates"]]),
            "votes": sorted(vote.sid for vote in votes),
            "basis": BASIS_VOTE if lot.award_separated else BASIS_RANK,
        }
        statement = unsigned("award", body)
        decode_body(statement, Award)
        required = [Required(role="buyer", subject=lot.parties.buyer_uscc)]
        return await offer_paper(connection, statement, required, scope=lot_id, at=now)


def _winner(lot: Lot, report: Mapping[str, Any], votes: Sequence[CastVote], members: int) -> UUID:
    if not lot.award_separated:
        return first_ranked(report["results"])
    winner = winner_of(votes, open_ballot(votes, members), members)
    if winner is None:
        raise NotDecided("not every member has voted, or the last ballot is tied: vote again")
    return winner


async def accept_award(connection: Connection, statement: Statement) -> None:
    """Award the lot as signed, and offer the letters to the winner and to everybody else."""
    body = decode_body(statement, Award)
    lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
    after = next_status(lot.status, "award")
    now = await platform_now(connection)
    await keep_statement(
        connection,
        statement,
        scope=lot.id,
        body=lot_ledger_body(lot, "award", statement.sid, now),
        at=now,
        public=True,
    )
    await store.insert_award(connection, lot.id, statement.sid, UUID(body.submission), now)
    await tender_store.move_lot(connection, lot, after)
    required = [Required(role="buyer", subject=lot.parties.buyer_uscc)]
    for bid in await opened_bids(connection, lot.id):
        letter = unsigned("letter", _letter(lot, statement.sid, body, bid))
        decode_body(letter, Letter)
        await offer_paper(connection, letter, required, scope=lot.id, at=now)


def _letter(lot: Lot, award: str, body: Award, bid: OpenedBid) -> dict[str, Any]:
    won = str(bid.submission) == body.submission
    text = (
        f"贵方被确定为{lot.tender_title}{lot.title}的中标人，中标价{body.price_yuan}元。"
        "请自本通知书发出之日起三十日内与招标人订立书面合同（招标投标法第四十六条）。"
        if won
        else f"{lot.tender_title}{lot.title}的中标人为{body.name}，中标价{body.price_yuan}元。"
        "感谢贵方参与投标（招标投标法第四十五条）。"
    )
    return {
        **_place(lot),
        "award": award,
        "kind": "winner" if won else "result",
        "uscc": bid.uscc,
        "name": bid.name,
        "text": text,
    }


async def accept_letter(connection: Connection, statement: Statement) -> None:
    """Send a signed letter: it stands in the bidder's box from now on."""
    lot = await tender_store.lot_exclusive(connection, UUID(statement.body["lot"]))
    now = await platform_now(connection)
    await keep_statement(
        connection,
        statement,
        scope=lot.id,
        body=lot_ledger_body(lot, "letter", statement.sid, now),
        at=now,
    )


async def award_material(db: Database, actor: Actor | None, lot_id: UUID) -> dict[str, Any]:
    """Return what a committee member votes on: candidates, members, the open ballot.

    Everybody else reads the published candidates alone; refused to them before that.
    """
    async with reading(db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        members = await store.members(connection, lot_id)
        votes = await store.votes(connection, lot_id)
        if not is_party(lot, actor) and not _is_member(members, actor):
            # Who sits on the committee, and how far it is, stays inside until the award.
            members, votes = [], []
            if lot.status not in PUBLISHED_RESULT:
                raise ReportMissing(f"the candidates of lot {lot_id} are not published yet")
        report = await _report(connection, lot_id)
        bids = {str(b.submission): b for b in await opened_bids(connection, lot_id)}
        standstill = await store.standstill_of(connection, lot_id)
        return {
            **_place(lot),
            "ballot": open_ballot(votes, len(members)) if members else None,
            "members": [{"member": str(m.member), "name": m.name, "kid": m.kid} for m in members],
            "voted": sorted(str(v.member) for v in votes),
            "standstill": None
            if standstill is None
            else {
                "starts_at": standstill.starts_at.isoformat(),
                "ends_at": standstill.ends_at.isoformat(),
            },
            "candidates": [
                {
                    "submission": c,
                    "name": bids[c].name,
                    "uscc": bids[c].uscc,
                    "price_yuan": bids[c].items["price_yuan"],
                    "result": next(r for r in report.body["results"] if r["submission"] == c),
                }
                for c in report.body["candidates"]
            ],
        }


def _place(lot: Lot) -> dict[str, Any]:
    return {"v": 1, "tender": str(lot.tender), "lot": str(lot.id), "round": lot.round}


async def _report(connection: Connection, lot_id: UUID) -> Statement:
    kept = await kept_statement(connection, await store.report_of(connection, lot_id))
    if kept is None:
        raise NotDecided("the evaluation report is not kept")
    return kept.statement


async def _opened(connection: Connection, lot_id: UUID, submission: UUID) -> OpenedBid:
    for bid in await opened_bids(connection, lot_id):
        if bid.submission == submission:
            return bid
    raise NotACandidate(f"{submission} was not opened")


async def _require_standstill_over(connection: Connection, lot: Lot, now: datetime) -> None:
    standstill = await store.standstill_of(connection, lot.id)
    if lot.status != STANDSTILL or standstill is None:
        raise WrongStatus(f"a lot that is {lot.status} is not in its standstill")
    clocks(lot.regime, beijing_date(now)).require_standstill_over(now, standstill.ends_at)


def _is_member(members: Sequence[Member], actor: Actor | None) -> bool:
    return actor is not None and actor.kid in {member.kid for member in members}


def _member(members: Sequence[Member], wanted: UUID) -> Member:
    for member in members:
        if member.member == wanted:
            return member
    raise NotOnCommittee("this lot's award committee does not list that member")


def _require_buyer(actor: Actor, lot: Lot) -> None:
    if actor.subject != lot.parties.buyer_uscc:
        raise NotAllowed("this is done by the buyer of the tender")
