"""SQL of the pool of experts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from experts.pool.domain import Expert, ExpertId, ExpertKnown, NewExpert, Relation
from foundation.database import Connection, Record
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, Callable[[], Refused]]] = {"expert_key_once": ExpertKnown}

INSERT_EXPERT: Final[LiteralString] = """
    INSERT INTO experts.expert (name, specialities, region, grade, employer_uscc, employer_name,
                                kid, alg, pk, imported_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
 RETURNING id
"""


async def insert_expert(connection: Connection, new: NewExpert, at: datetime) -> Expert:
    """Writes an expert; the constraint expert_key_once refuses a key that is known."""
    made = await connection.fetchval(
        INSERT_EXPERT,
        new.name,
        list(new.specialities),
        new.region,
        new.grade,
        new.employer_uscc,
        new.employer_name,
        new.kid,
        new.alg,
        new.pk,
        at,
    )
    return Expert(
        id=ExpertId(made),
        name=new.name,
        specialities=new.specialities,
        region=new.region,
        grade=new.grade,
        employer_uscc=new.employer_uscc,
        employer_name=new.employer_name,
        kid=new.kid,
        alg=new.alg,
        pk=new.pk,
        available=True,
    )


EXPERTS: Final[LiteralString] = """
    SELECT id, name, specialities, region, grade, employer_uscc, employer_name, kid, alg, pk,
           available
      FROM experts.expert
  ORDER BY name, id
     LIMIT 20000
"""


async def experts(connection: Connection) -> list[Expert]:
    """Every expert of the pool, by name."""
    return [_expert(row) for row in await connection.fetch(EXPERTS)]


AVAILABLE_EXPERTS: Final[LiteralString] = """
    SELECT id, name, specialities, region, grade, employer_uscc, employer_name, kid, alg, pk,
           available
      FROM experts.expert
     WHERE available
  ORDER BY id
     LIMIT 20000
"""


async def available_experts(connection: Connection) -> list[Expert]:
    """Everybody who may be drawn now."""
    return [_expert(row) for row in await connection.fetch(AVAILABLE_EXPERTS)]


EXPERTS_OF_IDS: Final[LiteralString] = """
    SELECT id, name, specialities, region, grade, employer_uscc, employer_name, kid, alg, pk,
           available
      FROM experts.expert
     WHERE id = ANY ($1::uuid[])
  ORDER BY id
     LIMIT 20000
"""


async def experts_of(connection: Connection, ids: Sequence[UUID]) -> list[Expert]:
    """The experts with these ids."""
    return [_expert(row) for row in await connection.fetch(EXPERTS_OF_IDS, list(ids))]


EXPERT_OF_KEY: Final[LiteralString] = """
    SELECT id, name, specialities, region, grade, employer_uscc, employer_name, kid, alg, pk,
           available
      FROM experts.expert
     WHERE kid = $1
"""


async def expert_of_key(connection: Connection, kid: str) -> Expert | None:
    """The expert who holds a key, or None."""
    row = await connection.fetchrow(EXPERT_OF_KEY, kid)
    return None if row is None else _expert(row)


SET_AVAILABLE: Final[LiteralString] = """
    UPDATE experts.expert
       SET available = $2
     WHERE id = $1
 RETURNING id
"""


async def set_available(connection: Connection, expert: UUID, available: bool) -> bool:
    """Says whether an expert may be drawn; False when there is no such expert."""
    return await connection.fetchval(SET_AVAILABLE, expert, available) is not None


INSERT_RELATION: Final[LiteralString] = """
    INSERT INTO experts.relation (expert, uscc, reason, declared_at)
    VALUES ($1, $2, $3, $4)
        ON CONFLICT (expert, uscc) DO NOTHING
"""


async def insert_relation(
    connection: Connection, expert: UUID, uscc: str, reason: str, at: datetime
) -> None:
    """Writes a declared relation; a second declaration of the same changes nothing."""
    await connection.execute(INSERT_RELATION, expert, uscc, reason, at)


RELATIONS_TO: Final[LiteralString] = """
    SELECT expert, uscc
      FROM experts.relation
     WHERE uscc = ANY ($1::text[])
       AND declared_at < $2
  ORDER BY expert, uscc
     LIMIT 20000
"""


async def relations_to(
    connection: Connection, usccs: Sequence[str], before: datetime
) -> list[Relation]:
    """The relations to any of these organisations that were declared before a time."""
    return [
        Relation(expert=ExpertId(row["expert"]), uscc=row["uscc"])
        for row in await connection.fetch(RELATIONS_TO, list(usccs), before)
    ]


def _expert(row: Record) -> Expert:
    values = dict(row)
    values["specialities"] = tuple(values["specialities"])
    return Expert(**values)
