"""Every numbered check holds on a whole package, and fails alone when its rule is broken."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from package_factory import DAY, DEADLINE, ORIGIN, Factory, Json, stamp, vkey, zip_of
from package_sealing import h
from sunbid.verify.report import Check
from sunbid.verify.verifier import rules, verify_package

OTHER = "0" * 64


def checked(factory: Factory, members: dict[str, bytes] | None = None) -> dict[str, Check]:
    """Verify what a factory made."""
    data = factory.zip() if members is None else zip_of(members)
    return {check.id: check for check in verify_package(io.BytesIO(data), factory.policy())}


@cache
def whole() -> Factory:
    """One package without a fault."""
    return Factory().build()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One lie and the check that must name it; `also` fails for the same reason."""

    check: str
    named: str
    twists: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    edit: Callable[[Factory], None] | None = None
    members: Callable[[dict[str, bytes]], None] | None = None
    also: frozenset[str] = frozenset()
    witnessed: bool = False

    def results(self) -> dict[str, Check]:
        """Build, spoil and verify."""
        factory = Factory(self.twists, witnessed=self.witnessed).build()
        if self.edit is not None:
            self.edit(factory)
        members = factory.members()
        if self.members is not None:
            self.members(members)
        return checked(factory, members)


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    """Return a twist that sets one place of a body."""

    def change(body: Any) -> None:
        for key in path[:-1]:
            body = body[key]
        body[path[-1]] = value(body[path[-1]]) if callable(value) else value

    return change


def drop_leaf(body: Json) -> Json:
    """A statement that never reaches the ledger."""
    return {"t": ""}


def flip(text: str) -> str:
    """Change one character of base64 or hexadecimal text."""
    return ("A" if text[0] != "A" else "B") + text[1:]


def spoil_note(note: str) -> str:
    """Change the last signature line of a note."""
    head, _, line = note[:-1].rpartition(" ")
    raw = bytearray(base64.b64decode(line))
    raw[-1] ^= 1
    return f"{head} {base64.b64encode(raw).decode()}\n"


def spoil_witness(factory: Factory) -> None:
    """Break every cosignature."""
    opening = factory.files["opening.json"]
    opening["proofs"] = {i: spoil_note(proof) for i, proof in opening["proofs"].items()}


def spoil_proof(factory: Factory) -> None:
    """Change a hash in one proof."""
    proofs = factory.files["opening.json"]["proofs"]
    index = str(factory.leaf_of("closing")["index"])
    lines = proofs[index].split("\n")
    lines[3] = flip(lines[3])
    proofs[index] = "\n".join(lines)


def spoil_salt(factory: Factory) -> None:
    """Open a leaf with another salt, everywhere."""
    leaf = factory.leaf_of("step:phase1")
    leaf["salt"] = flip(leaf["salt"])


def fork(factory: Factory) -> None:
    """A second checkpoint of the newest size, signed by the log."""
    checkpoints = factory.files["opening.json"]["checkpoints"]
    note = factory.note(len(factory.leaves), h(b"another history"))
    checkpoints.append({"note": note, "token": None})


def old_fork(factory: Factory) -> None:
    """A checkpoint of an earlier size with another root, signed by the log."""
    checkpoints = factory.files["opening.json"]["checkpoints"]
    note = factory.note(64, h(b"another history"))
    checkpoints.append({"note": note, "token": None})


def drop_events(members: dict[str, bytes]) -> None:
    """Leave a file out."""
    del members["events.json"]


def swap_files(members: dict[str, bytes]) -> None:
    """Exchange two sealed files."""
    one, two = [name for name in members if name.endswith(".tbe")][:2]
    members[one], members[two] = members[two], members[one]


def hide_bid(entries: list[Json]) -> list[Json]:
    """Leave one bid out of the list."""
    return entries[1:]


def after_cut(factory: Factory) -> None:
    """Queue an act leaf after the cut."""
    body = dict(factory.leaf_of("act:B:1")["body"], subject=h(b"late act").hex())
    factory.queue.append((body, False))


def other_seq(entries: list[Json]) -> list[Json]:
    """Let the first entry name another seq."""
    return [e | {"seq": 9} if i == 0 else e for i, e in enumerate(entries)]


def cure_late(factory: Factory) -> None:
    """A cure of T after phase 4 began."""
    tree = factory.trees("B")[0]
    value = base64.urlsafe_b64encode(factory.sealed[tree]["T"]).decode().rstrip("=")
    body = {"tree": tree, "kind": "T", "i": None, "value": value}
    factory.release("cure", "cure", body)


def raise_omission(factory: Factory) -> None:
    """A receipt of an act that nobody lists, raised as an omission."""
    body = dict(factory.opening["acts"][0]["receipt"]["body"], act=OTHER)
    receipt = factory.state("lost", "receipt", body, factory.people.platform)
    omission = {"v": 1, "closing": factory.sids["closing"], "receipt": receipt, "proof": "x"}
    factory.opening["omissions"].append(factory.record("omission", "omission", omission))


def close_for_long(factory: Factory) -> None:
    """Keep a cover closed for more than a year."""
    leaves = factory.files["leaves.json"]
    index = next(i for i in range(len(leaves) - 1, 0, -1) if leaves[i]["body"]["t"] == "cover")
    closed = {"index": index, "leaf_hash": factory.hashes[index].hex()}
    factory.files["leaves.json"] = [*leaves[:index], closed, *leaves[index + 1 :]]
    factory.files["package.json"]["made_at"] = stamp(DEADLINE + 500 * DAY)


class Late:
    """A leaf that is withheld at first and queued later."""

    def __init__(self) -> None:
        """Nothing withheld yet."""
        self.body: Json = {}

    def withhold(self, body: Json) -> Json:
        """Keep the ledger body back."""
        self.body = body
        return {"t": ""}


def row_of(factory: Factory) -> Json:
    """The row that the superuser edits."""
    rows: list[Json] = factory.files["evaluation.json"]["rows"]["scores"]
    return next(row for row in rows if row["criterion"] == "T1" and row["code"] == "T2")


def edit_row(factory: Factory) -> None:
    """Raise one score in the database."""
    row_of(factory)["score"] = "24.5"


def signed_by(*names: str) -> Callable[[Any], Any]:
    """Return a twist that lets other organisations sign."""
    return lambda _: tuple(whole().people.orgs[name] for name in names)


def and_by(name: str) -> Callable[[Any], Any]:
    """Return a twist that lets one more organisation sign."""
    return lambda signers: (*signers, whole().people.orgs[name])


def other_seat(body: Json) -> None:
    """Seat three is the buyer's too."""
    body["uscc"] = whole().people.orgs["buyer"].code


def result_of(volume: str, **values: Any) -> Callable[[Any], None]:
    """Return a twist of the record's first result of a volume."""

    def change(body: Json) -> None:
        next(r for r in body["results"] if r["volume"] == volume).update(values)

    return change


def ranked(field_name: str, value: str) -> Callable[[Any], None]:
    """Return a twist of the report's first ranked result."""

    def change(body: Json) -> None:
        next(r for r in body["results"] if r["rank"] == 1)[field_name] = value

    return change


def junk(place: int) -> Callable[[Any], None]:
    """Return a twist that seals junk to one custodian."""
    return put("t", "shares", place, "ct", value=lambda ct: ct[:-4] + flip(ct[-4:]))


def scorecard_late() -> dict[str, Callable[[Any], Any]]:
    """A scorecard that enters the ledger after the report."""
    late = Late()
    holder: list[Factory] = []

    def then(standstill: Json) -> None:
        factory = holder[0]
        factory.queue.append((late.body | {"at_ms": factory.now}, False))

    return {
        "phase4-over": holder.append,
        "leaf:scorecard:1": late.withhold,
        "standstill": then,
    }


def early_release() -> dict[str, Callable[[Any], Any]]:
    """A custodian whose shares are accepted in phase 2."""
    holder: list[Factory] = []

    def remedied(trees: list[str]) -> None:
        holder[0].member_release("T1", holder[0].trees(), "release-t")

    return {"after-cut": holder.append, "remedied": remedied, "custodians": lambda _: ("T2", "T3")}


def one_too_many() -> dict[str, Callable[[Any], Any]]:
    """A remedy that also opens a bid whose bidder was there."""
    holder: list[Factory] = []
    return {
        "after-cut": holder.append,
        "remedied": lambda trees: sorted([*trees, holder[0].trees("A")[0]]),
    }


CASES = [
    Case(
        check="C1",
        named="opening.json",
        members=lambda m: m.update({"opening.json": m["opening.json"] + b" "}),
    ),
    Case(
        check="C1",
        named="notice.json.standstill_days",
        edit=lambda f: f.files["notice.json"].update(standstill_days="3"),
    ),
    Case(check="C1", named="events.json", members=drop_events),
    Case(check="C2", named="manifest", twists={"signers:act:B:1": signed_by("D")}),
    Case(check="C2", named="opening-step", twists={"signers:step:phase2": signed_by("host")}),
    Case(check="C2", named="opening-record", twists={"signers:record": lambda s: s[:2]}),
    Case(check="C2", named="opening-record", twists={"signers:record": and_by("agency")}),
    Case(check="C3", named="receipt", twists={"receipt:B:1": put("schedule", value=OTHER)}),
    Case(check="C4", named="leaf", twists={"leaf:act:B:1": put("tender", value=None)}),
    Case(check="C4", named="opening-step", twists={"leaf:step:phase4": drop_leaf}),
    Case(
        check="C4",
        named="leaf",
        edit=lambda f: f.files["events.json"].pop() and None,
    ),
    Case(check="C5", named="proof of leaf", edit=spoil_proof),
    Case(check="C5", named="leaf", edit=spoil_salt),
    Case(
        check="C6",
        named="checkpoints[0]",
        edit=lambda f: f.opening["checkpoints"][0].update(
            note=spoil_note(f.opening["checkpoints"][0]["note"])
        ),
    ),
    Case(check="C7", named="proof of leaf", witnessed=True, edit=spoil_witness),
    Case(
        check="C8",
        named="receipt",
        twists={"schedule:2": put("deadline", value=stamp(DEADLINE - 3_600_000))},
        # Nothing ticked around the earlier hour.
        also=frozenset({"C15"}),
    ),
    Case(check="C9", named="receipt", twists={"receipt:A:2": put("supersedes", value=None)}),
    Case(check="C9", named="manifest", twists={"act:A:2": put("seq", value=3)}),
    Case(
        check="C10",
        named="bids/",
        twists={"tbe:B:tech": lambda data: data + b"x"},
        also=frozenset({"C33"}),
    ),
    Case(check="C11", named="bids/", members=swap_files, also=frozenset({"C33"})),
    Case(check="C12", named="volume tech", twists={"header:B:tech": put("round", value=2)}),
    Case(
        check="C13", named="volume tech", twists={"header:B:tech": put("bidder_tag", value=OTHER)}
    ),
    Case(
        check="C14",
        named="volume qual",
        twists={"wraps:B:qual": put("t", "shares", 1, "kid", value="A" * 16)},
    ),
    Case(check="C15", named="cut", twists={"closed_at": lambda _: DEADLINE - 1}),
    Case(check="C16", named="cut", twists={"first_index": lambda first: first + 1}),
    Case(check="C17", named="closing", twists={"closing": put("count", value=5)}),
    Case(check="C17", named="closing", twists={"closing": put("list_root", value=OTHER)}),
    Case(check="C18", named="list entry", twists={"list": other_seq}),
    Case(check="C19", named="leaf", twists={"list": hide_bid}),
    Case(check="C20", named="leaf", twists={"after-cut": after_cut}),
    Case(
        check="C21",
        named="member T3",
        twists={"member:T3": other_seat, "signers:member:T3": signed_by("buyer")},
    ),
    Case(
        check="C22",
        named="schedule",
        twists={"leaf:schedule:2": put("at_ms", value=DEADLINE - 3_600_000)},
    ),
    Case(
        check="C23",
        named="volume tech",
        twists={"header:B:tech": put("opening_keys", value=OTHER)},
        also=frozenset({"C12"}),
    ),
    Case(check="C24", named="opening-record", twists={"time-to-object": lambda _: 800_000}),
    Case(check="C24", named="stage 1", twists={"step:phase4": put("step", value="resumed")}),
    Case(check="C25", named="share-check", twists={"check:T2": put("kid", value="A" * 16)}),
    Case(
        check="C26", named="release-t", twists={"release:T3": lambda b: b["shares"].pop() and None}
    ),
    Case(
        check="C26",
        named="release-t",
        twists={"release:T3": put("shares", 0, "value", value=flip)},
    ),
    Case(
        check="C27", named="opening-record", twists={"record": put("results", 0, "T", value=flip)}
    ),
    Case(
        check="C28",
        named="volume tech",
        twists={"payload:B:tech": lambda data: data[:-1] + bytes([data[-1] ^ 1])},
        also=frozenset({"C33"}),
    ),
    Case(check="C29", named="volume tech", twists={"wraps:B:tech": junk(1)}),
    Case(
        check="C29",
        named="volume tech",
        twists={"record": result_of("tech", deal_wrong=[{"group": "T", "i": 2}])},
    ),
    Case(
        check="C30",
        named="submission",
        twists={"record": put("items", 0, "items", "days", value=60)},
    ),
    Case(
        check="C30", named="volume tech", twists={"record": result_of("tech", plain_sha256=OTHER)}
    ),
    Case(
        check="C31",
        named="release-b",
        twists={"leaf:b:A": put("at_ms", value=DEADLINE + 2_000_000)},
    ),
    Case(check="C32", named="cure", twists={"phase4-over": cure_late}),
    Case(check="C32", named="release-t", twists=early_release()),
    Case(
        check="C33",
        named="volume tech",
        twists={"record": result_of("tech", code="BLOB_MISSING", fault="platform", T=None, B=None)},
    ),
    Case(check="C33", named="volume tech", twists={"record": result_of("tech", b_from="cure")}),
    Case(check="C34", named="checkpoints[3]", edit=fork),
    Case(check="C34", named="checkpoints[3]", edit=old_fork),
    Case(check="C34", named="leaf", twists={"time:24": lambda at: at + 1}),
    Case(check="C35", named="remedy-start", twists=one_too_many()),
    Case(check="C36", named="omission", twists={"phase4-over": raise_omission}),
    Case(
        check="C37",
        named="volume tech",
        twists={"record": result_of("tech", licence_status="unknown")},
    ),
    Case(check="C38", named="leaf", edit=close_for_long),
    Case(
        check="C50",
        named="vote",
        twists={"signers:vote:1:1": lambda _: (whole().people.committee["M2"],)},
    ),
    Case(check="C50", named="award", twists={"signers:award": signed_by("agency")}),
    Case(check="C50", named="scorecard", twists={"scorecard:2": put("method_sha256", value=OTHER)}),
    Case(
        check="C51", named="seed-reveal", twists={"commit:agency": put("commitment", value=OTHER)}
    ),
    Case(
        check="C52",
        named="draw",
        twists={"draw:float": lambda b: b["reveals"].pop() and None},
    ),
    Case(
        check="C53",
        named="draw",
        twists={"draw:float": put("drawn", 0, value=lambda d: "A" if d != "A" else "B")},
    ),
    Case(
        check="C54",
        named="draw",
        twists={
            "draw:experts": lambda b: b.update(
                drawn=[b["reserve"][0], *b["drawn"][1:]],
                reserve=[b["drawn"][0], b["reserve"][1]],
            )
        },
    ),
    Case(check="C54", named="draw", twists={"draw:experts": put("excluded", value=[])}),
    Case(check="C55", named="pool", twists={"pool": put("data", "pool_sha256", value=OTHER)}),
    Case(
        check="C55",
        named="draw",
        twists={"pool": lambda b: b["data"].update(constraints={"seats": 7})},
    ),
    Case(check="C56", named="scorecard", twists={"pledge:3": put("conflicts", value=["同事"])}),
    Case(check="C57", named="bid T2", edit=edit_row),
    Case(check="C58", named="bid T", twists={"report": ranked("technical", "39.99")}),
    Case(
        check="C58",
        named="bid T",
        edit=lambda f: f.files["notice.json"].update(ceiling_price_yuan="7700000"),
        also=frozenset({"C50", "C59", "C60"}),
    ),
    Case(check="C59", named="bid T", twists={"report": ranked("price_score", "59.99")}),
    Case(check="C60", named="bid T", twists={"report": ranked("total", "99.99")}),
    Case(check="C61", named="evaluation-report", twists={"signers:report": lambda s: s[1:]}),
    Case(
        check="C62",
        named="draw",
        twists={"draw:blind": put("drawn", value=lambda drawn: drawn[::-1])},
    ),
    Case(check="C63", named="award", twists={"award": put("ballots", 0, 0, "votes", value=3)}),
    Case(
        check="C63",
        named="vote",
        edit=lambda f: f.files["award.json"].update(
            committee=[m for m in f.files["award.json"]["committee"] if m["member"] != "M5"]
        ),
        also=frozenset({"C50"}),
    ),
    Case(check="C64", named="award", twists={"award": put("price_yuan", value="7650000.01")}),
    Case(check="C65", named="letter", twists={"letter:result:1": put("kind", value="winner")}),
    Case(
        check="C65",
        named="bidder",
        twists={"leaf:letter:result:3": drop_leaf},
        edit=lambda f: f.files["award.json"]["statements"].pop() and None,
    ),
    Case(
        check="C66",
        named="standstill",
        twists={"standstill": lambda s: s.update(ends_at=s["starts_at"])},
    ),
    Case(
        check="C66",
        named="event",
        edit=lambda f: f.files["award.json"]["standstill"].update(ends_at=stamp(f.now - 3_000_000)),
    ),
    Case(check="C67", named="scorecard", twists=scorecard_late()),
]


def test_every_check_holds_on_a_whole_package() -> None:
    checks = checked(whole())
    assert [check.id for check in checks.values() if check.ok is not True] == []
    assert list(checks) == [rule.id for rule in rules()]


def test_the_checks_are_numbered_as_the_specification_says() -> None:
    expected = [*range(1, 39), *range(50, 68)]
    assert [rule.id for rule in rules()] == [f"C{number}" for number in expected]


def test_every_check_has_a_case_that_breaks_it() -> None:
    assert {rule.id for rule in rules()} == {case.check for case in CASES}


@pytest.mark.misuse(16, 24, 90)
@pytest.mark.threat("T13")
@pytest.mark.parametrize("case", CASES, ids=[f"{c.check}-{i}" for i, c in enumerate(CASES)])
def test_a_broken_rule_fails_its_own_check_and_names_the_object(case: Case) -> None:
    checks = case.results()
    failed = {check.id for check in checks.values() if check.ok is False}
    assert failed == {case.check} | case.also, [checks[i] for i in sorted(failed)]
    assert case.named in checks[case.check].object
    assert not [c for c in checks.values() if "internal:" in c.detail]


def test_an_edited_row_is_named_by_expert_bid_and_criterion() -> None:
    factory = Factory().build()
    expert, code = row_of(factory)["expert"], row_of(factory)["code"]
    signed = row_of(factory)["score"]
    edit_row(factory)
    check = checked(factory)["C57"]
    assert re.match(rf"expert {expert}, bid {code} \(submission .*\), criterion T1", check.object)
    assert check.detail.startswith(f"the row says 24.5, the signed sheet {signed}")


def of_bid(bidder: str, volume: str, **values: Any) -> Callable[[Any], None]:
    """Return a twist of the record's result of one volume of one bidder."""

    def change(body: Json) -> None:
        submission = whole().submissions[bidder]
        own = [r for r in body["results"] if r["submission"] == submission]
        next(r for r in own if r["volume"] == volume).update(values)

    return change


SEALED_WRONG = {"code": "SEALED_WRONG", "fault": "bidder", "T": None, "B": None}
UNUSUAL: dict[str, dict[str, Callable[[Any], Any]]] = {
    "a payload that does not decrypt": {
        "payload:B:tech": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        "record": of_bid("B", "tech", **SEALED_WRONG, plain_sha256=None),
    },
    "a volume that is no zip": {
        "plain:B:tech": lambda _: b"not a zip",
        "record": of_bid("B", "tech", code="PACKAGE_BAD", fault="bidder"),
    },
    "junk sealed to one custodian": {
        "wraps:B:tech": junk(1),
        "record": of_bid("B", "tech", deal_wrong=[{"group": "T", "i": 2}]),
    },
    "only two custodians release": {"custodians": lambda _: ("T1", "T3")},
}


@pytest.mark.parametrize("twists", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_recorded_as_it_was_holds(twists: dict[str, Callable[[Any], Any]]) -> None:
    checks = checked(Factory(twists).build())
    assert [check for check in checks.values() if check.ok is not True] == []


def test_a_witnessed_package_meets_a_policy_with_witnesses() -> None:
    checks = checked(Factory(witnessed=True).build())
    assert [check for check in checks.values() if check.ok is not True] == []
    assert "no outside" not in checks["C7"].detail + checks["C15"].detail


def test_a_policy_with_witnesses_cannot_be_decided_without_them() -> None:
    policy = whole().policy(witnesses=True)
    checks = {c.id: c for c in verify_package(io.BytesIO(whole().zip()), policy)}
    assert (checks["C7"].ok, checks["C15"].ok) == (None, None)
    assert {c.id for c in checks.values() if c.ok is not True} == {"C7", "C15"}


def test_quorum_none_is_said_in_words() -> None:
    checks = checked(whole())
    assert "no outside witness (quorum none)" in checks["C7"].detail
    assert "no outside time" in checks["C15"].detail


def test_without_a_policy_the_package_names_its_own_keys_and_the_detail_says_so() -> None:
    checks = {c.id: c for c in verify_package(io.BytesIO(whole().zip()))}
    assert all(check.ok for check in checks.values())
    assert "the package itself (no --policy)" in checks["C6"].detail
    assert "from the package" in checks["C2"].detail


def test_a_policy_of_another_ledger_refuses_the_package() -> None:
    lines = whole().policy().decode().splitlines()
    other = Factory(witnessed=True)
    lines[1] = f"log {vkey(ORIGIN, other.people.witness, 1)}"
    policy = "\n".join(lines).encode()
    checks = {c.id: c for c in verify_package(io.BytesIO(whole().zip()), policy)}
    assert {c.id for c in checks.values() if c.ok is False} == {"C6"}


def test_a_package_made_after_the_opening_leaves_the_rest_undecided() -> None:
    members = whole().members()
    del members["evaluation.json"], members["award.json"]
    checks = checked(whole(), members)
    assert {c.id for c in checks.values() if c.ok is False} == set()
    undecided = {c.id for c in checks.values() if c.ok is None}
    assert undecided == {f"C{number}" for number in range(50, 68)}


def test_an_act_that_was_refused_need_not_have_been_kept() -> None:
    factory = Factory().build()
    late = factory.files["opening.json"]["acts"][-1]
    assert late["refusal"] is not None
    late["statement"] = None
    assert [check for check in checked(factory).values() if check.ok is not True] == []


def test_missing_sealed_files_leave_their_checks_undecided() -> None:
    members = {n: d for n, d in whole().members().items() if not n.startswith("bids/")}
    checks = checked(whole(), members)
    assert {c.id for c in checks.values() if c.ok is False} == set()
    undecided = {c.id for c in checks.values() if c.ok is None}
    assert undecided == {"C10", "C11", "C12", "C28", "C30", "C33"}


def test_young_covers_may_be_closed_but_then_the_list_is_not_complete() -> None:
    factory = Factory().build()
    leaves = factory.files["leaves.json"]
    factory.files["leaves.json"] = [
        {"index": leaf["index"], "leaf_hash": factory.hashes[leaf["index"]].hex()}
        if leaf["body"]["t"] == "cover"
        else leaf
        for leaf in leaves
    ]
    factory.files["package.json"]["made_at"] = stamp(factory.now)
    checks = checked(factory)
    assert {c.id for c in checks.values() if c.ok is not True} == {"C19"}
    assert checks["C19"].ok is None
    assert "leaves closed" in checks["C38"].detail
