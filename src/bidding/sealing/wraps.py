"""The wraps of an envelope: shares of T and B to the members, B itself to the bidder.

`wraps` is a function of T, B, header, opening keys and the bidder's public keys; whoever knows T
and B recomputes it byte for byte (`compare_deal`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bidding.sealing.bodies import Group, Members, OpeningKeys, Part, Role, WrapRef
from bidding.sealing.kem import Exchange
from bidding.sealing.refusals import BadWraps, SealFailed
from bidding.sealing.shares import Deal, Halves, deal
from bidding.sealing.suites import Suite
from foundation.statements.canonical import b64, canonical, parse, unb64
from foundation.statements.fields import B64of65, Hex, Int, Kid
from foundation.statements.signed import decode, kid_of

LARGEST_WRAPS: Final = 262_144
MOST_BIDDER_KEYS: Final = 3
RECOVERY_INDEX: Final = 0

Wrapped = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$(?!\n)", max_length=1024)]
CheckResult = Literal["ok", "unwrap_failed", "mismatch"]
SHARE_TAG: Final[dict[Group, str]] = {"T": "tshare", "R": "rshare"}


class WrappedShare(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One member's share."""

    i: Int
    kid: Kid
    ct: Wrapped
    h: Hex


class WrappedShares(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The shares of one group."""

    k: Int
    n: Int
    shares: list[WrappedShare]


class BidderWrap(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """B for one key of the bidder; entry 0 is the recovery code's."""

    i: Int
    kid: Kid
    pk: B64of65
    ct: Wrapped


class Wraps(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All wraps and commitments of an envelope."""

    v: Literal[1]
    t: WrappedShares
    r: WrappedShares | None
    b: list[BidderWrap]
    ht: Hex
    hb: Hex

    def group(self, group: Group) -> WrappedShares | None:
        """The shares of the custodians (T) or of the remedy group (R)."""
        return self.t if group == "T" else self.r


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What every wrap of an envelope is bound to."""

    suite: Suite
    header_hash: bytes
    opening_keys: bytes

    def info(self, role: Role, i: int) -> bytes:
        """The label of one wrap (2.6)."""
        return (
            b"tbe1/wrap/v1\0" + role.encode("ascii") + bytes([i]) + self.header_hash
            + self.opening_keys
        )  # fmt: skip

    def commit(self, tag: str, i: int, value: bytes) -> str:
        """The commitment of a value, hex."""
        return self.suite.commit(tag, self.header_hash, i, value).hex()

    def fits(self, tag: str, i: int, value: bytes, commitment: str) -> bool:
        """Whether a value is the committed one."""
        return self.suite.fits(tag, self.header_hash, i, value, commitment)


def make_wraps(
    binding: Binding, halves: Halves, keys: OpeningKeys, bidder_points: Sequence[bytes]
) -> Wraps:
    """The wraps of an envelope; `bidder_points[0]` is the recovery code's public key."""
    if not 1 <= len(bidder_points) <= MOST_BIDDER_KEYS:
        raise BadWraps(f"expected 1 to {MOST_BIDDER_KEYS} keys of the bidder")
    dealt = deal(binding.suite, halves, binding.header_hash)
    return Wraps(
        v=1,
        t=_wrap_group(binding, dealt, "T", keys.t),
        r=None if keys.r is None else _wrap_group(binding, dealt, "R", keys.r),
        b=[_wrap_bidder(binding, dealt, i, point) for i, point in enumerate(bidder_points)],
        ht=binding.commit("T", 0, halves.t),
        hb=binding.commit("B", 0, halves.b),
    )


def wraps_bytes(wraps: Wraps) -> bytes:
    """The wraps as they stand in the envelope."""
    return canonical(msgspec.to_builtins(wraps))


def read_wraps(raw: bytes, suite: Suite) -> Wraps:
    """Read wraps; refuses wrong numbers, order, lengths, doubled keys and points off the curve.

    Whether a wrap holds what it should cannot be seen from outside: `share_result`.
    """
    wraps = decode(parse(raw, limit=LARGEST_WRAPS), Wraps)
    for group in (wraps.t, wraps.r):
        if group is not None:
            _check_group(group, suite)
    kids = [share.kid for group in (wraps.t, wraps.r) if group for share in group.shares]
    # One key in two seats would count twice for a threshold.
    if len(set(kids)) != len(kids):
        raise BadWraps("expected each member's key once, got one twice")
    _check_bidder(wraps.b, suite)
    return wraps


def check_wraps_fit(wraps: Wraps, keys: OpeningKeys) -> None:
    """Refuse wraps whose thresholds, order or keys are not those of the opening keys."""
    for name, got, wanted in (("t", wraps.t, keys.t), ("r", wraps.r, keys.r)):
        if (got is None) != (wanted is None):
            raise BadWraps(f"expected the group {name} exactly as the opening keys have it")
        if got is None or wanted is None:
            continue
        if (got.k, got.n) != (wanted.k, len(wanted.members)):
            raise BadWraps(f"expected {wanted.k} of {len(wanted.members)} in group {name}")
        if [s.kid for s in got.shares] != [m.body.kid for m in wanted.members]:
            raise BadWraps(f"expected the members of group {name} in the order of the opening keys")


def unwrap(
    binding: Binding, role: Role, i: int, exchange: Exchange, point: bytes, ct: str
) -> bytes:
    """The value of one wrap, by the holder of its key; refuses with `SealFailed` (unwrap)."""
    return binding.suite.wrap.open_(exchange, point, binding.info(role, i), unb64(ct))


def unwrap_share(
    binding: Binding, group: Group, share: WrappedShare, exchange: Exchange, point: bytes
) -> tuple[CheckResult, bytes | None]:
    """What a member finds in its own wrap; the share only when it is right."""
    try:
        value = unwrap(binding, group, share.i, exchange, point, share.ct)
    except SealFailed:
        return "unwrap_failed", None
    if not binding.fits(SHARE_TAG[group], share.i, value, share.h):
        return "mismatch", None
    return "ok", value


def compare_deal(
    binding: Binding, halves: Halves, keys: OpeningKeys, wraps: Wraps
) -> list[WrapRef]:
    """Deal again and name the wraps that are not what an honest deal gives; empty is `DEAL_OK`."""
    # The bidder's own points are taken from the file: only their wraps are judged.
    right = make_wraps(binding, halves, keys, [unb64(b.pk, 65) for b in wraps.b])
    groups: tuple[Group, ...] = ("T", "R")
    wrong = [
        WrapRef(group=name, i=expected.i)
        for name in groups
        for expected, got in zip(_shares(right, name), _shares(wraps, name), strict=True)
        if expected != got
    ]
    return wrong + [
        WrapRef(group="B", i=expected.i)
        for expected, got in zip(right.b, wraps.b, strict=True)
        if expected != got
    ]


def _shares(wraps: Wraps, group: Group) -> list[WrappedShare]:
    found = wraps.group(group)
    return [] if found is None else found.shares


def _wrap_group(binding: Binding, dealt: Deal, group: Group, members: Members) -> WrappedShares:
    shares = dealt.shares(group, members.k, len(members.members))
    return WrappedShares(
        k=members.k,
        n=len(members.members),
        shares=[
            WrappedShare(
                i=i,
                kid=member.body.kid,
                ct=b64(
                    binding.suite.wrap.seal(
                        unb64(member.body.pk, 65),
                        binding.info(group, i),
                        share,
                        dealt.ephemeral(group, i),
                    )
                ),
                h=binding.commit(SHARE_TAG[group], i, share),
            )
            for i, (member, share) in enumerate(zip(members.members, shares, strict=True), start=1)
        ],
    )


def _wrap_bidder(binding: Binding, dealt: Deal, i: int, point: bytes) -> BidderWrap:
    info, ephemeral = binding.info("B", i), dealt.ephemeral("B", i)
    ct = binding.suite.wrap.seal(point, info, dealt.halves.b, ephemeral)
    return BidderWrap(i=i, kid=kid_of(point), pk=b64(point), ct=b64(ct))


def _check_group(group: WrappedShares, suite: Suite) -> None:
    if not (2 <= group.k < group.n <= 9 and 2 * group.k > group.n):
        raise BadWraps(f"expected 2 ≤ k < n ≤ 9 and 2k > n, got k {group.k}, n {group.n}")
    if [share.i for share in group.shares] != list(range(1, group.n + 1)):
        raise BadWraps(f"expected shares 1 to {group.n} in order")
    for share in group.shares:
        _check_wrapped(share.ct, suite)


def _check_bidder(entries: list[BidderWrap], suite: Suite) -> None:
    indexes = [entry.i for entry in entries]
    if not 1 <= len(entries) <= MOST_BIDDER_KEYS or indexes != list(range(len(entries))):
        raise BadWraps("expected the recovery key as entry 0 and at most two opening keys after it")
    if len({entry.kid for entry in entries}) != len(entries):
        raise BadWraps("expected each key of the bidder once, got one twice")
    for entry in entries:
        point = unb64(entry.pk, suite.point_length)
        suite.wrap.read_point(point)
        if entry.kid != kid_of(point):
            raise BadWraps("expected the kid of the stated public key, got another")
        _check_wrapped(entry.ct, suite)


def _check_wrapped(text: str, suite: Suite) -> None:
    raw = unb64(text)
    if len(raw) != suite.wrap_length:
        raise BadWraps(f"expected wraps of {suite.wrap_length} bytes, got {len(raw)}")
    # A point off the curve could leak bits of a member's key to a careless opener.
    suite.wrap.read_point(raw[: suite.encapsulated_length])
