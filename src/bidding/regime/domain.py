"""Rules of law as dated values: what a rule says, since when, by which article, how surely known.

A value is never written in code. `Mark` says whether the text of the article was read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from foundation.problems import Invalid, NotFound

Mark: TypeAlias = Literal["LAW", "PAGE", "OWN", "SYNTHETIC"]
Unit: TypeAlias = Literal["days", "working_days", "count", "ratio", "share", "switch", "word"]
Value: TypeAlias = int | bool | Decimal | Fraction | str

DIGITS: Final = "零一二三四五六七八九"


class UnknownRegime(NotFound):
    """There is no such set of rules."""

    code = "unknown-regime"


class UnknownRule(NotFound):
    """No rule of this name was in force on that day."""

    code = "unknown-rule"


class NotLawful(Invalid):
    """A rule of law does not allow this."""

    code = "not-lawful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as it stood on a day."""

    regime: str
    name: str
    value: Value
    unit: Unit
    law: str
    number: int
    mark: Mark
    valid_from: date
    valid_to: date | None
    says: str

    @property
    def article(self) -> str:
        """The citation for a message; one that was not read in the law's text says so."""
        plain = f"{self.law} art. {self.number}"
        return plain if self.mark == "LAW" else f"{plain} [{self.mark}]"

    @property
    def article_zh(self) -> str:
        """The citation as the law itself counts its articles."""
        return f"{self.law}第{chinese_number(self.number)}条"

    @property
    def whole(self) -> int:
        """The value as a number of days or things."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise TypeError(f"the rule {self.name} is no whole number")
        return self.value

    @property
    def ratio(self) -> Decimal:
        """The value as a part of an amount of money."""
        if not isinstance(self.value, Decimal):
            raise TypeError(f"the rule {self.name} is no ratio")
        return self.value

    @property
    def share(self) -> Fraction:
        """The value as a part of a number of people."""
        if not isinstance(self.value, Fraction):
            raise TypeError(f"the rule {self.name} is no share")
        return self.value

    @property
    def on(self) -> bool:
        """Whether the rule is switched on."""
        if not isinstance(self.value, bool):
            raise TypeError(f"the rule {self.name} is no switch")
        return self.value

    def holds_on(self, day: date) -> bool:
        """Whether the rule was in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of one regime over time; those of `extends` stand where it says nothing."""

    regime: str
    title: str
    extends: str | None
    rules: tuple[Rule, ...]

    @property
    def synthetic(self) -> bool:
        """Whether any of its rules is invented for a demonstration."""
        return any(rule.mark == "SYNTHETIC" for rule in self.rules)


def rule_in_force(sets: Mapping[str, RuleSet], regime: str, name: str, on_date: date) -> Rule:
    """The rule of a regime on a day; refuses an unknown regime and a name not in force then."""
    looked: str | None = regime
    known = False
    while looked is not None:
        found = _rule_set(sets, looked)
        for rule in found.rules:
            known = known or rule.name == name
            if rule.name == name and rule.holds_on(on_date):
                return rule
        looked = found.extends
    raise UnknownRule(
        f"expected a rule {name!r} of the regime {regime!r} in force on {on_date.isoformat()}, got "
        + ("one for other times only" if known else "none of that name")
        + "; add it to the regime's data with its article"
    )


def overlapping(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Pairs of rules of one name that claim the same day; data with any is wrong."""
    listed = sorted(rules, key=lambda rule: (rule.name, rule.valid_from))
    return [
        (a, b)
        for a, b in pairwise(listed)
        if a.name == b.name and (a.valid_to is None or a.valid_to >= b.valid_from)
    ]


def chinese_number(number: int) -> str:
    """A number from 1 to 9999 as Chinese statutes write it."""
    if not 1 <= number <= 9999:
        raise ValueError("statutes number their articles from 1 to 9999")
    text = ""
    gap = False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            text += ("零" if gap else "") + DIGITS[digit] + unit
        # A zero between two digits is read once.
        gap = bool(text) and not digit
        if not number:
            break
    return text.removeprefix("一") if text.startswith("一十") else text


def _rule_set(sets: Mapping[str, RuleSet], regime: str) -> RuleSet:
    if regime not in sets:
        raise UnknownRegime(
            f"expected one of {', '.join(sorted(sets))}, got {regime[:60]!r}; choose one of them"
        )
    return sets[regime]
