"""What host and supervisor do beside the steps: stages, answers, findings, outages, omissions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bidding.opening.console import ConsoleFacts
from bidding.opening.oversight.acts import ActsFacts, NextStage
from bidding.opening.oversight.faults import FAULTS
from bidding.tender.domain import CLOSED, CUT, OPENING, PUBLISHED, SUSPENDED
from foundation.statements.store import Kept
from sunbid.pages.elements import Text, words
from sunbid.pages.tender import volume_names

RUNNING: Final = frozenset({PUBLISHED, CLOSED, CUT, OPENING, SUSPENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a form and its words."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StageForm:
    """The stage that may be proposed."""

    number: int
    volumes: tuple[Text, ...]
    opens_at: datetime | None
    bids: tuple[Choice, ...]
    evaluations: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """An objection to which no office has answered."""

    sid: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """A paper that waits, and for whom."""

    kind: str
    roles: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """The forms that the console shows beside the next step."""

    stage: StageForm | None
    unanswered: tuple[Unanswered, ...]
    disputed: tuple[Choice, ...]
    faults: tuple[Choice, ...]
    omissions: int
    is_late: bool
    may_declare: bool
    papers: tuple[PaperLine, ...]


def acts_view(facts: ConsoleFacts) -> Acts:
    """The forms of now; who may use which the page decides by who looks at it."""
    acts = facts.acts
    return Acts(
        stage=None if acts.next_stage is None else stage_form(acts.next_stage),
        unanswered=unanswered(acts, facts.hall.told),
        disputed=tuple(
            Choice(value=one.tree, label=words("acts.envelope", tree=one.tree[:12]))
            for one in acts.disputed
        ),
        faults=tuple(Choice(value=fault, label=words(f"fault.{fault}")) for fault in FAULTS),
        omissions=acts.omissions,
        is_late=acts.is_late,
        may_declare=facts.hall.lot.status in RUNNING,
        papers=tuple(
            PaperLine(kind=paper.kind, roles=tuple(words(f"role.{role}") for role in paper.roles))
            for paper in acts.awaited
            if paper.roles
        ),
    )


def stage_form(stage: NextStage) -> StageForm:
    """What is asked for a later stage: who goes on, by which evaluation, at what hour."""
    return StageForm(
        number=stage.number,
        volumes=tuple(volume_names(stage.volumes)),
        opens_at=stage.opens_at,
        bids=tuple(
            Choice(value=str(submission), label=bid_name(name, number))
            for number, (submission, name) in enumerate(stage.bids, 1)
        ),
        evaluations=tuple(
            Choice(value=sid, label=words("acts.evaluation", sid=sid[:16]))
            for sid in stage.evaluations
        ),
    )


def bid_name(name: str | None, number: int) -> Text:
    """The name of a bidder that was opened, or the place of its bid in the list."""
    return words("hall.name_unopened", n=number) if name is None else name


def unanswered(acts: ActsFacts, told: Sequence[Kept]) -> tuple[Unanswered, ...]:
    """The objections of the opening that no office has answered, oldest first."""
    return tuple(
        Unanswered(sid=one.statement.sid, text=str(one.statement.body["content"]))
        for one in told
        if one.statement.type == "objection" and one.statement.sid not in acts.answered
    )
