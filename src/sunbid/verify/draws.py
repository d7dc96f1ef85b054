"""The one rule of every draw (formulas.md V11), repeated from its text."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sunbid.verify.canonical import Object, hash_of, sha256

SEED_LABEL: Final = b"sunbid/public-seed/v1\0"
COMMIT_LABEL: Final = b"sunbid/seed-commit/v1\0"
SELECTION: Final = frozenset({"seats", "reserve", "speciality", "exclude", "at_most_per_employer"})


def pool_hash(pool: list[Object]) -> str:
    """Return the hash of a list of candidates in the order of their ids."""
    return hash_of(sorted(pool, key=lambda candidate: str(candidate["id"])))


def seed_commitment(lot: str, secret: bytes) -> str:
    """Return what a contributor commits to before the deadline."""
    return sha256(COMMIT_LABEL, lot.encode(), secret).hex()


def public_seed(root: bytes, secrets: dict[str, bytes]) -> bytes:
    """Return the public seed from the closing checkpoint's root and the secrets by commit sid."""
    return sha256(SEED_LABEL, root, *(secrets[sid] for sid in sorted(secrets)))


def ordered(seed: bytes, purpose: str, ids: list[str]) -> list[str]:
    """Order candidates by SHA-256(drawing seed ‖ "/" ‖ id), bytes ascending."""
    drawing = sha256(seed, b"/", purpose.encode())
    return sorted(ids, key=lambda item: sha256(drawing, b"/", item.encode()))


@dataclass(slots=True)
class Drawn:
    """Who a draw takes: seats first, then reserves; and who could not be taken, and why."""

    drawn: list[str] = field(default_factory=list)
    reserve: list[str] = field(default_factory=list)
    barred: set[str] = field(default_factory=set)
    crowded: set[str] = field(default_factory=set)


def draw(seed: bytes, purpose: str, pool: list[Object], constraints: Object) -> Drawn:
    """Take candidates in the drawn order as the constraints admit them.

    `at_most_per_employer` counts seats and reserves together, so that any reserve may
    stand in for any drawn expert.
    """
    by_id = {candidate["id"]: candidate for candidate in pool}
    seats, reserve = constraints.get("seats", 1), constraints.get("reserve", 0)
    limit = constraints.get("at_most_per_employer")
    result, taken = Drawn(), Counter[str]()
    for name in ordered(seed, purpose, list(by_id)):
        candidate = by_id[name]
        employer = candidate.get("employer")
        if not admitted(candidate, constraints):
            result.barred.add(name)
            continue
        # Who has no employer shares none with anybody.
        if limit is not None and employer is not None and taken[str(employer)] >= limit:
            result.crowded.add(name)
            continue
        if len(result.drawn) < seats:
            result.drawn.append(name)
        elif len(result.reserve) < reserve:
            result.reserve.append(name)
        else:
            continue
        taken[str(employer)] += 1
    return result


def admitted(candidate: Object, constraints: Object) -> bool:
    """Say whether speciality and exclusions admit a candidate."""
    speciality = constraints.get("speciality")
    if speciality is not None and speciality not in candidate.get("specialities", []):
        return False
    return not any(
        selector and all(candidate.get(key) == value for key, value in selector.items())
        for selector in constraints.get("exclude", [])
    )


def problem_of(constraints: Object) -> str | None:
    """Return why constraints cannot be applied, None if they can."""
    unknown = sorted(constraints.keys() - SELECTION)
    if unknown:
        return f"unknown constraints {unknown}"
    for key in ("seats", "reserve", "at_most_per_employer"):
        value = constraints.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            return f"{key} is not a number"
    if not isinstance(constraints.get("speciality"), str | None):
        return "speciality is not a text"
    exclude = constraints.get("exclude", [])
    if not isinstance(exclude, list) or not all(isinstance(item, dict) for item in exclude):
        return "exclude is not a list of selectors"
    return None
