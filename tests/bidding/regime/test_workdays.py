"""The working-day data balance with the statutory holidays, and unknown years are refused."""

from datetime import date

import pytest

from bidding.regime.catalogue import working_days
from bidding.regime.workdays import UnknownWorkingDay

STATUTORY = dict.fromkeys(range(2018, 2025), 11) | {2020: 13, 2025: 13, 2026: 13}


@pytest.mark.parametrize("year", range(2018, 2027))
def test_days_off_on_weekdays_less_work_on_weekends_are_the_statutory_holidays(year: int) -> None:
    known = working_days()
    off = [d for d in known.off if d.year == year]
    work = [d for d in known.work if d.year == year]
    assert all(d.weekday() < 5 for d in off)
    assert all(d.weekday() >= 5 for d in work)
    # 2020: two more, the spring festival was lengthened.
    assert len(off) - len(work) == STATUTORY[year]


def test_exceptions_hold_both_ways() -> None:
    known = working_days()
    assert not known.is_working(date(2019, 5, 2))
    assert known.is_working(date(2019, 5, 5))
    assert not known.is_working(date(2019, 5, 18))
    assert known.is_working(date(2019, 5, 17))


def test_counting_skips_what_is_off() -> None:
    known = working_days()
    # 2019-05-01 to 05-04 are off, Sunday 05-05 is a working day.
    assert known.after(date(2019, 4, 30), 1) == date(2019, 5, 5)
    assert known.after(date(2019, 4, 30), 3) == date(2019, 5, 7)
    assert known.between(date(2019, 4, 30), date(2019, 5, 7)) == 3
    assert known.on_or_after(date(2019, 10, 1)) == date(2019, 10, 8)


def test_a_year_nobody_announced_is_refused() -> None:
    with pytest.raises(UnknownWorkingDay, match="2018 to 2026"):
        working_days().is_working(date(2027, 1, 4))
