"""From signed scorecards and opened prices to technical scores, totals, ranks and candidates.

Pure: who may see what, and when, is the business of the panel. A stranger with the published
sheets comes to the same numbers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from bidding.scoring.domain import (
    BadMethod,
    BadScore,
    CandidatesTied,
    CardIncomplete,
    Criterion,
    FloatPoint,
    Method,
    NobodyQualified,
)
from bidding.scoring.exact import half_up, mean
from bidding.scoring.formulas import PriceScore, Step, score_prices

ABOVE_CEILING: Final = "above-ceiling"
# No needless zero, so that equal scores are equal texts.
SCORE_TEXT: Final = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{0,5}[1-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one member says of one bid under one criterion: points, or passed or not."""

    expert: str
    code: str
    criterion: str
    score: Decimal | None
    passed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Technical:
    """The technical stage of one bid; `failed` are the criteria that no majority passed."""

    code: str
    failed: tuple[str, ...]
    score: Decimal
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One bid of the report; who is not qualified has no scores and no rank."""

    code: str
    qualified: bool
    reason: str | None
    technical: Decimal | None
    price_yuan: Decimal
    price_score: Decimal | None
    total: Decimal | None
    rank: int | None
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The whole result, bids by code; `candidates` are codes in the order of their rank."""

    price_benchmark: Decimal
    results: tuple[Result, ...]
    candidates: tuple[str, ...]


def check_card(method: Method, codes: Iterable[str], marks: Sequence[Mark]) -> None:
    """Refuses a scorecard unless it gives each bid exactly one allowed mark for each criterion."""
    criteria = {criterion.id: criterion for criterion in method.criteria}
    expected = {(code, criterion) for code in codes for criterion in criteria}
    given = [(mark.code, mark.criterion) for mark in marks]
    missing = sorted(expected - set(given))
    if missing:
        raise CardIncomplete(
            f"expected a mark for every bid and criterion, {len(missing)} are missing, the first: "
            f"bid {missing[0][0]}, criterion {missing[0][1]}"
        )
    if len(given) != len(set(given)) or set(given) - expected:
        raise CardIncomplete("expected one mark for each bid and criterion, got others too")
    for mark in marks:
        check_mark(method, criteria[mark.criterion], mark)


def check_mark(method: Method, criterion: Criterion, mark: Mark) -> None:
    """Refuses a mark that the criterion does not allow."""
    where = f"bid {mark.code}, criterion {criterion.id}"
    if criterion.max is None:
        if mark.passed is None or mark.score is not None:
            raise BadScore(f"expected passed or not for {where}, got points or nothing")
        return
    if mark.score is None or mark.passed is not None:
        raise BadScore(f"expected points for {where}, got none")
    if not 0 <= mark.score <= criterion.max:
        raise BadScore(f"expected 0 to {criterion.max} points for {where}, got {mark.score}")
    if criterion.step is not None and mark.score % criterion.step:
        raise BadScore(f"expected steps of {criterion.step} for {where}, got {mark.score}")
    if mark.score != mark.score.quantize(Decimal((0, (1,), -method.decimals))):
        raise BadScore(f"expected at most {method.decimals} decimals for {where}")


def score_text(score: Decimal | None) -> str | None:
    """A score in its one spelling: no exponent, no needless zeros."""
    if score is None:
        return None
    text = f"{score:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_score(text: str) -> Decimal:
    """The number of a score's text; refuses every spelling but the one of `score_text`."""
    if SCORE_TEXT.fullmatch(text) is None:
        raise BadScore(f"expected points as a plain decimal like 12.5, got {text[:20]!r}")
    return Decimal(text)


def technical_scores(method: Method, marks: Sequence[Mark]) -> dict[str, Technical]:
    """The technical score of every bid: the mean over members of the sums of their points.

    A bid fails a criterion unless a strict majority of the members passed it.
    """
    codes = sorted({mark.code for mark in marks})
    return {
        code: _technical(method, code, [mark for mark in marks if mark.code == code])
        for code in codes
    }


def evaluate(
    method: Method,
    marks: Sequence[Mark],
    prices_yuan: Mapping[str, Decimal],
    *,
    float_point: FloatPoint | None,
    ceiling_yuan: Decimal | None = None,
) -> Evaluation:
    """The result of all bids: prices scored over the qualified ones, totals, ranks, candidates.

    Refuses when nobody is qualified and when the last candidate's place is tied.
    """
    technical = technical_scores(method, marks)
    if set(technical) != set(prices_yuan):
        raise CardIncomplete("expected scorecards and prices of the same bids, got different ones")
    reasons = {
        code: _rejection(technical[code], prices_yuan[code], ceiling_yuan) for code in technical
    }
    qualified = {code: prices_yuan[code] for code in technical if reasons[code] is None}
    if not qualified:
        raise NobodyQualified(
            "expected at least one qualified bid, got none; the panel rejects all bids and the "
            "tender starts again",
            article="招标投标法 art. 42",
        )
    priced = score_prices(method, qualified, float_point)
    scores = {score.bidder: score for score in priced.scores}
    totals = {code: technical[code].score + scores[code].score for code in qualified}
    ranks = rank(totals, qualified)
    results = tuple(
        _ranked(technical[code], scores[code], totals[code], ranks[code])
        if code in qualified
        else _rejected(technical[code], prices_yuan[code], reasons[code])
        for code in sorted(technical)
    )
    return Evaluation(
        price_benchmark=priced.benchmark,
        results=results,
        candidates=candidates(ranks, method.candidates),
    )


def rank(totals: Mapping[str, Decimal], prices_yuan: Mapping[str, Decimal]) -> dict[str, int]:
    """Ranks by total, then by lower price; equal in both is equal in rank (1, 1, 3)."""
    keys = {code: (-totals[code], prices_yuan[code]) for code in totals}
    return {code: 1 + sum(other < key for other in keys.values()) for code, key in keys.items()}


def candidates(ranks: Mapping[str, int], places: int) -> tuple[str, ...]:
    """The codes of the first ranks; refuses a tie that does not fit the last places."""
    named = sorted(
        (code for code, place in ranks.items() if place <= places), key=lambda c: (ranks[c], c)
    )
    if len(named) > places:
        last = ranks[named[-1]]
        tied = ", ".join(code for code in named if ranks[code] == last)
        raise CandidatesTied(
            f"expected {places} candidates, but the bids {tied} share rank {last}; the panel "
            "decides between them as the tender documents say"
        )
    return tuple(named)


def _technical(method: Method, code: str, marks: Sequence[Mark]) -> Technical:
    members = sorted({mark.expert for mark in marks})
    sums = {
        member: sum(
            (Fraction(m.score) for m in marks if m.expert == member and m.score is not None),
            Fraction(0),
        )
        for member in members
    }
    cut = method.trim_each_side
    if 2 * cut >= len(members):
        raise BadMethod(
            f"expected more than {2 * cut} members to leave out {cut} on each side, got "
            f"{len(members)}"
        )
    listed = sorted(sums.values())
    value = half_up(mean(listed[cut : len(listed) - cut]), method.decimals)
    step = Step(
        name="technical",
        formula=f"mean of {', '.join(str(score_text(half_up(s, method.decimals))) for s in listed)}"
        + (f" without {cut} on each side" if cut else ""),
        value=str(value),
    )
    return Technical(
        code=code, failed=_failed(method, marks, len(members)), score=value, trace=(step,)
    )


def _failed(method: Method, marks: Sequence[Mark], members: int) -> tuple[str, ...]:
    passes = {
        criterion.id: sum(mark.passed is True for mark in marks if mark.criterion == criterion.id)
        for criterion in method.criteria
        if criterion.kind == "pass_fail"
    }
    return tuple(name for name in sorted(passes) if 2 * passes[name] <= members)


def _rejection(
    technical: Technical, price_yuan: Decimal, ceiling_yuan: Decimal | None
) -> str | None:
    """Why a bid is not qualified, or None."""
    if technical.failed:
        return "failed: " + ", ".join(technical.failed)
    if ceiling_yuan is not None and price_yuan > ceiling_yuan:
        return ABOVE_CEILING
    return None


def _ranked(technical: Technical, score: PriceScore, total: Decimal, place: int) -> Result:
    step = Step(name="total", formula=f"{technical.score} + {score.score}", value=str(total))
    return Result(
        code=technical.code,
        qualified=True,
        reason=None,
        technical=technical.score,
        price_yuan=score.price_yuan,
        price_score=score.score,
        total=total,
        rank=place,
        trace=(*technical.trace, *score.trace, step),
    )


def _rejected(technical: Technical, price_yuan: Decimal, reason: str | None) -> Result:
    return Result(
        code=technical.code,
        qualified=False,
        reason=reason,
        technical=None,
        price_yuan=price_yuan,
        price_score=None,
        total=None,
        rank=None,
        trace=(),
    )
