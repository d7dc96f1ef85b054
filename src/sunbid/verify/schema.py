"""A small schema language: each rule checks one JSON value and names the place it fails at."""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final

from sunbid.verify.canonical import Malformed, Object, milliseconds, unb64

Rule = Callable[[Any, str], None]

UUID: Final = re.compile(
    r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", re.ASCII
)
HEX: Final = re.compile(r"^[0-9a-f]{64}$", re.ASCII)
VOLUME: Final = re.compile(r"^[a-z][a-z0-9-]{0,15}$", re.ASCII)
DECIMAL: Final = re.compile(r"^(0|[1-9]\d{0,17})(\.\d{1,12})?$", re.ASCII)
USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _refuse(place: str, expected: str, got: Any) -> Malformed:
    shown = repr(got)
    return Malformed(
        place, f"expected {expected}, got {shown if len(shown) <= 60 else shown[:57] + '...'}"
    )


def record(**fields: Rule) -> Rule:
    """Return the rule of an object with exactly these keys (3.1: every key is present)."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _refuse(place, "an object", value)
        missing = sorted(fields.keys() - value.keys())
        unknown = sorted(value.keys() - fields.keys())
        if missing or unknown:
            raise Malformed(place, f"missing keys {missing}, unknown keys {unknown}")
        for name, rule in fields.items():
            rule(value[name], f"{place}.{name}")

    return check


def at_least(**fields: Rule) -> Rule:
    """Return the rule of an object that has these keys and may have others."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _refuse(place, "an object", value)
        missing = sorted(fields.keys() - value.keys())
        if missing:
            raise Malformed(place, f"missing keys {missing}")
        for name, rule in fields.items():
            rule(value[name], f"{place}.{name}")

    return check


def array(rule: Rule, low: int = 0, high: int = 1_000_000) -> Rule:
    """Return the rule of an array of `low` to `high` values."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or not low <= len(value) <= high:
            raise _refuse(place, f"an array of {low} to {high}", value)
        for i, item in enumerate(value):
            rule(item, f"{place}[{i}]")

    return check


def by_key(rule: Rule, key: Callable[[Object], Any]) -> Rule:
    """Return the rule of an array that is sorted by `key`, no key twice."""

    def check(value: Any, place: str) -> None:
        rule(value, place)
        keys = [key(item) for item in value]
        if any(a >= b for a, b in pairwise(keys)):
            raise Malformed(place, "expected ascending order without repetition")

    return check


def nullable(rule: Rule) -> Rule:
    """Return the rule of a value that may be null."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            rule(value, place)

    return check


def text(high: int, low: int = 1) -> Rule:
    """Return the rule of a text of `low` to `high` code points."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise _refuse(place, f"a text of {low} to {high} characters", value)

    return check


def pattern(regex: re.Pattern[str], what: str) -> Rule:
    """Return the rule of a text that matches a pattern."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not regex.match(value) or value.endswith("\n"):
            raise _refuse(place, what, value)

    return check


def one_of(*allowed: Any) -> Rule:
    """Return the rule of a value that is one of those listed, of the same type."""

    def check(value: Any, place: str) -> None:
        if not any(value == item and type(value) is type(item) for item in allowed):
            raise _refuse(place, f"one of {list(allowed)}", value)

    return check


def integer(low: int = 0, high: int = 2**53 - 1) -> Rule:
    """Return the rule of an integer between two bounds; true is not an integer."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _refuse(place, f"an integer from {low} to {high}", value)

    return check


def b64_field(lengths: Iterable[int] | None = None) -> Rule:
    """Return the rule of base64url text for exactly one of these numbers of bytes."""
    allowed = None if lengths is None else frozenset(lengths)

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str):
            raise _refuse(place, "base64url text", value)
        try:
            length = len(unb64(value))
        except ValueError as problem:
            raise Malformed(place, str(problem)) from None
        if allowed is not None and length not in allowed:
            raise Malformed(place, f"expected {sorted(allowed)} bytes, got {length}")

    return check


def boolean(value: Any, place: str) -> None:
    """Check true or false."""
    if not isinstance(value, bool):
        raise _refuse(place, "true or false", value)


def moment(value: Any, place: str) -> None:
    """Check a `time` field that names a real moment."""
    if not isinstance(value, str):
        raise _refuse(place, "a time", value)
    try:
        milliseconds(value)
    except ValueError as problem:
        raise Malformed(place, f"expected a time in UTC with milliseconds: {problem}") from None


def uscc(value: Any, place: str) -> None:
    """Check a unified social credit code with its check character (5.1)."""
    if not isinstance(value, str) or len(value) != 18 or not set(value) <= set(USCC_ALPHABET):
        raise _refuse(place, "a unified social credit code of 18 characters", value)
    total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(value[:17]))
    if USCC_ALPHABET[(31 - total % 31) % 31] != value[17]:
        raise _refuse(place, "a unified social credit code with a right check character", value)


def anything(value: Any, place: str) -> None:
    """Accept any JSON value."""


def any_object(value: Any, place: str) -> None:
    """Accept any object."""
    if not isinstance(value, dict):
        raise _refuse(place, "an object", value)


uuid: Final = pattern(UUID, "a lower-case version 4 UUID")
hexa: Final = pattern(HEX, "64 lower-case hexadecimal digits")
volume: Final = pattern(VOLUME, "a volume name")
decimal: Final = pattern(DECIMAL, "a decimal number as text")
ms: Final = integer()
