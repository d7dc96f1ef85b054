"""Mandates for tests: an operator with a key of its own, and what a company lets it do."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec

from bidding.bid import service as bids
from bidding.bid.domain import Act
from foundation.identity import Actor
from foundation.identity.actor import OPERATOR
from foundation.identity.domain import Session, login_body
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from sunbid import doors
from world import ORIGIN, START, BidderOf, SealedBid, World, actor

ALL = ("submit", "withdraw", "release")


def mandate_body(
    uscc: str,
    key: KeySigner,
    *,
    scope: Sequence[str] = ALL,
    tenders: Sequence[UUID | str] | None = None,
    since: datetime = START,
    until: datetime = START + timedelta(days=300),
    **changes: Any,
) -> dict[str, Json]:
    """The body by which a company lets a key act for it."""
    return {
        "v": 1,
        "mandate_id": str(uuid4()),
        "uscc": uscc,
        "operator": {"person_tag": None, "kid": key.kid, "alg": "ES256", "pk": b64(key.public)},
        "scope": list(scope),
        "tenders": None if tenders is None else [str(tender) for tender in tenders],
        "not_before": time_text(since),
        "not_after": time_text(until),
        **changes,
    }


@dataclass(slots=True)
class OperatorOf:
    """A colleague of a bidder with a key on a device of its own."""

    bidder: BidderOf
    key: KeySigner = field(
        default_factory=lambda: KeySigner(ec.generate_private_key(ec.SECP256R1()))
    )

    @property
    def company(self) -> Actor:
        """The company, logged in with its licence."""
        return actor("bidder", self.bidder.uscc, self.bidder.name)

    @property
    def actor(self) -> Actor:
        """The operator, logged in."""
        return actor(OPERATOR, self.bidder.uscc, self.bidder.name, self.key.kid)

    def mandate(self, **changes: Any) -> Statement:
        """A mandate for this operator, signed with the company's licence."""
        body = mandate_body(self.bidder.uscc, self.key, **changes)
        return sign(unsigned("mandate", body), self.bidder.signer)

    def revocation(self, mandate: Statement) -> Statement:
        """Its end, signed with the company's licence."""
        body = {"v": 1, "mandate": mandate.sid, "uscc": self.bidder.uscc}
        return sign(unsigned("mandate-revoke", body), self.bidder.signer)

    async def given(self, world: World, **changes: Any) -> Statement:
        """A mandate that the platform accepted."""
        made = self.mandate(**changes)
        await doors.accept_statement(world.desk, self.company, made)
        return made

    async def revoke(self, world: World, mandate: Statement) -> Statement:
        """Revoke a mandate."""
        made = self.revocation(mandate)
        await doors.accept_statement(world.desk, self.company, made)
        return made

    async def token(self, world: World) -> str:
        """The token that the operator's own login gets for the lot."""
        at = await world.now()
        body = login_body(uuid4(), aud=ORIGIN, nonce=secrets.token_bytes(16), match="42", at=at)
        session = Session(
            actor=self.actor,
            login=sign(unsigned("login", body), self.key),
            licence_status="good",
            expires_at=at + timedelta(hours=8),
        )
        return await bids.make_token(world.desk, session, world.lot)

    def signed(self, act: Statement, mandate: str | None) -> Statement:
        """An act of the bidder, under a mandate and signed by the operator alone."""
        return sign(unsigned(act.type, {**act.body, "mandate": mandate}), self.key)

    async def sealed(self, world: World, mandate: str | None) -> SealedBid:
        """A sealed bid whose manifest the operator signed, its files uploaded."""
        made = await world.seal(self.bidder)
        made.manifest = self.signed(made.manifest, mandate)
        await world.upload(made)
        return made

    async def bid(self, world: World, mandate: str | None) -> Act:
        """Hand in a bid as the operator and have it decided."""
        made = await self.sealed(world, mandate)
        token = await world.token(self.bidder)
        act = await world.hand_in(self.bidder, made, token)
        return (await bids.show_act(world.desk, act.sid)).act
