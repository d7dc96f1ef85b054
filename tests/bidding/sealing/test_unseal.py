"""Sealing and opening whole files: the law, and every outcome code that is pure."""

import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidding.sealing.bidder import unwrap_b
from bidding.sealing.bodies import Group, SeatRef
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.kem import exchange_of, public_point
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.parts import PART, hash_file, part_hash, tree_of_parts
from bidding.sealing.refusals import (
    BadPackage,
    Empty,
    FileTaken,
    Reason,
    SealFailed,
)
from bidding.sealing.seal import Bidder, DiskFull, seal_package
from bidding.sealing.shares import Halves, combine
from bidding.sealing.unseal import (
    HalfState,
    Released,
    bidder_half,
    custodian_half,
    matching_shares,
    open_payload,
    unseal,
)
from bidding.sealing.wraps import unwrap
from envelope_cases import CONTENT, Case, resealed, rewrapped
from sealing_world import (
    BIDDER,
    BIDDER_POINTS,
    OPENING,
    RECOVERY,
    exchange_key,
    opening_keys,
    seal_bytes,
)

pytestmark = pytest.mark.domain


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("case"), opening_keys())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(content=st.binary(min_size=1, max_size=40_000))
def test_unseal_of_seal_is_the_same(tmp_path: Path, case: Case, content: bytes) -> None:
    path, made = seal_bytes(tmp_path, content, case.keys)
    head = read_file_head(path)
    halves = Halves(t=made.t, b=unwrap_b(head, OPENING.exchange, OPENING.public))
    open_payload(path, head, halves, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content


def test_two_seals_of_one_package_share_nothing(case: Case, tmp_path: Path) -> None:
    path, made = seal_bytes(tmp_path, CONTENT, case.keys)
    assert made.t != case.sealed.t
    assert made.listed.bidder_salt != case.sealed.listed.bidder_salt
    first, second = case.path.read_bytes(), path.read_bytes()
    assert first[case.head.payload_offset :] != second[read_file_head(path).payload_offset :]


def test_parts_and_tree_are_those_of_the_file(case: Case, tmp_path: Path) -> None:
    path, made = seal_bytes(tmp_path, bytes(2 * PART), case.keys)
    raw = path.read_bytes()
    cut = [part_hash(raw[at : at + PART]) for at in range(0, len(raw), PART)]
    assert list(made.parts) == cut
    assert made.listed.tree == tree_of_parts(cut) == hash_file(path).tree()
    assert made.listed.size == len(raw)


def test_the_recovery_code_opens_as_well(case: Case) -> None:
    assert unwrap_b(case.head, exchange_of(RECOVERY), public_point(RECOVERY)) == case.b
    stranger = exchange_key("T", 1)
    with pytest.raises(SealFailed):
        unwrap_b(case.head, stranger.exchange, stranger.public)


@pytest.mark.parametrize("seats", [(1, 2), (1, 3), (2, 3), (1, 2, 3)])
def test_opened_by_the_bidder_and_any_k_custodians(case: Case, seats: tuple[int, ...]) -> None:
    outcome = case.open(Released(t_shares=case.shares("T", *seats), bidder_b=case.b))
    assert (outcome.code, outcome.fault, outcome.b_from) == ("OPENED", "none", "bidder")
    assert (outcome.t, outcome.b) == (case.halves.t, case.halves.b)
    assert (case.folder / "opened.zip").read_bytes() == CONTENT


@pytest.mark.misuse(80)
def test_case_80_an_absent_bidder_is_opened_by_the_remedy(case: Case) -> None:
    released = Released(t_shares=case.shares("T", 1, 2), r_shares=case.shares("R", 2, 3))
    assert case.open(released).b_from == "remedy"


def test_cures_count_when_they_match(case: Case) -> None:
    outcome = case.open(Released(cured_t=case.halves.t, cured_b=case.b))
    assert (outcome.code, outcome.b_from) == ("OPENED", "cure")
    assert case.open(Released(cured_t=bytes(32), cured_b=case.b)).code == "CUSTODIANS_SHORT"


@pytest.mark.misuse(80)
def test_case_80_without_b_the_bidder_was_absent(case: Case) -> None:
    for released in (
        Released(t_shares=case.shares("T", 1, 2)),
        Released(t_shares=case.shares("T", 1, 2), r_shares=case.shares("R", 1)),
        Released(t_shares=case.shares("T", 1, 2), bidder_b=bytes(32)),
    ):
        outcome = case.open(released)
        assert (outcome.code, outcome.fault) == ("BIDDER_ABSENT", "bidder")
        assert (outcome.t, outcome.b, outcome.plain_sha256) == (None, None, None)
        assert not (case.folder / "opened.zip").exists()


def test_case_71_too_few_custodians(case: Case) -> None:
    outcome = case.open(Released(t_shares=case.shares("T", 1), bidder_b=case.b))
    assert (outcome.code, outcome.fault) == ("CUSTODIANS_SHORT", "members")
    ended = case.open(Released(t_shares=case.shares("T", 1), terminated=True))
    assert ended.code == "CUSTODIANS_SHORT"


@pytest.mark.misuse(76)
def test_case_76_a_wrong_share_is_not_used(case: Case) -> None:
    shares = case.shares("T", 1, 2, 3) | {1: bytes(32)}
    assert sorted(matching_shares(case.head, "T", shares)) == [2, 3]
    assert case.open(Released(t_shares=shares, bidder_b=case.b)).code == "OPENED"


@pytest.mark.misuse(24)
def test_case_24_t_and_b_of_another_envelope_or_swapped_do_not_match(
    case: Case, tmp_path: Path
) -> None:
    foreign = Case(tmp_path, case.keys)
    for t, b in ((foreign.halves.t, case.b), (case.halves.t, foreign.b), (case.b, case.halves.t)):
        outcome = case.open(Released(cured_t=t, bidder_b=b))
        assert outcome.code in {"CUSTODIANS_SHORT", "BIDDER_ABSENT"}


@pytest.mark.misuse(73)
@pytest.mark.threat("T12")
def test_case_73_junk_to_one_custodian_is_opened_with_others_and_named(case: Case) -> None:
    bad = resealed(case, rewrapped(case, "T", {2: bytes(32)}, commit=False))
    released = Released(
        t_shares=case.shares("T", 1, 3), bidder_b=case.b, checks={("T", 2): "mismatch"}
    )
    outcome = bad.open(released)
    assert (outcome.code, outcome.fault) == ("OPENED", "none")
    assert outcome.deal_wrong == (SeatRef(group="T", i=2),)


@pytest.mark.misuse(74)
@pytest.mark.threat("T12")
def test_case_74_junk_to_too_many_is_disputed_or_cured(case: Case) -> None:
    bad = resealed(case, rewrapped(case, "T", {1: bytes(32), 2: bytes(32)}, commit=False))
    checks: dict[tuple[Group, int], object] = {("T", 1): "mismatch", ("T", 2): "unwrap_failed"}
    released = Released(t_shares=case.shares("T", 3), bidder_b=case.b, checks=checks)  # type: ignore[arg-type]
    outcome = bad.open(released)
    assert (outcome.code, outcome.fault) == ("DEAL_DISPUTED", "undetermined")
    assert (outcome.t, outcome.b) == (None, None)
    cured = replace(released, cured_t=case.halves.t)
    again = bad.open(cured)
    assert (again.code, len(again.deal_wrong)) == ("OPENED", 2)


def test_silence_is_never_a_dispute(case: Case) -> None:
    released = Released(t_shares=case.shares("T", 3), checks={("T", 3): "ok"}, bidder_b=case.b)
    assert case.open(released).code == "CUSTODIANS_SHORT"
    assert custodian_half(case.head, released).state is HalfState.WAITING


@pytest.mark.misuse(75)
@pytest.mark.threat("T11")
def test_case_75_a_deal_that_needs_a_friend_is_a_bad_deal(case: Case) -> None:
    """Every share matches its own commitment, yet the lowest k do not give T."""
    bad = resealed(case, rewrapped(case, "T", {1: bytes(32)}))
    shares = {1: bytes(32), **case.shares("T", 2, 3)}
    outcome = bad.open(Released(t_shares=shares, bidder_b=case.b))
    assert (outcome.code, outcome.fault) == ("BIDDER_BAD_DEAL", "bidder")
    cured = bad.open(Released(t_shares=shares, bidder_b=case.b, cured_t=case.halves.t))
    assert cured.code == "OPENED"
    assert cured.deal_wrong == (SeatRef(group="T", i=1),)


def test_a_bad_deal_to_the_remedy_is_one_as_well(case: Case) -> None:
    bad = resealed(case, rewrapped(case, "R", {1: bytes(32)}))
    released = Released(
        t_shares=case.shares("T", 1, 2), r_shares={1: bytes(32), **case.shares("R", 2)}
    )
    assert bidder_half(bad.head, released).state is HalfState.BADLY_DEALT
    assert bad.open(released).code == "BIDDER_BAD_DEAL"
    # The bidder itself still can.
    assert bad.open(replace(released, bidder_b=case.b)).code == "OPENED"


def damaged(case: Case, at: int, folder: Path) -> Path:
    """A file with one changed byte in its payload, whose tree is taken for the listed one."""
    path = folder / "damaged.tbe"
    shutil.copyfile(case.path, path)
    with path.open("r+b") as file:
        file.seek(case.head.payload_offset + at)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    return path


@pytest.mark.misuse(85, 87)
@pytest.mark.parametrize(("at", "reason"), [(0, "commitment"), (60, "chunk"), (20_000, "chunk")])
def test_case_85_and_87_a_bad_chunk_is_the_bidders_and_leaves_nothing(
    case: Case, tmp_path: Path, at: int, reason: str
) -> None:
    path, target = damaged(case, at, tmp_path), tmp_path / "out"
    with pytest.raises(SealFailed) as refused:
        open_payload(path, case.head, case.halves, target)
    assert refused.value.reason == Reason(reason)
    released = Released(t_shares=case.shares("T", 1, 2), bidder_b=case.b)
    outcome = unseal(path, case.head, case.keys.body, released, target)
    assert (outcome.code, outcome.fault) == ("SEALED_WRONG", "bidder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["damaged.tbe"]


@pytest.mark.misuse(86)
def test_case_86_a_bad_package_is_opened_and_named(case: Case, tmp_path: Path) -> None:
    released = Released(t_shares=case.shares("T", 1, 2), bidder_b=case.b)
    outcome = unseal(case.path, case.head, case.keys.body, released, tmp_path / "out")
    assert (outcome.code, outcome.fault) == ("PACKAGE_BAD", "bidder")
    assert outcome.plain_sha256


def test_a_package_check_may_run_elsewhere(case: Case, tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise BadPackage("expected nothing")

    released = Released(t_shares=case.shares("T", 1, 2), bidder_b=case.b)
    outcome = unseal(case.path, case.head, case.keys.body, released, tmp_path / "out", refuse)
    assert outcome.detail == "expected nothing"


def test_a_missing_file_is_the_platforms(case: Case, tmp_path: Path) -> None:
    outcome = unseal(None, case.head, case.keys.body, Released(), tmp_path / "out")
    assert (outcome.code, outcome.fault) == ("BLOB_MISSING", "platform")


# --- sealing refuses -------------------------------------------------------------------------


def seal_again(folder: Path, keys: LotKeys, content: bytes, target: Path) -> None:
    package = folder / "p.zip"
    package.write_bytes(content)
    bidder = Bidder(uscc=BIDDER, points=BIDDER_POINTS)
    seal_package(package, target, keys=keys, volume="qual", bidder=bidder)


def test_case_11_an_empty_package_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Empty):
        seal_again(tmp_path, case.keys, b"", tmp_path / "x.tbe")
    assert not (tmp_path / "x.tbe").exists()


def test_nothing_is_sealed_over(case: Case, tmp_path: Path) -> None:
    target = tmp_path / "x.tbe"
    target.write_bytes(b"mine")
    with pytest.raises(FileTaken):
        seal_again(tmp_path, case.keys, b"x", target)
    assert target.read_bytes() == b"mine"


@pytest.mark.misuse(54)
def test_case_54_a_full_disk_is_a_sentence(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(DiskFull):
        seal_again(tmp_path, case.keys, b"x", tmp_path / "x.tbe")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.zip"]


def test_memory_does_not_grow_with_the_file(case: Case, tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(bytes(64 * 1024 * 1024))
    bidder = Bidder(uscc=BIDDER, points=BIDDER_POINTS)
    peaks: list[int] = []

    def measured(act: Callable[[], object]) -> None:
        tracemalloc.start()
        act()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    target = tmp_path / "x.tbe"
    measured(
        lambda: seal_package(
            tmp_path / "p.zip", target, keys=case.keys, volume="qual", bidder=bidder
        )
    )
    head = read_file_head(target)
    b = unwrap_b(head, OPENING.exchange, OPENING.public)
    t = sealed_t(head)
    measured(lambda: open_payload(target, head, Halves(t=t, b=b), tmp_path / "out"))
    assert max(peaks) < 24 * 1024 * 1024


def sealed_t(head: Head) -> bytes:
    """T from two custodians."""
    values = {}
    for i in (1, 2):
        key = exchange_key("T", i)
        ct = head.wraps.t.shares[i - 1].ct
        values[i] = unwrap(head.binding, "T", i, key.exchange, key.public, ct)
    return combine(values, 2)
