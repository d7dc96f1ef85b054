"""Who plays along beside the bidders: organisations, experts, committee. All invented."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from bidding.licence.uscc import check_character

CAST: Final = Path(__file__).with_name("cast.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An organisation with a licence: its persona, role and seat in an opening group."""

    persona: str
    role: str
    name: str
    uscc: str
    kind: str
    seat: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoExpert:
    """An expert of the pool."""

    persona: str
    name: str
    specialities: tuple[str, ...]
    region: str
    grade: str
    employer_uscc: str
    employer_name: str


@cache
def _cast() -> dict[str, Any]:
    return tomllib.loads(CAST.read_text(encoding="utf-8"))


@cache
def offices() -> dict[str, Office]:
    """All organisations but the bidders, by persona."""
    return {
        entry["persona"]: Office(
            **{k: v for k, v in entry.items() if k != "code"},
            uscc=entry["code"] + check_character(entry["code"]),
        )
        for entry in _cast()["office"]
    }


def seats(group: str) -> list[Office]:
    """The organisations of an opening group in the order of their seats."""
    return [office for office in offices().values() if office.group == group]


@cache
def experts() -> tuple[DemoExpert, ...]:
    """The pool of experts; two of them may not sit, for whom they work."""
    return tuple(
        DemoExpert(
            persona=f"expert-{number:02d}",
            name=entry["name"],
            specialities=tuple(entry["specialities"]),
            region=entry["region"],
            grade=entry["grade"],
            employer_uscc=entry["employer_code"] + check_character(entry["employer_code"]),
            employer_name=entry["employer_name"],
        )
        for number, entry in enumerate(_cast()["expert"], 1)
    )


def committee() -> list[tuple[str, str]]:
    """The award committee as (persona, name)."""
    return [(f"committee-{n}", name) for n, name in enumerate(_cast()["committee"], 1)]


def tender_words() -> dict[str, Any]:
    """Titles and facts of the tender S1; what is invented says so."""
    words: dict[str, Any] = _cast()["tender"]
    return words


def method() -> dict[str, Any]:
    """The scoring method of the tender document."""
    found: dict[str, Any] = _cast()["method"]
    # TOML knows no null: a criterion without points has neither highest nor step.
    criteria = [{"max": None, "step": None, **criterion} for criterion in found["criteria"]]
    return {**found, "criteria": criteria}
