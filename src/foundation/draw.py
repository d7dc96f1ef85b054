"""A draw that anybody can redo: a committed list, a public seed, one rule.

Each contributor commits to a secret, then reveals it; the public seed hashes all secrets with the
root of a ledger checkpoint. The list is ordered by a hash of that seed and each id, and the first
ones that the constraints admit are taken. Nothing here reads a clock, a database or randomness.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from foundation.problems import Conflict, Invalid
from foundation.statements.canonical import Json, canonical

SECRET_BYTES: Final = 32
SHORTEST_SEED: Final = 16
LONGEST_SEED: Final = 64
MOST_SEATS: Final = 10_000

_KEYS: Final = frozenset({"seats", "reserve", "speciality", "exclude", "at_most_per_employer"})


class BadPool(Invalid):
    """The list to draw from cannot be used."""

    code = "bad-pool"


class BadConstraints(Invalid):
    """The constraints of the draw cannot be used."""

    code = "bad-constraints"


class BadSeed(Invalid):
    """The seed of the draw cannot be used."""

    code = "bad-seed"


class PoolTooSmall(Conflict):
    """The list holds too few candidates that the constraints admit."""

    code = "pool-too-small"


class SecretDoesNotMatch(Invalid):
    """The revealed secret is not the one committed to."""

    code = "secret-does-not-match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Who may not be drawn: one candidate, or everybody of one employer."""

    id: str | None = None
    employer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """How many are drawn, and who may be."""

    seats: int
    reserve: int = 0
    speciality: str | None = None
    exclude: tuple[Exclusion, ...] = ()
    at_most_per_employer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A candidate that could not be drawn; `reason` is the constraint that stood against it."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The outcome: in the order drawn; `excluded` by id."""

    drawn: tuple[str, ...]
    reserve: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    pool_sha256: str


def seed_commitment(scope: UUID, secret: bytes) -> bytes:
    """What a contributor publishes before anything is known: a hash bound to the scope."""
    _require_secret(secret)
    return hashlib.sha256(b"sunbid/seed-commit/v1\0" + str(scope).encode() + secret).digest()


def require_commitment(scope: UUID, commitment: bytes, secret: bytes) -> None:
    """Refuses a secret that is not the one committed to for this scope."""
    if seed_commitment(scope, secret) != commitment:
        raise SecretDoesNotMatch(
            f"expected the secret behind the commitment {commitment.hex()[:16]}…, got another; "
            "reveal the secret that was kept when committing"
        )


def public_seed(root_hash: bytes, secrets_by_commit: Mapping[str, bytes]) -> bytes:
    """The seed of all draws of a scope: the checkpoint's root hash, then the revealed secrets.

    The secrets count in the ascending order of the ids of their commitments.
    """
    if len(root_hash) != SECRET_BYTES:
        raise BadSeed(f"expected a root hash of {SECRET_BYTES} bytes, got {len(root_hash)}")
    digest = hashlib.sha256(b"sunbid/public-seed/v1\0" + root_hash)
    for commit in sorted(secrets_by_commit):
        _require_secret(secrets_by_commit[commit])
        digest.update(secrets_by_commit[commit])
    return digest.digest()


def drawing_seed(seed: bytes, purpose: str) -> bytes:
    """The seed of one draw; another purpose gives an unrelated order."""
    return hashlib.sha256(seed + b"/" + purpose.encode()).digest()


def order_key(drawing: bytes, name: str) -> bytes:
    """Where a candidate stands in one draw: ascending bytes."""
    return hashlib.sha256(drawing + b"/" + name.encode()).digest()


def ordered(drawing: bytes, names: Iterable[str]) -> list[str]:
    """The ids in the order of one draw."""
    return sorted(names, key=lambda name: order_key(drawing, name))


def pool_digest(entries: Sequence[Mapping[str, Json]]) -> str:
    """The SHA-256 of the canonical list, sorted by id, so that its order carries nothing."""
    return hashlib.sha256(canonical(sorted_pool(entries))).hexdigest()


def sorted_pool(entries: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """The list by id; refuses one without ids, with an id twice or with facts of another form."""
    ids: set[str] = set()
    for entry in entries:
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            raise BadPool("expected every candidate to have an id (text), got one without")
        if name in ids:
            raise BadPool(f"expected every id once, got {name[:60]!r} twice; remove one of them")
        ids.add(name)
        codes = entry.get("specialities", [])
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise BadPool(f"expected the specialities of {name[:60]!r} to be a list of texts")
        if not isinstance(entry.get("employer"), str | None):
            raise BadPool(f"expected the employer of {name[:60]!r} to be a text or null")
    return sorted((dict(entry) for entry in entries), key=lambda row: row["id"])


def draw(
    entries: Sequence[Mapping[str, Json]], seed: bytes, purpose: str, constraints: Constraints
) -> Drawn:
    """Draws for a purpose from the public seed; refuses when too few candidates are admissible."""
    _require_seed(seed)
    return draw_in_order(entries, drawing_seed(seed, purpose), constraints)


def draw_in_order(
    entries: Sequence[Mapping[str, Json]], drawing: bytes, constraints: Constraints
) -> Drawn:
    """Draws with the seed of the drawing itself; the outcome hangs on nothing else."""
    _require_seed(drawing)
    pool = {row["id"]: row for row in sorted_pool(entries)}
    reasons = {name: reason for name, row in pool.items() if (reason := _against(row, constraints))}
    wanted = constraints.seats + constraints.reserve
    taken: list[str] = []
    per_employer: Counter[str] = Counter()
    for name in ordered(drawing, (name for name in pool if name not in reasons)):
        if len(taken) == wanted:
            break
        employer = pool[name].get("employer")
        if employer is not None:
            if per_employer[employer] == constraints.at_most_per_employer:
                reasons[name] = "at_most_per_employer"
                continue
            per_employer[employer] += 1
        taken.append(name)
    if len(taken) < constraints.seats:
        raise PoolTooSmall(
            f"expected at least {constraints.seats} candidates that the constraints admit, got "
            f"{len(taken)} of {len(pool)}; widen the list or the constraints"
        )
    return Drawn(
        drawn=tuple(taken[: constraints.seats]),
        reserve=tuple(taken[constraints.seats :]),
        excluded=tuple(Excluded(id=name, reason=reasons[name]) for name in sorted(reasons)),
        pool_sha256=pool_digest(entries),
    )


def read_constraints(value: Json) -> Constraints:
    """The constraints as a file or statement says them; refuses unknown keys and odd numbers."""
    if not isinstance(value, dict) or not set(value) <= _KEYS:
        raise BadConstraints(f"expected an object with some of {', '.join(sorted(_KEYS))}")
    most = value.get("at_most_per_employer")
    speciality = value.get("speciality")
    if speciality is not None and not isinstance(speciality, str):
        raise BadConstraints("expected speciality to be a text or null")
    return Constraints(
        seats=_whole("seats", value.get("seats"), least=1),
        reserve=_whole("reserve", value.get("reserve", 0), least=0),
        speciality=speciality,
        exclude=_exclusions(value.get("exclude", [])),
        at_most_per_employer=(
            None if most is None else _whole("at_most_per_employer", most, least=1)
        ),
    )


def constraints_json(constraints: Constraints) -> dict[str, Json]:
    """The constraints as a statement says them, every key present."""
    return {
        "seats": constraints.seats,
        "reserve": constraints.reserve,
        "speciality": constraints.speciality,
        "exclude": [
            {"employer": row.employer} if row.id is None else {"id": row.id}
            for row in constraints.exclude
        ],
        "at_most_per_employer": constraints.at_most_per_employer,
    }


def _against(entry: Mapping[str, Json], constraints: Constraints) -> str | None:
    """The constraint that stands against a candidate whatever the order, or None."""
    if any(row.id == entry["id"] for row in constraints.exclude if row.id):
        return "id"
    employer = entry.get("employer")
    if any(row.employer == employer for row in constraints.exclude if row.employer):
        return "employer"
    if constraints.speciality is None:
        return None
    return None if constraints.speciality in entry.get("specialities", []) else "speciality"


def _exclusions(value: Json) -> tuple[Exclusion, ...]:
    if not isinstance(value, list):
        raise BadConstraints("expected exclude to be a list")
    found = []
    for row in value:
        if not isinstance(row, dict) or len(row) != 1 or not set(row) <= {"id", "employer"}:
            raise BadConstraints(
                'expected each exclusion to be {"employer": "…"} or {"id": "…"}, got another'
            )
        key, name = next(iter(row.items()))
        if not isinstance(name, str) or not name:
            raise BadConstraints(f"expected the {key} of an exclusion to be a text")
        found.append(Exclusion(id=name) if key == "id" else Exclusion(employer=name))
    return tuple(found)


def _whole(name: str, value: Json, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_SEATS:
        raise BadConstraints(
            f"expected {name} to be a whole number from {least} to {MOST_SEATS}, got {value!r:.40}"
        )
    return value


def _require_secret(secret: bytes) -> None:
    if len(secret) != SECRET_BYTES:
        raise BadSeed(f"expected a secret of {SECRET_BYTES} bytes, got {len(secret)}")


def _require_seed(seed: bytes) -> None:
    if not SHORTEST_SEED <= len(seed) <= LONGEST_SEED:
        raise BadSeed(
            f"expected a seed of {SHORTEST_SEED} to {LONGEST_SEED} bytes (the public seed has 32), "
            f"got {len(seed)}"
        )
