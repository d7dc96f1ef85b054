"""From the report to the letters on PostgreSQL: standstill, committee, votes, award."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bidding.award import service as awards
from bidding.award import store
from bidding.award.domain import (
    AlreadyVoted,
    CommitteeTooSmall,
    NotACandidate,
    NotDecided,
    NotOnCommittee,
    WrongBallot,
)
from bidding.regime.clocks import StillInStandstill
from bidding.tender.domain import WrongStatus
from foundation.database import reading, transaction
from foundation.problems import NotAllowed
from foundation.statements.signed import BadSignature, KeySigner, Statement, sign, unsigned
from foundation.statements.store import keep_statement
from licences import a_uscc
from world import DEADLINE, World, actor, refused

Owner = asyncpg.Connection
REPORTED_AT = DEADLINE + timedelta(days=2)
PATH = ("published", "closed", "cut", "opening", "recorded", "evaluating")


@dataclass
class Evaluated:
    """A lot with a signed report of three ranked bids and a registered committee."""

    world: World
    owner: Owner
    candidates: list[str] = field(default_factory=list)
    members: list[UUID] = field(default_factory=list)
    keys: dict[UUID, KeySigner] = field(default_factory=dict)

    async def vote(self, member: UUID, candidate: int, ballot: int = 1) -> None:
        """A member's signed vote enters."""
        await awards.cast_vote(self.world.db, self.ballot(member, candidate, ballot))

    def ballot(self, member: UUID, candidate: int, ballot: int = 1) -> Statement:
        """A member's signed vote."""
        body = {
            "v": 1,
            "tender": str(self.world.tender),
            "lot": str(self.world.lot),
            "round": 1,
            "ballot": ballot,
            "member": str(member),
            "candidate": self.candidates[candidate],
        }
        return sign(unsigned("vote", body), self.keys[member])

    async def appoint(self, members: list[UUID] | None = None) -> None:
        """The buyer appoints the committee."""
        world = self.world
        await awards.appoint_committee(
            world.db, world.actors["buyer"], world.lot, self.members if members is None else members
        )

    async def announce(self) -> None:
        """The agency publishes the candidates."""
        world = self.world
        await awards.announce_candidates(world.db, world.actors["agency"], world.lot)

    async def after_standstill(self) -> None:
        """The first moment after the standstill."""
        async with reading(self.world.db, "bidding") as connection:
            standstill = await store.standstill_of(connection, self.world.lot)
        assert standstill is not None
        await self.world.set_clock(standstill.ends_at)

    async def ready(self) -> None:
        """Committee appointed, candidates published, standstill over."""
        await self.appoint()
        await self.announce()
        await self.after_standstill()

    async def propose(self) -> str:
        """The buyer asks for the award's paper."""
        world = self.world
        return await awards.propose_award(world.db, world.actors["buyer"], world.lot)


async def evaluated(world: World, owner: Owner, *, separated: bool = True) -> Evaluated:
    """A lot whose panel has reported."""
    await world.draft(award_separated=separated)
    for status in PATH:
        await owner.execute("UPDATE bidding.lot SET status = $2 WHERE id = $1", world.lot, status)
    await world.set_clock(REPORTED_AT)
    found = Evaluated(world, owner)
    rows: list[dict[str, Any]] = []
    for rank in (1, 2, 3):
        submission = uuid4()
        found.candidates.append(str(submission))
        rows.append({"submission": str(submission), "rank": rank, "code": f"B{rank}"})
        await owner.execute(
            "INSERT INTO bidding.opened_bid (lot, submission, uscc, name, items, files)"
            " VALUES ($1, $2, $3, $4, $5, '{}')",
            world.lot, submission, a_uscc(900 + rank), f"投标人{rank}",
            json.dumps({"price_yuan": f"50{rank}.00"}),
        )  # fmt: skip
    for number in range(7):
        key = KeySigner(Ed25519PrivateKey.generate())
        member = await owner.fetchval(
            "INSERT INTO foundation.actor (role, name, kid, alg, pk, registered_at)"
            " VALUES ('committee', $1, $2, 'EdDSA', $3, $4) RETURNING id",
            f"定标委员{number}", key.kid, key.public, REPORTED_AT,
        )  # fmt: skip
        found.members.append(member)
        found.keys[member] = key
    body = {
        "v": 1, "tender": str(world.tender), "lot": str(world.lot), "round": 1,
        "results": rows, "candidates": found.candidates,
    }  # fmt: skip
    report = unsigned("evaluation-report", body)
    async with transaction(world.db, "bidding") as connection:
        await keep_statement(connection, report, scope=world.lot, body=None, at=REPORTED_AT)
        await awards.accept_report(connection, report)
    assert (await world.held()).status == "evaluated"
    return found


@pytest.fixture
async def lot(world: World, owner: Owner) -> Evaluated:
    """The lot of most tests."""
    return await evaluated(world, owner)


async def test_votes_four_two_one_award_the_first(lot: Evaluated) -> None:
    await lot.ready()
    for member, candidate in zip(lot.members, (0, 0, 0, 0, 1, 1), strict=False):
        await lot.vote(member, candidate)
        assert isinstance(await refused(lot.propose()), NotDecided)
    await lot.vote(lot.members[6], 2)
    assert isinstance(await refused(lot.vote(lot.members[0], 1, 2)), WrongBallot)
    world = lot.world
    sid = await lot.propose()
    assert await world.sign_paper("buyer", sid)
    award = (await world.kept("award"))[0]
    assert award.body["submission"] == lot.candidates[0]
    assert award.body["price_yuan"] == "501.00"
    assert [c["votes"] for c in award.body["ballots"][0]] == [4, 2, 1]
    assert len(award.body["votes"]) == 7
    assert (await world.held()).status == "awarded"
    letters = await world.waiting("buyer", "letter")
    assert len(letters) == 3
    for one in letters:
        await world.sign_paper("buyer", one)
    kinds = sorted(s.body["kind"] for s in await world.kept("letter"))
    assert kinds == ["result", "result", "winner"]
    assert isinstance(await refused(lot.propose()), WrongStatus)


async def test_a_tie_is_voted_on_again(lot: Evaluated) -> None:
    await lot.ready()
    for member, candidate in zip(lot.members, (0, 0, 0, 1, 1, 1, 2), strict=True):
        await lot.vote(member, candidate)
    assert isinstance(await refused(lot.propose()), NotDecided)
    assert isinstance(await refused(lot.vote(lot.members[0], 0, 1)), WrongBallot)
    for member, candidate in zip(lot.members, (0, 0, 0, 1, 1, 1, 1), strict=True):
        await lot.vote(member, candidate, 2)
    sid = await lot.propose()
    await lot.world.sign_paper("buyer", sid)
    award = (await lot.world.kept("award"))[0]
    assert award.body["submission"] == lot.candidates[1]
    assert len(award.body["ballots"]) == 2


async def test_before_the_end_of_the_standstill_nothing_is_decided(lot: Evaluated) -> None:
    assert isinstance(await refused(lot.announce()), NotDecided), "the committee comes first"
    await lot.appoint()
    assert isinstance(await refused(lot.vote(lot.members[0], 0)), WrongStatus)
    await lot.announce()
    assert isinstance(await refused(lot.vote(lot.members[0], 0)), StillInStandstill)
    assert isinstance(await refused(lot.propose()), StillInStandstill)
    await lot.after_standstill()
    now = await lot.world.now()
    await lot.world.set_clock(now - timedelta(milliseconds=1))
    no = await refused(lot.vote(lot.members[0], 0))
    assert isinstance(no, StillInStandstill)
    assert no.article is not None
    await lot.world.set_clock(now)
    await lot.vote(lot.members[0], 0)


async def test_who_may_vote_once_and_for_whom(lot: Evaluated) -> None:
    await lot.ready()
    stranger = uuid4()
    lot.keys[stranger] = KeySigner(Ed25519PrivateKey.generate())
    assert isinstance(await refused(lot.vote(stranger, 0)), NotOnCommittee)
    member, other = lot.members[:2]
    stolen = sign(unsigned("vote", lot.ballot(member, 0).body), lot.keys[other])
    no = await refused(awards.cast_vote(lot.world.db, stolen))
    assert isinstance(no, BadSignature)
    body = {**lot.ballot(member, 0).body, "candidate": str(uuid4())}
    elsewhere = sign(unsigned("vote", body), lot.keys[member])
    no = await refused(awards.cast_vote(lot.world.db, elsewhere))
    assert isinstance(no, NotACandidate)
    await lot.vote(member, 0)
    assert isinstance(await refused(lot.vote(member, 1)), AlreadyVoted)
    count = "SELECT count(*) FROM bidding.vote"
    assert await lot.owner.fetchval(count) == 1


async def test_the_committee_is_odd_registered_and_appointed_once(lot: Evaluated) -> None:
    for members in (lot.members[:4], lot.members[:3], [*lot.members[:4], uuid4()]):
        assert isinstance(await refused(lot.appoint(members)), CommitteeTooSmall)
    other = actor("buyer", lot.world.actors["host"].subject, "another")
    call = awards.appoint_committee(lot.world.db, other, lot.world.lot, lot.members)
    assert isinstance(await refused(call), NotAllowed)
    await lot.appoint()
    assert isinstance(await refused(lot.appoint()), WrongStatus)


async def test_without_separation_the_first_rank_is_awarded(world: World, owner: Owner) -> None:
    lot = await evaluated(world, owner, separated=False)
    assert isinstance(await refused(lot.appoint()), WrongStatus)
    await lot.announce()
    assert isinstance(await refused(lot.propose()), StillInStandstill)
    await lot.after_standstill()
    assert isinstance(await refused(lot.vote(lot.members[0], 0)), NotOnCommittee)
    await world.sign_paper("buyer", await lot.propose())
    award = (await world.kept("award"))[0]
    assert award.body["submission"] == lot.candidates[0]
    assert award.body["ballots"] == []
