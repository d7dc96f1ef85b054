"""Papers that wait for a signature: what each says, who has signed, and the way to one's device."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from foundation.statements.store import Paper, Required, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerLine:
    """One signature that a paper needs."""

    role: str
    who: str
    signed_at: datetime | None
    is_you: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """One paper."""

    sid: str
    kind: str
    offered_at: datetime
    signers: tuple[SignerLine, ...]
    text: str
    lot_href: str | None
    waits_for_you: bool

    @property
    def signed(self) -> int:
        """How many have signed."""
        return sum(signer.signed_at is not None for signer in self.signers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PapersView:
    """All papers that wait for one's signature."""

    papers: tuple[PaperLine, ...]


def papers_view(papers: Sequence[Paper], is_own: Callable[[Required], bool]) -> PapersView:
    """The papers in the order in which they were offered; `is_own` tells one's own signature."""
    ordered = sorted(papers, key=lambda paper: paper.offered_at)
    return PapersView(papers=tuple(paper_line(paper, is_own) for paper in ordered))


def paper_line(paper: Paper, is_own: Callable[[Required], bool]) -> PaperLine:
    """One paper with its exact text: what is signed is what is shown."""
    signers = tuple(signer_line(one, is_you=is_own(one.required)) for one in paper.waiting)
    return PaperLine(
        sid=paper.statement.sid,
        kind=paper.statement.type,
        offered_at=paper.offered_at,
        signers=signers,
        text=json.dumps(paper.statement.body, ensure_ascii=False, indent=2, sort_keys=True),
        lot_href=f"/lots/{paper.scope}" if paper.scope is not None else None,
        waits_for_you=any(one.is_you and one.signed_at is None for one in signers),
    )


def signer_line(waiting: Waiting, *, is_you: bool) -> SignerLine:
    """One required signature; persons are known by their key, organisations by their code."""
    required = waiting.required
    return SignerLine(
        role=required.role,
        who=required.subject or (required.kid or "")[:16],
        signed_at=waiting.signed_at,
        is_you=is_you,
    )
