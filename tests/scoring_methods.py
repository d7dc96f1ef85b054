"""Methods in the shape of METHOD.json for the tests of scoring."""

from decimal import Decimal
from typing import Any

from bidding.scoring.domain import Method, read_method

FLOATS = [
    {"id": "A", "value": "0.015"},
    {"id": "B", "value": "0.0125"},
    {"id": "C", "value": "0.01"},
    {"id": "D", "value": "0.0075"},
    {"id": "E", "value": "0.005"},
    {"id": "F", "value": "0.0025"},
]
CRITERIA: list[dict[str, Any]] = [
    {
        "id": "licence",
        "name": "企业资质",
        "volume": "qual",
        "kind": "pass_fail",
        "max": None,
        "step": None,
    },
    {
        "id": "plan",
        "name": "施工组织",
        "volume": "tech",
        "kind": "range",
        "max": "25",
        "step": "0.5",
    },
    {
        "id": "team",
        "name": "项目班子",
        "volume": "tech",
        "kind": "banded",
        "max": "15",
        "step": "5",
    },
]
PRICES: dict[str, dict[str, Any]] = {
    "V1": {"formula": "V1", "full": "60"},
    "V4": {"formula": "V4", "full": "60", "up": "1", "down": "0.5"},
    "V5": {
        "formula": "V5",
        "full": "60",
        "k_above": "0.2",
        "k_below": "0.1",
        "float_points": None,
    },
}


def method_json(**changes: Any) -> dict[str, Any]:
    """A valid METHOD.json with V5, changed at the top level."""
    return {
        "v": 1,
        "kind": "comprehensive_evaluation",
        "decimals": 2,
        "price": PRICES["V5"],
        "criteria": CRITERIA,
        "panel_mean": {"trim_each_side": 0},
        "candidates": 3,
        "ties": "price_ascending",
        **changes,
    }


def a_method(formula: str = "V5", *, floats: bool = False, **changes: Any) -> Method:
    """A checked method with a price formula of 60 points."""
    price = dict(PRICES[formula])
    if floats:
        price["float_points"] = FLOATS
    return read_method(method_json(price=price, **changes))


def listed(*prices: float | str | Decimal) -> dict[str, Decimal]:
    """Prices by the names b0, b1, … in their order."""
    return {f"b{n}": Decimal(str(price)) for n, price in enumerate(prices)}
