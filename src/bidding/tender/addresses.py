"""Telling those who took the documents of a change, without a register of who they are.

Documents are free to anybody. Whoever wants to be told of a later deadline or new opening keys
leaves an address; it lies sealed, and the signer opens the addresses of a lot for such a change
alone, when it stands in the ledger (sealing.md 1.5, 14.2).
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from bidding.tender import address_store as store
from bidding.tender.domain import PUBLISHED, UnknownLot, WrongStatus
from bidding.tender.service import public_leaves
from bidding.tender.store import lot as read_lot
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.ledger.rows import seal_address
from foundation.ledger.signer import SignerClient
from foundation.problems import Invalid
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement
from foundation.statements.store import kept_statement

# RFC 5321 allows more; what no provider gives out is refused, above all line ends.
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{1,180}"
)
# As many as fit into one message to the signer.
AT_ONCE: Final = 5000

Send = Callable[[Sequence[str]], Awaitable[None]]


class BadAddress(Invalid):
    """This is no address that mail can be sent to."""

    code = "bad-address"


async def leave_address(db: Database, lot_id: UUID, address: str) -> None:
    """Seal an address to a lot that is open for bids; nothing tells later whose it is.

    The answer is the same for an address that was left before.
    """
    address = address.strip()
    if ADDRESS.fullmatch(address) is None:
        raise BadAddress("expected a mail address such as name@example.cn; look for a slip")
    async with transaction(db, "bidding") as connection:
        held = await read_lot(connection, lot_id)
        if held.published_at is None or held.access_key is None:
            raise UnknownLot(f"no lot {lot_id}")
        now = await platform_now(connection)
        if held.status != PUBLISHED or held.deadline_at is None or now >= held.deadline_at:
            raise WrongStatus("this lot takes no bids any more; nothing of it is told by mail")
        await store.insert(connection, lot_id, seal_address(held.access_key, lot_id, address))


async def tell_changes(db: Database, signer: SignerClient, send: Send) -> int:
    """Tell everybody of the changes that are in the ledger; return how many changes those were.

    Whoever is told is known in memory alone, and told again when this fails half way.
    """
    async with reading(db, "bidding") as connection:
        changes = await store.untold(connection)
    return sum([await _tell(db, signer, send, change) for change in changes])


async def forget_addresses(db: Database) -> None:
    """Delete the addresses of lots that take no bids any more."""
    async with transaction(db, "bidding") as connection:
        await store.forget(connection)


async def _tell(db: Database, signer: SignerClient, send: Send, change: store.Change) -> bool:
    async with reading(db, "bidding") as connection:
        shown = await _shown(connection, change.schedule)
        sealed = await store.of_lot(connection, change.lot)
    if shown is None:
        return False
    addresses: dict[str, None] = {}
    for first in range(0, len(sealed), AT_ONCE):
        rows = sealed[first : first + AT_ONCE]
        addresses |= dict.fromkeys(await signer.open_addresses(change.lot, *shown, rows))
    if addresses:
        await send(list(addresses))
    async with transaction(db, "bidding") as connection:
        await store.set_told(connection, change.schedule, await platform_now(connection))
    return True


async def _shown(connection: Connection, sid: str) -> tuple[Statement, dict[str, Json], str] | None:
    """A statement with its leaf and the proof of it; None until its checkpoint is signed."""
    kept = await kept_statement(connection, sid)
    leaves, proofs = await public_leaves(connection, [] if kept is None else [kept])
    if kept is None or not leaves:
        return None
    [leaf] = leaves
    return kept.statement, leaf, proofs[str(leaf["index"])]
