"""Working days of mainland China: weekdays without the announced days off, and shifted weekends."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from foundation.problems import Unavailable

SATURDAY: Final = 5


class UnknownWorkingDay(Unavailable):
    """Working days of that year are not known yet."""

    code = "unknown-working-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDays:
    """The announced exceptions of each known year."""

    years: frozenset[int]
    off: frozenset[date]
    work: frozenset[date]

    def is_working(self, day: date) -> bool:
        """Whether offices work on a day; refuses a year whose exceptions are not announced."""
        if day.year not in self.years:
            raise UnknownWorkingDay(
                f"expected a day of {min(self.years)} to {max(self.years)}, got {day.isoformat()}; "
                "add that year's announcement to the working-day data"
            )
        if day in self.work:
            return True
        return day.weekday() < SATURDAY and day not in self.off

    def on_or_after(self, day: date) -> date:
        """The first working day from a day on."""
        while not self.is_working(day):
            day += timedelta(days=1)
        return day

    def after(self, day: date, count: int) -> date:
        """The day on which `count` working days have passed; the start day is not counted."""
        for _ in range(count):
            day = self.on_or_after(day + timedelta(days=1))
        return day

    def between(self, start: date, end: date) -> int:
        """How many working days lie after `start` and up to `end`."""
        days = (end - start).days
        return sum(self.is_working(start + timedelta(days=n)) for n in range(1, days + 1))
