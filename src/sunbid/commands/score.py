"""`sunbid score`: score prices by a published method, with every step, without any server."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bidding.scoring.domain import BadPrices, FloatPoint, Method, read_method
from bidding.scoring.evaluation import rank
from bidding.scoring.formulas import PriceScores, score_prices
from foundation.statements.canonical import Json
from sunbid.commands.files import read_json

HELP = "score prices by a method, with a trace of every step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """One row of BIDS.json; without `technical` there is no total."""

    bidder: str
    price_yuan: Decimal
    technical: Decimal | None
    qualified: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("method", type=Path, metavar="METHOD.json", help="the scoring method")
    parser.add_argument("bids", type=Path, metavar="BIDS.json", help="bidders and their prices")
    parser.add_argument("--float", dest="float_point", metavar="ID", help="the drawn float point")
    parser.add_argument("--json", action="store_true", help="write the scores as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Scores and prints; refuses a method or bids of another form."""
    method = read_method(read_json(arguments.method))
    bids = read_bids(read_json(arguments.bids))
    qualified = {bid.bidder: bid.price_yuan for bid in bids if bid.qualified}
    priced = score_prices(method, qualified, float_point_of(method, arguments.float_point))
    rows = score_rows(priced, bids)
    if arguments.json:
        answer = {"benchmark": str(priced.benchmark), "scores": rows}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        print_scores(priced, rows)
    return 0


def float_point_of(method: Method, name: str | None) -> FloatPoint | None:
    """The named float point; refuses one that the method does not list."""
    return None if name is None else method.float_point(name)


def read_bids(value: Json) -> list[Bid]:
    """The bids of BIDS.json; keys beyond those known are left alone."""
    if not isinstance(value, list) or not value:
        raise BadPrices('expected BIDS.json to be a list of {"bidder": "…", "price": "…"}')
    bids = [_bid(row) for row in value]
    if len({bid.bidder for bid in bids}) != len(bids):
        raise BadPrices("expected every bidder once, got one twice; remove one of them")
    return bids


def score_rows(priced: PriceScores, bids: list[Bid]) -> list[dict[str, Any]]:
    """One row for each bid in the order of the file; totals and ranks where all have technical."""
    scores = {score.bidder: score for score in priced.scores}
    ranks = totals_and_ranks(priced, bids)
    rows = []
    for bid in bids:
        score = scores.get(bid.bidder)
        row: dict[str, Any] = {
            "bidder": bid.bidder,
            "price_score": None if score is None else str(score.score),
            "trace": []
            if score is None
            else [
                {"name": step.name, "formula": step.formula, "value": step.value}
                for step in score.trace
            ],
        }
        if bid.bidder in ranks:
            total, place = ranks[bid.bidder]
            row |= {"total": str(total), "rank": place}
        rows.append(row)
    return rows


def totals_and_ranks(priced: PriceScores, bids: list[Bid]) -> Mapping[str, tuple[Decimal, int]]:
    """Totals and ranks of the qualified bids, where every one has a technical score."""
    technical = {bid.bidder: bid.technical for bid in bids if bid.qualified}
    known = {bidder: score for bidder, score in technical.items() if score is not None}
    if len(known) != len(technical):
        return {}
    totals = {score.bidder: known[score.bidder] + score.score for score in priced.scores}
    prices = {score.bidder: score.price_yuan for score in priced.scores}
    ranks = rank(totals, prices)
    return {bidder: (totals[bidder], ranks[bidder]) for bidder in totals}


def print_scores(priced: PriceScores, rows: list[dict[str, Any]]) -> None:
    """The scores for a person."""
    print(f"benchmark {priced.benchmark}")
    for row in rows:
        total = f"  total {row['total']}  rank {row['rank']}" if "total" in row else ""
        print(f"\n{row['bidder']}  price score {row['price_score'] or 'none'}{total}")
        for step in row["trace"]:
            print(f"    {step['name']}: {step['formula']} = {step['value']}")


def _bid(row: Json) -> Bid:
    if not isinstance(row, dict) or not isinstance(row.get("bidder"), str) or not row["bidder"]:
        raise BadPrices("expected every bid to have a bidder (text), got one without")
    if not isinstance(row.get("qualified", True), bool):
        raise BadPrices(f"expected qualified of {row['bidder'][:60]!r} to be true or false")
    price = _number(row, "price")
    if price is None:
        raise BadPrices(f"expected a price for {row['bidder'][:60]!r}, got none")
    return Bid(
        bidder=row["bidder"],
        price_yuan=price,
        technical=_number(row, "technical"),
        qualified=row.get("qualified", True),
    )


def _number(row: Mapping[str, Json], key: str) -> Decimal | None:
    value = row.get(key)
    if value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BadPrices(
            f"expected {key} of {row['bidder'][:60]!r} as decimal text, got {value!r:.40}"
        )
    return number
