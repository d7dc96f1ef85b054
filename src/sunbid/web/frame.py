"""What stands around every page, read anew for each: clock, visitor, ledger root, papers."""

from collections.abc import Mapping

from foundation.clock import read_clock
from foundation.database import reading
from foundation.identity.request import session_of
from foundation.language import Language
from foundation.ledger.log import latest_checkpoint
from foundation.ledger.note import read_checkpoint, read_note
from foundation.statements.store import papers_waiting
from foundation.web import AnyRequest, csrf_token
from sunbid.pages.frame import ClockMove, PageFrame, Visitor
from sunbid.web.authentication import session_token
from sunbid.web.clock import clock_moves


async def frame(request: AnyRequest, _: Language) -> Mapping[str, object]:
    """Return the surroundings of a page for whoever asks."""
    state = request.app.state
    session = session_of(request)
    actor = None if session is None else session.actor
    async with reading(state.desk.db, "foundation") as connection:
        now, _real, factor = await read_clock(connection)
        checkpoint = await latest_checkpoint(connection)
        waiting = 0
        if actor is not None:
            subject = actor.subject if actor.kid is None else None
            waiting = len(await papers_waiting(connection, subject=subject, kid=actor.kid))
    is_demo = state.settings.mode == "demo"
    moves = await clock_moves(state.desk.db) if is_demo else []
    token = session_token(request)
    root = None
    if checkpoint is not None:
        root = read_checkpoint(read_note(checkpoint.note).text).root.hex()
    return {
        "frame": PageFrame(
            now=now,
            factor=factor,
            is_demo=is_demo,
            moves=tuple(ClockMove(before=m.before, after=m.after) for m in moves),
            visitor=None if actor is None else Visitor(name=actor.name, role=actor.role),
            csrf="" if token is None else csrf_token(token),
            ledger_root=root,
            papers_waiting=waiting,
        )
    }
