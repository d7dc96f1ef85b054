"""The price formulas against their worked vectors, and the laws that every formula obeys."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bidding.scoring.domain import BadMethod, BadPrices, read_method
from bidding.scoring.exact import half_up, shown
from bidding.scoring.formulas import score_prices
from scoring_methods import CRITERIA, FLOATS, PRICES, a_method, listed, method_json

formulas = st.sampled_from(sorted(PRICES))
fen = st.integers(1, 10**12).map(lambda n: Decimal(n) / 100)
price_lists = st.lists(fen, min_size=1, max_size=12)

VECTORS = [
    ("V1", (950000, 1000000, 1100000), "950000.00", "60.00 57.00 51.82"),
    (
        "V4",
        (9800000, 9650000, 10050000, 9500000, 9720000),
        "9723333.33",
        "59.21 59.63 56.64 58.85 59.99",
    ),
    ("V4", (9800000, 9650000, 10050000), "9833333.33", "59.83 59.07 57.80"),
    ("V5", (480, 500, 510, 520, 560), "510.00", "59.41 59.80 60.00 59.61 58.04"),
    ("V5", (480, 500, 510, 560), "512.50", "59.37 59.76 59.95 58.15"),
]


@pytest.mark.parametrize(("formula", "prices", "benchmark", "scores"), VECTORS)
def test_worked_vectors(
    formula: str, prices: tuple[float, ...], benchmark: str, scores: str
) -> None:
    priced = score_prices(a_method(formula), listed(*prices))
    assert str(priced.benchmark) == benchmark
    assert " ".join(str(score.score) for score in priced.scores) == scores


def test_v1_on_forty_points() -> None:
    technical = {**CRITERIA[1], "max": "60", "step": None}
    method = read_method(
        method_json(price={"formula": "V1", "full": "40"}, criteria=[CRITERIA[0], technical])
    )
    priced = score_prices(method, listed(950000, 1000000, 1100000))
    assert [str(score.score) for score in priced.scores] == ["40.00", "38.00", "34.55"]


def test_v5_with_the_drawn_float_point_c() -> None:
    method = a_method(floats=True)
    priced = score_prices(method, listed(480, 500, 510, 520, 560), method.float_point("C"))
    assert str(priced.benchmark) == "504.90"
    assert [str(s.score) for s in priced.scores] == ["59.51", "59.90", "59.80", "59.40", "57.82"]


def test_v11_float_points_on_ten_million() -> None:
    method = a_method(floats=True)
    benchmarks = [
        score_prices(method, listed(10_000_000), method.float_point(point["id"])).benchmark
        for point in FLOATS
    ]
    assert [f"{b:.0f}" for b in benchmarks] == [
        "9850000",
        "9875000",
        "9900000",
        "9925000",
        "9950000",
        "9975000",
    ]


def test_a_float_point_is_named_exactly_when_the_method_draws_one() -> None:
    with pytest.raises(BadMethod, match="expected the drawn float point"):
        score_prices(a_method(floats=True), listed(1, 2))
    with pytest.raises(BadMethod, match="draws no float point"):
        score_prices(a_method(), listed(1, 2), a_method(floats=True).float_point("A"))
    with pytest.raises(BadMethod, match="got 'Z'"):
        a_method(floats=True).float_point("Z")


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_prices_that_cannot_be_scored_are_refused(price: str) -> None:
    with pytest.raises(BadPrices, match="above 0"):
        score_prices(a_method(), {"b": Decimal(price)})
    with pytest.raises(BadPrices, match="got none"):
        score_prices(a_method(), {})


@given(formulas, price_lists)
def test_law_the_order_of_bids_changes_nothing(formula: str, prices: list[Decimal]) -> None:
    forward = listed(*prices)
    backward = dict(reversed(forward.items()))
    assert score_prices(a_method(formula), forward) == score_prices(a_method(formula), backward)


@given(formulas, price_lists, st.integers(1, 1000))
def test_law_scaling_all_prices_changes_no_score(
    formula: str, prices: list[Decimal], factor: int
) -> None:
    once = score_prices(a_method(formula), listed(*prices))
    scaled = score_prices(a_method(formula), listed(*(p * factor for p in prices)))
    assert [s.score for s in once.scores] == [s.score for s in scaled.scores]


@given(formulas, price_lists)
def test_law_every_bid_is_scored_between_nothing_and_full(
    formula: str, prices: list[Decimal]
) -> None:
    method = a_method(formula)
    priced = score_prices(method, listed(*prices))
    assert len(priced.scores) == len(prices)
    assert all(0 <= s.score <= method.price.full for s in priced.scores)
    assert all(s.score.as_tuple().exponent == -2 for s in priced.scores)


@given(formulas, price_lists)
def test_law_equal_prices_have_equal_scores(formula: str, prices: list[Decimal]) -> None:
    by_price: dict[Decimal, set[Decimal]] = {}
    for score in score_prices(a_method(formula), listed(*prices)).scores:
        by_price.setdefault(score.price_yuan, set()).add(score.score)
    assert all(len(scores) == 1 for scores in by_price.values())


@given(price_lists, st.integers(0, 11), fen)
def test_law_v1_a_lower_price_never_lowers_ones_own_score(
    prices: list[Decimal], index: int, lower: Decimal
) -> None:
    index %= len(prices)
    assume(lower < prices[index])
    before = listed(*prices)
    after = {**before, f"b{index}": lower}
    own = {s.bidder: s.score for s in score_prices(a_method("V1"), before).scores}
    now = {s.bidder: s.score for s in score_prices(a_method("V1"), after).scores}
    assert now[f"b{index}"] >= own[f"b{index}"]


@given(st.sampled_from([("V4", 4), ("V5", 5)]), price_lists)
def test_law_the_mean_leaves_out_exactly_one_on_each_side_from_the_stated_count(
    formula: tuple[str, int], prices: list[Decimal]
) -> None:
    name, trims_from = formula
    kept = sorted(prices)[1:-1] if len(prices) >= trims_from else prices
    expected = sum(map(Fraction, kept), Fraction(0)) / len(kept)
    assert score_prices(a_method(name), listed(*prices)).benchmark == half_up(expected, 2)


@given(formulas, price_lists)
def test_law_a_trace_ends_in_the_score_and_re_derives_it(
    formula: str, prices: list[Decimal]
) -> None:
    for score in score_prices(a_method(formula), listed(*prices)).scores:
        assert Decimal(score.trace[-1].value) == score.score
        shown_raw = re.match(r"max\((.+), 0\) to 2 decimals", score.trace[-1].formula)
        assert shown_raw is not None
        raw = max(Fraction(shown_raw.group(1)), Fraction(0))
        # The text is rounded to ten places, so at a half the last digit may differ.
        assert abs(half_up(raw, 2) - score.score) <= Decimal("0.01")
        assert shown_raw.group(1) == score.trace[-2].value


def test_a_trace_can_be_followed_by_hand() -> None:
    method = a_method(floats=True)
    priced = score_prices(method, listed(480, 500, 510, 520, 560), method.float_point("C"))
    assert [(s.name, s.formula, s.value) for s in priced.scores[0].trace] == [
        ("bids", "from 5 on, without the highest and the lowest", "5"),
        ("mean", "(2570.00 − 560.00 − 480.00) / 3", "510.00"),
        ("benchmark", "510.00 × (1 − 0.01), float point C", "504.90"),
        ("deviation", "|480.00 − 504.90| / 504.90", "0.0493166964"),
        ("score", "60 − 0.0493166964 × 0.1 × 100", "59.5068330362"),
        ("price_score", "max(59.5068330362, 0) to 2 decimals, half up", "59.51"),
    ]


def test_rounding_is_half_up_and_exact() -> None:
    assert half_up(Fraction("0.125"), 2) == Decimal("0.13")
    assert half_up(Fraction("-0.125"), 2) == Decimal("-0.13")
    assert str(half_up(Fraction(-1, 1000), 2)) == "0.00"
    # Binary floating point would say 2.67.
    assert half_up(Fraction("2.675"), 2) == Decimal("2.68")
    assert shown(Fraction(1, 3)) == "0.3333333333"
    assert shown(Fraction(100)) == "100"
