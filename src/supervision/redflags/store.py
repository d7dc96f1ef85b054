"""SQL of examinations, findings and their evidence; bidding is read through its views."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

from foundation.database import Connection, Record
from foundation.statements.canonical import Json, canonical, parse
from supervision.forensics.domain import Archive
from supervision.redflags.domain import (
    BaseRate,
    Document,
    Evidence,
    Examination,
    ExaminedFile,
    Finding,
    KeptFinding,
    Suspicion,
    Tally,
)

LARGEST_EVIDENCE: Final = 1024 * 1024


LOTS_TO_EXAMINE: Final[LiteralString] = """
    SELECT DISTINCT b.lot
      FROM bidding.v_opened_bid AS b
     WHERE NOT EXISTS (SELECT 1
                         FROM supervision.examination AS e
                        WHERE e.lot = b.lot)
  ORDER BY b.lot
     LIMIT 20
"""


async def lots_to_examine(connection: Connection) -> list[UUID]:
    """Return lots whose bids are open and that no rule has looked at."""
    return [row["lot"] for row in await connection.fetch(LOTS_TO_EXAMINE)]


TENDER_DOCUMENTS: Final[LiteralString] = """
    SELECT id, name
      FROM bidding.v_document
     WHERE lot = $1
  ORDER BY name, id
     LIMIT 500
"""


async def tender_documents(connection: Connection, lot: UUID) -> list[Document]:
    """Return the files of a lot's tender document."""
    rows = await connection.fetch(TENDER_DOCUMENTS, lot)
    return [Document(id=row["id"], name=row["name"]) for row in rows]


COUNT_PAIRS: Final[LiteralString] = """
    SELECT coalesce(sum(pairs), 0)::bigint AS pairs
      FROM supervision.examination
"""

COUNT_FIRED: Final[LiteralString] = """
    SELECT flag, sum(pairs)::bigint AS pairs
      FROM supervision.finding
  GROUP BY flag
  ORDER BY flag
     LIMIT 1000
"""


async def tally(connection: Connection) -> Tally:
    """Return how often each flag fired on this platform, in pairs of bidders."""
    rows = await connection.fetch(COUNT_FIRED)
    return Tally(
        pairs=await connection.fetchval(COUNT_PAIRS),
        fired={row["flag"]: row["pairs"] for row in rows},
    )


COUNT_BIDS: Final[LiteralString] = """
    SELECT coalesce(sum(bids), 0)::bigint AS bids
      FROM supervision.examination
"""

COUNT_VALUES: Final[LiteralString] = """
    SELECT p.field, p.value, count(DISTINCT p.submission)::bigint AS bids
      FROM supervision.property AS p
      JOIN unnest($1::text[], $2::text[]) AS asked (field, value)
        ON asked.field = p.field AND asked.value = p.value
  GROUP BY p.field, p.value
  ORDER BY p.field, p.value
     LIMIT 100000
"""


async def archive(connection: Connection, values: Iterable[tuple[str, str]]) -> Archive:
    """Return how many examined bids carry each of these properties."""
    asked = sorted(set(values))
    rows = await connection.fetch(COUNT_VALUES, [f for f, _ in asked], [v for _, v in asked])
    return Archive(
        documents=await connection.fetchval(COUNT_BIDS),
        seen={(row["field"], row["value"]): row["bids"] for row in rows},
    )


INSERT_EXAMINATION: Final[LiteralString] = """
    INSERT INTO supervision.examination
           (lot, tender, examined_at, rules_version, bids, pairs, grade, due_at, suspicions,
            problems)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (lot) DO NOTHING
 RETURNING lot
"""


async def insert_examination(connection: Connection, examination: Examination) -> bool:
    """Keep an examination; False where the lot was examined already."""
    row = await connection.fetchrow(
        INSERT_EXAMINATION,
        examination.lot,
        examination.tender,
        examination.examined_at,
        examination.rules_version,
        examination.bids,
        examination.pairs,
        examination.grade,
        examination.due_at,
        json.dumps([_suspicion_json(one) for one in examination.suspicions]),
        json.dumps(list(examination.problems), ensure_ascii=False),
    )
    return row is not None


INSERT_EXAMINED_FILES: Final[LiteralString] = """
    INSERT INTO supervision.examined_file (lot, submission, file, sha256, pages, problem)
    SELECT $1, f.submission, f.file, f.sha256, f.pages, f.problem
      FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::int[], $6::text[])
           AS f (submission, file, sha256, pages, problem)
"""


async def insert_files(connection: Connection, lot: UUID, files: Sequence[ExaminedFile]) -> None:
    """Keep which bytes were read."""
    await connection.execute(
        INSERT_EXAMINED_FILES,
        lot,
        [one.submission for one in files],
        [one.file for one in files],
        [one.sha256 for one in files],
        [one.pages for one in files],
        [one.problem for one in files],
    )


INSERT_PROPERTIES: Final[LiteralString] = """
    INSERT INTO supervision.property (lot, submission, field, value)
    SELECT DISTINCT $1::uuid, p.submission, p.field, p.value
      FROM unnest($2::uuid[], $3::text[], $4::text[]) AS p (submission, field, value)
"""


async def insert_properties(
    connection: Connection, lot: UUID, carried: Sequence[tuple[UUID, str, str]]
) -> None:
    """Keep the properties of the bids' files, for the rarity of later ones."""
    await connection.execute(
        INSERT_PROPERTIES,
        lot,
        [submission for submission, _, _ in carried],
        [field for _, field, _ in carried],
        [value for _, _, value in carried],
    )


INSERT_FINDING: Final[LiteralString] = """
    INSERT INTO supervision.finding
           (id, lot, number, flag, grade, carrier, article, bidders, pairs, place, base_rate,
            measure, others, sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

INSERT_EVIDENCE: Final[LiteralString] = """
    INSERT INTO supervision.evidence (finding, number, kind, raw, sha256)
    SELECT $1, e.number, e.kind, e.raw, sha256(e.raw)
      FROM unnest($2::int[], $3::text[], $4::bytea[]) AS e (number, kind, raw)
"""


async def insert_finding(connection: Connection, lot: UUID, number: int, finding: Finding) -> str:
    """Keep a finding with its evidence; return the hash that pins all of it."""
    raws = [canonical({"kind": one.kind, "data": one.data}) for one in finding.evidence]
    pin = hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in raws))
    number_of_bidders = len(finding.bidders)
    finding_id = uuid4()
    await connection.execute(
        INSERT_FINDING,
        finding_id,
        lot,
        number,
        finding.flag,
        finding.grade,
        finding.carrier,
        finding.article,
        json.dumps(finding.bidders),
        max(1, number_of_bidders * (number_of_bidders - 1) // 2),
        json.dumps(finding.values, ensure_ascii=False),
        json.dumps(_base_rate_json(finding.base_rate)),
        finding.measure,
        json.dumps(finding.others),
        pin.digest(),
    )
    await connection.execute(
        INSERT_EVIDENCE,
        finding_id,
        list(range(1, len(raws) + 1)),
        [one.kind for one in finding.evidence],
        raws,
    )
    return pin.hexdigest()


EXAMINATION: Final[LiteralString] = """
    SELECT lot, tender, examined_at, rules_version, bids, pairs, grade, due_at, suspicions,
           problems
      FROM supervision.examination
     WHERE lot = $1
"""


async def examination(connection: Connection, lot: UUID) -> Examination | None:
    """Return the examination of a lot, or None before it was made."""
    row = await connection.fetchrow(EXAMINATION, lot)
    return None if row is None else _examination(row)


EXAMINATIONS: Final[LiteralString] = """
    SELECT e.lot, e.tender, e.examined_at, e.rules_version, e.bids, e.pairs, e.grade, e.due_at,
           e.suspicions, e.problems
      FROM supervision.examination AS e
      JOIN bidding.v_lot AS l ON l.id = e.lot
     WHERE l.supervisor_uscc = $1
       AND e.grade IS NOT NULL
  ORDER BY e.grade, e.due_at, e.lot
     LIMIT 500
"""


async def examinations(connection: Connection, supervisor_uscc: str) -> list[Examination]:
    """Return the examinations with findings that one supervisor answers for, gravest first."""
    return [_examination(row) for row in await connection.fetch(EXAMINATIONS, supervisor_uscc)]


FINDINGS: Final[LiteralString] = """
    SELECT id, number, flag, grade, carrier, article, bidders, place, base_rate, measure, others,
           sha256
      FROM supervision.finding
     WHERE lot = $1
  ORDER BY number
     LIMIT 1000
"""

EVIDENCE_OF: Final[LiteralString] = """
    SELECT e.finding, e.kind, e.raw
      FROM supervision.evidence AS e
      JOIN supervision.finding AS f ON f.id = e.finding
     WHERE f.lot = $1
  ORDER BY f.number, e.number
     LIMIT 20000
"""


async def findings(connection: Connection, lot: UUID) -> list[KeptFinding]:
    """Return the findings of a lot with their evidence, in their order."""
    evidence: dict[UUID, list[Evidence]] = {}
    for row in await connection.fetch(EVIDENCE_OF, lot):
        data = parse(row["raw"], limit=LARGEST_EVIDENCE)["data"]
        evidence.setdefault(row["finding"], []).append(Evidence(kind=row["kind"], data=data))
    return [
        KeptFinding(
            id=row["id"],
            number=row["number"],
            finding=_finding(row, tuple(evidence.get(row["id"], ()))),
            sha256=row["sha256"].hex(),
        )
        for row in await connection.fetch(FINDINGS, lot)
    ]


def _finding(row: Record, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        flag=row["flag"],
        grade=row["grade"],
        carrier=row["carrier"],
        article=row["article"],
        bidders=tuple(json.loads(row["bidders"])),
        values=json.loads(row["place"]),
        base_rate=BaseRate(**json.loads(row["base_rate"])),
        evidence=evidence,
        measure=row["measure"],
        others=tuple(json.loads(row["others"])),
    )


def _examination(row: Record) -> Examination:
    values: dict[str, Any] = dict(row)
    values["suspicions"] = tuple(_suspicion(one) for one in json.loads(row["suspicions"]))
    values["problems"] = tuple(json.loads(row["problems"]))
    return Examination(**values)


def _suspicion(value: Mapping[str, Any]) -> Suspicion:
    return Suspicion(
        bidders=tuple(value["bidders"]),
        grade=value["grade"],
        advice=value["advice"],
        flags=tuple(value["flags"]),
        carriers=tuple(value["carriers"]),
    )


def _suspicion_json(one: Suspicion) -> dict[str, Json]:
    return {
        "bidders": list(one.bidders),
        "grade": one.grade,
        "advice": one.advice,
        "flags": list(one.flags),
        "carriers": list(one.carriers),
    }


def _base_rate_json(rate: BaseRate) -> dict[str, Json]:
    return {"hits": rate.hits, "of": rate.of, "source": rate.source}
