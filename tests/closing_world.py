"""A closing as a bidder's frame is shown it: signed, in a ledger, with the bidder's own entry."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from bidding.licence.issue import Issuer, issue_licence, issue_root
from bidding.licence.profile import LicenceInfo
from bidding.opening.domain import entry_path
from bidding.sealing.envelope import Head
from foundation.ledger.tree import hash_leaf, root_of
from foundation.statements.canonical import canonical, time_text
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from sealing_world import (
    LOT,
    NOW,
    SUPERVISOR,
    TENDER,
    Ledger,
    key_from,
    licence,
    lot_file,
    opening_keys,
    organisation,
    schedule,
    submission,
)

OPENS = NOW + timedelta(days=20)
PLATFORM = organisation(900)


def platform() -> KeySigner:
    """The platform's signer, under a root of its own."""
    return signer_under("platform root")


@lru_cache
def signer_under(root: str) -> KeySigner:
    """A signer that calls itself the platform; only one root is the platform's."""
    over = Issuer(key=key_from(root), certificate=issue_root(key_from(root)))
    info = LicenceInfo(
        uscc=PLATFORM, name="平台", type="company", person_tag=None, licence_no="1",
        valid_to=NOW + timedelta(days=300),
    )  # fmt: skip
    key = key_from(f"key under {root}")
    made = issue_licence(
        over, key.public_key(), info, NOW - timedelta(days=100), "http://127.0.0.1/crl"
    )
    chain = [one.public_bytes(Encoding.DER) for one in (made, over.certificate)]
    return KeySigner(key, tuple(chain))


def policy_text(ledger: Ledger) -> str:
    """The log's policy, with whose certificates speak for the platform."""
    anchor = base64.b64encode(platform().chain[-1]).decode()
    return f"{ledger.policy_text}#anchor platform {anchor}\n"


@dataclass(kw_only=True)
class Opened:
    """What there is to be shown of an opening; every field may be another one than it should."""

    heads: Sequence[tuple[str, Head]]
    signer: KeySigner = field(default_factory=platform)
    plan: Statement = field(default_factory=schedule)
    ledger: Ledger = field(default_factory=Ledger)
    cut_at: datetime = OPENS
    clock: str = "real"
    platform_time: Statement | None = None
    is_listed: bool = True
    stage: int = 1
    # Who signs that a later stage begins.
    supervisor: KeySigner = field(default_factory=lambda: licence(SUPERVISOR))
    # What the statement of the later stage says otherwise.
    begun: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, n: int, heads: Sequence[tuple[str, Head]]) -> dict[str, Any]:
        """A list entry."""
        return {
            "submission": submission(n),
            "seq": 1,
            "manifest": f"{n:064x}",
            "envelopes": sorted(
                (
                    {
                        "volume": head.header.volume,
                        "tree": tree,
                        "header_hash": head.header_hash.hex(),
                        "wraps_hash": head.wraps_hash.hex(),
                    }
                    for tree, head in heads
                ),
                key=lambda one: str(one["volume"]),
            ),
        }

    def shown(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(the lot file now, the closing with its proofs)."""
        keys = opening_keys(clock=self.clock)
        own = self.entry(2, self.heads)
        others = [self.entry(n, [("ab" * 32, self.heads[0][1])]) for n in (1, 3)]
        entries = [others[0], own, others[1]] if self.is_listed else others
        ledger = self.ledger
        for statement in (keys.statement, self.plan):
            ledger.add(statement)
        cut = ledger.put("cut", self.plan.sid, self.cut_at)
        body = {
            "v": 1,
            "tender": TENDER,
            "lot": LOT,
            "round": 1,
            "schedule": self.plan.sid,
            "opening_keys": keys.sid,
            "cut": cut.to_json(),
            "count": len(entries),
            "list_root": root_of([hash_leaf(canonical(one)) for one in entries]).hex(),
            "replaces": None,
        }
        closing = sign(unsigned("closing", body), self.signer)
        leaves = [cut, ledger.add(closing)]
        stage = self._begun(closing.sid)
        if stage is not None:
            leaves.append(ledger.add(stage))
        given = self.platform_time
        material = lot_file(
            opening_keys=keys.statement.json(),
            schedules=[self.plan.json()],
            leaves=[one.to_json() for one in ledger.openings[:2]],
            proofs={str(n): ledger.proof(n) for n in (0, 1)},
            policy_text=policy_text(ledger),
            clock=self.clock,
            platform_time=None if given is None else given.json(),
        )
        return material, {
            "closing": closing.json(),
            "stage": None if stage is None else stage.json(),
            "leaves": [one.to_json() for one in leaves],
            "proofs": {str(one.index): ledger.proof(one.index) for one in leaves},
            "entry": own,
            "place": 1,
            "path": entry_path(entries, 1),
        }

    def _begun(self, closing: str) -> Statement | None:
        """The `stage` statement of a later stage, for every tree of its volumes."""
        if self.stage == 1:
            return None
        [volumes] = [
            one["volumes"] for one in self.plan.body["stages"] if one["stage"] == self.stage
        ]
        body = {
            "v": 1,
            "closing": closing,
            "stage": self.stage,
            "trees": sorted(tree for tree, head in self.heads if head.header.volume in volumes),
            "evaluation": "e" * 64,
            "schedule": self.plan.sid,
            **self.begun,
        }
        return sign(unsigned("stage", body), self.supervisor)


def a_time(at: datetime, signer: KeySigner | None = None) -> Statement:
    """The platform's signed time."""
    body = {"v": 1, "platform": time_text(at), "real": time_text(NOW), "factor": 1}
    return sign(unsigned("platform-time", body), signer or platform())
