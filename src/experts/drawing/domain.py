"""Drawings for a lot: float point, experts, blind codes, all from one public seed (pure).

Contributors commit to secrets before the deadline and reveal them after the closing; the list of
experts is fixed by its hash before the deadline. So nobody can choose the outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from bidding.published import Lot, NotLawful, OfLot, Part, Rule
from foundation.draw import Constraints, Exclusion
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.fields import B64of32, Hex, Sid, Text120, Text2000, Text20000

Kind: TypeAlias = Literal["float", "experts", "blind"]

FLOAT: Final = "float"
EXPERTS: Final = "experts"
BLIND: Final = "blind"
KINDS: Final[tuple[Kind, ...]] = (FLOAT, EXPERTS, BLIND)
# One contributor alone would know the seed before everybody else.
FEWEST_COMMITS: Final = 2

Text200 = Annotated[str, Meta(min_length=1, max_length=200)]


class CommitsClosed(Conflict):
    """The commitments and the pool of a lot are fixed before its deadline."""

    code = "commits-closed"


class CommittedAlready(Conflict):
    """This was committed already and cannot be changed."""

    code = "committed-already"


class RevealsNotOpen(Conflict):
    """Secrets are revealed after the closing of the lot."""

    code = "reveals-not-open"


class UnknownCommit(Invalid):
    """The secret belongs to no commitment of this lot."""

    code = "unknown-commit"


class RevealedAlready(Conflict):
    """This secret was revealed already."""

    code = "revealed-already"


class NotAContributor(NotAllowed):
    """This organisation contributes nothing to the seed of the lot."""

    code = "not-a-contributor"


class SecretsMissing(Conflict):
    """Some commitments have not been revealed, so there is no public seed yet."""

    code = "secrets-missing"


class PoolNotCommitted(Conflict):
    """The pool of experts was not committed before the deadline."""

    code = "pool-not-committed"


class DrawnAlready(Conflict):
    """This was drawn already; a drawing is made once."""

    code = "drawn-already"


class NothingToDraw(Conflict):
    """The scoring method of the lot draws no float point."""

    code = "nothing-to-draw"


class PanelNotLawful(NotLawful):
    """The panel would not be composed as the law demands."""

    code = "panel-not-lawful"


class NotYetDrawn(Conflict):
    """This has not been drawn yet."""

    code = "not-yet-drawn"


class OtherDraw(Invalid):
    """The statement is not the draw that follows from seed, pool and constraints."""

    code = "other-draw"


class SeedCommit(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`seed-commit`: the hash of a secret, before the deadline."""

    TYPE: ClassVar[str] = "seed-commit"
    contributor: Text120
    commitment: Hex


class SeedReveal(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`seed-reveal`: the secret behind a commitment, after the closing."""

    TYPE: ClassVar[str] = "seed-reveal"
    commit: Sid
    secret: B64of32


class ExcludedRow(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who could not be drawn, and the constraint that stood against it."""

    id: Text200
    reason: Text2000


class Draw(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`draw`: everything that a stranger needs to redo a drawing, with its outcome."""

    TYPE: ClassVar[str] = "draw"
    purpose: Text200
    seed: Hex
    checkpoint: Text20000
    reveals: Annotated[list[Sid], Meta(min_length=1, max_length=100)]
    pool_sha256: Hex
    constraints: dict[str, Any]
    drawn: list[Text200]
    reserve: list[Text200]
    excluded: list[ExcludedRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A kept commitment, with its secret once that is revealed."""

    sid: str
    contributor: str
    commitment: bytes
    reveal: str | None
    secret: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedPool:
    """The list of experts that the deadline fixed, and how many are wanted."""

    lot: UUID
    pool: Sequence[Mapping[str, Any]]
    pool_sha256: str
    wish: Constraints
    committed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSeed:
    """The seed of all drawings of a lot, and what it was made of."""

    seed: bytes
    checkpoint: str
    reveals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A signed drawing: ids in the order drawn."""

    lot: UUID
    kind: str
    sid: str
    drawn: tuple[str, ...]
    reserve: tuple[str, ...]


def purpose_of(kind: str, lot: Lot) -> str:
    """The purpose of a drawing, which makes its order unlike that of every other."""
    return f"{kind}/{lot.tender}/{lot.id}"


def kind_of(purpose: str, lot: Lot) -> Kind:
    """The kind of a drawing by its purpose; refuses another lot's."""
    for kind in KINDS:
        if purpose == purpose_of(kind, lot):
            return kind
    raise OtherDraw(f"expected a drawing of lot {lot.id}, got the purpose {purpose[:80]!r}")


def contributors(lot: Lot) -> frozenset[str]:
    """Who may contribute a secret: the organisations that the notice names."""
    parties = lot.parties
    return frozenset(
        {parties.buyer_uscc, parties.agency_uscc, parties.supervisor_uscc, parties.host_uscc}
    )


def check_panel_size(members: int, least: Rule, odd: Rule) -> None:
    """Refuses a panel of too few members, or of an even number where the law wants an odd one."""
    if members < least.whole:
        raise PanelNotLawful(
            f"expected a panel of at least {least.whole} members, got {members}; draw more "
            f"({least.article})",
            article=least.article,
        )
    if odd.on and members % 2 == 0:
        raise PanelNotLawful(
            f"expected an odd number of members, got {members}; draw one more ({odd.article})",
            article=odd.article,
        )


def check_secrets(commits: Sequence[Commit]) -> dict[str, bytes]:
    """The secrets by the sid of their commitment; refuses while one is missing."""
    if len(commits) < FEWEST_COMMITS:
        raise SecretsMissing(
            f"expected commitments of at least {FEWEST_COMMITS} contributors, got {len(commits)}"
        )
    missing = [commit.contributor for commit in commits if commit.secret is None]
    if missing:
        raise SecretsMissing(
            f"expected every commitment to be revealed, {', '.join(missing)} did not; ask them to "
            "send the seed-reveal"
        )
    return {commit.sid: commit.secret for commit in commits if commit.secret is not None}


def conflicts_of_interest(
    wish: Constraints, organisations: Sequence[str], related: Sequence[str]
) -> Constraints:
    """The wish with everybody excluded who works for, or is bound to, somebody in the procedure."""
    return Constraints(
        seats=wish.seats,
        reserve=wish.reserve,
        speciality=wish.speciality,
        exclude=(
            *(Exclusion(employer=uscc) for uscc in sorted(set(organisations))),
            *(Exclusion(id=expert) for expert in sorted(set(related))),
        ),
        at_most_per_employer=wish.at_most_per_employer,
    )
