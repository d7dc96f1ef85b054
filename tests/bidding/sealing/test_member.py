"""The rules of a member's client (8.2), with the misuse cases of custody."""

import hashlib
import inspect
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bidding.sealing import envelope
from bidding.sealing.bodies import (
    Closing,
    LeafOpening,
    LedgerBody,
    ListedEnvelope,
    ListEntry,
    Schedule,
)
from bidding.sealing.member import (
    Appointment,
    Guard,
    Question,
    Remedy,
    Ripe,
    list_root,
    release_r,
    release_t,
    share_check,
    windows,
)
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.refusals import MemberRefuses, WrongLot, WrongOpeningKeys
from bidding.sealing.seal import Sealed
from bidding.sealing.shares import combine
from bidding.sealing.unseal import fits_half
from foundation.problems import Refused
from foundation.statements.canonical import b64, parse_time, unb64
from foundation.statements.signed import decode_body, unsigned
from sealing_world import (
    LOT,
    NOW,
    OPENING,
    TENDER,
    exchange_key,
    opening_keys,
    opening_keys_body,
    schedule,
    seal_bytes,
    submission,
)

pytestmark = pytest.mark.domain

SID = "c" * 64
OTHER = "d" * 64
PLAN = decode_body(schedule(), Schedule)
OPENS_AT = parse_time(PLAN.stages[0].opens_at or "")
ALL = Ripe(waited=timedelta(hours=1))
KEYS = opening_keys()


class Opening:
    """Two sealed bids with the list, the closing and what members are shown."""

    def __init__(self, folder: Path) -> None:
        self.sealed: dict[str, tuple[Path, Sealed]] = {}
        self.entries = [self._bid(folder, n) for n in (1, 2)]
        self.files = {
            tree: envelope.split_head(path.read_bytes()) for tree, (path, _) in self.sealed.items()
        }
        self.question = self.ask(self.entries)

    def _bid(self, folder: Path, n: int) -> ListEntry:
        listed = []
        for volume in ("price", "qual"):
            own = folder / str(n)
            own.mkdir(exist_ok=True)
            path, made = seal_bytes(own, f"{volume} {n}".encode(), KEYS, volume=volume)
            self.sealed[made.listed.tree] = (path, made)
            listed.append(
                ListedEnvelope(
                    volume=volume,
                    tree=made.listed.tree,
                    header_hash=made.listed.header_hash,
                    wraps_hash=made.listed.wraps_hash,
                )
            )
        return ListEntry(submission=submission(n), seq=1, manifest=f"{n}" * 64, envelopes=listed)

    def ask(self, entries: list[ListEntry], **changes: Any) -> Question:
        """The question about a list."""
        trees = {e.tree for entry in entries for e in entry.envelopes}
        question = Question(
            closing_sid=SID,
            closing=closing(entries),
            stage=1,
            schedule_sid=schedule().sid,
            schedule=PLAN,
            entries=entries,
            files={tree: self.files[tree] for tree in trees},
            now=OPENS_AT + timedelta(minutes=5),
            evidence_at=None,
        )
        return replace(question, **changes)


def closing(entries: list[ListEntry], **changes: Any) -> Closing:
    body = LedgerBody(
        v=1, t="cut", tender=TENDER, lot=LOT, round=1, subject="a" * 64, at_ms=1, first_index=8
    )
    cut = LeafOpening(origin="o", index=9, time_ms=1, salt=b64(bytes(32)), body=body)
    made = Closing(
        v=1,
        tender=TENDER,
        lot=LOT,
        round=1,
        schedule=schedule().sid,
        opening_keys=KEYS.sid,
        cut=cut,
        count=len(entries),
        list_root=list_root(entries),
        replaces=None,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    return Opening(tmp_path_factory.mktemp("opening"))


def seat(group: str = "T", i: int = 1, keys: LotKeys = KEYS) -> Appointment:
    return Appointment(keys=keys, group=group, i=i)  # type: ignore[arg-type]


def exchange(group: str = "T", i: int = 1) -> Any:
    return exchange_key(group, i).exchange


def checked(opening: Opening, group: str = "T", i: int = 1) -> Guard:
    return share_check(seat(group, i), opening.question, Guard(), exchange(group, i))[1]


def test_a_share_check_names_every_envelope_and_shows_no_share(opening: Opening) -> None:
    body, guard = share_check(seat(), opening.question, Guard(), exchange())
    assert [r.tree for r in body.results] == sorted(opening.sealed)
    assert {r.result for r in body.results} == {"ok"}
    assert (guard.state, guard.closing) == ("checked", SID)
    released, _ = release_t(seat(), opening.question, guard, exchange(), ALL)
    text = msgspec.json.encode(body).decode()
    assert all(share.value not in text for share in released.shares)


def test_released_shares_give_t_and_b(opening: Opening) -> None:
    t: dict[str, dict[int, bytes]] = {tree: {} for tree in opening.sealed}
    b: dict[str, dict[int, bytes]] = {tree: {} for tree in opening.sealed}
    remedy = Remedy(sid=OTHER, trees=sorted(opening.sealed), acked=[])
    for i in (1, 2):
        made, _ = release_t(
            seat("T", i), opening.question, checked(opening, "T", i), exchange("T", i), ALL
        )
        cure, _ = release_r(
            seat("R", i), opening.question, checked(opening, "R", i), exchange("R", i), remedy
        )
        for share in made.shares:
            t[share.tree][i] = unb64(share.value)
        for share in cure.shares:
            b[share.tree][i] = unb64(share.value)
    for tree, (path, _) in opening.sealed.items():
        head = envelope.read_file_head(path)
        assert fits_half(head, "T", combine(t[tree], 2))
        assert fits_half(head, "B", combine(b[tree], 2))


def test_a_wrong_key_fails_to_unwrap_and_releases_nothing(opening: Opening) -> None:
    body, guard = share_check(seat(), opening.question, Guard(), OPENING.exchange)
    assert {r.result for r in body.results} == {"unwrap_failed"}
    released, _ = release_t(seat(), opening.question, guard, OPENING.exchange, ALL)
    assert released.shares == []


# --- what is refused ------------------------------------------------------------------------


def refused(question: Question, appointment: Appointment | None = None) -> None:
    with pytest.raises(MemberRefuses):
        share_check(appointment or seat(), question, Guard(), exchange())


@pytest.mark.threat("T6")
def test_rule_1_the_platforms_own_opening_keys_are_refused(opening: Opening) -> None:
    own = lot_keys(unsigned("opening-keys", opening_keys_body(version=2)))
    refused(opening.question, seat(keys=own))
    other_lot = replace(
        opening.question, closing=msgspec.structs.replace(opening.question.closing, round=2)
    )
    refused(other_lot)


@pytest.mark.misuse(63)
@pytest.mark.threat("T6")
def test_case_63_nothing_is_answered_before_the_hour(opening: Opening) -> None:
    refused(replace(opening.question, now=OPENS_AT - timedelta(milliseconds=1)))
    refused(replace(opening.question, evidence_at=OPENS_AT - timedelta(seconds=1)))
    share_check(
        seat(), replace(opening.question, now=OPENS_AT, evidence_at=OPENS_AT), Guard(), exchange()
    )


@pytest.mark.misuse(63)
def test_case_63_the_old_date_is_refused_after_postponement(opening: Opening) -> None:
    later = msgspec.structs.replace(PLAN, version=2)
    refused(replace(opening.question, schedule=later, schedule_sid=OTHER))


def test_a_stage_without_a_date_is_refused(opening: Opening) -> None:
    stage = msgspec.structs.replace(PLAN.stages[0], opens_at=None)
    refused(replace(opening.question, schedule=msgspec.structs.replace(PLAN, stages=[stage])))
    refused(replace(opening.question, stage=2))


@pytest.mark.misuse(64)
def test_case_64_an_entry_too_many_or_too_few_is_refused(opening: Opening) -> None:
    refused(replace(opening.question, entries=opening.entries[:1]))
    refused(replace(opening.question, entries=[*opening.entries, opening.entries[0]]))
    short = opening.ask(opening.entries[:1], closing=closing(opening.entries))
    refused(short)
    wrong_count = closing(opening.entries, count=3)
    refused(replace(opening.question, closing=wrong_count))


@pytest.mark.misuse(65)
@pytest.mark.threat("T6")
def test_case_65_a_file_outside_the_list_is_refused(opening: Opening) -> None:
    extra = {**opening.files, "e" * 64: next(iter(opening.files.values()))}
    refused(replace(opening.question, files=extra))
    refused(replace(opening.question, files=dict(list(opening.files.items())[:-1])))


def test_rule_5_other_bytes_under_a_listed_tree_are_refused(opening: Opening) -> None:
    # Two of one volume, so that nothing but their bytes is wrong.
    first, second = (entry.envelopes[0].tree for entry in opening.entries)
    swapped = {**opening.files, first: opening.files[second], second: opening.files[first]}
    refused(replace(opening.question, files=swapped))


def sealed_for(keys: LotKeys, folder: Path) -> tuple[tuple[bytes, bytes], ListedEnvelope]:
    path, made = seal_bytes(folder, b"x", keys)
    listed = ListedEnvelope(
        volume="qual",
        tree=made.listed.tree,
        header_hash=made.listed.header_hash,
        wraps_hash=made.listed.wraps_hash,
    )
    return envelope.split_head(path.read_bytes()), listed


@pytest.mark.misuse(60)
@pytest.mark.threat("T6")
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"lot": "11111111-1111-4111-8111-111111111111"}, WrongLot),
        ({"version": 2}, WrongOpeningKeys),
    ],
)
def test_case_60_wraps_of_another_lot_under_a_listed_tree_are_refused(
    opening: Opening, tmp_path: Path, changes: dict[str, Any], refusal: type[Refused]
) -> None:
    """The list itself may lie: the header must name this client's opening keys."""
    file, listed = sealed_for(
        lot_keys(unsigned("opening-keys", opening_keys_body(**changes))), tmp_path
    )
    entry = ListEntry(submission=submission(9), seq=1, manifest="9" * 64, envelopes=[listed])
    question = replace(
        opening.question, closing=closing([entry]), entries=[entry], files={listed.tree: file}
    )
    with pytest.raises(refusal):
        share_check(seat(), question, Guard(), exchange())


def test_a_listed_volume_must_be_the_files_volume(opening: Opening, tmp_path: Path) -> None:
    file, listed = sealed_for(KEYS, tmp_path)
    named = msgspec.structs.replace(listed, volume="price")
    entry = ListEntry(submission=submission(9), seq=1, manifest="9" * 64, envelopes=[named])
    refused(
        replace(
            opening.question, closing=closing([entry]), entries=[entry], files={listed.tree: file}
        )
    )


def two_stages(opening: Opening, **changes: Any) -> Question:
    """The question of a second stage, which opens the prices."""
    first = PLAN.stages[0]
    plan = msgspec.structs.replace(
        PLAN,
        stages=[
            msgspec.structs.replace(first, volumes=["qual"]),
            msgspec.structs.replace(first, stage=2, volumes=["price"]),
        ],
    )
    trees = changes.pop("stage_trees", frozenset(prices(opening)))
    question = replace(
        opening.question,
        stage=2,
        schedule=plan,
        stage_trees=trees,
        stage_schedule=opening.question.schedule_sid,
        files={tree: opening.files[tree] for tree in trees if tree in opening.files},
    )
    return replace(question, **changes)


def prices(opening: Opening) -> set[str]:
    return {e.tree for entry in opening.entries for e in entry.envelopes if e.volume == "price"}


@pytest.mark.misuse(65, 89)
def test_rule_4_a_later_stage_is_for_listed_files_of_its_own_volumes(opening: Opening) -> None:
    body, guard = share_check(seat(), two_stages(opening), Guard(), exchange())
    assert {r.tree for r in body.results} == prices(opening)
    # A price that the evaluation left out stays closed for ever.
    one = frozenset(sorted(prices(opening))[:1])
    body, _ = share_check(seat(), two_stages(opening, stage_trees=one), Guard(), exchange())
    assert {r.tree for r in body.results} == one
    other_volume = next(tree for tree in opening.files if tree not in prices(opening))
    for wrong in ({"e" * 64}, {*prices(opening), other_volume}, set[str]()):
        refused(two_stages(opening, stage_trees=frozenset(wrong)))
    refused(replace(two_stages(opening), stage_trees=None))
    # A second list for the same stage is refused by the guard of the first.
    with pytest.raises(MemberRefuses):
        share_check(seat(), two_stages(opening, stage_trees=one), guard, exchange())


@pytest.mark.misuse(63)
def test_rule_3_a_later_stage_names_the_newest_schedule(opening: Opening) -> None:
    refused(two_stages(opening, stage_schedule=OTHER))
    refused(two_stages(opening, stage_schedule=None))
    # The closing may be older than the hour of a later stage.
    older = msgspec.structs.replace(opening.question.closing, schedule=OTHER)
    share_check(seat(), two_stages(opening, closing=older), Guard(), exchange())


@pytest.mark.misuse(62)
@pytest.mark.threat("T6")
def test_case_62_no_label_is_taken_from_outside(opening: Opening) -> None:
    """There is no argument through which a label could come: the function has none."""
    for function in (share_check, release_t, release_r):
        assert "info" not in inspect.signature(function).parameters


@pytest.mark.misuse(83)
def test_case_83_an_unanswered_omission_is_refused(opening: Opening) -> None:
    refused(replace(opening.question, unanswered_omissions=1))


# --- the guard ------------------------------------------------------------------------------


@pytest.mark.misuse(64)
@pytest.mark.threat("T6")
def test_case_64_a_second_list_for_one_guard_is_refused(opening: Opening) -> None:
    guard = checked(opening)
    second = replace(opening.question, closing_sid=OTHER)
    with pytest.raises(MemberRefuses):
        share_check(seat(), second, guard, exchange())
    with pytest.raises(MemberRefuses):
        release_t(seat(), second, guard, exchange(), ALL)


def test_nothing_is_released_without_a_check_first(opening: Opening) -> None:
    with pytest.raises(MemberRefuses):
        release_t(seat(), opening.question, Guard(), exchange(), ALL)
    with pytest.raises(MemberRefuses):
        release_r(
            seat("R"),
            opening.question,
            Guard(),
            exchange("R"),
            Remedy(sid=OTHER, trees=sorted(opening.sealed), acked=[]),
        )


def replacing(opening: Opening, entries: list[ListEntry], replaces: str) -> Question:
    return opening.ask(entries, closing_sid=OTHER, closing=closing(entries, replaces=replaces))


def test_a_closing_may_be_replaced_by_one_that_only_adds(opening: Opening) -> None:
    small = opening.ask(opening.entries[:1])
    guard = share_check(seat(), small, Guard(), exchange())[1]
    larger = replacing(opening, opening.entries, SID)
    body, moved = share_check(seat(), larger, guard, exchange())
    assert len(body.results) == 4
    assert moved.closing == OTHER
    for wrong in (
        replacing(opening, opening.entries, "e" * 64),
        replacing(opening, opening.entries[1:], SID),
        replacing(opening, opening.entries[:1], SID),
    ):
        with pytest.raises(MemberRefuses):
            share_check(seat(), wrong, guard, exchange())


def test_a_custodian_that_released_answers_no_other_closing(opening: Opening) -> None:
    small = opening.ask(opening.entries[:1])
    guard = share_check(seat(), small, Guard(), exchange())[1]
    _, guard = release_t(seat(), small, guard, exchange(), ALL)
    # Asking for the check again must not open the way.
    _, guard = share_check(seat(), small, guard, exchange())
    with pytest.raises(MemberRefuses):
        share_check(seat(), replacing(opening, opening.entries, SID), guard, exchange())
    # The same release may be sent again.
    again, _ = release_t(seat(), small, guard, exchange(), ALL)
    assert len(again.shares) == 2


def test_a_remedy_member_that_released_may_follow_a_replaced_closing(opening: Opening) -> None:
    small = opening.ask(opening.entries[:1])
    guard = share_check(seat("R"), small, Guard(), exchange("R"))[1]
    remedy = Remedy(sid=OTHER, trees=sorted(small.files), acked=[])
    _, guard = release_r(seat("R"), small, guard, exchange("R"), remedy)
    larger = replacing(opening, opening.entries, SID)
    assert share_check(seat("R"), larger, guard, exchange("R"))[1].state == "checked"


# --- rules 11 and 12 ------------------------------------------------------------------------


def test_rule_12_custodians_wait_for_b_or_remedy_or_the_windows(opening: Opening) -> None:
    guard = checked(opening)
    trees = sorted(opening.sealed)
    w1_and_w2 = timedelta(minutes=45)
    outage = timedelta(minutes=10)
    for ripe in (
        Ripe(),
        Ripe(waited=timedelta(minutes=30)),
        Ripe(waited=w1_and_w2 - timedelta(milliseconds=1)),
        Ripe(waited=w1_and_w2, extended=outage),
        Ripe(acked=trees[:2], remedied=trees[2:3]),
    ):
        with pytest.raises(MemberRefuses):
            release_t(seat(), opening.question, guard, exchange(), ripe)
    for ripe in (
        Ripe(acked=trees),
        Ripe(acked=trees[:2], remedied=trees[2:]),
        Ripe(waited=w1_and_w2),
        Ripe(waited=w1_and_w2 + outage, extended=outage),
    ):
        assert release_t(seat(), opening.question, guard, exchange(), ripe)[1].state == "released"


def test_without_a_remedy_group_custodians_wait_for_the_first_window_alone() -> None:
    strict = lot_keys(unsigned("opening-keys", opening_keys_body(policy="dual-strict", r=None)))
    for absent in (True, False):
        assert windows(seat(keys=strict), timedelta(0), absent=absent) == timedelta(minutes=30)
    assert windows(seat(), timedelta(minutes=1), absent=False) == timedelta(minutes=31)


@pytest.mark.misuse(69)
def test_case_69_the_remedy_is_for_exactly_the_absent(opening: Opening) -> None:
    guard, trees = checked(opening, "R"), sorted(opening.sealed)
    for given, acked in ((trees[:1], []), (trees, trees[:1]), (trees[:2], trees[3:])):
        with pytest.raises(MemberRefuses):
            release_r(
                seat("R"),
                opening.question,
                guard,
                exchange("R"),
                Remedy(sid=OTHER, trees=given, acked=acked),
            )
    made, _ = release_r(
        seat("R"),
        opening.question,
        guard,
        exchange("R"),
        Remedy(sid=OTHER, trees=trees[1:], acked=trees[:1]),
    )
    assert [share.tree for share in made.shares] == trees[1:]


def test_a_seat_releases_its_own_kind(opening: Opening) -> None:
    with pytest.raises(MemberRefuses):
        release_t(seat("R"), opening.question, checked(opening, "R"), exchange("R"), ALL)
    with pytest.raises(MemberRefuses):
        release_r(
            seat("T"),
            opening.question,
            checked(opening),
            exchange(),
            Remedy(sid=OTHER, trees=[], acked=[]),
        )


def test_the_list_root_is_that_of_rfc_6962(opening: Opening) -> None:
    def leaf(entry: ListEntry) -> bytes:
        raw = msgspec.json.encode(entry, order="sorted")
        return hashlib.sha256(b"\0" + raw).digest()

    one, two = opening.entries
    expected = hashlib.sha256(b"\1" + leaf(one) + leaf(two)).hexdigest()
    assert list_root([two, one]) == list_root([one, two]) == expected
    assert list_root([one]) == leaf(one).hex()


def test_now_is_before_the_opening() -> None:
    assert NOW < OPENS_AT
