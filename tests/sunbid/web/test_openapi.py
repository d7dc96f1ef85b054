"""The interface describes itself: every route with words, every refusal in one shape."""

from typing import Any

import pytest

from foundation.settings import read_settings
from sunbid.app import make_app


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """The OpenAPI document of the application."""
    schema: dict[str, Any] = make_app(
        read_settings({"SUNBID_MODE": "demo"})
    ).openapi_schema.to_schema()
    return schema


def operations(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every described operation by its method and path."""
    return [
        (f"{method} {path}", operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post", "put", "delete"}
    ]


def test_it_is_openapi_3_1(description: dict[str, Any]) -> None:
    """The version is the promised one."""
    assert description["openapi"].startswith("3.1")


def test_every_route_of_the_interface_is_described(description: dict[str, Any]) -> None:
    """No route without a sentence, no route of /api left out."""
    app = make_app(read_settings({"SUNBID_MODE": "demo"}))
    served = {r.path_format for r in app.routes if r.path_format.startswith("/api/")}
    assert served <= set(description["paths"])
    assert [name for name, o in operations(description) if not o.get("description")] == []


def test_every_route_describes_its_refusals(description: dict[str, Any]) -> None:
    """Refusals are problem+json with one schema, on every route and for every family."""
    for name, operation in operations(description):
        for status in ("401", "403", "404", "409", "422", "503"):
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], name
            assert content["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
