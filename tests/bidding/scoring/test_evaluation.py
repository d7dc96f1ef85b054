"""Technical scores, qualification, totals, ranks and candidates from sheets and prices."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.scoring.domain import (
    BadMethod,
    BadScore,
    CandidatesTied,
    CardIncomplete,
    NobodyQualified,
)
from bidding.scoring.evaluation import (
    ABOVE_CEILING,
    Mark,
    candidates,
    check_card,
    evaluate,
    rank,
    read_score,
    score_text,
    technical_scores,
)
from scoring_methods import a_method

METHOD = a_method()
EXPERTS = ("e1", "e2", "e3", "e4", "e5")


def card(
    expert: str, code: str, plan: str, team: str = "10", *, licence: bool = True
) -> list[Mark]:
    """One member's marks of one bid."""
    return [
        Mark(expert=expert, code=code, criterion="licence", score=None, passed=licence),
        Mark(expert=expert, code=code, criterion="plan", score=Decimal(plan), passed=None),
        Mark(expert=expert, code=code, criterion="team", score=Decimal(team), passed=None),
    ]


def cards(code: str, *plans: str, failed_by: int = 0) -> list[Mark]:
    """All members' marks of one bid; the first `failed_by` members fail its licence."""
    return [
        mark
        for n, plan in enumerate(plans)
        for mark in card(EXPERTS[n], code, plan, licence=n >= failed_by)
    ]


def three_bids(failed_by: int = 0) -> list[Mark]:
    return [
        *cards("01", "20", "21", "22", "20.5", "19", failed_by=failed_by),
        *cards("02", "18", "18", "18", "18", "18.5"),
        *cards("03", "24", "25", "23", "24", "24"),
    ]


PRICES = {"01": Decimal(480), "02": Decimal(500), "03": Decimal(510)}


def test_the_technical_score_is_the_mean_of_the_members_sums() -> None:
    found = technical_scores(METHOD, three_bids())
    assert {code: str(t.score) for code, t in found.items()} == {
        "01": "30.50",
        "02": "28.10",
        "03": "34.00",
    }
    assert found["01"].trace[0].formula == "mean of 29, 30, 30.5, 31, 32"


def test_v15_seven_judges_trimmed_one_on_each_side() -> None:
    # The sums are 82 85 84 61 83 86 95 less 60: the mean of the middle five is 84 - 60.
    method = a_method(panel_mean={"trim_each_side": 1})
    sums = ("12", "15", "14", "1", "13", "16", "25")
    marks = [mark for n, points in enumerate(sums) for mark in card(f"e{n}", "01", points, "0")]
    assert str(technical_scores(method, marks)["01"].score) == "14.00"
    with pytest.raises(BadMethod, match="more than 2 members"):
        technical_scores(method, card("e1", "01", "3") + card("e2", "01", "3"))


def test_totals_ranks_and_candidates() -> None:
    result = evaluate(METHOD, three_bids(), PRICES, float_point=None)
    rows = {
        r.code: (str(r.technical), str(r.price_score), str(r.total), r.rank) for r in result.results
    }
    # S = 496.67: 480 lies 3.356 % below, 500 0.671 % above, 510 2.685 % above.
    assert rows == {
        "01": ("30.50", "59.66", "90.16", 2),
        "02": ("28.10", "59.87", "87.97", 3),
        "03": ("34.00", "59.46", "93.46", 1),
    }
    assert result.candidates == ("03", "01", "02")
    assert str(result.price_benchmark) == "496.67"
    assert result.results[0].trace[-1].formula == "30.50 + 59.66"


@pytest.mark.parametrize(("failed_by", "qualified"), [(0, True), (2, True), (3, False), (5, False)])
def test_a_strict_majority_must_pass_every_requirement(failed_by: int, qualified: bool) -> None:
    result = evaluate(METHOD, three_bids(failed_by), PRICES, float_point=None)
    first = result.results[0]
    assert first.qualified is qualified
    assert (first.reason is None) is qualified
    assert (first.rank is None) is not qualified


def test_two_of_four_members_are_no_strict_majority() -> None:
    marks = cards("01", "20", "20", "20", "20", failed_by=2)
    assert technical_scores(METHOD, marks)["01"].failed == ("licence",)


def test_who_is_not_qualified_has_no_part_in_the_benchmark() -> None:
    result = evaluate(METHOD, three_bids(failed_by=3), PRICES, float_point=None)
    assert str(result.price_benchmark) == "505.00"
    assert result.candidates == ("03", "02")
    out = result.results[0]
    assert (out.technical, out.price_score, out.total) == (None, None, None)
    assert out.reason == "failed: licence"


def test_a_price_above_the_ceiling_is_not_qualified() -> None:
    result = evaluate(
        METHOD, three_bids(), PRICES, float_point=None, ceiling_yuan=Decimal("509.99")
    )
    assert result.results[2].reason == ABOVE_CEILING
    assert str(result.price_benchmark) == "490.00"
    level = evaluate(METHOD, three_bids(), PRICES, float_point=None, ceiling_yuan=Decimal(510))
    assert level.results[2].qualified


def test_nobody_qualified_is_refused_with_its_article() -> None:
    with pytest.raises(NobodyQualified) as caught:
        evaluate(METHOD, cards("01", "1", failed_by=1), {"01": Decimal(1)}, float_point=None)
    assert caught.value.article == "招标投标法 art. 42"


def test_sheets_and_prices_of_different_bids_are_refused() -> None:
    with pytest.raises(CardIncomplete, match="same bids"):
        evaluate(METHOD, three_bids(), {"01": Decimal(1)}, float_point=None)


def test_a_tie_goes_to_the_lower_price_then_shares_the_rank() -> None:
    totals = {"a": Decimal(90), "b": Decimal(90), "c": Decimal(90), "d": Decimal(80)}
    prices = {"a": Decimal(5), "b": Decimal(4), "c": Decimal(5), "d": Decimal(1)}
    assert rank(totals, prices) == {"b": 1, "a": 2, "c": 2, "d": 4}


def test_a_tie_for_the_last_place_is_left_to_the_panel() -> None:
    assert candidates({"a": 1, "b": 2, "c": 2, "d": 4}, 3) == ("a", "b", "c")
    with pytest.raises(CandidatesTied, match="b, c share rank 2"):
        candidates({"a": 1, "b": 2, "c": 2}, 2)


@given(st.permutations(three_bids()), st.permutations(sorted(PRICES)))
def test_law_the_order_of_members_and_bids_changes_nothing(
    marks: list[Mark], codes: list[str]
) -> None:
    prices = {code: PRICES[code] for code in codes}
    assert evaluate(METHOD, marks, prices, float_point=None) == evaluate(
        METHOD, three_bids(), PRICES, float_point=None
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=9))
def test_law_ranks_follow_totals_and_prices(rows: list[tuple[int, int]]) -> None:
    totals = {str(n): Decimal(total) for n, (total, _) in enumerate(rows)}
    prices = {str(n): Decimal(price) for n, (_, price) in enumerate(rows)}
    ranks = rank(totals, prices)
    for a in ranks:
        for b in ranks:
            better = (-totals[a], prices[a]) < (-totals[b], prices[b])
            assert (ranks[a] < ranks[b]) == better
    assert min(ranks.values()) == 1


def test_a_whole_card_passes() -> None:
    check_card(METHOD, ["01", "02"], card("e", "01", "24.5") + card("e", "02", "0", "15"))


@pytest.mark.parametrize(
    ("marks", "refusal"),
    [
        (card("e", "01", "20")[1:], CardIncomplete),
        (card("e", "01", "20") + card("e", "01", "20"), CardIncomplete),
        (card("e", "01", "20") + card("e", "02", "20"), CardIncomplete),
        (card("e", "01", "25.5"), BadScore),
        (card("e", "01", "-1"), BadScore),
        (card("e", "01", "20.3"), BadScore),
        (card("e", "01", "20", "12"), BadScore),
        (
            [
                *card("e", "01", "20")[1:],
                Mark(expert="e", code="01", criterion="licence", score=Decimal(1), passed=None),
            ],
            BadScore,
        ),
        (
            [
                *card("e", "01", "20")[:2],
                Mark(expert="e", code="01", criterion="team", score=None, passed=True),
            ],
            BadScore,
        ),
    ],
)
def test_another_card_is_refused(marks: list[Mark], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        check_card(METHOD, ["01"], marks)


def test_without_a_step_only_the_decimals_of_the_method_count() -> None:
    method = a_method(
        criteria=[
            {"id": "t", "name": "t", "volume": "tech", "kind": "range", "max": "40", "step": None}
        ]
    )
    fine = Mark(expert="e", code="01", criterion="t", score=Decimal("39.99"), passed=None)
    check_card(method, ["01"], [fine])
    with pytest.raises(BadScore, match="2 decimals"):
        check_card(
            method,
            ["01"],
            [Mark(expert="e", code="01", criterion="t", score=Decimal("1.001"), passed=None)],
        )


@pytest.mark.parametrize("text", ["0", "15", "12.5", "100"])
def test_a_score_has_one_spelling(text: str) -> None:
    assert score_text(read_score(text)) == text


@pytest.mark.parametrize("text", ["", "15.0", "1e1", "015", "NaN", "+1", " 1", "1\n", "一", "-0"])
def test_every_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(BadScore):
        read_score(text)
