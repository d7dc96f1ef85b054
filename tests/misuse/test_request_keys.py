"""The key of a request is the act's own sid: another one is refused, the same one repeats."""

import asyncpg
import pytest

from whole_app import platform_of
from world import World

Owner = asyncpg.Connection


@pytest.mark.misuse(18)
async def test_another_key_is_refused_and_the_same_act_gives_the_same_bytes(
    open_lot: World, application_dsn: str, owner: Owner
) -> None:
    world, bidder = open_lot, open_lot.bidder(1)
    made = await world.seal(bidder)
    await world.upload(made)
    handed = {
        "statement": made.manifest.json(),
        "uploads": [{"upload": str(u), "secret": s} for u, s in made.uploads],
        "token": await world.token(bidder),
    }
    async with platform_of(world, application_dsn) as (client, who):
        who.session = world.login(bidder, await world.now())
        for key in ({}, {"Idempotency-Key": "0" * 64}, {"Idempotency-Key": made.manifest.sid[:-1]}):
            no = await client.post("/api/v1/acts", json=handed, headers=key)
            assert (no.status_code, no.json()["code"]) == (422, "E_IDEMPOTENCY")
        assert await owner.fetchval("SELECT count(*) FROM bidding.act") == 0
        right = {"Idempotency-Key": made.manifest.sid}
        first = await client.post("/api/v1/acts", json=handed, headers=right)
        again = await client.post("/api/v1/acts", json=handed, headers=right)
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json()["ticket"] == again.json()["ticket"]
    assert await owner.fetchval("SELECT count(*) FROM bidding.act") == 1
