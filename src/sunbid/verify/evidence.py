"""The package seen as one case: its statements by identity, its leaves, its list of bids.

Only looking up lives here; what must hold is said by the numbered checks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

from sunbid.verify.canonical import Object, canonical, milliseconds
from sunbid.verify.ledger import Policy
from sunbid.verify.package import Package
from sunbid.verify.statements import Anchors, sid_of
from sunbid.verify.suites import SUITES, Suite

LISTS: Final = (
    "opening_keys",
    "mandates",
    "schedules",
    "stages",
    "steps",
    "releases",
    "omissions",
    "decisions",
    "records",
    "objections",
)

Order = tuple[int, int]
Made = TypeVar("Made")


class CannotDecide(Exception):
    """Something that a check needs is not in the package, or not readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A statement and where in the package it stands."""

    place: str
    statement: Object
    sid: str

    @property
    def type(self) -> str:
        """Return the statement's type."""
        return str(self.statement["type"])

    @property
    def body(self) -> Object:
        """Return the statement's body."""
        body: Object = self.statement["body"]
        return body

    def __str__(self) -> str:
        """Name the statement for a person."""
        return f"{self.type} {self.sid[:12]} at {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A bid, a replacement or a withdrawal, with its receipt or its refusal."""

    statement: Placed | None
    receipt: Placed | None
    refusal: Placed | None

    @property
    def accepted(self) -> bool:
        """Say whether the platform gave a receipt for it."""
        return self.receipt is not None

    @property
    def sid(self) -> str:
        """Return the act's sid, from the refusal where the act itself was not kept."""
        if self.statement is not None:
            return self.statement.sid
        # The schema of `acts` demands one of the two.
        return "" if self.refusal is None else str(self.refusal.body["act"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One envelope of the list, with what the transcript says of it."""

    submission: str
    volume: str
    tree: str
    header_hash: str
    wraps_hash: str
    manifest: str

    def __str__(self) -> str:
        """Name the envelope for a person."""
        return f"submission {self.submission} volume {self.volume} ({self.tree[:12]})"


class Evidence:
    """Everything that the checks look at; a part that is missing raises CannotDecide."""

    def __init__(self, package: Package, policy: Policy, *, policy_given: bool) -> None:
        """Take a read package and whom to trust."""
        self.package = package
        self.policy = policy
        self.policy_given = policy_given
        # A policy without `#anchor` lines trusts the package's roots, as no policy does.
        roots = dict(policy.anchors or package.anchors)
        self.time_roots = roots.pop("timestamp", [])
        self.anchors = Anchors(roots)
        self._made: dict[tuple[str, ...], Any] = {}

    def once(self, *key: str, make: Callable[[], Made]) -> Made:
        """Return what `make` gives, made at most once for a key."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def file(self, name: str) -> Any:
        """Return a parsed file of the package."""
        if name not in self.package.files:
            raise CannotDecide(f"{name} is not in the package, or not in its form (C1)")
        return self.package.files[name]

    @property
    def opening(self) -> Object:
        """Return the transcript of 9.10."""
        opening: Object = self.file("opening.json")
        return opening

    @property
    def lot(self) -> Object:
        """Return package.json, which names tender, lot and round."""
        lot: Object = self.file("package.json")
        return lot

    @property
    def notice(self) -> Object:
        """Return the published facts of the notice."""
        notice: Object = self.file("notice.json")
        return notice

    # --- statements -------------------------------------------------------------------------

    @cached_property
    def statements(self) -> list[Placed]:
        """Return every statement of the package, those inside others too."""
        return [
            Placed(place=place, statement=statement, sid=sid_of(statement))
            for place, statement in self._walk()
        ]

    def _walk(self) -> Iterator[tuple[str, Object]]:
        files = self.package.files
        if (opening := files.get("opening.json")) is not None:
            yield from _walk_opening(opening)
        for name in ("evaluation.json", "award.json"):
            for i, statement in enumerate(files.get(name, {}).get("statements", [])):
                yield f"{name} statements[{i}]", statement
        for i, statement in enumerate(files.get("events.json", [])):
            yield f"events.json [{i}]", statement

    @cached_property
    def by_sid(self) -> dict[str, Placed]:
        """Return the statements by their recomputed sid."""
        return {placed.sid: placed for placed in self.statements}

    @cached_property
    def by_type(self) -> dict[str, list[Placed]]:
        """Return the statements by type, each sid once, in the package's order."""
        found: dict[str, dict[str, Placed]] = {}
        for placed in self.statements:
            found.setdefault(placed.type, {}).setdefault(placed.sid, placed)
        return {kind: list(own.values()) for kind, own in found.items()}

    def of_type(self, *types: str) -> list[Placed]:
        """Return the statements of some types, each sid once."""
        return [placed for kind in types for placed in self.by_type.get(kind, [])]

    def named(self, sid: str, what: str) -> Placed:
        """Return the statement with this sid."""
        if sid not in self.by_sid:
            raise CannotDecide(f"the {what} {sid[:12]} is not in the package (C3)")
        return self.by_sid[sid]

    # --- ledger -----------------------------------------------------------------------------

    @cached_property
    def leaves(self) -> dict[int, Object]:
        """Return the opened leaves by index, from the transcript and from leaves.json."""
        opened = [leaf for leaf in self.package.files.get("leaves.json", []) if "body" in leaf]
        opened += self.package.files.get("opening.json", {}).get("leaves", [])
        return {leaf["index"]: leaf for leaf in opened}

    @cached_property
    def closed_leaves(self) -> dict[int, str]:
        """Return the hashes of leaves that are still closed, by index."""
        closed = [leaf for leaf in self.package.files.get("leaves.json", []) if "body" not in leaf]
        return {leaf["index"]: leaf["leaf_hash"] for leaf in closed}

    @cached_property
    def leaf_of_subject(self) -> dict[tuple[str, str], Object]:
        """Return opened leaves by (type, subject); the lowest index where there are two."""
        found: dict[tuple[str, str], Object] = {}
        for _, leaf in sorted(self.leaves.items()):
            body = leaf["body"]
            if body.get("subject") is not None:
                found.setdefault((body["t"], body["subject"]), leaf)
        return found

    def leaf(self, placed: Placed) -> Object | None:
        """Return the opened leaf of a statement, None if the package has none."""
        return self.leaf_of_subject.get((placed.type, placed.sid))

    def order(self, placed: Placed) -> Order:
        """Return when a statement was accepted: batch time, then time of acceptance.

        Leaves of one batch are shuffled (7.4), so inside a batch the index says nothing.
        """
        leaf = self.leaf(placed)
        if leaf is None:
            raise CannotDecide(f"{placed} has no opened leaf (C4)")
        return leaf["time_ms"], leaf["body"]["at_ms"] or 0

    def accepted_ms(self, placed: Placed) -> int | None:
        """Return the time at which a statement was accepted, from what the ledger says."""
        if placed.type == "receipt":
            return milliseconds(placed.body["intake"])
        if placed.type == "release-ack":
            return milliseconds(placed.body["received"])
        leaf = self.leaf(placed)
        return None if leaf is None else (leaf["body"]["at_ms"] or leaf["time_ms"])

    # --- the lot ----------------------------------------------------------------------------

    @cached_property
    def closing(self) -> Placed:
        """Return the closing in force."""
        statement = self.opening["closing"]
        return Placed(place="opening.json closing", statement=statement, sid=sid_of(statement))

    @cached_property
    def cut(self) -> Object:
        """Return the cut's leaf opening, as the closing names it."""
        cut: Object = self.closing.body["cut"]
        return cut

    @property
    def first_index(self) -> int:
        """Return the index below which acts are eligible (7.3)."""
        first = self.cut["body"]["first_index"]
        if first is None:
            raise CannotDecide("the cut names no first_index")
        return int(first)

    @cached_property
    def opening_keys(self) -> Placed:
        """Return the newest version of the opening keys."""
        return self._newest("opening_keys")

    @cached_property
    def schedule(self) -> Placed:
        """Return the newest version of the schedule."""
        return self._newest("schedules")

    def _newest(self, key: str) -> Placed:
        versions = self.opening[key]
        i = max(range(len(versions)), key=lambda i: versions[i]["body"]["version"])
        return Placed(
            place=f"opening.json {key}[{i}]", statement=versions[i], sid=sid_of(versions[i])
        )

    def members(self, group: str) -> list[Object]:
        """Return the member-key bodies of a group in their order; index i is place i - 1."""
        part = self.opening_keys.body["t" if group == "T" else "r"]
        return [] if part is None else [member["body"] for member in part["members"]]

    def threshold(self, group: str) -> int:
        """Return k of a group."""
        part = self.opening_keys.body["t" if group == "T" else "r"]
        return 0 if part is None else int(part["k"])

    @cached_property
    def acts(self) -> list[Act]:
        """Return the acts in the transcript's order."""
        return [
            Act(
                **{
                    key: Placed(
                        place=f"opening.json acts[{i}].{key}",
                        statement=act[key],
                        sid=sid_of(act[key]),
                    )
                    if act[key] is not None
                    else None
                    for key in ("statement", "receipt", "refusal")
                }
            )
            for i, act in enumerate(self.opening["acts"])
        ]

    @cached_property
    def chains(self) -> dict[str, list[Act]]:
        """Return the accepted acts by the (lead) bidder's USCC, in the order of their seq."""
        chains: dict[str, list[Act]] = {}
        for act in self.acts:
            if act.accepted and act.statement is not None:
                chains.setdefault(act.statement.body["bidder"]["uscc"], []).append(act)
        for chain in chains.values():
            chain.sort(key=lambda act: act.statement.body["seq"] if act.statement else 0)
        return chains

    @cached_property
    def listed(self) -> list[Listed]:
        """Return every envelope of the list."""
        return [
            Listed(submission=entry["submission"], manifest=entry["manifest"], **envelope)
            for entry in self.opening["list"]
            for envelope in entry["envelopes"]
        ]

    @property
    def suite(self) -> Suite:
        """Return the lot's suite: that of its opening keys."""
        return SUITES[self.opening_keys.body["suite"]]

    @cached_property
    def headers(self) -> dict[str, Object]:
        """Return the transcript's headers by their hash."""
        return {self.suite.hash(canonical(h)).hex(): h for h in self.opening["headers"]}

    @cached_property
    def wraps(self) -> dict[str, Object]:
        """Return the transcript's wraps by their hash."""
        return {self.suite.hash(canonical(w)).hex(): w for w in self.opening["wraps"]}

    def manifest_of(self, listed: Listed) -> Placed:
        """Return the manifest of a listed envelope."""
        return self.named(listed.manifest, "manifest")

    @cached_property
    def _manifests(self) -> dict[str, str]:
        return {entry["submission"]: entry["manifest"] for entry in self.opening["list"]}

    def bidder_of(self, submission: str) -> Object:
        """Return the bidder of a listed submission: its USCC and name."""
        if submission not in self._manifests:
            raise CannotDecide(f"submission {submission} is not in the list")
        bidder: Object = self.named(self._manifests[submission], "manifest").body["bidder"]
        return bidder


def _walk_members(place: str, body: Object) -> Iterator[tuple[str, Object]]:
    for group in ("t", "r"):
        for j, member in enumerate((body[group] or {}).get("members", [])):
            yield f"{place}.{group}.members[{j}]", member


def _walk_opening(opening: Object) -> Iterator[tuple[str, Object]]:
    """Yield the transcript's statements; those that contain others before what they contain."""
    for key in LISTS:
        for i, statement in enumerate(opening[key]):
            yield f"opening.json {key}[{i}]", statement
    for i, keys in enumerate(opening["opening_keys"]):
        yield from _walk_members(f"opening.json opening_keys[{i}]", keys["body"])
    yield "opening.json closing", opening["closing"]
    for i, act in enumerate(opening["acts"]):
        for key in ("statement", "receipt", "refusal"):
            if act[key] is not None:
                yield f"opening.json acts[{i}].{key}", act[key]
    for i, omission in enumerate(opening["omissions"]):
        yield f"opening.json omissions[{i}].receipt", omission["body"]["receipt"]
