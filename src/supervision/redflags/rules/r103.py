"""R103: prices in equal steps or equal ratios. Page: docs/reference/red-flags/R103.md.

Three prices out of many often lie in a row by chance. What counts is how often the best row of
as many random prices, rounded the same way and searched the same way, would be as regular.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from supervision.redflags.domain import BaseRate, Evidence, ExaminedBid, Field, Finding, Flag

ARTICLE: Final = "招标投标法实施条例第四十条第四项"
FEWEST_PRICES: Final = 3
MOST_PRICES: Final = 40
LONGEST_ROW: Final = 5
# With many prices only short rows are searched, and fewer fields drawn, to bound the work.
MANY_PRICES: Final = {24: 3, 14: 4}
MOST_SIMULATED: Final = 2_000
FEWEST_SIMULATED: Final = 200
WORK: Final = 4_000_000
LARGEST_P: Final = 0.05
# With three bids a row within 2 % of even is seen in one honest tender out of fifty.
LARGEST_DEVIATION: Final = 0.005

Floats = NDArray[np.float64]
Members = NDArray[np.int64]
Kind = Literal["arithmetic", "geometric"]
KINDS: Final[tuple[Kind, ...]] = ("arithmetic", "geometric")
# Equal is equal, whatever the last bits of a binary number say.
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The most regular row among the prices, and how often chance does as well."""

    kind: Kind
    members: tuple[int, ...]
    deviation: float
    p: float
    beaten: int
    simulated: int


def regular_differences(field: Field) -> tuple[Finding, ...]:
    """At most one finding, never above C: price patterns alone are context."""
    priced = sorted(
        (bid for bid in field.bids if bid.price_yuan is not None),
        key=lambda bid: (bid.price_yuan or Decimal(0), bid.key),
    )
    if not FEWEST_PRICES <= len(priced) <= MOST_PRICES:
        return ()
    prices = [bid.price_yuan for bid in priced if bid.price_yuan is not None]
    row = most_regular(prices)
    if row is None or row.p > LARGEST_P or row.deviation > LARGEST_DEVIATION:
        return ()
    members = [priced[place] for place in row.members]
    return (_finding(row, members, [prices[place] for place in row.members], len(prices)),)


def _finding(
    row: Row, members: Sequence[ExaminedBid], prices: Sequence[Decimal], number: int
) -> Finding:
    step = (
        f"{(prices[-1] - prices[0]) / (len(prices) - 1):.2f}"
        if row.kind == "arithmetic"
        else f"{(prices[-1] / prices[0]) ** (Decimal(1) / (len(prices) - 1)):.6f}"
    )
    return Finding(
        flag="R103",
        grade="C",
        carrier="price",
        article=ARTICLE,
        bidders=tuple(sorted(bid.key for bid in members)),
        values={
            "kind": row.kind,
            "step": step,
            "members": str(len(members)),
            "bids": str(number),
            "percent": f"{row.p * 100:.2f}",
        },
        base_rate=BaseRate(hits=row.beaten, of=row.simulated, source="redflag.base.simulated"),
        evidence=(
            Evidence(
                kind="price",
                data={
                    "kind": row.kind,
                    "step": step,
                    "deviation": f"{row.deviation:.6f}",
                    "p": f"{row.p:.4f}",
                    "prices": [
                        {"bidder": bid.key, "price_yuan": f"{price:.2f}"}
                        for bid, price in zip(members, prices, strict=True)
                    ],
                },
            ),
        ),
        measure=f"{row.p:.4f}",
    )


def most_regular(prices: Sequence[Decimal]) -> Row | None:
    """The row of the smallest p over kinds and lengths; prices sorted, at least three.

    The p is corrected for having tried every kind and length (Bonferroni).
    """
    values = np.array([float(price) for price in prices])
    if not 0 < values[0] < values[-1]:
        return None
    limit = next(
        (most for number, most in MANY_PRICES.items() if len(prices) > number), LONGEST_ROW
    )
    lengths = range(min(len(prices), limit), FEWEST_PRICES - 1, -1)
    simulated = _simulated(values, _grid(prices))
    rows = [
        _row(values, simulated, kind, length, tried=len(KINDS) * len(lengths))
        for length in lengths
        for kind in KINDS
    ]
    return min(rows, key=lambda row: row.p)


def _row(values: Floats, simulated: Floats, kind: Kind, length: int, *, tried: int) -> Row:
    """The most regular row of one kind and length, against as many random fields as time allows."""
    members = np.array(list(combinations(range(len(values)), length)))
    deviations = _deviations(_scaled(values[None, :], kind), members)[0]
    best = int(deviations.argmin())
    number = min(MOST_SIMULATED, max(FEWEST_SIMULATED, WORK // members.size))
    chance = _deviations(_scaled(simulated[:number], kind), members).min(axis=1)
    beaten = int(np.count_nonzero(chance <= deviations[best] + ROUNDING))
    return Row(
        kind=kind,
        members=tuple(int(member) for member in members[best]),
        deviation=float(deviations[best]),
        p=min(1.0, tried * (beaten + 1) / (number + 1)),
        beaten=beaten,
        simulated=number,
    )


def _scaled(values: Floats, kind: Kind) -> Floats:
    return values if kind == "arithmetic" else np.log(values)


def _grid(prices: Sequence[Decimal]) -> float:
    """How round the prices of this field are: the median power of ten that divides them."""
    sizes = []
    for price in prices:
        cents = int(price.scaleb(2))
        size = 1
        while cents % (size * 10) == 0:
            size *= 10
        sizes.append(size)
    return sorted(sizes)[(len(sizes) - 1) // 2] / 100


def _simulated(values: Floats, grid: float) -> Floats:
    """Prices without a pattern: the same extremes, the rest anywhere between, as round as here."""
    # Anybody can redo it: the seed is made of the prices.
    seed = int.from_bytes(hashlib.sha256(repr(values.tolist()).encode()).digest()[:8], "big")
    dice = np.random.default_rng(seed)
    drawn = dice.uniform(values[0], values[-1], (MOST_SIMULATED, len(values)))
    drawn = np.round(drawn / grid) * grid
    drawn[:, 0], drawn[:, -1] = values[0], values[-1]
    return np.sort(drawn, axis=1)


def _deviations(values: Floats, members: Members) -> Floats:
    """For each field and choice of members the largest distance from equal steps, in steps."""
    length = members.shape[1]
    chosen = values[:, members]
    steps = (chosen[:, :, -1] - chosen[:, :, 0]) / (length - 1)
    ideal = chosen[:, :, :1] + steps[:, :, None] * np.arange(length)
    off = np.abs(chosen - ideal).max(axis=2)
    relative: Floats = np.full_like(off, np.inf)
    np.divide(off, steps, out=relative, where=steps > 0)
    return relative


FLAG: Final = Flag(code="R103", article=ARTICLE, rule=regular_differences)
