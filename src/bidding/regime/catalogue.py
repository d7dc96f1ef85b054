"""The rule sets and working days that come with the program, read from its data files once."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Final

from bidding.regime.domain import Rule, RuleSet, Unit, Value, overlapping, rule_in_force
from bidding.regime.workdays import WorkingDays

REGIMES: Final = ("construction", "construction-pilot", "procurement", "voluntary")


def rule(regime: str, name: str, on_date: date) -> Rule:
    """The rule of this name on a day; refuses unknown regimes and names not in force then."""
    return rule_in_force(rule_sets(), regime, name, on_date)


@cache
def rule_sets() -> Mapping[str, RuleSet]:
    """Every rule set by its regime's name."""
    return {regime: rule_set_from(_data(f"{regime}.toml")) for regime in REGIMES}


@cache
def working_days() -> WorkingDays:
    """The working days of every announced year."""
    return working_days_from(_data("working-days.toml"))


def rule_set_from(data: Mapping[str, Any]) -> RuleSet:
    """A rule set as its file says it; two rules of one name for one day are an error."""
    regime = data["regime"]
    rules = tuple(rule for row in data["rule"] for rule in _rules_of(regime, row))
    for a, b in overlapping(rules):
        raise ValueError(f"{regime}: {a.name} is said twice for {b.valid_from}")
    return RuleSet(regime=regime, title=data["title"], extends=data.get("extends"), rules=rules)


def working_days_from(data: Mapping[str, Any]) -> WorkingDays:
    """The working days as their file says them."""
    return WorkingDays(
        years=frozenset(row["year"] for row in data["year"]),
        off=frozenset(_days(data, "off")),
        work=frozenset(_days(data, "work")),
    )


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((files("bidding.regime") / "data" / name).read_text(encoding="utf-8"))


def _days(data: Mapping[str, Any], kind: str) -> Iterator[date]:
    for row in data["year"]:
        for day in row[kind]:
            yield date.fromisoformat(f"{row['year']}-{day}")


def _rules_of(regime: str, row: Mapping[str, Any]) -> Iterator[Rule]:
    """One row of the file; `remembered_from` makes a second rule for the time before."""
    stated = Rule(
        regime=regime,
        name=row["name"],
        value=_value(row["value"], row["unit"]),
        unit=row["unit"],
        law=row["law"],
        number=row["article"],
        mark=row["mark"],
        valid_from=row["valid_from"],
        valid_to=row.get("valid_to"),
        says=row["says"],
    )
    yield stated
    if "remembered_from" in row:
        yield Rule(
            regime=regime,
            name=stated.name,
            value=stated.value,
            unit=stated.unit,
            law=stated.law,
            number=stated.number,
            mark="OWN",
            valid_from=row["remembered_from"],
            valid_to=stated.valid_from - timedelta(days=1),
            says=stated.says,
        )


def _value(raw: int | bool | str, unit: Unit) -> Value:
    if unit == "ratio":
        return Decimal(str(raw))
    if unit == "share":
        return Fraction(str(raw))
    return raw
