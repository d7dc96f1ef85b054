"""Schemas of statement bodies: every field that is missing, unknown or malformed is refused."""

from typing import Any

import msgspec
import pytest

from bidding.sealing import bodies
from bidding.sealing.bodies import BODY_OF, read_body
from foundation.statements.canonical import BadField, b64
from foundation.statements.signed import Statement, unsigned
from sealing_world import BIDDER, LOT, NOW, SUPERVISOR, TENDER, opening_keys_body, schedule

pytestmark = pytest.mark.domain

SID = "a" * 64
TIME = "2026-11-21T09:00:00.000Z"
ID = "11111111-1111-4111-8111-111111111111"
KEY32, KEY65, NONCE = b64(bytes(32)), b64(bytes(65)), b64(bytes(16))
KID = "A" * 16
OF_LOT = {"v": 1, "tender": TENDER, "lot": LOT, "round": 1}
OF_STAGE = {"v": 1, "closing": SID, "stage": 1}
COMPANY = {"uscc": BIDDER, "name": "某公司"}
LEDGER_BODY = {
    "v": 1, "t": "manifest", "tender": TENDER, "lot": LOT, "round": 1, "subject": SID,
    "at_ms": 1, "first_index": None,
}  # fmt: skip
LEAF = {"origin": "o", "index": 0, "time_ms": 1, "salt": KEY32, "body": LEDGER_BODY}
ENVELOPE = {
    "volume": "qual", "tree": SID, "size": 9, "header_hash": SID, "wraps_hash": SID,
    "plain_len": 1, "bidder_salt": KEY32,
}  # fmt: skip
RECEIPT = {
    **OF_LOT, "receipt": ID, "act_type": "manifest", "submission": ID, "seq": 1, "act": SID,
    "envelopes": [{"volume": "qual", "tree": SID, "size": 9}], "intake": TIME, "deadline": TIME,
    "schedule": SID, "supersedes": None, "licence_status": "good", "ledger": LEAF,
}  # fmt: skip
TREE_VALUE = {"tree": SID, "value": KEY32}

EXAMPLES: dict[str, dict[str, Any]] = {
    "login": {
        "v": 1, "aud": "x", "challenge": ID, "nonce": NONCE, "match": "07", "issued_at": TIME,
        "expires_at": TIME,
    },
    "mandate": {
        "v": 1, "mandate_id": ID, "uscc": BIDDER, "scope": ["submit"], "tenders": None,
        "operator": {"person_tag": None, "kid": KID, "alg": "ES256", "pk": KEY65},
        "not_before": TIME, "not_after": TIME,
    },
    "mandate-revoke": {"v": 1, "mandate": SID, "uscc": BIDDER},
    "member-key": {
        "v": 1, "uscc": BIDDER, "name": "某", "seat": "notary", "person_tag": None,
        "unattended": False, "suite": "INTL-1", "kid": KID, "pk": KEY65, "sign_kid": KID,
        "sign_pk": KEY65, "not_before": TIME, "not_after": TIME,
    },
    "opening-keys": opening_keys_body(),
    "schedule": schedule().body,
    "manifest": {
        **OF_LOT, "seq": 1, "prev": None, "bidder": COMPANY, "consortium": [], "suite": "INTL-1",
        "policy": "dual+remedy", "opening_keys": SID, "mandate": None, "envelopes": [ENVELOPE],
        "client_time": TIME,
    },
    "withdraw": {
        **OF_LOT, "seq": 2, "prev": SID, "bidder": COMPANY, "mandate": None, "client_time": TIME,
    },
    "ticket": {
        **OF_LOT, "act": SID, "submission": ID, "seq": 1, "intake": TIME, "deadline": TIME,
        "schedule": SID,
    },
    "receipt": RECEIPT,
    "refusal": {
        **OF_LOT, "act": SID, "intake": TIME, "deadline": TIME, "decided": TIME, "code": "E_LATE",
        "schedule": SID,
    },
    "closing": {
        **OF_LOT, "schedule": SID, "opening_keys": SID, "cut": LEAF, "count": 3, "list_root": SID,
        "replaces": None,
    },
    "not-opened": {**OF_LOT, "schedule": SID, "cut": LEAF, "reason": "below-minimum"},
    "opening-step": {**OF_STAGE, "step": "phase1", "until": TIME, "reason": None},
    "stage": {
        "v": 1, "closing": SID, "stage": 2, "trees": [SID], "evaluation": SID, "schedule": SID,
    },
    "share-check": {
        **OF_STAGE, "group": "T", "i": 1, "kid": KID, "results": [{"tree": SID, "result": "ok"}],
    },
    "release-b": {**OF_STAGE, "values": [TREE_VALUE]},
    "release-ack": {
        **OF_STAGE, "release": SID, "trees": [SID], "received": TIME, "channel": "open",
    },
    "remedy-start": {**OF_STAGE, "trees": [SID]},
    "release-r": {**OF_STAGE, "remedy_start": SID, "i": 1, "kid": KID, "shares": [TREE_VALUE]},
    "release-t": {**OF_STAGE, "list_root": SID, "i": 1, "kid": KID, "shares": [TREE_VALUE]},
    "cure": {**OF_STAGE, "tree": SID, "kind": "T", "i": None, "value": KEY32},
    "omission": {
        "v": 1, "closing": SID, "proof": "x",
        "receipt": {"body": RECEIPT, "sigs": [], "type": "receipt"},
    },
    "objection": {**OF_STAGE, "uscc": BIDDER, "content": "x"},
    "supervisor-decision": {
        **OF_LOT, "closing": None, "stage": None, "decision": "go-on", "tree": None, "fault": None,
        "members": [], "from": None, "until": None, "cause": "x",
    },
    "readiness": {
        "v": 1, "opening_keys": SID, "group": "R", "i": 1, "kid": KID, "nonce": NONCE,
        "answer": SID,
    },
    "platform-time": {"v": 1, "platform": TIME, "real": TIME, "factor": 60},
    "new-origin": {"v": 1, "origin": "o", "vkey": "k", "previous": None, "reason": "x"},
    "event": {
        "v": 1, "name": "bidding:tender:close", "actor": None, "tender": None, "lot": None,
        "data": {}, "nonce": KEY32,
    },
    "opening-record": {
        **OF_STAGE, "items": [], "objections": [],
        "results": [{
            "submission": ID, "tree": SID, "volume": "qual", "code": "OPENED", "fault": "none",
            "b_from": "bidder", "deal_wrong": [], "T": KEY32, "B": KEY32, "plain_sha256": SID,
            "licence_status": "good",
        }],
    },
}  # fmt: skip


def test_there_is_an_example_of_every_type() -> None:
    assert sorted(EXAMPLES) == sorted(BODY_OF)


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_an_example_is_read_and_written_the_same(type_: str) -> None:
    statement = unsigned(type_, EXAMPLES[type_])
    body = read_body(statement)
    assert unsigned(type_, body).sid == statement.sid


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_case_9_missing_unknown_and_other_versions_are_refused(type_: str) -> None:
    example = EXAMPLES[type_]
    broken = [{**example, "extra": None}, {**example, "v": 2}, {**example, "v": True}]
    broken += [{k: v for k, v in example.items() if k != missing} for missing in example]
    broken += [{**example, key: 1.5} for key in example]
    broken += [{**example, key: [[]]} for key in example if key != "data"]
    for body in broken:
        with pytest.raises(BadField):
            read_body(Statement(type=type_, body=body))


WRONG = [
    ("manifest", "envelopes", []),
    ("manifest", "envelopes", [ENVELOPE, ENVELOPE]),
    ("manifest", "envelopes", [ENVELOPE, {**ENVELOPE, "volume": "price"}]),
    ("manifest", "envelopes", [{**ENVELOPE, "volume": f"v{n}"} for n in range(9)]),
    ("manifest", "consortium", [COMPANY, COMPANY]),
    ("manifest", "round", 0),
    ("manifest", "seq", 0),
    ("manifest", "client_time", "2026-11-21T23:59:60.000Z"),
    ("manifest", "client_time", "2026-02-30T09:00:00.000Z"),
    ("manifest", "tender", TENDER.upper()),
    ("manifest", "opening_keys", SID + "\n"),
    ("manifest", "opening_keys", "A" * 64),
    ("manifest", "bidder", {**COMPANY, "uscc": BIDDER.lower()}),
    ("manifest", "bidder", {**COMPANY, "uscc": BIDDER + "\n"}),
    ("manifest", "bidder", {**COMPANY, "uscc": "９" + BIDDER[1:]}),
    ("manifest", "bidder", {**COMPANY, "name": ""}),
    ("manifest", "bidder", {**COMPANY, "name": "x" * 121}),
    ("login", "match", "7"),
    ("login", "match", "٠٧"),
    ("login", "nonce", NONCE + "="),
    ("login", "nonce", NONCE[:-1] + "B"),
    ("member-key", "pk", b64(bytes(64))),
    ("opening-keys", "r", None),
    ("opening-keys", "policy", "dual-strict"),
    ("opening-keys", "w1_s", 59),
    ("opening-keys", "clock", "fast"),
    ("schedule", "stages", []),
    ("schedule", "stages", [{"stage": 2, "volumes": ["qual"], "opens_at": None}]),
    ("schedule", "stages", [{"stage": 1, "volumes": ["qual", "qual"], "opens_at": None}]),
    ("release-b", "values", []),
    ("release-b", "values", [TREE_VALUE, TREE_VALUE]),
    ("release-t", "shares", [{**TREE_VALUE, "tree": "b" * 64}, TREE_VALUE]),
    ("release-t", "i", 10),
    ("release-t", "i", 0),
    ("share-check", "group", "B"),
    ("share-check", "results", [{"tree": SID, "result": "fine"}]),
    ("remedy-start", "trees", []),
    ("stage", "stage", 1),
    ("stage", "trees", [SID, SID]),
    ("closing", "count", 0),
    ("event", "name", "Bidding:tender:close"),
    ("event", "name", "a:b:c\n"),
    ("platform-time", "factor", 0),
    ("supervisor-decision", "fault", "nobody"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "field", "value"), WRONG)
def test_wrong_values_are_refused(type_: str, field: str, value: Any) -> None:
    body = {**EXAMPLES[type_], field: value}
    with pytest.raises(BadField):
        read_body(Statement(type=type_, body=body))


def test_unknown_types_are_refused() -> None:
    with pytest.raises(BadField):
        read_body(unsigned("unknown", {"v": 1}))


def test_a_body_made_in_code_is_the_same_statement() -> None:
    made = bodies.MandateRevoke(v=1, mandate=SID, uscc=SUPERVISOR)
    assert unsigned("mandate-revoke", made).body == msgspec.to_builtins(made)
    assert NOW.year == 2026
