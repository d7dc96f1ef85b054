"""`sunbid draw`: redo a draw from its committed list and public seed, without any server."""

import argparse
import json
from pathlib import Path
from typing import Any

from foundation.draw import BadPool, BadSeed, Drawn, draw, draw_in_order, read_constraints
from sunbid.commands.files import read_json

HELP = "redo a draw from its list, seed and constraints"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("pool", type=Path, metavar="POOL.json", help="the committed list")
    parser.add_argument(
        "--seed",
        required=True,
        metavar="HEX",
        help="the public seed with --purpose; without it the seed of the drawing itself",
    )
    parser.add_argument(
        "--purpose", metavar="TEXT", help="what is drawn, such as experts/<tender>/<lot>"
    )
    parser.add_argument("--constraints", required=True, type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="write the outcome as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Draws and prints the outcome; refuses files and seeds of another form."""
    pool = read_json(arguments.pool)
    if not isinstance(pool, list) or not all(isinstance(row, dict) for row in pool):
        raise BadPool(f"expected {arguments.pool} to hold a list of objects with ids")
    constraints = read_constraints(read_json(arguments.constraints))
    seed = seed_of(arguments.seed)
    if arguments.purpose is None:
        outcome = draw_in_order(pool, seed, constraints)
    else:
        outcome = draw(pool, seed, arguments.purpose, constraints)
    if arguments.json:
        print(json.dumps(outcome_json(outcome), ensure_ascii=False, indent=2))
    else:
        print_outcome(outcome)
    return 0


def seed_of(text: str) -> bytes:
    """The bytes of a seed; refuses what is not hexadecimal."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadSeed(
            f"expected --seed in hexadecimal (64 digits for a public seed), got {text[:20]!r}"
        ) from None


def outcome_json(outcome: Drawn) -> dict[str, Any]:
    """The outcome in the shape of commands.md."""
    return {
        "drawn": list(outcome.drawn),
        "reserve": list(outcome.reserve),
        "excluded": [{"id": row.id, "reason": row.reason} for row in outcome.excluded],
        "pool_sha256": outcome.pool_sha256,
    }


def print_outcome(outcome: Drawn) -> None:
    """The outcome for a person."""
    for place, candidate in enumerate(outcome.drawn, 1):
        print(f"{place:>3}  {candidate}")
    for candidate in outcome.reserve:
        print(f"  +  {candidate} (reserve)")
    for row in outcome.excluded:
        print(f"  -  {row.id} ({row.reason})")
    print(f"list SHA-256 {outcome.pool_sha256}")
