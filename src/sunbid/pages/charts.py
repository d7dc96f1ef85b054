"""Drawings made on the server: a code to scan, prices on a strip, distributions, shared passages.

Every chart has its table beside it; the template says so to screen readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import segno

QR_QUIET: Final = 4
STRIP_WIDTH: Final = 270
STRIP_LEFT: Final = 14
ROW_WIDTH: Final = 176
ROW_LEFT: Final = 4
SPARK_WIDTH: Final = 232
SPARK_LEFT: Final = 4
SPARK_HEIGHT: Final = 46
SPARK_BASE: Final = 54
MAP_WIDTH: Final = 1150
MAP_LEFT: Final = 40


def qr_svg(content: str, label: str) -> str:
    """A QR code as inline SVG in ink on white, so that it scans from a dark page too."""
    code = segno.make(content, error="m")
    rows = [list(row) for row in code.matrix]
    runs = "".join(
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    side = len(rows) + 2 * QR_QUIET
    box = f"{-QR_QUIET} {-QR_QUIET} {side} {side}"
    ground = f"M{-QR_QUIET} {-QR_QUIET}h{side}v{side}h-{side}z"
    return (
        f'<svg viewBox="{box}" role="img" aria-label="{label}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="{ground}"/><path fill="#0d141b" d="{runs}"/></svg>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bid on the strip of prices."""

    x: int
    label: str
    is_marked: bool
    # Labels that would lie on one another stand on two lines.
    is_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Prices on one axis under the ceiling; the marked ones are diamonds, the others discs."""

    low: Decimal
    ceiling: Decimal
    ceiling_x: int
    points: tuple[Point, ...]


LABEL_ROOM: Final = 18


def price_strip(
    prices: Sequence[tuple[str, Decimal]], ceiling: Decimal, marked: frozenset[str]
) -> Strip:
    """Places each price between a round number below the lowest and the ceiling."""
    low = axis_start([price for _, price in prices], ceiling)
    points: list[Point] = []
    for label, price in sorted(prices, key=lambda pair: pair[1]):
        x = STRIP_LEFT + place(price, low, ceiling, STRIP_WIDTH)
        crowds = bool(points) and x - points[-1].x < LABEL_ROOM and not points[-1].is_low
        points.append(Point(x=x, label=label, is_marked=label in marked, is_low=crowds))
    return Strip(low=low, ceiling=ceiling, ceiling_x=STRIP_LEFT + STRIP_WIDTH, points=tuple(points))


def axis_start(prices: Sequence[Decimal], ceiling: Decimal) -> Decimal:
    """A round number of ten thousands somewhat below the lowest price."""
    lowest = min([*prices, ceiling])
    margin = (ceiling - lowest) / 10 or ceiling / 20
    step = Decimal(10) ** (max(0, (ceiling - lowest + margin).adjusted() - 1))
    return max(Decimal(0), (lowest - margin) // step * step)


def place(value: Decimal, low: Decimal, high: Decimal, width: int) -> int:
    """Where a value stands on an axis of this width."""
    if high <= low:
        return width
    return max(0, min(width, round((value - low) / (high - low) * width)))


def row_mark(price: Decimal, low: Decimal, ceiling: Decimal) -> int:
    """Where one price stands on the small axis of its table row."""
    return ROW_LEFT + place(price, low, ceiling, ROW_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a small distribution."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A distribution among peers with this case marked in it."""

    bars: tuple[Bar, ...]
    mark_x: float
    anchor: str


def spark(counts: Sequence[int], mark: float) -> Spark:
    """Bars for the peers, and the case at `mark`, a share of the axis between 0 and 1."""
    most = max([*counts, 1])
    width = SPARK_WIDTH / max(1, len(counts))
    bars = tuple(
        Bar(
            x=round(SPARK_LEFT + i * width, 1),
            y=SPARK_BASE - bar_height(count, most),
            width=round(width - 2, 1),
            height=bar_height(count, most),
        )
        for i, count in enumerate(counts)
        if count
    )
    x = round(SPARK_LEFT + max(0.0, min(1.0, mark)) * SPARK_WIDTH, 1)
    anchor = "start" if mark < 0.25 else ("end" if mark > 0.75 else "middle")
    return Spark(bars=bars, mark_x=x, anchor=anchor)


def bar_height(count: int, most: int) -> float:
    """The height of a bar; what exists is at least one unit high."""
    return max(1.0, round(count / most * SPARK_HEIGHT, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One shared passage as a line between its places in two documents."""

    x1: int
    x2: int
    is_current: bool
    number: int


def passage_map(places: Sequence[tuple[float, float]], current: int) -> tuple[Link, ...]:
    """Lines between the places (shares of each document's length) of the shared passages."""
    return tuple(
        Link(
            x1=MAP_LEFT + round(a * MAP_WIDTH),
            x2=MAP_LEFT + round(b * MAP_WIDTH),
            is_current=number == current,
            number=number,
        )
        for number, (a, b) in enumerate(places, start=1)
    )
