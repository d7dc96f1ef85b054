"""The lifecycle of a lot: one table here and in the database, and nothing leaves the end."""

import asyncpg
import pytest

from bidding.tender.domain import TERMINAL, TRANSITIONS, WrongStatus, next_status


def test_every_missing_pair_is_refused() -> None:
    statuses = {before for before, _ in TRANSITIONS} | set(TRANSITIONS.values())
    events = {event for _, event in TRANSITIONS}
    for status in statuses:
        for event in events:
            if (status, event) in TRANSITIONS:
                assert next_status(status, event) == TRANSITIONS[status, event]
            else:
                with pytest.raises(WrongStatus):
                    next_status(status, event)


def test_nothing_leaves_a_final_status() -> None:
    assert {before for before, _ in TRANSITIONS}.isdisjoint(TERMINAL)


async def test_the_table_equals_the_one_in_the_database(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("SELECT before, event, after FROM bidding.lot_transition")
    assert {(r["before"], r["event"]): r["after"] for r in rows} == dict(TRANSITIONS)
