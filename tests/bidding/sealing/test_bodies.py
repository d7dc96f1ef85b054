"""Schemas of statement bodies: every field that is missing, unknown or malformed is refused."""

from typing import Any

import msgspec
import pytest

from bidding.sealing import bodies
from bidding.sealing.bodies import BODY_OF, read_body
from foundation.statements.canonical import BadField, b64
from foundation.statements.signed import Statement, unsigned
from sealing_world import BIDDER, NOW, SUPERVISOR, TENDER
from statement_examples import COMPANY, ENVELOPE, EXAMPLES, NONCE, SID, TREE_VALUE

pytestmark = pytest.mark.domain


def test_there_is_an_example_of_every_type() -> None:
    assert sorted(EXAMPLES) == sorted(BODY_OF)


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_an_example_is_read_and_written_the_same(type_: str) -> None:
    statement = unsigned(type_, EXAMPLES[type_])
    body = read_body(statement)
    assert unsigned(type_, body).sid == statement.sid


@pytest.mark.misuse(9)
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
