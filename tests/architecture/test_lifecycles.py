"""Every lifecycle is one table: in the code, in the database and in the drawing of the reference.

`python tests/architecture/test_lifecycles.py` writes the drawing anew.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), "src"]

from architecture.source import ROOT
from bidding.tender import domain as tender
from experts.panel import domain as panel
from foundation.identity import domain as identity
from supervision.cases import domain as cases

REFERENCE: Final = ROOT / "docs" / "reference" / "lifecycles.md"
HEAD: Final = """# Lifecycles

Each is one literal table at the top of its `domain.py`; the database holds the same table and a
trigger refuses every other move; a test compares code, database and the drawings below
(`python tests/architecture/test_lifecycles.py` draws them anew). Who may move, and when, is
decided by guards named for their law, before the table is asked.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """One lifecycle: its moves as (before, event, after), and where it begins and ends."""

    title: str
    words: str
    table: str
    moves: frozenset[tuple[str, str, str]]
    first: str
    terminal: frozenset[str]


def moves(table: Iterable[tuple[tuple[str, str], str]]) -> frozenset[tuple[str, str, str]]:
    """The moves of a table of the code."""
    return frozenset((before, event, after) for (before, event), after in table)


LIFECYCLES: Final = (
    Lifecycle(
        title="A lot (标段)",
        words="`bidding/tender/domain.py`; a tender only holds its lots together. Suspended goes "
        "back to where it was: an opening with too few members.",
        table="SELECT before, event, after FROM bidding.lot_transition",
        moves=moves(tender.TRANSITIONS.items()),
        first=tender.DRAFTED,
        terminal=tender.TERMINAL,
    ),
    Lifecycle(
        title="A panel (评标委员会)",
        words="`experts/panel/domain.py`; no price is shown before `lock`.",
        table="SELECT before, event, after FROM experts.panel_transition",
        moves=moves(panel.TRANSITIONS.items()),
        first=panel.FORMING,
        terminal=panel.TERMINAL,
    ),
    Lifecycle(
        title="A case (核查案件)",
        words="`supervision/cases/domain.py`; a second person decides or dismisses.",
        table="SELECT before, event, after FROM supervision.case_transition",
        moves=moves(cases.TRANSITIONS.items()),
        first=cases.OPENED,
        terminal=cases.TERMINAL,
    ),
    Lifecycle(
        title="A challenge (扫码)",
        words="`foundation/identity/domain.py`; used once, for two or five minutes of real time.",
        table="SELECT before, '', after FROM foundation.challenge_transition",
        moves=frozenset((before, "", after) for before, after in identity.TRANSITIONS),
        first="new",
        terminal=frozenset({"consumed", "expired", "refused"}),
    ),
)


def drawing(one: Lifecycle) -> str:
    """A lifecycle as a section of the reference."""
    lines = [f"    [*] --> {one.first}"]
    for before, event, after in sorted(one.moves):
        label = f" : {event}" if event else ""
        lines.append(f"    {before} --> {after}{label}")
    lines += [f"    {status} --> [*]" for status in sorted(one.terminal)]
    body = "\n".join(lines)
    return (
        f"\n## {one.title}\n\n{one.words}\n\n```mermaid\nstateDiagram-v2\n"
        f"    direction LR\n{body}\n```\n"
    )


def reference() -> str:
    """The whole page."""
    return HEAD + "".join(drawing(one) for one in LIFECYCLES)


def statuses(one: Lifecycle) -> set[str]:
    """Every status that a lifecycle names."""
    return {status for before, _, after in one.moves for status in (before, after)}


@pytest.mark.parametrize("one", LIFECYCLES, ids=lambda one: one.title)
def test_every_status_is_reached_and_terminal_ones_are_declared(one: Lifecycle) -> None:
    reached = {one.first}
    while more := {a for b, _, a in one.moves if b in reached and a not in reached}:
        reached |= more
    assert reached == statuses(one)
    assert one.terminal == statuses(one) - {before for before, _, _ in one.moves}


@pytest.mark.parametrize("one", LIFECYCLES, ids=lambda one: one.title)
async def test_the_database_holds_the_same_table(
    one: Lifecycle, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert {tuple(row) for row in await owner.fetch(one.table)} == one.moves


async def test_no_table_of_moves_is_forgotten(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await owner.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_catalog.pg_tables"
        " WHERE tablename LIKE '%\\_transition'"
    )
    assert {row["name"] for row in rows} == {one.table.split()[-1] for one in LIFECYCLES}


def test_the_drawings_are_those_of_the_code() -> None:
    assert REFERENCE.read_text("utf-8") == reference(), (
        "run python tests/architecture/test_lifecycles.py"
    )


if __name__ == "__main__":
    REFERENCE.write_text(reference(), "utf-8")
