"""The schemas of the package's files (sealing.md 9.10 and the evidence package)."""

import re
from typing import Any, Final

from sunbid.verify import schema as s
from sunbid.verify.bodies import ALGORITHM, ENTRY, HEADER, LEAF, V1, WRAPS, statement
from sunbid.verify.canonical import Malformed, Object
from sunbid.verify.schema import Rule

CLOSED_LEAF: Final = s.record(index=s.integer(), leaf_hash=s.hexa)


def any_leaf(value: Any, place: str) -> None:
    """Check an opened leaf, or one that is still closed and shows its hash only."""
    closed = isinstance(value, dict) and "leaf_hash" in value
    (CLOSED_LEAF if closed else LEAF)(value, place)


RELEASES: Final = (
    "release-b",
    "release-ack",
    "remedy-start",
    "release-r",
    "release-t",
    "share-check",
    "cure",
)
# Acts are C19's and C20's; mandates and readiness are no part of every transcript.
TRANSCRIPT_TYPES: Final = (
    *(kind for kind in RELEASES if kind != "release-ack"),
    *("opening-keys", "schedule", "closing", "stage", "opening-step", "opening-record"),
    *("refusal", "omission", "objection", "supervisor-decision"),
)
AWARD_TYPES: Final = ("vote", "award", "letter")
EVALUATION_TYPES: Final = (
    "seed-commit",
    "seed-reveal",
    "draw",
    "pledge",
    "scorecard",
    "evaluation-report",
    "dissent",
)


def _act(value: Any, place: str) -> None:
    """Check one entry of `acts`: an act with its receipt, or what was refused."""
    s.record(
        statement=s.nullable(statement("manifest", "withdraw")),
        receipt=s.nullable(statement("receipt")),
        refusal=s.nullable(statement("refusal")),
    )(value, place)
    if (value["receipt"] is None) == (value["refusal"] is None):
        raise Malformed(place, "expected either a receipt or a refusal")
    if value["statement"] is None and value["refusal"] is None:
        raise Malformed(place, "expected the act's statement")


def _proofs(value: Any, place: str) -> None:
    s.any_object(value, place)
    for index, proof in value.items():
        s.pattern(re.compile(r"^(0|[1-9]\d{0,15})$", re.ASCII), "a leaf index")(index, place)
        s.text(40_000)(proof, f"{place}.{index}")


TRANSCRIPT: Final = s.record(
    v=V1,
    opening_keys=s.array(statement("opening-keys"), 1, 99),
    mandates=s.array(statement("mandate", "mandate-revoke")),
    schedules=s.array(statement("schedule"), 1, 999),
    closing=statement("closing"),
    stages=s.array(statement("stage")),
    steps=s.array(statement("opening-step", "closing")),
    acts=s.array(_act),
    list=s.by_key(s.array(ENTRY, 1, 5000), lambda e: e["submission"]),
    headers=s.array(HEADER),
    wraps=s.array(WRAPS),
    releases=s.array(statement(*RELEASES)),
    omissions=s.array(statement("omission")),
    decisions=s.array(statement("supervisor-decision")),
    records=s.array(statement("opening-record")),
    objections=s.array(statement("objection")),
    leaves=s.array(LEAF),
    checkpoints=s.array(s.record(note=s.text(20_000), token=s.nullable(s.b64_field()))),
    proofs=_proofs,
)

PRICE_FORMULAS: Final[dict[str, Rule]] = {
    "V1": s.at_least(full=s.decimal),
    "V4": s.at_least(full=s.decimal, up=s.decimal, down=s.decimal),
    "V5": s.at_least(
        full=s.decimal,
        k_above=s.decimal,
        k_below=s.decimal,
        float_points=s.nullable(s.array(s.at_least(id=s.text(40), value=s.decimal), 1, 100)),
    ),
}


def _price(value: Any, place: str) -> None:
    """Check a price formula with the keys of its own; others are not recomputed."""
    s.at_least(formula=s.text(10))(value, place)
    PRICE_FORMULAS.get(value["formula"], s.any_object)(value, place)


METHOD: Final = s.at_least(
    v=V1,
    kind=s.text(60),
    decimals=s.integer(0, 6),
    price=_price,
    criteria=s.array(
        s.at_least(
            id=s.text(60),
            name=s.text(400),
            volume=s.text(40),
            kind=s.one_of("pass_fail", "range", "banded"),
            max=s.nullable(s.decimal),
            step=s.nullable(s.decimal),
        ),
        1,
        500,
    ),
    panel_mean=s.at_least(trim_each_side=s.integer(0, 9)),
    candidates=s.integer(1, 99),
    ties=s.one_of("price_ascending"),
)
PUBLIC_KEY: Final[dict[str, Rule]] = {
    "kid": s.text(16),
    "alg": ALGORITHM,
    "pk": s.b64_field([32, 65]),
}
ROW: Final = s.at_least(
    expert=s.text(120),
    code=s.text(40),
    criterion=s.text(60),
    score=s.nullable(s.decimal),
    passed=s.nullable(s.boolean),
)

FILES: Final[dict[str, Rule]] = {
    "package.json": s.record(
        v=V1,
        format=s.one_of("sunbid/package/v1"),
        tender=s.uuid,
        lot=s.uuid,
        round=s.integer(1, 99),
        origin=s.text(120),
        log_vkey=s.text(400),
        made_at=s.moment,
    ),
    "opening.json": TRANSCRIPT,
    "notice.json": s.at_least(
        tender=s.uuid,
        lot=s.uuid,
        buyer_uscc=s.uscc,
        supervisor_uscc=s.uscc,
        agency_uscc=s.nullable(s.uscc),
        host_uscc=s.uscc,
        method=METHOD,
        method_sha256=s.hexa,
        ceiling_price_yuan=s.nullable(s.decimal),
        standstill_days=s.integer(0, 366),
    ),
    "evaluation.json": s.record(
        v=V1,
        method=METHOD,
        pool=s.array(s.at_least(id=s.text(200))),
        committed_pool_sha256=s.hexa,
        statements=s.array(statement(*EVALUATION_TYPES)),
        keys=s.array(s.record(expert=s.text(120), **PUBLIC_KEY)),
        blind=s.array(s.record(code=s.text(40), submission=s.uuid)),
        rows=s.at_least(scores=s.array(ROW)),
    ),
    "award.json": s.record(
        v=V1,
        statements=s.array(statement(*AWARD_TYPES)),
        committee=s.array(s.record(member=s.text(120), **PUBLIC_KEY)),
        standstill=s.record(starts_at=s.moment, ends_at=s.moment),
    ),
    "events.json": s.array(statement("event")),
    "leaves.json": s.by_key(s.array(any_leaf), lambda leaf: leaf["index"]),
    "consistency.json": s.array(
        s.record(old_size=s.integer(), new_size=s.integer(), hashes=s.array(s.text(44), 0, 64))
    ),
}
OPTIONAL: Final = frozenset({"evaluation.json", "award.json", "consistency.json"})


def check_file(name: str, value: Object) -> None:
    """Check a parsed file of the package against its schema, or say the first wrong place."""
    FILES[name](value, name)
