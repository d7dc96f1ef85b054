"""The award's part of the evidence package."""

from bidding.award import store
from bidding.tender.domain import Lot
from foundation.database import Connection
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.store import kept_statements


async def award_evidence(connection: Connection, lot: Lot) -> dict[str, Json] | None:
    """Return votes, award, letters, committee and standstill; None before the award."""
    standstill = await store.standstill_of(connection, lot.id)
    if standstill is None or await store.awarded(connection, lot.id) is None:
        return None
    kept = await kept_statements(connection, lot.id, ["vote", "award", "letter"])
    return {
        "v": 1,
        "statements": [k.statement.json() for k in kept],
        "committee": [
            {"member": str(m.member), "kid": m.kid, "alg": m.alg, "pk": b64(m.pk)}
            for m in await store.members(connection, lot.id)
        ],
        "standstill": {
            "starts_at": time_text(standstill.starts_at),
            "ends_at": time_text(standstill.ends_at),
        },
    }
