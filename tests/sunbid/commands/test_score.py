"""The score command: V5 by file, totals where technical scores are given, refusals in words."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from bidding.scoring.domain import BadMethod, BadPrices
from foundation.problems import Refused
from scoring_methods import FLOATS, PRICES, method_json
from sunbid.commands import score

BIDS = [
    {"bidder": name, "price": price}
    for name, price in zip("甲乙丙丁戊", ("480", "500", "510", "520", "560"), strict=True)
]
WITH_FLOATS = method_json(price={**PRICES["V5"], "float_points": FLOATS})


def play(folder: Path, *words: str, method: Any = None, bids: Any = None) -> int:
    (folder / "method.json").write_text(json.dumps(method or method_json()), encoding="utf-8")
    (folder / "bids.json").write_text(json.dumps(BIDS if bids is None else bids), encoding="utf-8")
    parser = argparse.ArgumentParser()
    score.add_arguments(parser)
    files = [str(folder / "method.json"), str(folder / "bids.json")]
    return score.run(parser.parse_args([*files, *words]))


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_v5_has_the_shape_and_numbers_of_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(tmp_path, "--json") == 0
    found = answer(capsys)
    assert found["benchmark"] == "510.00"
    assert [row["price_score"] for row in found["scores"]] == [
        "59.41",
        "59.80",
        "60.00",
        "59.61",
        "58.04",
    ]
    assert set(found["scores"][0]) == {"bidder", "price_score", "trace"}
    assert found["scores"][0]["trace"][-1]["value"] == "59.41"


def test_the_drawn_float_point_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(tmp_path, "--float", "C", "--json", method=WITH_FLOATS)
    assert answer(capsys)["benchmark"] == "504.90"
    with pytest.raises(BadMethod, match="float point"):
        play(tmp_path, "--json", method=WITH_FLOATS)


def test_totals_and_ranks_where_technical_scores_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bids = [{**row, "technical": str(30 + n)} for n, row in enumerate(BIDS)]
    bids[4]["qualified"] = False  # type: ignore[assignment]
    play(tmp_path, "--json", bids=bids)
    rows = answer(capsys)["scores"]
    # Four qualified bids are not trimmed: S = 502.50.
    assert [(row.get("total"), row.get("rank")) for row in rows] == [
        ("89.55", 4),
        ("90.95", 3),
        ("91.70", 2),
        ("92.30", 1),
        (None, None),
    ]
    assert rows[4]["price_score"] is None


def test_people_read_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(tmp_path)
    assert "mean: (2570.00 − 560.00 − 480.00) / 3 = 510.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("bids", "refusal"),
    [
        ([], BadPrices),
        ({}, BadPrices),
        ([{"price": "1"}], BadPrices),
        ([{"bidder": "a"}], BadPrices),
        ([{"bidder": "a", "price": 1}], BadPrices),
        ([{"bidder": "a", "price": "one"}], BadPrices),
        ([{"bidder": "a", "price": "-1"}], BadPrices),
        ([{"bidder": "a", "price": "1", "qualified": "no"}], BadPrices),
        ([{"bidder": "a", "price": "1"}, {"bidder": "a", "price": "2"}], BadPrices),
    ],
)
def test_wrong_bids_are_refused_with_a_sentence(
    tmp_path: Path, bids: Any, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal, match="expected"):
        play(tmp_path, bids=bids)
