"""What lies in the database and in storage before the opening: ciphertext and hashes only."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.bid import service as bids
from bidding.sealing.bidder import unwrap_b
from bidding.sealing.bodies import Group
from bidding.sealing.envelope import Head
from bidding.sealing.kem import exchange_of, public_point
from bidding.sealing.refusals import SealFailed
from bidding.sealing.shares import Halves, combine
from bidding.sealing.unseal import check_payload, fits_half
from bidding.sealing.wraps import unwrap
from foundation.ledger.rows import BadRow, open_row
from foundation.statements.canonical import canonical
from foundation.statements.signed import KeySigner
from markers import files_with, tables_with
from world import BidderOf, World, a_volume

Owner = asyncpg.Connection


def scalar(key: object) -> bytes:
    """A private key on P-256 as the secret number that it is."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value.to_bytes(32, "big")


async def handed_in(world: World, *numbers: int, price: str = "512.34") -> list[BidderOf]:
    """Bidders with one accepted bid each."""
    found = []
    for number in numbers:
        bidder = world.bidder(number, price=price)
        await world.bid(bidder)
        found.append(bidder)
    await world.tick(2)
    return found


def places(world: World) -> list[Path]:
    """Where the platform itself keeps files; the signer's folder is another organisation's."""
    return [world.desk.objects.folder, world.desk.work, world.folder / "data"]


async def found_anywhere(world: World, owner: Owner, marker: str | bytes) -> set[str]:
    """The tables and files that hold a text or a secret."""
    files = {name for place in places(world) for name in files_with(place, marker)}
    return files | await tables_with(owner, marker)


# --- names and secrets --------------------------------------------------------------------------


@pytest.mark.misuse(105)
@pytest.mark.threat("T7")
async def test_no_name_and_no_secret_is_kept(open_lot: World, owner: Owner) -> None:
    world = open_lot
    (bidder,) = await handed_in(world, 7)
    for text in (bidder.uscc, bidder.name, bidder.price):
        assert await found_anywhere(world, owner, text) == set(), text
    secrets_of_others: dict[str, bytes] = {
        "the bidder's licence": scalar(private_key(bidder.signer)),
        "the recovery code's key": scalar(bidder.recovery),
        "the bidder's opening key": scalar(bidder.opening.key),
        **{f"{n}'s share key": scalar(m.exchange.key) for n, m in world.members.items()},
        **{f"{n}'s signing key": scalar(private_key(m.signer)) for n, m in world.members.items()},
    }
    for made in bidder.bids:
        for volume, sealed in made.sealed.items():
            head = made.heads()[sealed.listed.tree]
            b = unwrap_b(head, bidder.opening.exchange, bidder.opening.public)
            secrets_of_others |= {f"T of {volume}": sealed.t, f"B of {volume}": b}
    for name, value in secrets_of_others.items():
        assert await found_anywhere(world, owner, value) == set(), name
    # The control: the search does find what is there.
    assert "bidding.tender" in await tables_with(owner, "测试工程")
    assert await tables_with(owner, world.members["T1"].exchange.public)
    assert await found_anywhere(world, owner, bidder.bids[0].sealed["qual"].listed.tree)


def private_key(signer: KeySigner) -> ec.EllipticCurvePrivateKey:
    """The key of a signer on P-256."""
    key = signer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@pytest.mark.threat("T7")
async def test_the_database_cannot_open_a_bidders_row(open_lot: World, owner: Owner) -> None:
    """Everything that the platform holds is tried as the lot's secret; only the signer has it."""
    world = open_lot
    (bidder,) = await handed_in(world, 1)
    row = await owner.fetchrow("SELECT sid, sealed_row FROM bidding.act")
    assert row is not None
    held = [world.desk.token_key, world.lot.bytes * 2, bytes(32)]
    held += [hashlib.sha256(value).digest() for value in held]
    for secret in held:
        with pytest.raises(BadRow):
            open_row(secret, world.lot, row["sid"].hex(), row["sealed_row"])
    assert bidder.acts[0].sid == row["sid"].hex()


# --- a price cannot be guessed ------------------------------------------------------------------


def digests(content: bytes) -> Iterator[bytes]:
    """What somebody would compute of a guess."""
    for name in ("sha256", "sha512", "sha3_256", "sha1", "md5", "blake2b"):
        yield hashlib.new(name, content).digest()


@pytest.mark.misuse(111)
async def test_a_guessed_price_fits_no_stored_value(open_lot: World, owner: Owner) -> None:
    world = open_lot
    (bidder,) = await handed_in(world, 1)
    package = bidder.bids[0].files["price"].with_suffix(".zip").read_bytes()
    volume = a_volume(bidder, "price")
    guesses = [
        bidder.price.encode(), package, volume["open-items.json"],
        canonical({"price_yuan": bidder.price}), canonical(bidder.price), *volume.values(),
    ]  # fmt: skip
    for guess in guesses:
        assert await found_anywhere(world, owner, guess) == set()
        for digest in digests(guess):
            assert await found_anywhere(world, owner, digest) == set()


@pytest.mark.misuse(111)
async def test_two_equal_prices_look_as_different_as_two_others(open_lot: World) -> None:
    """The same package sealed twice has no digest, key or commitment in common with itself."""
    bidder = open_lot.bidder(1, price="512.34")
    first, second = await open_lot.seal(bidder), await open_lot.seal(bidder)
    for volume in ("price", "qual"):
        a, b = (made.heads()[made.sealed[volume].listed.tree] for made in (first, second))
        assert values(a).isdisjoint(values(b))


def values(head: Head) -> set[str]:
    """Every value of header and wraps that follows from the content or its keys."""
    wraps = head.wraps
    groups = [group for group in (wraps.t, wraps.r) if group is not None]
    found = {wraps.ht, wraps.hb, head.header.bidder_tag, head.header.envelope}
    found |= {share.ct for group in groups for share in group.shares}
    found |= {share.h for group in groups for share in group.shares}
    return found | {entry.ct for entry in wraps.b} | {head.header_hash.hex()}


# --- who can read, and who cannot ---------------------------------------------------------------


class Envelope:
    """One stored envelope with everybody who holds a key of it."""

    def __init__(self, world: World, bidder: BidderOf) -> None:
        made = bidder.bids[0]
        self.world = world
        self.path = made.files["price"]
        self.head = made.heads()[made.sealed["price"].listed.tree]
        self.t = made.sealed["price"].t
        self.b = unwrap_b(self.head, bidder.opening.exchange, bidder.opening.public)

    def share(self, group: Group, i: int) -> bytes:
        """What a seat finds in its own wrap."""
        seat = self.world.members[f"{group}{i}"]
        found = self.head.wraps.group(group)
        assert found is not None
        key = seat.exchange
        return unwrap(self.head.binding, group, i, key.exchange, key.public, found.shares[i - 1].ct)

    def shares(self, group: Group, *seats: int) -> dict[int, bytes]:
        """The shares of some seats together."""
        return {i: self.share(group, i) for i in seats}

    def opens(self, t: bytes, b: bytes) -> bool:
        """Whether two halves decrypt it."""
        try:
            check_payload(self.path, self.head, Halves(t=t, b=b))
        except SealFailed:
            return False
        return True


@pytest.fixture
async def sealed(open_lot: World) -> Envelope:
    """A bid that lies at the platform before its opening."""
    (bidder,) = await handed_in(open_lot, 1)
    return Envelope(open_lot, bidder)


@pytest.mark.threat("T1")
async def test_platform_and_storage_together_unwrap_nothing(sealed: Envelope) -> None:
    head, platform = sealed.head, sealed.world.desk.platform
    assert isinstance(platform, KeySigner)
    foreign = [
        private_key(platform),
        ec.derive_private_key(int.from_bytes(sealed.world.desk.token_key), ec.SECP256R1()),
    ]
    groups: tuple[Group, ...] = ("T", "R")
    for key, group in itertools.product(foreign, groups):
        found = head.wraps.group(group)
        assert found is not None
        for share in found.shares:
            with pytest.raises(SealFailed):
                unwrap(head.binding, group, share.i, exchange_of(key), public_point(key), share.ct)
    for key in foreign:
        with pytest.raises(SealFailed):
            unwrap_b(head, exchange_of(key), public_point(key))
    known = [bytes(32), sealed.world.desk.token_key, bytes.fromhex(head.wraps.ht), head.header_hash]
    assert not any(sealed.opens(t, b) for t, b in itertools.product(known, known))


@pytest.mark.threat("T2")
async def test_custodians_alone_do_not_read_however_many_they_are(sealed: Envelope) -> None:
    for seats in ((1, 2), (1, 2, 3)):
        t = combine(sealed.shares("T", *seats), 2)
        assert fits_half(sealed.head, "T", t), "they do know T"
        guesses = [bytes(32), t, bytes.fromhex(sealed.head.wraps.hb), sealed.head.header_hash]
        assert not any(sealed.opens(t, b) for b in guesses)
    # And T says nothing of B: another B gives the same T under the same key.
    assert sealed.opens(sealed.t, sealed.b)


@pytest.mark.threat("T3")
async def test_one_organisation_less_than_four_does_not_read(sealed: Envelope) -> None:
    """The limit that remains, said by a test: k custodians and k₂ remedy members do read."""
    for t_seats, r_seats in (((1,), (1, 2, 3)), ((1, 2, 3), (1,))):
        halves = []
        for group, seats in (("T", t_seats), ("R", r_seats)):
            shares = sealed.shares(group, *seats)  # type: ignore[arg-type]
            # Whoever lacks a share may put anything in its place: every half is as likely.
            guess = {**shares, 9: bytes(32)} if len(shares) < 2 else shares
            halves.append(combine(guess, 2))
        assert not sealed.opens(*halves)
    both = combine(sealed.shares("T", 1, 3), 2), combine(sealed.shares("R", 2, 3), 2)
    assert sealed.opens(*both)
    organisations = {m.uscc for m in sealed.world.members.values()}
    assert len(organisations) == len(sealed.world.members)


async def test_an_undecided_act_names_nobody_either(open_lot: World, owner: Owner) -> None:
    world = open_lot
    bidder = world.bidder(5)
    made = await world.seal(bidder)
    await world.upload(made)
    handed = world.handed(made, await world.token(bidder))
    await bids.take_in(world.desk, replace(handed, address="203.0.113.77"))
    for text in (bidder.uscc, bidder.name, "203.0.113.77"):
        assert await found_anywhere(world, owner, text) == set(), text
