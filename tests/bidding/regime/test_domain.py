"""Rule data: found by day, never twice for one day, cited as surely as it is known."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.regime.catalogue import REGIMES, rule, rule_set_from, rule_sets
from bidding.regime.domain import UnknownRegime, UnknownRule, chinese_number


def test_a_rule_has_its_value_article_and_mark() -> None:
    found = rule("construction", "notice_period_days", date(2019, 4, 26))
    assert (found.value, found.article, found.mark) == (20, "招标投标法 art. 24", "LAW")
    assert found.article_zh == "招标投标法第二十四条"


def test_units_give_exact_values() -> None:
    day = date(2019, 5, 1)
    assert rule("construction", "bid_deposit_cap", day).ratio == Decimal("0.02")
    assert rule("construction", "panel_expert_share", day).share == Fraction(2, 3)
    assert rule("construction", "panel_odd", day).on
    with pytest.raises(TypeError, match="no whole number"):
        _ = rule("construction", "panel_odd", day).whole


def test_before_the_text_that_was_read_a_rule_is_from_memory_and_says_so() -> None:
    early = rule("construction", "notice_period_days", date(2015, 1, 1))
    assert early.mark == "OWN"
    assert early.article == "招标投标法 art. 24 [OWN]"


def test_the_pilot_departs_only_where_it_says_so_and_is_marked_synthetic() -> None:
    day = date(2019, 5, 20)
    assert rule("construction", "award_to_first_candidate", day).on
    departed = rule("construction-pilot", "award_to_first_candidate", day)
    assert not departed.on
    assert departed.mark == "SYNTHETIC"
    assert departed.article.endswith("[SYNTHETIC]")
    kept = rule("construction-pilot", "notice_period_days", day)
    assert (kept.whole, kept.mark) == (20, "LAW")
    assert rule_sets()["construction-pilot"].synthetic
    assert not rule_sets()["construction"].synthetic


def test_unknown_names_and_days_are_refused() -> None:
    with pytest.raises(UnknownRegime, match="expected one of construction"):
        rule("land", "notice_period_days", date(2019, 1, 1))
    with pytest.raises(UnknownRule, match="none of that name"):
        rule("construction", "lunch_break", date(2019, 1, 1))
    with pytest.raises(UnknownRule, match="other times only"):
        rule("construction", "notice_period_days", date(1999, 12, 31))


def test_two_rules_for_one_day_are_an_error_in_the_data() -> None:
    row = {
        "name": "n",
        "value": 1,
        "unit": "days",
        "law": "法",
        "article": 1,
        "valid_from": date(2020, 1, 1),
        "mark": "OWN",
        "says": "…",
    }
    with pytest.raises(ValueError, match="said twice"):
        rule_set_from({"regime": "r", "title": "t", "rule": [row, row]})


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_has_the_core_numbers(regime: str) -> None:
    day = date(2019, 5, 17)
    names = ("notice_period_days", "minimum_bidders", "bid_deposit_cap", "contract_days")
    assert [rule(regime, name, day).name for name in names] == list(names)


@given(st.sampled_from(REGIMES), st.dates(date(2000, 1, 1), date(2030, 1, 1)))
def test_one_rule_at_most_on_any_day(regime: str, day: date) -> None:
    names = {r.name for r in rule_sets()[regime].rules}
    for name in names:
        holding = [r for r in rule_sets()[regime].rules if r.name == name and r.holds_on(day)]
        assert len(holding) <= 1


@given(st.sampled_from(REGIMES))
def test_a_rule_is_found_on_its_first_and_last_day_but_not_outside(regime: str) -> None:
    for stated in rule_sets()[regime].rules:
        assert rule(regime, stated.name, stated.valid_from) == stated
        if stated.valid_to is not None:
            assert rule(regime, stated.name, stated.valid_to) == stated
            assert not stated.holds_on(stated.valid_to + timedelta(days=1))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "一"),
        (10, "十"),
        (15, "十五"),
        (20, "二十"),
        (24, "二十四"),
        (100, "一百"),
        (101, "一百零一"),
        (110, "一百一十"),
        (154, "一百五十四"),
        (1020, "一千零二十"),
    ],
)
def test_article_numbers_read_as_statutes_write_them(number: int, text: str) -> None:
    assert chinese_number(number) == text
