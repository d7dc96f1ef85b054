"""Keeping the pool: import, availability, declared relations. Names stay with the keeper."""

from collections.abc import Sequence
from uuid import UUID

from experts.pool import store
from experts.pool.domain import (
    EXPERT,
    MOST_IMPORTED,
    POOL_KEEPER,
    BadExpert,
    Expert,
    ExpertKnown,
    NewExpert,
    NotAnExpert,
    UnknownExpert,
    check_new_expert,
    check_uscc,
)
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.identity.actor import ADMINISTRATOR, NewActor, check_new_actor
from foundation.identity.store import insert_actor
from foundation.statements.store import record_event


async def import_experts(db: Database, actor: Actor, entries: Sequence[NewExpert]) -> list[Expert]:
    """Take experts into the pool and let them log in with their keys; all of them or none.

    For the administrator or the keeper of the pool. Refuses a key that is known.
    """
    require(actor, ADMINISTRATOR, POOL_KEEPER)
    if not 1 <= len(entries) <= MOST_IMPORTED:
        raise BadExpert(f"expected 1 to {MOST_IMPORTED} experts at a time, got {len(entries)}")
    checked = [check_new_expert(entry) for entry in entries]
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        at = await platform_now(connection)
        made = []
        for entry in checked:
            login = NewActor(
                role=EXPERT, subject=None, name=entry.name, alg=entry.alg, public_key=entry.pk
            )
            if await insert_actor(connection, check_new_actor(login), by=actor.id, at=at) is None:
                raise ExpertKnown(f"the key {entry.kid} is registered already; import it once")
            made.append(await store.insert_expert(connection, entry, at))
        await record_event(
            connection,
            "experts:pool:import",
            actor=None,
            group=None,
            scope=None,
            data={"count": len(made)},
        )
    return made


async def list_experts(db: Database, actor: Actor) -> list[Expert]:
    """The whole pool with names, for its keeper; the reading is put on record."""
    require(actor, ADMINISTRATOR, POOL_KEEPER)
    async with transaction(db, "experts") as connection:
        found = await store.experts(connection)
        await record_event(
            connection,
            "experts:pool:read",
            actor=str(actor.id),
            group=None,
            scope=None,
            data={"count": len(found)},
        )
    return found


async def set_available(db: Database, actor: Actor, expert: UUID, available: bool) -> None:
    """Say whether an expert may be drawn from now on; committed pools stay as they are."""
    require(actor, ADMINISTRATOR, POOL_KEEPER)
    async with transaction(db, "experts") as connection:
        if not await store.set_available(connection, expert, available):
            raise UnknownExpert(f"no expert {expert} is in the pool; look at the list again")


async def declare_relation(
    db: Database, actor: Actor, expert: UUID, uscc: str, reason: str
) -> None:
    """Declare that an expert is bound to an organisation; by the expert or the pool's keeper."""
    require(actor, ADMINISTRATOR, POOL_KEEPER, EXPERT)
    check_uscc(uscc)
    async with transaction(db, "experts") as connection:
        if actor.role == EXPERT and (await acting_expert(connection, actor)).id != expert:
            raise NotAnExpert("an expert declares relations of nobody else")
        if not await store.experts_of(connection, [expert]):
            raise UnknownExpert(f"no expert {expert} is in the pool; look at the list again")
        at = await platform_now(connection)
        await store.insert_relation(connection, expert, uscc, reason, at)


async def own_entry(db: Database, actor: Actor) -> Expert:
    """What the pool says of the expert who asks."""
    require(actor, EXPERT)
    async with reading(db, "experts") as connection:
        return await acting_expert(connection, actor)


async def acting_expert(connection: Connection, actor: Actor) -> Expert:
    """The expert behind a session, found by the key; refuses everybody else."""
    found = None if actor.kid is None else await store.expert_of_key(connection, actor.kid)
    if found is None:
        raise NotAnExpert("expected the session of an expert of the pool; log in with that key")
    return found
