"""The scoring method of a lot, as the tender documents publish it and every score is checked by.

`METHOD.json` is the shape of `MethodFile`; its schema is docs/reference/scoring-method.schema.json.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from foundation.problems import Conflict, Invalid
from foundation.statements.canonical import Json, canonical

HUNDRED: Final = Decimal(100)

# Python's `$` also matches before a last line feed; the look-ahead means the same everywhere.
DecimalText: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$(?!\n)")
]
Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$(?!\n)")]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
CriterionKind: TypeAlias = Literal["pass_fail", "range", "banded"]


class BadMethod(Invalid):
    """The scoring method cannot be used."""

    code = "bad-method"


class BadScore(Invalid):
    """A score is not one that the method allows."""

    code = "bad-score"


class CardIncomplete(Invalid):
    """The scorecard does not give each bid one mark for each criterion."""

    code = "card-incomplete"


class BadPrices(Invalid):
    """The prices cannot be scored."""

    code = "bad-prices"


class NobodyQualified(Conflict):
    """No bid is qualified, so there is nothing to score."""

    code = "nobody-qualified"


class CandidatesTied(Conflict):
    """Bids of one rank compete for the last candidate's place."""

    code = "candidates-tied"


class FloatPointFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One float point that may be drawn: its value is taken off the mean."""

    id: Id
    value: DecimalText


class LowestPriceFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="formula", tag="V1"
):
    """V1: the lowest price has full marks, the others in proportion."""

    full: DecimalText


class MeanOffsetFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="formula", tag="V4"
):
    """V4: points off for each per cent above and below a trimmed mean."""

    full: DecimalText
    up: DecimalText
    down: DecimalText


class MeanSlopeFile(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="formula", tag="V5"
):
    """V5: a slope above and another below a trimmed mean, less a drawn float point."""

    full: DecimalText
    k_above: DecimalText
    k_below: DecimalText
    float_points: Annotated[list[FloatPointFile], msgspec.Meta(min_length=1, max_length=26)] | None


PriceFile: TypeAlias = LowestPriceFile | MeanOffsetFile | MeanSlopeFile


class CriterionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One criterion: passed or not, any value of a range, or one of equal bands."""

    id: Id
    name: Name
    volume: Literal["qual", "tech"]
    kind: CriterionKind
    max: DecimalText | None
    step: DecimalText | None


class PanelMeanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the members' sums become one score."""

    trim_each_side: Annotated[int, msgspec.Meta(ge=0, le=3)]


class MethodFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """METHOD.json."""

    v: Literal[1]
    kind: Literal["comprehensive_evaluation"]
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)]
    price: PriceFile
    criteria: Annotated[list[CriterionFile], msgspec.Meta(max_length=200)]
    panel_mean: PanelMeanFile
    candidates: Annotated[int, msgspec.Meta(ge=1, le=20)]
    ties: Literal["price_ascending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatPoint:
    """A float point: the part taken off the mean."""

    id: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion; `max` and `step` stand exactly where points are given."""

    id: str
    name: str
    volume: Literal["qual", "tech"]
    kind: CriterionKind
    max: Decimal | None
    step: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTerms:
    """The price formula with its numbers."""

    formula: str
    full: Decimal
    terms: Mapping[str, Decimal]
    float_points: tuple[FloatPoint, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A checked method; `sha256` is that of the canonical METHOD.json."""

    decimals: int
    price: PriceTerms
    criteria: tuple[Criterion, ...]
    trim_each_side: int
    candidates: int
    sha256: str

    def float_point(self, name: str) -> FloatPoint:
        """The float point of this id; refuses one that the method does not list."""
        for point in self.price.float_points or ():
            if point.id == name:
                return point
        listed = ", ".join(point.id for point in self.price.float_points or ()) or "none"
        raise BadMethod(f"expected a float point of the method ({listed}), got {name[:40]!r}")


def read_method(value: Json) -> Method:
    """The method of a METHOD.json; refuses another shape and weights that do not sum to 100."""
    try:
        file = msgspec.convert(value, MethodFile)
    except msgspec.ValidationError as error:
        raise BadMethod(
            f"expected METHOD.json as docs/reference/scoring-method.schema.json says, got: {error}"
        ) from None
    method = Method(
        decimals=file.decimals,
        price=_price_terms(file.price),
        criteria=tuple(_criterion(row, file.decimals) for row in file.criteria),
        trim_each_side=file.panel_mean.trim_each_side,
        candidates=file.candidates,
        sha256=hashlib.sha256(canonical(value)).hexdigest(),
    )
    _require_distinct("criterion", [row.id for row in method.criteria])
    _require_hundred(method)
    return method


def method_schema() -> dict[str, Json]:
    """The JSON Schema of METHOD.json; what it cannot say (sums, steps) `read_method` checks."""
    schema = msgspec.json.schema(MethodFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sunbid scoring method (METHOD.json)",
        **schema,
    }


def _price_terms(file: PriceFile) -> PriceTerms:
    points = file.float_points if isinstance(file, MeanSlopeFile) else None
    if points is not None:
        _require_distinct("float point", [point.id for point in points])
        if [point.id for point in points] != sorted(point.id for point in points):
            raise BadMethod("expected the float points in the ascending order of their ids")
        if any(Decimal(point.value) >= 1 for point in points):
            raise BadMethod("expected every float point below 1 (0.015 is 1.5 %), got a larger one")
    numbers = msgspec.to_builtins(file)
    return PriceTerms(
        formula=numbers["formula"],
        full=Decimal(file.full),
        terms={
            name: Decimal(number)
            for name, number in numbers.items()
            if name not in ("formula", "full", "float_points")
        },
        float_points=None
        if points is None
        else tuple(FloatPoint(id=point.id, value=Decimal(point.value)) for point in points),
    )


def _criterion(file: CriterionFile, decimals: int) -> Criterion:
    criterion = Criterion(
        id=file.id,
        name=file.name,
        volume=file.volume,
        kind=file.kind,
        max=None if file.max is None else Decimal(file.max),
        step=None if file.step is None else Decimal(file.step),
    )
    if criterion.kind == "pass_fail":
        if criterion.max is not None or criterion.step is not None:
            raise BadMethod(f"expected no points for {file.id}, which is passed or not, got some")
        return criterion
    if not criterion.max:
        raise BadMethod(f"expected the most points of {file.id} to be above 0, got {file.max}")
    if criterion.step is None:
        if criterion.kind == "banded":
            raise BadMethod(f"expected a step for the bands of {file.id}, got none")
        return criterion
    if not criterion.step or criterion.max % criterion.step:
        raise BadMethod(
            f"expected the step of {file.id} to divide its most points {file.max}, got {file.step}"
        )
    if -int(criterion.step.as_tuple().exponent) > decimals:
        raise BadMethod(f"expected a step of at most {decimals} decimals, got {file.step}")
    return criterion


def _require_distinct(what: str, ids: list[str]) -> None:
    if len(set(ids)) != len(ids):
        raise BadMethod(f"expected every {what} to have an id of its own, got one twice")


def _require_hundred(method: Method) -> None:
    total = method.price.full + sum((row.max for row in method.criteria if row.max), Decimal(0))
    if total != HUNDRED:
        raise BadMethod(
            f"expected the criteria and the full price score to sum to 100, got {total}; "
            "change the most points of a criterion or the full price score"
        )
