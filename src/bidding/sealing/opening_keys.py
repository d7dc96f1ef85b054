"""Opening keys as everybody holds them who seals, checks or releases: a body and its sid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from bidding.sealing.bodies import (
    Group,
    MemberKey,
    MemberKeyStatement,
    Members,
    OpeningKeys,
)
from bidding.sealing.refusals import BadWraps, NotIndependent, WrongSuite
from bidding.sealing.suites import Suite, suite_of
from foundation.statements.canonical import BadField, parse_time, unb64
from foundation.statements.certificates import SubjectReader, certificate_signers
from foundation.statements.signed import (
    BadSignature,
    Statement,
    decode_body,
    from_json,
    kid_of,
)

AGENCY_SEATS: Final = frozenset({"buyer", "agency"})
SHOWN_GROUPS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LotKeys:
    """The opening keys of a lot with their statement and its sid."""

    statement: Statement
    body: OpeningKeys
    sid: str

    def members(self, group: Group) -> Members | None:
        """The members of the custodians (T) or of the remedy group (R)."""
        return self.body.t if group == "T" else self.body.r

    def member(self, group: Group, i: int) -> MemberKey:
        """The key of one seat; refuses a seat that does not exist."""
        found = self.members(group)
        if found is None or not 1 <= i <= len(found.members):
            raise BadField(f"expected a seat of group {group}, got {i}")
        return found.members[i - 1].body

    @property
    def sid_bytes(self) -> bytes:
        """`oks`, 32 bytes."""
        return bytes.fromhex(self.sid)


def lot_keys(statement: Statement) -> LotKeys:
    """Read an `opening-keys` statement; refuses another type and malformed bodies.

    Signatures are not checked here: `checks.check_opening_keys`.
    """
    if statement.type != "opening-keys":
        raise BadField(f"expected a statement opening-keys, got {statement.type}")
    return LotKeys(statement=statement, body=decode_body(statement, OpeningKeys), sid=statement.sid)


def short_sid(sid: str) -> str:
    """The first 20 digits of a sid in 5 groups of 4, for a person to compare with the notice."""
    return " ".join(sid[at : at + 4] for at in range(0, 4 * SHOWN_GROUPS, 4))


def check_independence(
    keys: OpeningKeys, *, same_organisation: Sequence[Sequence[str]] = (), platform_uscc: str = ""
) -> None:
    """Refuse groups that are not independent (1.5): thresholds, one seat an organisation.

    `same_organisation` lists sets of USCCs that count as one besides buyer and agency seats.
    """
    groups = [group for group in (keys.t, keys.r) if group is not None]
    for group in groups:
        k, n = group.k, len(group.members)
        if not (2 <= k < n <= 9 and 2 * k > n):
            raise NotIndependent(f"expected 2 ≤ k < n ≤ 9 and 2k > n, got {k} of {n}")
    members = [m.body for group in groups for m in group.members]
    organisations = [_organisation(m, same_organisation) for m in members]
    if len(set(organisations)) != len(organisations):
        raise NotIndependent(
            "expected one seat an organisation in both groups together (buyer and agency count "
            "as one), got two; appoint another organisation"
        )
    # An unknown person (null) cannot be compared; the authority makes the tags.
    people = [m.person_tag for m in members if m.person_tag is not None]
    keys_used = [kid for m in members for kid in (m.kid, m.sign_kid)]
    if len(set(people)) != len(people) or len(set(keys_used)) != len(keys_used):
        raise NotIndependent("expected another person and other keys in each seat, got one twice")
    if platform_uscc and sum(m.uscc == platform_uscc for m in members) > 1:
        raise NotIndependent("expected the platform's operator in at most one seat")


def check_suite(keys: OpeningKeys) -> None:
    """Refuse members whose keys are of another suite than the lot's, or off its curve."""
    suite = suite_of(keys.suite)
    for member in (
        m.body for group in (keys.t, keys.r) if group is not None for m in group.members
    ):
        if member.suite != keys.suite:
            raise WrongSuite(
                f"expected members with keys of {keys.suite}, got one of {member.suite}: "
                f"{member.name}; it makes a key of that suite"
            )
        for text in (member.pk, member.sign_pk):
            suite.wrap.read_point(unb64(text, suite.point_length))


def check_algorithms(statement: Statement, suite: Suite) -> None:
    """Refuse a signature by an algorithm of another suite: one lot, one suite, no fallback."""
    for signature in statement.sigs:
        if signature.alg not in suite.signatures:
            raise BadSignature(
                f"expected signatures of {suite.name} ({', '.join(sorted(suite.signatures))}), got "
                f"{signature.alg}; sign with a licence of that suite"
            )


def check_member_key(
    member: MemberKeyStatement,
    anchors: Sequence[bytes],
    at: datetime,
    *,
    usage: str | None = None,
    subject: SubjectReader | None = None,
) -> None:
    """Refuse a member key that its own organisation did not sign, out of time, or off the curve."""
    body = member.body
    statement = from_json(msgspec.to_builtins(member))
    signers = certificate_signers(statement, anchors, at, usage=usage, subject=subject)
    if body.uscc not in {signer.identifier for signer in signers}:
        raise BadSignature(f"expected the member key of {body.name} signed by {body.uscc} itself")
    if not parse_time(body.not_before) <= at <= parse_time(body.not_after):
        raise BadField(
            f"expected the member key of {body.name} in time, got it expired or too early"
        )
    check_points(body)


def check_points(body: MemberKey) -> None:
    """Refuse keys off the suite's curve, and kids that are not those of the keys."""
    for kid, text in ((body.kid, body.pk), (body.sign_kid, body.sign_pk)):
        point = unb64(text, 65)
        try:
            suite_of(body.suite).wrap.read_point(point)
        except BadWraps:
            raise BadField(
                f"expected points on the curve in the member key of {body.name}"
            ) from None
        if kid != kid_of(point):
            raise BadField(f"expected the kid of the stated key in the member key of {body.name}")


def _organisation(member: MemberKey, same: Sequence[Sequence[str]]) -> str:
    if member.seat in AGENCY_SEATS:
        return "buyer and agency"
    for alike in same:
        if member.uscc in alike:
            return "/".join(sorted(alike))
    return member.uscc
