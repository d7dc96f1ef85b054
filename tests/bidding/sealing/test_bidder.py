"""The bidder's own part: its record, and the release of its half."""

from pathlib import Path

import pytest

from bidding.sealing.bidder import (
    RecordedVolume,
    SealingRecord,
    read_record,
    record_bytes,
    recorded_t,
    release_b,
    unwrap_b,
    wrong_values,
)
from bidding.sealing.bodies import ReleaseB, TreeValue
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.refusals import ManifestMismatch, SealFailed, WrongB, WrongTree
from bidding.sealing.rehearse import OwnKey, rehearse
from bidding.sealing.seal import Sealed
from foundation.statements.canonical import BadField, NotCanonical, b64
from sealing_world import (
    BIDDER,
    LOT,
    OPENING,
    RIVAL,
    TENDER,
    exchange_key,
    opening_keys,
    seal_bytes,
)

pytestmark = pytest.mark.domain

KEYS = opening_keys()
SID = "c" * 64
OWN = OwnKey(name="opening key", exchange=OPENING.exchange, public=OPENING.public)


class Bid:
    """Two sealed volumes of one bidder."""

    def __init__(self, folder: Path) -> None:
        self.paths: dict[str, Path] = {}
        self.made: dict[str, Sealed] = {}
        for volume in ("price", "qual"):
            path, made = seal_bytes(folder, volume.encode(), KEYS, volume=volume)
            self.paths[made.listed.tree], self.made[made.listed.tree] = path, made

    @property
    def heads(self) -> dict[str, Head]:
        """Header and wraps by tree."""
        return {tree: read_file_head(path) for tree, path in self.paths.items()}

    @property
    def values(self) -> dict[str, bytes]:
        """B by tree."""
        return {
            tree: unwrap_b(head, OPENING.exchange, OPENING.public)
            for tree, head in self.heads.items()
        }

    def recorded(self, tree: str) -> RecordedVolume:
        """What the record keeps of a volume."""
        made = self.made[tree]
        return RecordedVolume(
            volume=made.listed.volume,
            file=self.paths[tree].name,
            tree=tree,
            parts=list(made.parts),
            t=b64(made.t),
            bidder_salt=made.listed.bidder_salt,
        )


@pytest.fixture(scope="module")
def bid(tmp_path_factory: pytest.TempPathFactory) -> Bid:
    return Bid(tmp_path_factory.mktemp("bid"))


def test_a_release_holds_b_of_all_own_files_sorted(bid: Bid) -> None:
    body = release_b(SID, 1, bid.values, bid.heads)
    assert [value.tree for value in body.values] == sorted(bid.paths)
    assert wrong_values(body, bid.heads) == []


@pytest.mark.misuse(78)
def test_case_78_a_wrong_b_is_noticed_before_and_after_it_is_sent(bid: Bid) -> None:
    one, other = sorted(bid.paths)
    swapped = {one: bid.values[other], other: bid.values[other]}
    with pytest.raises(WrongB):
        release_b(SID, 1, swapped, bid.heads)
    values = [TreeValue(tree=tree, value=b64(swapped[tree])) for tree in sorted(swapped)]
    sent = ReleaseB(v=1, closing=SID, stage=1, values=values)
    assert wrong_values(sent, bid.heads) == [one]
    assert wrong_values(sent, {other: bid.heads[other]}) == [one]


def test_another_lots_key_does_not_unwrap(bid: Bid) -> None:
    stranger = exchange_key("R", 1)
    for head in bid.heads.values():
        with pytest.raises(SealFailed):
            unwrap_b(head, stranger.exchange, stranger.public)


def record(bid: Bid) -> SealingRecord:
    return SealingRecord(
        v=1,
        tender=TENDER,
        lot=LOT,
        round=1,
        opening_keys=KEYS.sid,
        volumes=[bid.recorded(tree) for tree in sorted(bid.paths)],
    )


def test_a_record_is_read_back_and_other_files_are_refused(bid: Bid) -> None:
    raw = record_bytes(record(bid))
    assert read_record(raw) == record(bid)
    assert all(value not in raw for value in bid.values.values())
    for broken in (b"{}", raw[:-1], raw.replace(b'"v":1', b'"v":2'), b" " + raw):
        with pytest.raises((BadField, NotCanonical)):
            read_record(broken)


def test_a_record_of_another_file_is_refused(bid: Bid) -> None:
    one, other = sorted(bid.paths)
    with pytest.raises(SealFailed):
        recorded_t(bid.heads[one], bid.recorded(other))
    with pytest.raises(WrongTree):
        rehearse(bid.paths[one], bid.recorded(other), KEYS, [OWN])


def test_a_rehearsal_opens_and_knows_whose_file_it_is(bid: Bid) -> None:
    for tree, path in bid.paths.items():
        found = rehearse(path, bid.recorded(tree), KEYS, [OWN], uscc=BIDDER)
        assert (found.tree, found.opened_by) == (tree, ("opening key",))
        with pytest.raises(ManifestMismatch):
            rehearse(path, bid.recorded(tree), KEYS, [OWN], uscc=RIVAL)
        with pytest.raises(SealFailed):
            rehearse(path, bid.recorded(tree), KEYS, [])
