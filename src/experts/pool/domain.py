"""The pool of experts: who they are, what a drawing may know of them, to whom they are bound."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NewType
from uuid import UUID

from foundation.problems import Conflict, Invalid, NotAllowed, NotFound
from foundation.statements.signed import kid_of, public_key_of

ExpertId = NewType("ExpertId", UUID)

POOL_KEEPER: Final = "pool-keeper"
EXPERT: Final = "expert"
MOST_IMPORTED: Final = 5000
_TREE_CODE: Final = re.compile(r"[A-Z][0-9]{0,12}")
_USCC: Final = re.compile(r"[0-9A-HJ-NP-RT-UWXY]{18}")


class UnknownExpert(NotFound):
    """There is no such expert in the pool."""

    code = "unknown-expert"


class ExpertKnown(Conflict):
    """An expert with this key is already in the pool."""

    code = "expert-known"


class BadExpert(Invalid):
    """The entry of an expert is not complete."""

    code = "bad-expert"


class NotAnExpert(NotAllowed):
    """This is done by an expert of the pool."""

    code = "not-an-expert"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExpert:
    """An expert to be imported; the key is that of the expert's own device."""

    name: str
    specialities: tuple[str, ...]
    region: str
    grade: str
    employer_uscc: str
    employer_name: str
    alg: str
    pk: bytes

    @property
    def kid(self) -> str:
        """Identity of the key."""
        return kid_of(self.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expert:
    """An expert as the keeper of the pool sees one."""

    id: ExpertId
    name: str
    specialities: tuple[str, ...]
    region: str
    grade: str
    employer_uscc: str
    employer_name: str
    kid: str
    alg: str
    pk: bytes
    available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """An organisation that an expert declared to be bound to."""

    expert: ExpertId
    uscc: str


def check_new_expert(new: NewExpert) -> NewExpert:
    """Refuses an entry without name, tree codes, employer or usable key."""
    if not new.name.strip() or not new.region.strip() or not new.grade.strip():
        raise BadExpert("expected name, region and grade of every expert, got one that is empty")
    if not new.specialities or not all(_TREE_CODE.fullmatch(code) for code in new.specialities):
        raise BadExpert(
            f"expected codes of the speciality tree such as A0801, got {list(new.specialities)}"
        )
    check_uscc(new.employer_uscc)
    public_key_of(new.pk)
    if new.alg != ("EdDSA" if len(new.pk) == 32 else "ES256"):
        raise BadExpert(f"expected the algorithm that fits the key, got {new.alg[:20]!r}")
    return new


def check_uscc(uscc: str) -> str:
    """Refuses what cannot be the code of an organisation."""
    if _USCC.fullmatch(uscc) is None:
        raise BadExpert(f"expected an 18-character credit code, got {uscc[:30]!r}")
    return uscc


def branches(code: str) -> list[str]:
    """The branches of the speciality tree that a code lies in: A0801 lies in A, A08 and A0801."""
    return [code[:end] for end in range(1, len(code), 2)] + [code]


def pool_row(expert: Expert) -> Mapping[str, Any]:
    """What a committed pool says of an expert: no name; the kid fixes the key that may sign.

    Specialities name every branch, so that a draw compares whole codes only.
    """
    return {
        "id": str(expert.id),
        "kid": expert.kid,
        "specialities": sorted({b for code in expert.specialities for b in branches(code)}),
        "region": expert.region,
        "grade": expert.grade,
        "employer": expert.employer_uscc,
    }
