"""The price formulas: each a pure function from prices to benchmark and scores, with its trace.

A formula is added as a row of `FORMULAS` and a shape in `domain.PriceFile`. All arithmetic is
exact; the score is rounded once, at the end, except where a formula says otherwise (V4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from bidding.scoring.domain import BadMethod, BadPrices, FloatPoint, Method, PriceTerms
from bidding.scoring.exact import half_up, mean, money, shown

# V5 and V4 leave out the dearest and the cheapest bid from this many bids on.
V5_TRIMS_FROM: Final = 5
V4_TRIMS_FROM: Final = 4
V4_PLACES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a trace: what was computed, how, and what came out (decimal text)."""

    name: str
    formula: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceScore:
    """The price score of one bid with every step that led to it."""

    bidder: str
    price_yuan: Decimal
    score: Decimal
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceScores:
    """The benchmark (in fen, for reading; the scores use the unrounded one) and all scores."""

    benchmark: Decimal
    scores: tuple[PriceScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A formula's benchmark and the steps to it, the same for every bid."""

    value: Fraction
    steps: tuple[Step, ...]


Raw: TypeAlias = tuple[Fraction, tuple[Step, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One price formula: the benchmark of all prices, and the unrounded score of one price."""

    id: str
    title: str
    base: Callable[[PriceTerms, Sequence[Fraction], FloatPoint | None], Base]
    score: Callable[[PriceTerms, Fraction, Base], Raw]


def score_prices(
    method: Method, prices: Mapping[str, Decimal], float_point: FloatPoint | None = None
) -> PriceScores:
    """The price score of every bid, in the order of the bidders' names.

    Refuses no prices, prices that are not above 0, and a float point missing or not foreseen.
    """
    _require_prices(prices)
    _require_float_point(method, float_point)
    formula = FORMULAS[method.price.formula]
    exact = {bidder: Fraction(price) for bidder, price in prices.items()}
    base = formula.base(method.price, sorted(exact.values()), float_point)
    scores = []
    for bidder in sorted(exact):
        raw, steps = formula.score(method.price, exact[bidder], base)
        floored = max(raw, Fraction(0))
        score = half_up(floored, method.decimals)
        rounding = Step(
            name="price_score",
            formula=f"max({shown(raw)}, 0) to {method.decimals} decimals, half up",
            value=str(score),
        )
        scores.append(
            PriceScore(
                bidder=bidder,
                price_yuan=prices[bidder],
                score=score,
                trace=(*base.steps, *steps, rounding),
            )
        )
    return PriceScores(benchmark=half_up(base.value, 2), scores=tuple(scores))


def lowest_base(_: PriceTerms, prices: Sequence[Fraction], __: FloatPoint | None) -> Base:
    """V1: the lowest price."""
    lowest = min(prices)
    return Base(
        value=lowest,
        steps=(
            Step(name="benchmark", formula=f"lowest of {len(prices)} prices", value=money(lowest)),
        ),
    )


def lowest_score(terms: PriceTerms, price: Fraction, base: Base) -> Raw:
    """V1: full × lowest / price."""
    score = base.value / price * Fraction(terms.full)
    formula = f"{money(base.value)} / {money(price)} × {terms.full}"
    return score, (Step(name="score", formula=formula, value=shown(score)),)


def offset_base(_: PriceTerms, prices: Sequence[Fraction], __: FloatPoint | None) -> Base:
    """V4: the mean, from four bids on without one dearest and one cheapest."""
    return _trimmed_mean(prices, trims_from=V4_TRIMS_FROM, name="benchmark")


def offset_score(terms: PriceTerms, price: Fraction, base: Base) -> Raw:
    """V4: `up` points off for each per cent above the mean, `down` for each below."""
    ratio = Fraction(half_up((price - base.value) / base.value, V4_PLACES))
    offset = ratio * 100
    per_cent = terms.terms["up"] if offset >= 0 else terms.terms["down"]
    score = Fraction(terms.full) - abs(offset) * Fraction(per_cent)
    return score, (
        Step(
            name="offset_percent",
            formula=f"({money(price)} − {money(base.value)}) / {money(base.value)}"
            f" to {V4_PLACES} decimals × 100",
            value=shown(offset),
        ),
        Step(
            name="score",
            formula=f"{terms.full} − |{shown(offset)}| × {per_cent}",
            value=shown(score),
        ),
    )


def slope_base(_: PriceTerms, prices: Sequence[Fraction], float_point: FloatPoint | None) -> Base:
    """V5: the mean, from five bids on without dearest and cheapest, less the float point."""
    base = _trimmed_mean(prices, trims_from=V5_TRIMS_FROM, name="mean")
    off = Fraction(0) if float_point is None else Fraction(float_point.value)
    value = base.value * (1 - off)
    formula = money(base.value)
    if float_point is not None:
        formula += f" × (1 − {float_point.value}), float point {float_point.id}"
    step = Step(name="benchmark", formula=formula, value=money(value))
    return Base(value=value, steps=(*base.steps, step))


def slope_score(terms: PriceTerms, price: Fraction, base: Base) -> Raw:
    """V5: full − deviation × K × 100, K by the side on which the price lies."""
    deviation = abs(price - base.value) / base.value
    side = "k_above" if price > base.value else "k_below"
    k = Decimal(0) if price == base.value else terms.terms[side]
    score = Fraction(terms.full) - deviation * Fraction(k) * 100
    return score, (
        Step(
            name="deviation",
            formula=f"|{money(price)} − {money(base.value)}| / {money(base.value)}",
            value=shown(deviation),
        ),
        Step(
            name="score",
            formula=f"{terms.full} − {shown(deviation)} × {k} × 100",
            value=shown(score),
        ),
    )


FORMULAS: Final[Mapping[str, Formula]] = {
    row.id: row
    for row in (
        Formula(id="V1", title="低价优先法", base=lowest_base, score=lowest_score),
        Formula(id="V4", title="平均值基准扣分法", base=offset_base, score=offset_score),
        Formula(id="V5", title="修剪平均基准与浮动点", base=slope_base, score=slope_score),
    )
}


def _trimmed_mean(prices: Sequence[Fraction], *, trims_from: int, name: str) -> Base:
    """The mean, without one lowest and one highest price where there are enough."""
    listed = sorted(prices)
    trimmed = len(listed) >= trims_from
    kept = listed[1:-1] if trimmed else listed
    value = mean(kept)
    total = money(sum(listed, Fraction(0)))
    formula = f"{total} / {len(kept)}"
    if trimmed:
        formula = f"({total} − {money(listed[-1])} − {money(listed[0])}) / {len(kept)}"
    return Base(
        value=value,
        steps=(
            Step(
                name="bids",
                formula=f"from {trims_from} on, without the highest and the lowest",
                value=str(len(listed)),
            ),
            Step(name=name, formula=formula, value=money(value)),
        ),
    )


def _require_prices(prices: Mapping[str, Decimal]) -> None:
    if not prices:
        raise BadPrices("expected at least one price to score, got none")
    for bidder, price in prices.items():
        if not price.is_finite() or price <= 0:
            raise BadPrices(f"expected a price above 0 for {bidder[:60]!r}, got {price}")


def _require_float_point(method: Method, float_point: FloatPoint | None) -> None:
    points = method.price.float_points
    if points is None and float_point is not None:
        raise BadMethod(f"the method draws no float point, got {float_point.id}; leave it out")
    if points is not None and float_point not in points:
        listed = ", ".join(point.id for point in points)
        got = "none" if float_point is None else float_point.id
        raise BadMethod(f"expected the drawn float point ({listed}), got {got}; name it")
