"""The one door of the experts' context: what supervision and the evidence package may read."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from bidding.published import lot_facts
from experts.drawing.store import committed_pool
from experts.panel import store
from experts.panel.domain import ACCEPTED, blind_codes
from experts.panel.material import BlindFile, BlindMaterial, OwnPanel, blind_material, own_panels
from experts.panel.service import accept_draw
from foundation.database import Connection, Context, acting_as
from foundation.statements.canonical import Json, b64
from foundation.statements.store import kept_statements

__all__ = [
    "EVALUATION_TYPES",
    "BlindFile",
    "BlindMaterial",
    "OwnPanel",
    "accept_draw",
    "blind_codes",
    "blind_material",
    "evaluation_evidence",
    "own_panels",
]

EVALUATION_TYPES: Final[Sequence[str]] = (
    "seed-commit",
    "seed-reveal",
    "draw",
    "pledge",
    "scorecard",
    "evaluation-report",
    "dissent",
)


async def evaluation_evidence(
    connection: Connection, lot_id: UUID, caller: Context
) -> dict[str, Json] | None:
    """The evaluation.json of a package; None until the report is accepted.

    The rows are those of the table as it stands, so that the verifier can hold them against the
    signed sheets.
    """
    async with acting_as(connection, "experts", caller):
        return await _evidence(connection, lot_id)


async def _evidence(connection: Connection, lot_id: UUID) -> dict[str, Json] | None:
    committed = await committed_pool(connection, lot_id)
    if committed is None or not await store.seats(connection, lot_id):
        return None
    if (await store.panel(connection, lot_id)).status != ACCEPTED:
        return None
    lot = await lot_facts(connection, lot_id, "experts")
    seats = await store.seats(connection, lot_id)
    statements = await kept_statements(connection, lot_id, EVALUATION_TYPES)
    rows: list[dict[str, Any]] = [
        {
            "expert": str(row["expert"]),
            "code": row["code"],
            "criterion": row["criterion"],
            "score": row["score"],
            "passed": row["passed"],
        }
        for row in await store.score_rows(connection, lot_id)
    ]
    return {
        "v": 1,
        "method": dict(lot.method),
        "pool": list(committed.pool),
        "committed_pool_sha256": committed.pool_sha256,
        "statements": [kept.statement.json() for kept in statements],
        "keys": [
            {"expert": str(seat.expert), "kid": seat.kid, "alg": seat.alg, "pk": b64(seat.pk)}
            for seat in seats
        ],
        "blind": [
            {"code": bid.code, "submission": str(bid.submission)}
            for bid in await store.blind_bids(connection, lot_id)
        ],
        "rows": {"scores": rows},
    }
