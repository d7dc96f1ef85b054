"""Whose word counts: leaves proven by a client's own policy, and signatures by role (8.2(2)).

A member's seat and a bidder's release look by the same rules; each refuses in its own name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.sealing.checks import check_proven
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import OpeningUnproven
from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.policy import Policy
from foundation.ledger.proof import read_proof
from foundation.problems import Refused
from foundation.statements.canonical import Json, time_from_ms
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement
from sunbid.client import Client, demo_time

PLATFORM: str = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What a client itself holds of a lot, and in whose name it refuses."""

    keys: LotKeys
    policy: Policy
    buyer_uscc: str
    supervisor_uscc: str
    licence_anchors: tuple[bytes, ...]
    refuses: ClassVar[type[Refused]] = OpeningUnproven

    @property
    def lot(self) -> str:
        """The lot's id."""
        return self.keys.body.lot

    @property
    def platform_anchors(self) -> Sequence[bytes]:
        """Whose certificates speak for the platform, as the client's policy names them."""
        return self.policy.anchors.get(PLATFORM, ())


def own_time(client: Client, held: Trusted) -> datetime:
    """The client's own clock; a demonstration's opening keys name the platform's signed time."""
    if held.keys.body.clock == "demo":
        return demo_time(client, held.platform_anchors)
    return datetime.now(UTC)


class Proven:
    """Leaves that were shown; each is proven in a checkpoint that meets the policy when asked."""

    def __init__(
        self, held: Trusted, leaves: Sequence[dict[str, Json]], proofs: Mapping[str, str]
    ) -> None:
        self._policy = held.policy
        self._lot = held.lot
        self._refuses = held.refuses
        self._proofs = proofs
        openings = [opening_from_json(value) for value in leaves]
        self._by = {(o.body.get("t"), o.body.get("subject")): o for o in openings}

    def leaf(self, kind: str, subject: str) -> LeafOpening:
        """The proven leaf of a statement of this lot; refuses one missing or not proven."""
        found = self._by.get((kind, subject))
        if found is None or found.body.get("lot") != self._lot:
            raise self._refuses(
                f"expected the ledger leaf of {kind} {subject[:16]}… of this lot, got none; it may "
                "stand there after the next tick"
            )
        check_proven(found, self._proofs.get(str(found.index)), self._policy)
        return found

    def find(self, kind: str, subject: str) -> LeafOpening | None:
        """The proven leaf of a statement, None where none of this lot was shown."""
        found = self._by.get((kind, subject))
        if found is None or found.body.get("lot") != self._lot:
            return None
        return self.leaf(kind, subject)

    def count_after(self, kind: str, index: int) -> int:
        """How many proven leaves of a type stand after a place in the ledger."""
        found = [self.find(kind, str(subject)) for t, subject in self._by if t == kind]
        return sum(leaf is not None and leaf.index > index for leaf in found)

    def seen_outside(self, leaf: LeafOpening) -> datetime | None:
        """Time evidence: the latest moment behind which the policy's whole quorum stands.

        None where the policy asks no witness.
        """
        if not self._policy.has_witnesses:
            return None
        note = read_proof(self._proofs[str(leaf.index)]).note
        lines = self._policy.cosignatures(note)
        for time_s in sorted({line.time_s for line in lines}, reverse=True):
            if self._policy.is_met([line for line in lines if line.time_s >= time_s]):
                return time_from_ms(time_s * 1000)
        raise self._refuses("expected the policy's witnesses on the checkpoint; wait for them")


def signed_by_platform(statement: Statement, held: Trusted, at: datetime) -> bool:
    """Whether one signature is the platform's, by the anchors of the client's policy."""
    return any(_signer(statement, held.platform_anchors, at))


def signed_by_licence(statement: Statement, uscc: str, held: Trusted, at: datetime) -> bool:
    """Whether one signature is by the licence of this organisation."""
    found = _signer(statement, held.licence_anchors, at, is_licence=True)
    return uscc in found


def require_platform(statement: Statement, held: Trusted, at: datetime) -> None:
    """Refuse a statement that the platform named by the policy did not sign."""
    if not signed_by_platform(statement, held, at):
        raise held.refuses(f"expected a {statement.type} signed by the platform, got one without")


def require_licence(statement: Statement, uscc: str, held: Trusted, at: datetime) -> None:
    """Refuse a statement that the organisation that the notice pins did not sign."""
    if not signed_by_licence(statement, uscc, held, at):
        raise held.refuses(
            f"expected a {statement.type} signed by {uscc} as the notice pins it, got one without"
        )


def _signer(
    statement: Statement, anchors: Sequence[bytes], at: datetime, *, is_licence: bool = False
) -> list[str]:
    """Who signed under these anchors; a signature under others is nobody's here."""
    found = []
    for signature in statement.sigs:
        one = Statement(type=statement.type, body=statement.body, sigs=(signature,))
        try:
            signers = certificate_signers(
                one,
                anchors,
                at,
                usage=LICENCE_USAGE if is_licence else None,
                subject=licence_names if is_licence else None,
            )
        except Refused:
            continue
        found += [signer.identifier for signer in signers]
    return found
