"""What a bidder can do to a file that it seals, and the storage to one that it keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bidding.sealing import envelope
from bidding.sealing.bidder import unwrap_b
from bidding.sealing.bodies import Group, SealedVolume
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.parts import hash_file
from bidding.sealing.payload import encrypt, payload_keys
from bidding.sealing.shares import Halves, input_key
from bidding.sealing.wraps import SHARE_TAG, Wraps, wraps_bytes
from foundation.statements.canonical import b64
from foundation.statements.signed import sign, unsigned
from world import BidderOf, SealedBid, World

Seats = Mapping[Group, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What a bidder does to one envelope, and what comes of it when everybody else does right.

    `junk` are seats whose wrap holds something else than was committed, `bent` those whose
    commitment fits a share that is none.
    """

    code: str = "OPENED"
    junk: Seats = field(default_factory=dict)
    bent: Seats = field(default_factory=dict)
    chunk: bool = False
    program: bool = False
    lost: str = ""

    def dealt(self, group: Group, i: int) -> str:
        """What one seat was dealt: right, junk or bent."""
        if i in self.junk.get(group, ()):
            return "junk"
        return "bent" if i in self.bent.get(group, ()) else "right"


PROGRAM = {"a.exe": b"MZ" + bytes(60)}


def wrong_share(i: int) -> bytes:
    """A share that is none."""
    return bytes([i]) * 32


async def sealed_as(world: World, bidder: BidderOf, fate: Fate, volume: str = "price") -> SealedBid:
    """A bid of which one volume has a fate."""
    made = await world.seal(bidder, entries={volume: PROGRAM} if fate.program else None)
    if fate.junk or fate.bent or fate.chunk:
        spoil(world, bidder, made, fate, volume)
    return made


def spoil(world: World, bidder: BidderOf, made: SealedBid, fate: Fate, volume: str) -> None:
    """The bidder seals a volume again by its own rules, and signs that."""
    path, sealed = made.files[volume], made.sealed[volume]
    head = read_file_head(path)
    b = unwrap_b(head, bidder.opening.exchange, bidder.opening.public)
    other = bent_head(world, head, fate)
    key = input_key(head.suite, Halves(t=sealed.t, b=b), head.header_hash)
    keys = payload_keys(head.suite, key, bytes(24), other.payload_context)
    with path.with_suffix(".zip").open("rb") as source:
        blocks = [bytes(one) for one in encrypt(source, head.header.plain_len, keys, bytes(24))]
    payload = b"".join(blocks)
    if fate.chunk:
        payload = payload[:-1] + bytes([payload[-1] ^ 1])
    path.write_bytes(envelope.head_bytes(other.header_bytes, other.wraps_bytes) + payload)
    hasher = hash_file(path)
    listed = msgspec.structs.replace(
        sealed.listed, tree=hasher.tree(), size=hasher.size, wraps_hash=other.wraps_hash.hex()
    )
    made.sealed[volume] = sealed.__class__(
        listed=listed, parts=tuple(part.hex() for part in hasher.parts()), t=sealed.t
    )
    envelopes = [rewritten(e, listed) for e in made.manifest.body["envelopes"]]
    body = {**made.manifest.body, "envelopes": envelopes}
    made.manifest = sign(unsigned("manifest", body), bidder.signer)


def bent_head(world: World, head: Head, fate: Fate) -> Head:
    """The head with other wraps for some seats."""
    wraps = msgspec.to_builtins(head.wraps)
    for kind in (fate.junk, fate.bent):
        for group, seats in kind.items():
            for i in seats:
                row, value = wraps[group.lower()]["shares"][i - 1], wrong_share(i)
                public = world.members[f"{group}{i}"].exchange.public
                ikm = bytes([i]) * head.suite.ephemeral_length
                info = head.binding.info(group, i)
                row["ct"] = b64(head.suite.wrap.seal(public, info, value, ikm))
                if kind is fate.bent:
                    row["h"] = head.binding.commit(SHARE_TAG[group], i, value)
    made = msgspec.convert(wraps, Wraps)
    return Head(
        header=head.header,
        header_bytes=head.header_bytes,
        wraps=made,
        wraps_bytes=wraps_bytes(made),
        size=head.size,
    )


def rewritten(one: dict[str, object], listed: SealedVolume) -> dict[str, object]:
    """An envelope of the manifest as it stands now."""
    return dict(msgspec.to_builtins(listed)) if one["volume"] == listed.volume else one


def lose(world: World, bidder: BidderOf, how: str, volume: str = "price") -> None:
    """The storage loses a file of a bidder, or lets it rot."""
    made = bidder.bids[-1]
    upload = made.uploads[list(made.files).index(volume)][0]
    place: Path = world.desk.objects.folder / "blobs" / str(upload) / "0"
    if how == "missing":
        place.unlink()
    else:
        raw = place.read_bytes()
        place.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
