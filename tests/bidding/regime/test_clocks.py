"""Vector V20 and its neighbours: the periods of the Xiangshan tender, one day each way."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.regime.clocks import (
    BEIJING,
    BidDepositAboveCap,
    ClarificationTooLate,
    Clocks,
    ContractTooLate,
    NoticePeriodTooShort,
    ObjectionTooLate,
    PerformanceBondAboveCap,
    StandstillTooShort,
    StillInStandstill,
    beijing_date,
    clocks,
    end_of_day,
)
from bidding.regime.domain import NotLawful

DEADLINE = datetime(2019, 5, 17, 9, tzinfo=BEIJING)
XIANGSHAN = clocks("construction", date(2019, 4, 27))


def test_v20_days_around_the_xiangshan_deadline() -> None:
    closes_on = beijing_date(DEADLINE)
    assert XIANGSHAN.latest_issue_on(closes_on) == date(2019, 4, 27)
    assert XIANGSHAN.earliest_close_on(date(2019, 4, 27)) == closes_on
    assert XIANGSHAN.latest_clarification_on(closes_on) == date(2019, 5, 2)
    assert XIANGSHAN.last_document_objection_on(closes_on) == date(2019, 5, 7)
    assert closes_on + timedelta(days=65) == date(2019, 7, 21)


def test_v20_caps() -> None:
    assert XIANGSHAN.bid_deposit_cap_yuan(Decimal(8_000_000)) == Decimal("160000.00")
    assert XIANGSHAN.performance_bond_cap_yuan(Decimal(7_650_000)) == Decimal("765000.00")


def test_nineteen_days_are_refused_with_the_article_and_twenty_are_not() -> None:
    XIANGSHAN.require_notice_period(date(2019, 4, 27), DEADLINE)
    with pytest.raises(NoticePeriodTooShort) as caught:
        XIANGSHAN.require_notice_period(date(2019, 4, 28), DEADLINE)
    assert caught.value.article == "招标投标法 art. 24"
    assert caught.value.status == 422
    assert "got 19" in caught.value.message
    assert "2019-05-18 or later" in caught.value.message


def test_the_day_is_that_of_beijing_not_of_utc() -> None:
    # 2019-05-17 00:30 in Beijing is still 16 May in UTC.
    at = datetime(2019, 5, 17, 0, 30, tzinfo=BEIJING)
    XIANGSHAN.require_notice_period(date(2019, 4, 27), at)
    with pytest.raises(ValueError, match="without zone"):
        beijing_date(datetime(2019, 5, 17))  # noqa: DTZ001 - the refused form


REFUSALS: list[tuple[type[NotLawful], str, Callable[[Clocks], None]]] = [
    (
        ClarificationTooLate,
        "招标投标法 art. 23",
        lambda c: c.require_clarification_in_time(date(2019, 5, 3), DEADLINE),
    ),
    (
        ObjectionTooLate,
        "招标投标法实施条例 art. 22",
        lambda c: c.require_objection_in_time(date(2019, 5, 8), DEADLINE),
    ),
    (
        BidDepositAboveCap,
        "招标投标法实施条例 art. 26",
        lambda c: c.require_bid_deposit(Decimal("160000.01"), Decimal(8_000_000)),
    ),
    (
        PerformanceBondAboveCap,
        "招标投标法实施条例 art. 58",
        lambda c: c.require_performance_bond(Decimal("765000.01"), Decimal(7_650_000)),
    ),
    (StandstillTooShort, "招标投标法实施条例 art. 54", lambda c: c.require_standstill(2)),
    (
        StillInStandstill,
        "招标投标法实施条例 art. 54",
        lambda c: c.require_standstill_over(DEADLINE, DEADLINE + timedelta(milliseconds=1)),
    ),
    (
        ContractTooLate,
        "招标投标法 art. 46",
        lambda c: c.require_contract_in_time(date(2019, 7, 2), date(2019, 6, 1)),
    ),
]


@pytest.mark.parametrize(("kind", "article", "act"), REFUSALS, ids=lambda v: getattr(v, "code", ""))
def test_one_step_too_far_is_refused_with_its_article(
    kind: type[NotLawful], article: str, act: Callable[[Clocks], None]
) -> None:
    with pytest.raises(kind) as caught:
        act(XIANGSHAN)
    assert caught.value.article == article
    assert article in caught.value.message


def test_the_last_lawful_step_is_allowed() -> None:
    XIANGSHAN.require_clarification_in_time(date(2019, 5, 2), DEADLINE)
    XIANGSHAN.require_objection_in_time(date(2019, 5, 7), DEADLINE)
    XIANGSHAN.require_bid_deposit(Decimal(160_000), Decimal(8_000_000))
    XIANGSHAN.require_performance_bond(Decimal(765_000), Decimal(7_650_000))
    XIANGSHAN.require_standstill(3)
    XIANGSHAN.require_standstill_over(DEADLINE, DEADLINE)
    XIANGSHAN.require_contract_in_time(date(2019, 7, 1), date(2019, 6, 1))


def test_a_standstill_lasts_whole_days_and_does_not_end_on_a_day_off() -> None:
    monday = datetime(2019, 5, 20, 15, tzinfo=BEIJING)
    assert XIANGSHAN.standstill_ends_at(monday, 3) == end_of_day(date(2019, 5, 23))
    wednesday = datetime(2019, 5, 22, 15, tzinfo=BEIJING)
    assert XIANGSHAN.standstill_ends_at(wednesday, 3) == end_of_day(date(2019, 5, 27))
    with pytest.raises(StandstillTooShort):
        XIANGSHAN.standstill_ends_at(monday, 2)


def test_a_voluntary_tender_has_no_fixed_notice_period() -> None:
    clocks("voluntary", date(2019, 5, 1)).require_notice_period(date(2019, 5, 10), DEADLINE)


@given(st.dates(date(2019, 3, 2), date(2026, 11, 1)), st.integers(0, 40))
def test_a_notice_is_lawful_exactly_from_twenty_days_on(issued_on: date, days: int) -> None:
    rules = clocks("construction", issued_on)
    closes_at = datetime.combine(issued_on, DEADLINE.time(), BEIJING) + timedelta(days=days)
    if days >= 20:
        rules.require_notice_period(issued_on, closes_at)
    else:
        with pytest.raises(NoticePeriodTooShort):
            rules.require_notice_period(issued_on, closes_at)
