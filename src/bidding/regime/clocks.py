"""The periods of a procedure, counted as the law counts them.

Days are those of Beijing time; the day on which a period starts is not counted. Each `require_…`
refuses with the article that stands against it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from typing import Final

from bidding.regime.catalogue import rule, working_days
from bidding.regime.domain import NotLawful, Rule, UnknownRule
from bidding.regime.workdays import WorkingDays
from foundation.problems import Invalid

# China keeps one time without summer time; a table of zones would add a dependency, not a fact.
BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
FEN: Final = Decimal("0.01")


class NoticePeriodTooShort(NotLawful):
    """The time between the tender documents and the deadline is too short."""

    code = "notice-period-too-short"


class ClarificationTooLate(NotLawful):
    """It is too late to clarify or change the tender documents."""

    code = "clarification-too-late"


class ObjectionTooLate(NotLawful):
    """It is too late to object to the tender documents."""

    code = "objection-too-late"


class BidDepositAboveCap(NotLawful):
    """The bid deposit is above the cap."""

    code = "bid-deposit-above-cap"


class PerformanceBondAboveCap(NotLawful):
    """The performance bond is above the cap."""

    code = "performance-bond-above-cap"


class StandstillTooShort(NotLawful):
    """The candidates must stay published for longer."""

    code = "standstill-too-short"


class StillInStandstill(NotLawful):
    """The standstill has not ended."""

    code = "still-in-standstill"


class ContractTooLate(NotLawful):
    """The time to sign the contract is over."""

    code = "contract-too-late"


def beijing_date(at: datetime) -> date:
    """The day in Beijing of an aware time."""
    if at.tzinfo is None:
        raise ValueError("a time without zone has no day")
    try:
        return at.astimezone(BEIJING).date()
    except OverflowError:
        raise Invalid(f"expected a day of this era, got {at.isoformat()}; correct it") from None


def end_of_day(day: date) -> datetime:
    """The moment a Beijing day ends, as an aware time."""
    return datetime.combine(day + timedelta(days=1), time(), BEIJING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clocks of one regime as its rules stood on a day (the day of the act)."""

    regime: str
    on_date: date
    calendar: WorkingDays

    def rule(self, name: str) -> Rule:
        """The rule of this name on the day."""
        return rule(self.regime, name, self.on_date)

    def earliest_close_on(self, issued_on: date) -> date:
        """The first lawful day of the deadline when the documents are issued on a day."""
        try:
            return issued_on + timedelta(days=self.rule("notice_period_days").whole)
        except OverflowError:
            raise Invalid(f"expected a day of this era, got {issued_on}; correct it") from None

    def latest_issue_on(self, closes_on: date) -> date:
        """The last lawful day to issue the documents for a deadline."""
        return closes_on - timedelta(days=self.rule("notice_period_days").whole)

    def latest_clarification_on(self, closes_on: date) -> date:
        """The last day on which a clarification needs no later deadline."""
        return closes_on - timedelta(days=self.rule("clarification_days").whole)

    def last_document_objection_on(self, closes_on: date) -> date:
        """The last day to object to the tender documents."""
        return closes_on - timedelta(days=self.rule("document_objection_days").whole)

    def standstill_ends_at(self, starts_at: datetime, days: int) -> datetime:
        """The end of the last day of the standstill; a last day off moves to a working day.

        Refuses fewer days than the regime asks for.
        """
        self.require_standstill(days)
        last = beijing_date(starts_at) + timedelta(days=days)
        if self._rolls():
            last = self.calendar.on_or_after(last)
        return end_of_day(last)

    def contract_due_on(self, letter_on: date) -> date:
        """The last day to sign the contract after the letter of award."""
        return letter_on + timedelta(days=self.rule("contract_days").whole)

    def bid_deposit_cap_yuan(self, estimate_yuan: Decimal) -> Decimal:
        """The highest deposit that may be asked for; never rounded up above the cap."""
        ratio = self.rule("bid_deposit_cap").ratio
        return (estimate_yuan * ratio).quantize(FEN, rounding=ROUND_DOWN)

    def performance_bond_cap_yuan(self, contract_yuan: Decimal) -> Decimal:
        """The highest performance bond that may be asked for; never rounded up above the cap."""
        ratio = self.rule("performance_bond_cap").ratio
        return (contract_yuan * ratio).quantize(FEN, rounding=ROUND_DOWN)

    def require_notice_period(self, issued_on: date, closes_at: datetime) -> None:
        """Refuses a deadline that comes too soon after the documents are issued."""
        closes_on = beijing_date(closes_at)
        earliest = self.earliest_close_on(issued_on)
        if closes_on < earliest:
            least = self.rule("notice_period_days")
            raise NoticePeriodTooShort(
                f"expected at least {least.whole} days from the issue of the tender documents on "
                f"{issued_on} to the deadline, got {(closes_on - issued_on).days} "
                f"({closes_on}); set the deadline to {earliest} or later ({least.article})",
                article=least.article,
            )

    def require_clarification_in_time(self, given_on: date, closes_at: datetime) -> None:
        """Refuses a clarification too near to the deadline."""
        closes_on = beijing_date(closes_at)
        latest = self.latest_clarification_on(closes_on)
        if given_on > latest:
            least = self.rule("clarification_days")
            raise ClarificationTooLate(
                f"expected a clarification at least {least.whole} days before the deadline on "
                f"{closes_on}, by {latest}, got {given_on}; move the deadline ({least.article})",
                article=least.article,
            )

    def require_objection_in_time(self, raised_on: date, closes_at: datetime) -> None:
        """Refuses an objection to the documents too near to the deadline."""
        closes_on = beijing_date(closes_at)
        last = self.last_document_objection_on(closes_on)
        if raised_on > last:
            least = self.rule("document_objection_days")
            raise ObjectionTooLate(
                f"expected an objection to the tender documents by {last}, {least.whole} days "
                f"before the deadline on {closes_on}, got {raised_on}; a complaint to the "
                f"supervisor remains ({least.article})",
                article=least.article,
            )

    def require_bid_deposit(self, deposit_yuan: Decimal, estimate_yuan: Decimal) -> None:
        """Refuses a bid deposit above the cap."""
        cap = self.bid_deposit_cap_yuan(estimate_yuan)
        if deposit_yuan > cap:
            limit = self.rule("bid_deposit_cap")
            raise BidDepositAboveCap(
                f"expected a bid deposit of at most {cap} yuan ({limit.ratio:%} of "
                f"{estimate_yuan}), got {deposit_yuan}; lower it ({limit.article})",
                article=limit.article,
            )

    def require_performance_bond(self, bond_yuan: Decimal, contract_yuan: Decimal) -> None:
        """Refuses a performance bond above the cap."""
        cap = self.performance_bond_cap_yuan(contract_yuan)
        if bond_yuan > cap:
            limit = self.rule("performance_bond_cap")
            raise PerformanceBondAboveCap(
                f"expected a performance bond of at most {cap} yuan ({limit.ratio:%} of "
                f"{contract_yuan}), got {bond_yuan}; lower it ({limit.article})",
                article=limit.article,
            )

    def require_standstill(self, days: int) -> None:
        """Refuses a standstill shorter than the regime's."""
        least = self.rule("standstill_days")
        if days < least.whole:
            raise StandstillTooShort(
                f"expected the candidates to stay published for at least {least.whole} days, got "
                f"{days}; lengthen the standstill ({least.article})",
                article=least.article,
            )

    def require_standstill_over(self, now: datetime, ends_at: datetime) -> None:
        """Refuses to go on while the standstill lasts."""
        if now < ends_at:
            least = self.rule("standstill_days")
            raise StillInStandstill(
                f"expected the standstill to be over, it ends at {ends_at.isoformat()}, got "
                f"{now.isoformat()}; wait until then ({least.article})",
                article=least.article,
            )

    def require_contract_in_time(self, signed_on: date, letter_on: date) -> None:
        """Refuses a contract signed after its time."""
        due = self.contract_due_on(letter_on)
        if signed_on > due:
            limit = self.rule("contract_days")
            raise ContractTooLate(
                f"expected the contract within {limit.whole} days of the letter of award of "
                f"{letter_on}, by {due}, got {signed_on}; ask the supervisor ({limit.article})",
                article=limit.article,
            )

    def _rolls(self) -> bool:
        try:
            return self.rule("last_day_rolls_to_working_day").on
        except UnknownRule:
            return False


def clocks(regime: str, on_date: date) -> Clocks:
    """The clocks of a regime on the day of an act, with the working days that are known."""
    return Clocks(regime=regime, on_date=on_date, calendar=working_days())
