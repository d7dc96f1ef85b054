"""The rehearsal: from the stored files alone, show that the bid will open (8.1(6)).

Everything is read back from disk; nothing that could encrypt again is needed or kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bidding.sealing.bidder import RecordedVolume, recorded_t, unwrap_b
from bidding.sealing.envelope import Head, bidder_tag, check_for_lot, read_file_head
from bidding.sealing.kem import Exchange
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.parts import hash_file
from bidding.sealing.refusals import ManifestMismatch, Reason, SealFailed, WrongTree
from bidding.sealing.shares import Halves
from bidding.sealing.unseal import check_payload, open_payload
from bidding.sealing.wraps import compare_deal
from foundation.statements.canonical import unb64


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """One of the bidder's keys, and what to call it."""

    name: str
    exchange: Exchange
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal showed of one volume."""

    volume: str
    tree: str
    plain_sha256: str
    opened_by: tuple[str, ...]


def rehearse(
    path: Path,
    recorded: RecordedVolume,
    keys: LotKeys,
    own: Sequence[OwnKey],
    *,
    uscc: str | None = None,
    unpack: Path | None = None,
) -> Rehearsed:
    """Open one sealed file with the sealing record and each of the bidder's own keys.

    Refuses a file that changed since it was sealed, one for another lot, wraps that an honest
    deal would not give, and a key that does not open it. `unpack` keeps the package.
    """
    tree = hash_file(path).tree()
    if tree != recorded.tree:
        raise WrongTree(
            f"expected {path.name} as it was sealed, got a changed file; take it from your copy or "
            "seal again"
        )
    head = read_file_head(path)
    check_for_lot(head, keys)
    if uscc is not None and head.header.bidder_tag != bidder_tag(
        unb64(recorded.bidder_salt, 32), uscc
    ):
        raise ManifestMismatch(f"expected {path.name} sealed for {uscc}, got another bidder's")
    halves = _halves(head, recorded, own)
    wrong = compare_deal(head.binding, halves, keys.body, head.wraps)
    if wrong:
        raise SealFailed(Reason.KEY, f"expected honest wraps, got {len(wrong)} wrong; seal again")
    if unpack is None:
        sha256 = check_payload(path, head, halves)
    else:
        sha256 = open_payload(path, head, halves, unpack)
    return Rehearsed(
        volume=recorded.volume,
        tree=tree,
        plain_sha256=sha256,
        opened_by=tuple(key.name for key in own),
    )


def _halves(head: Head, recorded: RecordedVolume, own: Sequence[OwnKey]) -> Halves:
    values = {unwrap_b(head, key.exchange, key.public) for key in own}
    if len(values) != 1:
        raise SealFailed(Reason.KEY, "expected at least one own key, and the same B from each")
    return Halves(t=recorded_t(head, recorded), b=values.pop())
