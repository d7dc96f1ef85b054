"""Routes of red flags: what the rules found in a lot, for its supervisor."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath

from foundation.identity.request import signed_in
from foundation.language import Language
from foundation.statements.canonical import time_text
from foundation.web import language_of
from supervision.redflags import service
from supervision.redflags.domain import BaseRate, KeptFinding, Suspicion

AnyRequest = Request[Any, Any, Any]


def suspicion_json(one: Suspicion) -> dict[str, Any]:
    """Bidders touched together, with the grade of everything found about them."""
    return {
        "bidders": list(one.bidders),
        "grade": one.grade,
        "advice": one.advice,
        "flags": list(one.flags),
        "carriers": list(one.carriers),
    }


def base_rate_json(rate: BaseRate) -> dict[str, Any]:
    """A base rate; null is not counted yet, never zero."""
    return {
        "hits": rate.hits,
        "of": rate.of,
        "source": rate.source,
        "share": None if rate.share is None else f"{rate.share:.6f}",
    }


def finding_line(kept: KeptFinding) -> dict[str, Any]:
    """A finding in short."""
    found = kept.finding
    return {
        "id": str(kept.id),
        "flag": found.flag,
        "grade": found.grade,
        "carrier": found.carrier,
        "article": found.article,
        "bidders": list(found.bidders),
        "base_rate": base_rate_json(found.base_rate),
        "sha256": kept.sha256,
    }


def finding_json(request: AnyRequest, language: Language, kept: KeptFinding) -> dict[str, Any]:
    """A finding with its evidence, its words and what may explain it innocently."""
    catalogue = request.app.state.pages.catalogue
    found = kept.finding
    key = f"redflag.{found.flag}"
    return {
        **finding_line(kept),
        "title": catalogue.text(language, f"{key}.title", **found.values),
        "text": catalogue.text(language, f"{key}.text", **found.values),
        "innocent": catalogue.text(language, f"{key}.innocent"),
        "base_rate_text": base_rate_text(request, language, found.base_rate),
        "measure": found.measure,
        "others": list(found.others),
        "evidence": [{"kind": one.kind, **one.data} for one in found.evidence],
    }


def base_rate_text(request: AnyRequest, language: Language, rate: BaseRate) -> str:
    """A base rate as a sentence with its base."""
    catalogue = request.app.state.pages.catalogue
    values = {"hits": rate.hits, "of": rate.of} if rate.of else {}
    text: str = catalogue.text(language, rate.source, **values)
    return text


@get("/api/v1/lots/{lot:uuid}/flags", tags=["supervision"])
async def lot_flags(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """What the rules found in a lot; reading it is written into the ledger."""
    page = await service.examination_page(request.app.state.desk.db, signed_in(request), lot)
    language = language_of(request)
    made = page.examination
    return {
        "lot": str(page.lot.id),
        "examined_at": time_text(made.examined_at),
        "rules_version": made.rules_version,
        "grade": made.grade,
        "due_at": None if made.due_at is None else time_text(made.due_at),
        "pairs": made.pairs,
        "problems": list(made.problems),
        "suspicions": [suspicion_json(one) for one in made.suspicions],
        "findings": [finding_json(request, language, one) for one in page.findings],
        "prices": [
            {
                "bidder": bid.key,
                "name": bid.name,
                "price_yuan": None if bid.price_yuan is None else f"{bid.price_yuan:.2f}",
            }
            for bid in page.bids
        ],
        "ceiling_price_yuan": f"{page.lot.ceiling_price_yuan:.2f}",
    }


routes: Final = (lot_flags,)
