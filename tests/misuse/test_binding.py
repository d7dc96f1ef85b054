"""What binds an envelope to its lot, its bidder and its own wraps (cases 16 to 25)."""

from pathlib import Path

import msgspec
import pytest

from bidding.sealing import envelope
from bidding.sealing.bodies import SeatRef
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.refusals import SealFailed
from bidding.sealing.unseal import Released, check_payload
from bidding.sealing.wraps import Wraps, unwrap_share, wraps_bytes
from envelope_cases import Case, resealed
from foundation.statements.canonical import canonical, parse
from sealing_world import exchange_key, opening_keys

pytestmark = pytest.mark.domain


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An honest envelope."""
    return Case(tmp_path_factory.mktemp("binding"), opening_keys())


def with_foreign_wrap(case: Case, other: Case, seat: int) -> Head:
    """The head of a file in which one custodian's wrap is that of another envelope."""
    wraps = msgspec.to_builtins(case.head.wraps)
    foreign = msgspec.to_builtins(other.head.wraps)
    wraps["t"]["shares"][seat - 1]["ct"] = foreign["t"]["shares"][seat - 1]["ct"]
    changed = msgspec.convert(wraps, Wraps)
    return Head(
        header=case.head.header,
        header_bytes=case.head.header_bytes,
        wraps=changed,
        wraps_bytes=wraps_bytes(changed),
        size=case.head.size,
    )


@pytest.mark.misuse(23)
@pytest.mark.threat("T13")
def test_a_wrap_of_another_envelope_does_not_unwrap_and_the_re_deal_names_it(
    case: Case, tmp_path: Path
) -> None:
    other = Case(tmp_path, case.keys)
    bad = resealed(case, with_foreign_wrap(case, other, 2))
    # From outside nothing is seen.
    envelope.check_for_lot(bad.head, case.keys)
    key = exchange_key("T", 2)
    found = bad.head.wraps.t.shares[1]
    assert unwrap_share(bad.head.binding, "T", found, key.exchange, key.public) == (
        "unwrap_failed",
        None,
    )
    released = Released(
        t_shares=case.shares("T", 1, 3), bidder_b=case.b, checks={("T", 2): "unwrap_failed"}
    )
    outcome = bad.open(released)
    assert (outcome.code, outcome.fault) == ("OPENED", "none")
    assert outcome.deal_wrong == (SeatRef(group="T", i=2),)


@pytest.mark.misuse(16)
@pytest.mark.threat("T13")
@pytest.mark.parametrize("field", ["tender", "lot", "envelope", "bidder_tag", "client"])
def test_a_file_whose_header_was_edited_does_not_open(
    case: Case, tmp_path: Path, field: str
) -> None:
    """Whoever moves a file to another lot or bidder has to edit its header."""
    raw = case.path.read_bytes()
    header = parse(case.head.header_bytes, limit=1 << 20)
    other = {"bidder_tag": "0" * 64, "client": "cli/9.9.9"}.get(
        field, "11111111-1111-4111-8111-111111111111"
    )
    edited = canonical({**header, field: other})
    path = tmp_path / "edited.tbe"
    path.write_bytes(
        envelope.head_bytes(edited, case.head.wraps_bytes) + raw[case.head.payload_offset :]
    )
    head = read_file_head(path)
    # Neither with the halves, nor do the wraps give a share any more.
    with pytest.raises(SealFailed):
        check_payload(path, head, case.halves)
    for share in head.wraps.t.shares:
        key = exchange_key("T", share.i)
        result, _ = unwrap_share(head.binding, "T", share, key.exchange, key.public)
        assert result == "unwrap_failed"


@pytest.mark.misuse(16)
def test_a_file_with_other_wraps_does_not_open(case: Case, tmp_path: Path) -> None:
    """The payload is bound to its own wraps."""
    other = Case(tmp_path, case.keys)
    raw = case.path.read_bytes()
    path = tmp_path / "edited.tbe"
    path.write_bytes(
        envelope.head_bytes(case.head.header_bytes, other.head.wraps_bytes)
        + raw[case.head.payload_offset :]
    )
    with pytest.raises(SealFailed):
        check_payload(path, read_file_head(path), case.halves)


@pytest.mark.misuse(24)
def test_two_contents_for_one_envelope_do_not_exist(case: Case) -> None:
    """The key commitment fixes the key: no second pair of halves opens the same payload (A28)."""
    other = case.halves.__class__(t=case.halves.b, b=case.halves.t)
    with pytest.raises(SealFailed):
        check_payload(case.path, case.head, other)
