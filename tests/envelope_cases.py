"""Single envelopes with what their members hold, honest ones and those of a bad bidder."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bidding.sealing import envelope, kem
from bidding.sealing.bidder import unwrap_b
from bidding.sealing.bodies import Group
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.payload import encrypt, payload_keys
from bidding.sealing.shares import Halves, input_key
from bidding.sealing.unseal import Outcome, Released, unseal
from bidding.sealing.wraps import SHARE_TAG, Wraps, unwrap, wraps_bytes
from foundation.statements.canonical import b64
from sealing_world import OPENING, exchange_key, seal_bytes

CONTENT = b"what the bidder offers" * 1000


class Case:
    """One sealed file with what its members hold."""

    def __init__(self, folder: Path, keys: LotKeys) -> None:
        self.folder = folder
        self.keys = keys
        self.path, self.sealed = seal_bytes(folder, CONTENT, keys)
        self.head = read_file_head(self.path)
        self.b = unwrap_b(self.head, OPENING.exchange, OPENING.public)
        self.halves = Halves(t=self.sealed.t, b=self.b)

    def shares(self, group: Group, *seats: int) -> dict[int, bytes]:
        """The shares of some seats."""
        found = self.head.wraps.group(group)
        assert found is not None
        values = {}
        for i in seats:
            key = exchange_key(group, i)
            ct = found.shares[i - 1].ct
            values[i] = unwrap(self.head.binding, group, i, key.exchange, key.public, ct)
        return values

    def open(self, released: Released, head: Head | None = None) -> Outcome:
        """The outcome of what was released."""
        target = self.folder / "opened.zip"
        target.unlink(missing_ok=True)
        return unseal(
            self.path, head or self.head, self.keys.body, released, target, check=lambda _: None
        )


def rewrapped(
    case: Case,
    group: Group,
    values: Mapping[int, bytes],
    *,
    commit: bool = True,
    head: Head | None = None,
) -> Head:
    """The head of a bidder that gave some seats other shares, with fitting commitments or not."""
    wraps = msgspec.to_builtins((head or case.head).wraps)
    binding = case.head.binding
    for i, value in values.items():
        row = wraps[group.lower()]["shares"][i - 1]
        public = exchange_key(group, i).public
        row["ct"] = b64(kem.seal(public, binding.info(group, i), value, bytes([i]) * 32))
        if commit:
            row["h"] = binding.commit(SHARE_TAG[group], i, value)
    changed = msgspec.convert(wraps, Wraps)
    raw = wraps_bytes(changed)
    return Head(
        header=case.head.header,
        header_bytes=case.head.header_bytes,
        wraps=changed,
        wraps_bytes=raw,
        size=case.head.size,
    )


def resealed(case: Case, head: Head) -> Case:
    """The same package under other wraps, as a bad bidder seals it."""
    made = object.__new__(Case)
    made.__dict__ = dict(case.__dict__)
    made.folder = case.folder
    made.path = case.folder / "bad.tbe"
    key = input_key(head.suite, case.halves, head.header_hash)
    keys = payload_keys(head.suite, key, bytes(24), head.payload_context)
    with (case.folder / "qual.zip").open("rb") as source, made.path.open("wb") as file:
        file.write(envelope.head_bytes(head.header_bytes, head.wraps_bytes))
        for block in encrypt(source, head.header.plain_len, keys, bytes(24)):
            file.write(block)
    made.head = read_file_head(made.path)
    return made
