"""How the interface's description shows refusals: one shape, one media type, every status."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from foundation.problems import MEDIA_TYPE, every_kind


class Problem(msgspec.Struct, frozen=True):
    """A refusal (RFC 9457); `code` is a stable slug, `/problems/<code>` explains it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    # The article of law, where law decides.
    article: str | None = None
    # What was wrong where, for a request that does not read.
    errors: list[dict[str, Any]] | None = None


def describe_refusals(handlers: Sequence[object]) -> None:
    """Give every described route the refusals that it can answer with."""
    responses = problem_responses()
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler):
            handler.responses = {**responses, **(handler.responses or {})}


def problem_responses() -> dict[int, ResponseSpec]:
    """Return a documented answer for every status that a refusal can have, and for a fault."""
    statuses = sorted({kind.status for kind in every_kind()} | {400, 405, 500})
    return {
        status: ResponseSpec(
            data_container=Problem,
            generate_examples=False,
            media_type=MEDIA_TYPE,
            description=f"refused with {status}",
        )
        for status in statuses
    }
