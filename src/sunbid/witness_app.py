"""A witness over HTTP: `POST /add-checkpoint` as C2SP tlog-witness says, and nothing else."""

import time

from litestar import Litestar, MediaType, Request, Response, post
from litestar.datastructures import State

from foundation.ledger.witness import LARGEST_REQUEST, SIZE_TYPE, BadRequest, OtherSize, Witness
from foundation.problems import Refused


def witness_app(witness: Witness) -> Litestar:
    """The application over an open folder."""
    return Litestar(
        route_handlers=[add_checkpoint],
        state=State({"witness": witness}),
        exception_handlers={Refused: on_refused, OtherSize: on_other_size},
        request_max_body_size=LARGEST_REQUEST,
        openapi_config=None,
    )


# On the event loop, one at a time: what was seen is compared and written as one act.
@post("/add-checkpoint", status_code=200, media_type=MediaType.TEXT)
async def add_checkpoint(request: Request[None, None, State]) -> str:
    """The cosignature line of a checkpoint that extends what this witness saw of its log."""
    witness: Witness = request.app.state.witness
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise BadRequest("expected text in UTF-8, got other bytes") from None
    return witness.add_checkpoint(text, int(time.time()))


def on_refused(_request: Request[None, None, State], refused: Refused) -> Response[str]:
    """A refusal in one line of text."""
    return Response(f"{refused.message}\n", status_code=refused.status, media_type=MediaType.TEXT)


def on_other_size(_request: Request[None, None, State], refused: OtherSize) -> Response[str]:
    """What this witness saw last, so that the log can prove from there."""
    return Response(f"{refused.size}\n", status_code=refused.status, media_type=SIZE_TYPE)
