"""The pool: imported whole or not at all, names for its keeper only, keys that can log in."""

from dataclasses import replace
from uuid import uuid4

import pytest

from experts.pool import service, store
from experts.pool.domain import (
    BadExpert,
    ExpertKnown,
    NotAnExpert,
    UnknownExpert,
    branches,
    pool_row,
)
from experts_world import World, an_entry, organisation
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.identity.store import actor_of_key
from foundation.statements.canonical import parse
from licences import a_uscc


async def test_an_imported_expert_can_log_in_with_the_key(world: World) -> None:
    await world.import_pool(3)
    expert = next(iter(world.experts.values()))
    async with reading(world.db, "foundation") as connection:
        found = await actor_of_key(connection, expert.kid)
    assert found is not None
    assert (found[0].role, found[1]) == ("expert", expert.pk)
    own = await service.own_entry(world.db, world.actor(expert.id))
    assert own == expert


async def test_names_are_for_the_keeper_and_the_reading_is_on_record(world: World) -> None:
    await world.import_pool(3)
    for role in ("agency", "supervisor", "buyer", "expert"):
        with pytest.raises(WrongRole):
            await service.list_experts(world.db, organisation(role, a_uscc(1)))
    assert len(await service.list_experts(world.db, world.administrator)) == 3
    raws = await world.owner.fetch("SELECT raw FROM foundation.statement WHERE type = 'event'")
    events = [parse(row["raw"], limit=10**5)["body"] for row in raws]
    assert any(
        e["name"] == "experts:pool:read" and e["actor"] == str(world.administrator.id)
        for e in events
    )
    assert not any("专家测试" in str(event) for event in events)


async def test_a_known_key_stops_the_whole_import(world: World) -> None:
    await world.import_pool(2)
    with pytest.raises(ExpertKnown):
        await service.import_experts(world.db, world.administrator, [an_entry(7), an_entry(1)])
    assert len(await service.list_experts(world.db, world.administrator)) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"name": " "},
        {"specialities": ()},
        {"specialities": ("bridge",)},
        {"employer_uscc": "1"},
        {"alg": "ES256"},
        {"pk": b"short"},
    ],
)
async def test_an_incomplete_entry_is_refused(world: World, facts: dict[str, object]) -> None:
    with pytest.raises(Exception, match="expected") as caught:
        await service.import_experts(world.db, world.administrator, [an_entry(1, **facts)])
    assert getattr(caught.value, "status", 0) == 422


async def test_only_available_experts_are_committed(world: World) -> None:
    await world.import_pool(3)
    away = next(iter(world.experts))
    await service.set_available(world.db, world.administrator, away, False)
    async with reading(world.db, "experts") as connection:
        left = await store.available_experts(connection)
    assert {expert.id for expert in left} == set(world.experts) - {away}
    with pytest.raises(UnknownExpert):
        await service.set_available(world.db, world.administrator, uuid4(), True)


async def test_an_expert_declares_relations_of_nobody_else(world: World) -> None:
    await world.import_pool(2)
    first, second = world.experts
    await service.declare_relation(world.db, world.actor(first), first, a_uscc(5), "原单位")
    with pytest.raises(NotAnExpert):
        await service.declare_relation(world.db, world.actor(first), second, a_uscc(5), "…")
    with pytest.raises(BadExpert):
        await service.declare_relation(world.db, world.actor(first), first, "x", "…")
    unknown = replace(world.actor(first), kid="0" * 16)
    with pytest.raises(NotAnExpert):
        await service.own_entry(world.db, unknown)


async def test_a_committed_row_names_every_branch_and_no_person(world: World) -> None:
    await world.import_pool(1)
    expert = next(iter(world.experts.values()))
    row = pool_row(expert)
    assert row["specialities"] == ["A", "A08", "A0801"]
    assert expert.name not in str(row)
    assert branches("A") == ["A"]
