"""METHOD.json: its published schema is the code's, and what no schema can say is refused too."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bidding.scoring.domain import BadMethod, method_schema, read_method
from bidding.scoring.formulas import FORMULAS
from scoring_methods import CRITERIA, FLOATS, PRICES, method_json

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "scoring-method.schema.json"


def with_criterion(**facts: Any) -> dict[str, Any]:
    return method_json(criteria=[CRITERIA[0], {**CRITERIA[1], **facts}, CRITERIA[2]])


def with_price(**facts: Any) -> dict[str, Any]:
    return method_json(price={**PRICES["V5"], **facts})


def test_the_published_schema_is_the_codes() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == method_schema()


def test_every_formula_of_the_registry_is_in_the_schema() -> None:
    shapes = method_schema()["$defs"]["MethodFile"]["properties"]["price"]["discriminator"]
    assert set(shapes["mapping"]) == set(FORMULAS) == set(PRICES)


@pytest.mark.parametrize("formula", sorted(PRICES))
def test_a_good_method_passes_schema_and_code(formula: str) -> None:
    value = method_json(price=PRICES[formula])
    jsonschema.validate(value, method_schema())
    method = read_method(value)
    assert (method.price.formula, str(method.price.full)) == (formula, "60")


OF_ANOTHER_SHAPE = [
    method_json(v=2),
    method_json(kind="lottery"),
    method_json(decimals="2"),
    method_json(extra=1),
    method_json(price={**PRICES["V5"], "formula": "V99"}),
    method_json(price={"formula": "V1", "full": "60", "up": "1"}),
    with_price(full=60),
    with_price(full="-60"),
    with_price(full="6e1"),
    with_price(full="60\n"),
    with_price(float_points=[]),
    with_criterion(id=""),
    with_criterion(kind="mood"),
    with_criterion(volume="price"),
    {key: value for key, value in method_json().items() if key != "ties"},
]


@pytest.mark.parametrize("value", OF_ANOTHER_SHAPE)
def test_another_shape_is_refused_by_schema_and_code(value: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, method_schema())
    with pytest.raises(BadMethod, match=r"scoring-method\.schema\.json"):
        read_method(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (with_criterion(max="24"), "sum to 100, got 99"),
        (with_criterion(max="26"), "sum to 100, got 101"),
        (with_criterion(id="team"), "an id of its own"),
        (with_criterion(step="0.3"), "divide its most points 25, got 0.3"),
        (with_criterion(step="0"), "divide its most points"),
        (with_criterion(max="0"), "above 0"),
        (with_criterion(max=None), "above 0"),
        (with_criterion(kind="banded", step=None), "a step for the bands"),
        (with_criterion(kind="pass_fail"), "passed or not"),
        (with_criterion(step="0.125"), "at most 2 decimals"),
        (with_price(float_points=[FLOATS[0], FLOATS[0]]), "an id of its own"),
        (with_price(float_points=FLOATS[::-1]), "ascending order"),
        (with_price(float_points=[{"id": "A", "value": "1"}]), "below 1"),
    ],
)
def test_what_a_schema_cannot_say_is_refused(value: dict[str, Any], says: str) -> None:
    with pytest.raises(BadMethod, match=says):
        read_method(value)


def test_the_digest_hangs_on_every_field() -> None:
    assert read_method(method_json()).sha256 == read_method(method_json()).sha256
    assert read_method(method_json()).sha256 != read_method(method_json(candidates=2)).sha256
