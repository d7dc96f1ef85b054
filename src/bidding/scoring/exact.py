"""Exact numbers: rational inside, decimal text outside, rounding half up only where stated."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final

# Places of an intermediate value in a trace; nothing is computed from the shown text.
SHOWN_PLACES: Final = 10


def half_up(value: Fraction, decimals: int) -> Decimal:
    """The value rounded to a number of decimals, halves away from zero."""
    scaled = abs(value) * 10**decimals + Fraction(1, 2)
    digits = tuple(int(digit) for digit in str(scaled.numerator // scaled.denominator))
    return Decimal((1 if value < 0 and any(digits) else 0, digits, -decimals))


def mean(values: Iterable[Fraction]) -> Fraction:
    """The exact mean; there must be a value."""
    listed = list(values)
    return sum(listed, Fraction(0)) / len(listed)


def shown(value: Fraction) -> str:
    """A value as a trace shows it: exact where that is short, else to ten places."""
    text = f"{half_up(value, SHOWN_PLACES):f}"
    return text.rstrip("0").rstrip(".")


def money(value: Fraction) -> str:
    """An amount as a trace shows it: at least fen, exact where that is short."""
    return f"{half_up(value, 2):f}" if (value * 100).denominator == 1 else shown(value)
