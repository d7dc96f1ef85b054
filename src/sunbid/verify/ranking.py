"""C58-C61: technical scores, price scores, totals and candidates recomputed exactly.

All arithmetic is in fractions; a value is rounded half up to the method's decimals only
where it is printed. Technical and price scores are printed, and their sum is the total.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from sunbid.verify.canonical import Object
from sunbid.verify.evaluation import evaluation, panel_cards, report, sheets
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.opened import opened_items
from sunbid.verify.report import Findings, check
from sunbid.verify.schema import DECIMAL
from sunbid.verify.signers import expert_key
from sunbid.verify.statements import check_needs

YUAN_DECIMALS: Final = 2
PRICE: Final = "price_yuan"


def exact(text: str) -> Fraction:
    """Read decimal text exactly."""
    return Fraction(Decimal(text))


def printed(value: Fraction, decimals: int) -> str:
    """Write a value of zero or more with so many decimals, rounded half up."""
    scaled = (value * 10**decimals * 2 + 1) // 2
    digits = str(scaled).rjust(decimals + 1, "0")
    return digits if decimals == 0 else f"{digits[:-decimals]}.{digits[-decimals:]}"


def _same(stated: str | None, made: str | None) -> bool:
    if stated is None or made is None:
        return stated is made
    return exact(stated) == exact(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One bid as the panel's sheets judge it."""

    code: str
    submission: str
    qualified: bool
    technical: Fraction | None


def scored(evidence: Evidence) -> list[Scored]:
    """Recompute qualification and technical score of every blind bid from the signed sheets."""
    return evidence.once("scored", make=lambda: _scored(evidence))


def _scored(evidence: Evidence) -> list[Scored]:
    method = evaluation(evidence)["method"]
    cards = [scores for _, scores in sheets(evidence)]
    tests = [c["id"] for c in method["criteria"] if c["kind"] == "pass_fail"]
    marks = [c["id"] for c in method["criteria"] if c["kind"] != "pass_fail"]
    found: list[Scored] = []
    for bid in evaluation(evidence)["blind"]:
        code = bid["code"]
        passed = all(
            2 * sum(s.get((code, test), {}).get("passed") is True for s in cards) > len(cards)
            for test in tests
        )
        qualified = passed and not _above_ceiling(evidence, bid["submission"])
        sums = [_sum(scores, code, marks) for scores in cards]
        whole = [value for value in sums if value is not None]
        mean = (
            _mean(whole, method["panel_mean"]["trim_each_side"])
            if len(whole) == len(sums)
            else None
        )
        found.append(
            Scored(code=code, submission=bid["submission"], qualified=qualified, technical=mean)
        )
    return found


def _above_ceiling(evidence: Evidence, submission: str) -> bool:
    """A bid above the published ceiling price is rejected, whatever its sheets say."""
    ceiling, price = evidence.notice["ceiling_price_yuan"], prices(evidence).get(submission)
    return ceiling is not None and price is not None and price > exact(ceiling)


def _sum(scores: dict[tuple[str, str], Object], code: str, marks: list[str]) -> Fraction | None:
    given = [scores.get((code, mark), {}).get("score") for mark in marks]
    whole = [exact(text) for text in given if text is not None]
    return sum(whole, Fraction(0)) if len(whole) == len(given) else None


def _mean(values: list[Fraction], trim: int) -> Fraction | None:
    kept = sorted(values)[trim : len(values) - trim]
    return sum(kept, Fraction(0)) / len(kept) if kept else None


@check("C58", "Technical scores follow from the scorecards", "formulas.md V15")
def technical(evidence: Evidence, findings: Findings) -> None:
    """Sheets are complete and in bounds; majority of passes; mean of the members' sums."""
    for card, scores in sheets(evidence):
        _sheet(evidence, card, scores, findings)
    results = {r["submission"]: r for r in report(evidence).body["results"]}
    decimals = evaluation(evidence)["method"]["decimals"]
    for bid in scored(evidence):
        result = results.get(bid.submission)
        named = f"bid {bid.code} (submission {bid.submission})"
        if result is None:
            findings.fail(named, "the report has no result for it")
            continue
        findings.require(result["code"] == bid.code, named, "the report gives it another code")
        findings.require(
            result["qualified"] == bid.qualified,
            named,
            f"qualified by the sheets: {bid.qualified}, by the report: {result['qualified']}",
        )
        made = None if bid.technical is None else printed(bid.technical, decimals)
        # A rejected bid need not have a technical score; if it has one, it must be right.
        absent = not bid.qualified and result["technical"] is None
        findings.require(
            absent or _same(result["technical"], made),
            named,
            f"technical score recomputed {made}, the report says {result['technical']}",
        )
    findings.note(f"{len(scored(evidence))} bids, {len(panel_cards(evidence))} sheets")


def _sheet(
    evidence: Evidence, card: Placed, scores: dict[tuple[str, str], Object], findings: Findings
) -> None:
    criteria = {c["id"]: c for c in evaluation(evidence)["method"]["criteria"]}
    unqualified = {bid.code for bid in scored(evidence) if not bid.qualified}
    for bid in scored(evidence):
        for name, criterion in criteria.items():
            score = scores.get((bid.code, name))
            if score is None and bid.code not in unqualified:
                findings.fail(str(card), f"no score for bid {bid.code}, criterion {name}")
            elif score is not None and not _in_bounds(criterion, score, bid.code in unqualified):
                findings.fail(
                    str(card),
                    f"bid {bid.code}, criterion {name}: {score['score']} is out of bounds",
                )
    for code, name in scores.keys() - {(b.code, c) for b in scored(evidence) for c in criteria}:
        findings.fail(str(card), f"a score for unknown bid {code} or criterion {name}")


def _in_bounds(criterion: Object, score: Object, unqualified: bool) -> bool:
    value, passed = score["score"], score["passed"]
    if criterion["kind"] == "pass_fail":
        return value is None and passed is not None
    if value is None:
        return unqualified
    too_much = criterion["max"] is not None and exact(value) > exact(criterion["max"])
    step = exact(criterion["step"]) if criterion["step"] is not None else Fraction(0)
    return passed is None and not too_much and not (step and exact(value) % step)


def prices(evidence: Evidence) -> dict[str, Fraction]:
    """Return the opened price of every submission that has one."""
    found: dict[str, Fraction] = {}
    for submission, items in opened_items(evidence).items():
        text = items.get(PRICE)
        if isinstance(text, str) and DECIMAL.match(text) and exact(text) > 0:
            found[submission] = exact(text)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The price benchmark and every qualified bid's price score."""

    benchmark: Fraction | None
    scores: dict[str, Fraction]


def _mean_without_extremes(amounts: dict[str, Fraction], trim_from: int) -> Fraction:
    row = sorted(amounts.values())
    kept = row[1:-1] if len(row) >= trim_from else row
    return sum(kept, Fraction(0)) / len(kept)


def v1(amounts: dict[str, Fraction], price: Object) -> Priced:
    """formulas.md V1: the lowest price has full marks, the others in proportion."""
    lowest = min(amounts.values())
    scores = {name: lowest / amount * exact(price["full"]) for name, amount in amounts.items()}
    return Priced(benchmark=lowest, scores=scores)


def v4(amounts: dict[str, Fraction], price: Object) -> Priced:
    """formulas.md V4: `up` or `down` points off for each per cent above or below the mean.

    The mean leaves out one highest and one lowest from four bids on; the deviation is
    rounded to four decimals; never less than 0.
    """
    benchmark = _mean_without_extremes(amounts, 4)
    scores = {}
    for name, amount in amounts.items():
        offset = exact(printed(abs(amount - benchmark) / benchmark, 4)) * 100
        points = offset * exact(price["up" if amount >= benchmark else "down"])
        scores[name] = max(Fraction(0), exact(price["full"]) - points)
    return Priced(benchmark=benchmark, scores=scores)


def v5(amounts: dict[str, Fraction], price: Object, float_value: Fraction) -> Priced:
    """formulas.md V5: S is the mean, without one highest and one lowest from five bids on.

    The benchmark is S·(1 - f); Y = full - P·K·100 with P = |a - benchmark| / benchmark and K
    above or below it; never less than 0. Nothing is rounded on the way.
    """
    benchmark = _mean_without_extremes(amounts, 5) * (1 - float_value)
    if benchmark <= 0:
        return Priced(benchmark=benchmark, scores={})
    scores = {}
    for name, amount in amounts.items():
        k = exact(price["k_above" if amount > benchmark else "k_below"])
        deviation = abs(amount - benchmark) / benchmark
        scores[name] = max(Fraction(0), exact(price["full"]) - deviation * k * 100)
    return Priced(benchmark=benchmark, scores=scores)


def priced(evidence: Evidence) -> Priced:
    """Recompute benchmark and price scores over the qualified bids."""
    price, drawn = evaluation(evidence)["method"]["price"], report(evidence).body["float"]
    opened = prices(evidence)
    amounts = {}
    for bid in scored(evidence):
        if bid.qualified:
            if bid.submission not in opened:
                raise CannotDecide(f"submission {bid.submission} has no opened {PRICE} (C30)")
            amounts[bid.submission] = opened[bid.submission]
    if not amounts:
        return Priced(benchmark=None, scores={})
    match price["formula"]:
        case "V1":
            return v1(amounts, price)
        case "V4":
            return v4(amounts, price)
        case "V5":
            return v5(amounts, price, exact(drawn["value"]) if drawn else Fraction(0))
        case other:
            raise CannotDecide(f"price formula {other} is not recomputed by this version")


@check("C59", "Price scores follow from prices and float point", "formulas.md V5")
def price_scores(evidence: Evidence, findings: Findings) -> None:
    """Prices are those that were opened; benchmark and scores recomputed by V5."""
    decimals = evaluation(evidence)["method"]["decimals"]
    body, made, opened = report(evidence).body, priced(evidence), prices(evidence)
    benchmark = None if made.benchmark is None else printed(made.benchmark, YUAN_DECIMALS)
    findings.require(
        _same(body["price_benchmark"], benchmark),
        str(report(evidence)),
        f"price benchmark recomputed {benchmark}, the report says {body['price_benchmark']}",
    )
    for result in body["results"]:
        named = f"bid {result['code']} (submission {result['submission']})"
        price = opened.get(result["submission"])
        stated = None if result["price_yuan"] is None else exact(result["price_yuan"])
        findings.require(
            stated == price or (stated is None and not result["qualified"]),
            named,
            f"the report says {result['price_yuan']} yuan, opened was "
            f"{None if price is None else printed(price, YUAN_DECIMALS)}",
        )
        score = made.scores.get(result["submission"])
        again = None if score is None else printed(score, decimals)
        findings.require(
            _same(result["price_score"], again),
            named,
            f"price score recomputed {again}, the report says {result['price_score']}",
        )
    findings.note(f"price benchmark {benchmark}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A qualified bid's total and its rank."""

    submission: str
    total: Fraction
    rank: int


def standings(evidence: Evidence) -> list[Standing]:
    """Rank the qualified bids: higher total first, then lower price, then equal rank."""
    decimals = evaluation(evidence)["method"]["decimals"]
    made, opened = priced(evidence), prices(evidence)
    row: list[tuple[Fraction, Fraction, str]] = []
    for bid in scored(evidence):
        if bid.qualified and bid.technical is not None and bid.submission in made.scores:
            total = exact(printed(bid.technical, decimals))
            total += exact(printed(made.scores[bid.submission], decimals))
            row.append((-total, opened[bid.submission], bid.submission))
    row.sort()
    return [
        Standing(
            submission=submission,
            total=-total,
            rank=1 + sum((t, p) < (total, price) for t, p, _ in row),
        )
        for total, price, submission in row
    ]


@check("C60", "Totals, ranks and candidates follow", "formulas.md V1b, V5")
def ranks(evidence: Evidence, findings: Findings) -> None:
    """Total = technical + price score; ranked; the first ones by rank are the candidates."""
    decimals = evaluation(evidence)["method"]["decimals"]
    body = report(evidence).body
    made = {standing.submission: standing for standing in standings(evidence)}
    for result in body["results"]:
        named = f"bid {result['code']} (submission {result['submission']})"
        standing = made.get(result["submission"])
        total = None if standing is None else printed(standing.total, decimals)
        findings.require(
            _same(result["total"], total),
            named,
            f"total recomputed {total}, the report says {result['total']}",
        )
        rank = None if standing is None else standing.rank
        findings.require(
            result["rank"] == rank,
            named,
            f"rank recomputed {rank}, the report says {result['rank']}",
        )
    limit = evaluation(evidence)["method"]["candidates"]
    expected = [s.submission for s in standings(evidence) if s.rank <= limit]
    findings.require(
        body["candidates"] == expected,
        str(report(evidence)),
        f"candidates recomputed {expected}, the report says {body['candidates']}",
    )


@check("C61", "Every member signed the report or dissented", "house-style decision 17")
def report_signed(evidence: Evidence, findings: Findings) -> None:
    """Each seat's expert signed the report, or signed a dissent that names it."""
    placed = report(evidence)
    dissents = {
        p.body["expert"] for p in evidence.of_type("dissent") if p.body["report"] == placed.sid
    }
    for seat in placed.body["panel"]:
        expert = seat["expert"]
        wrong = check_needs(placed.statement, [expert_key(evidence, expert)], evidence.anchors, 0)
        if wrong and expert not in dissents:
            findings.fail(str(placed), f"{wrong[0]}, and no dissent")
    findings.note(f"{len(placed.body['panel'])} members, {len(dissents)} dissents")
