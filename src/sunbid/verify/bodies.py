"""The schemas of statement bodies: sealing.md 3.2-3.7 and those of evaluation and award."""

import re
from typing import Any, Final

from sunbid.verify import schema as s
from sunbid.verify.schema import Rule

SUITE: Final = s.one_of("INTL-1", "GM-1")
POLICY: Final = s.one_of("dual+remedy", "dual-strict")
GROUP: Final = s.one_of("T", "R")
ALGORITHM: Final = s.one_of("ES256", "EdDSA", "SM2SM3")
FAULT: Final = s.one_of("none", "bidder", "members", "platform", "third-party", "undetermined")
CODE: Final = s.one_of(
    "OPENED",
    "BIDDER_ABSENT",
    "BIDDER_BAD_DEAL",
    "SEALED_WRONG",
    "PACKAGE_BAD",
    "DEAL_DISPUTED",
    "CUSTODIANS_SHORT",
    "BLOB_MISSING",
    "BLOB_CORRUPT",
)
LICENCE_STATUS: Final = s.one_of("good", "unknown")
KEY: Final = s.b64_field([65])
SECRET: Final = s.b64_field([32])
NONCE: Final = s.b64_field([16])
WRAP: Final = s.b64_field([113, 161])
V1: Final = s.one_of(1)
SID: Final = s.hexa
SEAT: Final = s.one_of(
    "buyer",
    "agency",
    "trading-centre",
    "supervisor",
    "notary",
    "audit",
    "authority",
    "other",
)
CLIENT: Final = s.pattern(re.compile(r"^(cli|web)/\d{1,4}\.\d{1,4}\.\d{1,4}$", re.ASCII), "client")
EVENT: Final = s.pattern(re.compile(r"^[a-z]+:[a-z-]+:[a-z-]+$", re.ASCII), "an event name")

SIGNATURE: Final = s.record(
    alg=ALGORITHM,
    at=s.nullable(s.moment),
    chain=s.array(s.b64_field(), 0, 5),
    kid=s.nullable(s.text(16)),
    sig=s.b64_field([64]),
)

LOT: Final[dict[str, Rule]] = {"v": V1, "tender": s.uuid, "lot": s.uuid, "round": s.integer(1, 99)}
STEP: Final[dict[str, Rule]] = {"v": V1, "closing": SID, "stage": s.integer(1, 4)}
BIDDER: Final = s.record(uscc=s.uscc, name=s.text(200))


def statement(*types: str) -> Rule:
    """Return the rule of a statement file whose type is one of those named (3.2)."""

    def check(value: Any, place: str) -> None:
        s.record(body=s.any_object, sigs=s.array(SIGNATURE, 0, 9), type=s.one_of(*types))(
            value, place
        )
        BODIES[value["type"]](value["body"], f"{place}({value['type']}).body")

    return check


def ledger_body(value: Any, place: str) -> None:
    """Check a ledger body; a cover has exactly `v` and `t` (3.4)."""
    if isinstance(value, dict) and value.get("t") == "cover":
        s.record(v=V1, t=s.one_of("cover"))(value, place)
        return
    s.record(
        v=V1,
        t=s.text(32),
        tender=s.nullable(s.uuid),
        lot=s.nullable(s.uuid),
        round=s.nullable(s.integer(1, 99)),
        subject=s.nullable(SID),
        at_ms=s.nullable(s.ms),
        first_index=s.nullable(s.integer()),
    )(value, place)


def _only(lot: Rule, **exact: Any) -> Rule:
    def check(value: Any, place: str) -> None:
        lot(value, place)
        for name, expected in exact.items():
            s.one_of(expected)(value["body"][name], f"{place}.body.{name}")

    return check


LEAF: Final = s.record(
    origin=s.text(120), index=s.integer(), time_ms=s.ms, salt=SECRET, body=ledger_body
)
CUT: Final = _only(LEAF, t="cut")


def _shares(count_rule: Rule) -> Rule:
    return s.record(k=s.integer(1, 9), n=s.integer(1, 9), shares=s.array(count_rule, 1, 9))


SHARE: Final = s.record(i=s.integer(1, 9), kid=s.text(16), ct=WRAP, h=s.hexa)
HEADER: Final = s.record(
    **LOT,
    suite=SUITE,
    policy=POLICY,
    volume=s.volume,
    envelope=s.uuid,
    bidder_tag=s.hexa,
    opening_keys=SID,
    content_type=s.one_of("application/vnd.sunbid.package+zip"),
    plain_len=s.integer(1, 2**33),
    cipher_len=s.integer(1),
    client=CLIENT,
)
WRAPS: Final = s.record(
    v=V1,
    t=_shares(SHARE),
    r=s.nullable(_shares(SHARE)),
    b=s.array(s.record(i=s.integer(0, 2), kid=s.text(16), pk=KEY, ct=WRAP), 1, 3),
    ht=s.hexa,
    hb=s.hexa,
)
ENTRY: Final = s.record(
    submission=s.uuid,
    seq=s.integer(1),
    manifest=SID,
    envelopes=s.by_key(
        s.array(
            s.record(volume=s.volume, tree=s.hexa, header_hash=s.hexa, wraps_hash=s.hexa), 1, 8
        ),
        lambda e: e["volume"],
    ),
)
TREES: Final = s.by_key(s.array(s.hexa, 0, 2000), lambda tree: tree)
TREE_VALUES: Final = s.by_key(
    s.array(s.record(tree=s.hexa, value=SECRET), 0, 20_000), lambda v: v["tree"]
)
MEMBER_GROUP: Final = s.record(k=s.integer(1, 9), members=s.array(statement("member-key"), 2, 9))
WINDOW: Final = s.integer(60, 86400)
CONSORTIUM: Final = s.by_key(s.array(BIDDER, 0, 9), lambda b: b["uscc"])
ENVELOPE: Final = s.record(
    volume=s.volume,
    tree=s.hexa,
    size=s.integer(1),
    header_hash=s.hexa,
    wraps_hash=s.hexa,
    plain_len=s.integer(1, 2**33),
    bidder_salt=SECRET,
)
RECEIPT_ENVELOPE: Final = s.record(volume=s.volume, tree=s.hexa, size=s.integer(1))
ACT: Final[dict[str, Rule]] = {**LOT, "seq": s.integer(1), "bidder": BIDDER}
RESULT: Final = s.record(
    submission=s.uuid,
    tree=s.hexa,
    volume=s.volume,
    code=CODE,
    fault=FAULT,
    b_from=s.nullable(s.one_of("bidder", "remedy", "cure")),
    deal_wrong=s.array(s.record(group=GROUP, i=s.integer(1, 9)), 0, 18),
    T=s.nullable(SECRET),
    B=s.nullable(SECRET),
    plain_sha256=s.nullable(s.hexa),
    licence_status=LICENCE_STATUS,
)
SCORE: Final = s.record(
    code=s.text(40),
    criterion=s.text(60),
    score=s.nullable(s.decimal),
    passed=s.nullable(s.boolean),
    comment=s.text(4000, 0),
)
RANKED: Final = s.record(
    submission=s.uuid,
    code=s.text(40),
    qualified=s.boolean,
    reason=s.nullable(s.text(2000)),
    technical=s.nullable(s.decimal),
    price_yuan=s.nullable(s.decimal),
    price_score=s.nullable(s.decimal),
    total=s.nullable(s.decimal),
    rank=s.nullable(s.integer(1)),
)

BODIES: Final[dict[str, Rule]] = {
    "mandate": s.record(
        v=V1,
        mandate_id=s.uuid,
        uscc=s.uscc,
        operator=s.record(
            person_tag=s.nullable(s.hexa), kid=s.text(16), alg=ALGORITHM, pk=s.b64_field([32, 65])
        ),
        scope=s.array(s.one_of("submit", "withdraw", "release"), 0, 3),
        tenders=s.nullable(s.array(s.uuid, 1, 50)),
        not_before=s.moment,
        not_after=s.moment,
    ),
    "mandate-revoke": s.record(v=V1, mandate=SID, uscc=s.uscc),
    "member-key": s.record(
        v=V1,
        uscc=s.uscc,
        name=s.text(120),
        seat=SEAT,
        person_tag=s.nullable(s.hexa),
        unattended=s.boolean,
        suite=SUITE,
        kid=s.text(16),
        pk=KEY,
        sign_kid=s.text(16),
        sign_pk=KEY,
        not_before=s.moment,
        not_after=s.moment,
    ),
    "opening-keys": s.record(
        **LOT,
        version=s.integer(1),
        prev=s.nullable(SID),
        suite=SUITE,
        policy=POLICY,
        t=MEMBER_GROUP,
        r=s.nullable(MEMBER_GROUP),
        w1_s=WINDOW,
        w2_s=WINDOW,
        w3_s=WINDOW,
        clock=s.one_of("real", "demo"),
        not_after=s.moment,
    ),
    "schedule": s.record(
        **LOT,
        version=s.integer(1),
        prev=s.nullable(SID),
        deadline=s.moment,
        minimum_bidders=s.integer(),
        stages=s.array(
            s.record(
                stage=s.integer(1, 4),
                volumes=s.array(s.volume, 1, 8),
                opens_at=s.nullable(s.moment),
            ),
            1,
            4,
        ),
    ),
    "manifest": s.record(
        **ACT,
        prev=s.nullable(SID),
        consortium=CONSORTIUM,
        suite=SUITE,
        policy=POLICY,
        opening_keys=SID,
        mandate=s.nullable(SID),
        envelopes=s.by_key(s.array(ENVELOPE, 1, 8), lambda e: e["volume"]),
        client_time=s.moment,
    ),
    "withdraw": s.record(**ACT, prev=SID, mandate=s.nullable(SID), client_time=s.moment),
    "receipt": s.record(
        **LOT,
        receipt=s.uuid,
        act_type=s.one_of("manifest", "withdraw"),
        submission=s.uuid,
        seq=s.integer(1),
        act=SID,
        envelopes=s.array(RECEIPT_ENVELOPE, 0, 8),
        intake=s.moment,
        deadline=s.moment,
        schedule=SID,
        supersedes=s.nullable(SID),
        licence_status=LICENCE_STATUS,
        ledger=LEAF,
    ),
    "refusal": s.record(
        **LOT,
        act=SID,
        intake=s.moment,
        deadline=s.moment,
        decided=s.moment,
        code=s.text(40),
        schedule=SID,
    ),
    "closing": s.record(
        **LOT,
        schedule=SID,
        opening_keys=SID,
        cut=CUT,
        count=s.integer(1),
        list_root=s.hexa,
        replaces=s.nullable(SID),
    ),
    "opening-step": s.record(
        **STEP,
        step=s.one_of("phase1", "phase2", "phase3", "phase4", "suspended", "resumed", "extended"),
        until=s.nullable(s.moment),
        reason=s.nullable(s.text(500)),
    ),
    "stage": s.record(**STEP, trees=TREES, evaluation=SID, schedule=SID),
    "share-check": s.record(
        **STEP,
        group=GROUP,
        i=s.integer(1, 9),
        kid=s.text(16),
        results=s.by_key(
            s.array(
                s.record(tree=s.hexa, result=s.one_of("ok", "unwrap_failed", "mismatch")), 0, 20_000
            ),
            lambda r: r["tree"],
        ),
    ),
    "release-b": s.record(**STEP, values=TREE_VALUES),
    "release-ack": s.record(
        **STEP,
        release=SID,
        trees=TREES,
        received=s.moment,
        channel=s.one_of("session", "open", "member", "supervisor"),
    ),
    "remedy-start": s.record(**STEP, trees=TREES),
    "release-r": s.record(
        **STEP, remedy_start=SID, i=s.integer(1, 9), kid=s.text(16), shares=TREE_VALUES
    ),
    "release-t": s.record(
        **STEP, list_root=s.hexa, i=s.integer(1, 9), kid=s.text(16), shares=TREE_VALUES
    ),
    "cure": s.record(
        **STEP,
        tree=s.hexa,
        kind=s.one_of("T", "B", "tshare", "rshare"),
        i=s.nullable(s.integer(1, 9)),
        value=SECRET,
    ),
    "omission": s.record(v=V1, closing=SID, receipt=statement("receipt"), proof=s.text(20_000)),
    "objection": s.record(**STEP, uscc=s.uscc, content=s.text(4000)),
    "supervisor-decision": s.record(
        **LOT,
        closing=s.nullable(SID),
        stage=s.nullable(s.integer(1, 4)),
        decision=s.one_of("go-on", "terminated", "fault", "outage", "confirmed"),
        tree=s.nullable(s.hexa),
        fault=s.nullable(FAULT),
        members=s.array(s.record(group=GROUP, i=s.integer(1, 9)), 0, 18),
        **{"from": s.nullable(s.moment)},
        until=s.nullable(s.moment),
        cause=s.text(2000),
    ),
    "event": s.record(
        v=V1,
        name=EVENT,
        actor=s.nullable(s.text(120)),
        tender=s.nullable(s.uuid),
        lot=s.nullable(s.uuid),
        data=s.any_object,
        nonce=SECRET,
    ),
    "opening-record": s.record(
        **STEP,
        results=s.array(RESULT, 0, 20_000),
        items=s.array(s.record(submission=s.uuid, items=s.any_object), 0, 5000),
        objections=s.array(SID),
    ),
    "seed-commit": s.record(**LOT, contributor=s.text(120), commitment=s.hexa),
    "seed-reveal": s.record(**LOT, commit=SID, secret=SECRET),
    "draw": s.record(
        **LOT,
        purpose=s.text(200),
        seed=s.hexa,
        checkpoint=s.text(20_000),
        reveals=s.array(SID, 1, 100),
        pool_sha256=s.hexa,
        constraints=s.any_object,
        drawn=s.array(s.text(200), 0, 5000),
        reserve=s.array(s.text(200), 0, 5000),
        excluded=s.array(s.record(id=s.text(200), reason=s.text(2000)), 0, 5000),
    ),
    "pledge": s.record(
        **LOT, expert=s.text(120), conflicts=s.array(s.text(2000), 0, 100), text=s.text(4000)
    ),
    "scorecard": s.record(
        **LOT,
        expert=s.text(120),
        method_sha256=s.hexa,
        stage=s.one_of("technical"),
        scores=s.by_key(s.array(SCORE, 1, 20_000), lambda c: (c["code"], c["criterion"])),
    ),
    "evaluation-report": s.record(
        **LOT,
        method_sha256=s.hexa,
        panel=s.array(s.record(seat=s.integer(1), expert=s.text(120), scorecard=SID), 1, 99),
        float=s.nullable(s.record(id=s.text(40), value=s.decimal)),
        price_benchmark=s.nullable(s.decimal),
        results=s.by_key(s.array(RANKED, 1, 5000), lambda r: r["submission"]),
        candidates=s.array(s.uuid, 0, 5000),
    ),
    "dissent": s.record(**LOT, report=SID, expert=s.text(120), reason=s.text(4000)),
    "vote": s.record(**LOT, ballot=s.integer(1, 99), member=s.text(120), candidate=s.uuid),
    "award": s.record(
        **LOT,
        submission=s.uuid,
        uscc=s.uscc,
        name=s.text(200),
        price_yuan=s.decimal,
        ballots=s.array(s.array(s.record(candidate=s.uuid, votes=s.integer(0, 999)), 1, 99), 0, 99),
        votes=s.array(SID, 0, 9999),
        basis=s.text(4000),
    ),
    "letter": s.record(
        **LOT,
        award=SID,
        kind=s.one_of("winner", "result"),
        uscc=s.uscc,
        name=s.text(200),
        text=s.text(8000),
    ),
}
