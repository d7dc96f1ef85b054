"""One stage of the opening recomputed: its envelopes, phases, secrets and plaintexts (9)."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from sunbid.verify.archive import open_archive, read_member
from sunbid.verify.canonical import Malformed, Object, parse, unb64
from sunbid.verify.envelope import (
    Envelope,
    combine,
    commitment,
    input_key,
    open_chunks,
    read_envelope,
    skip,
)
from sunbid.verify.evidence import CannotDecide, Evidence, Listed, Order, Placed

MAX_ITEMS: Final = 65_536
ITEMS: Final = "open-items.json"
PRICE_VOLUME: Final = "price"
PRICE: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,2})?", re.ASCII)
IN_MEMORY: Final = 64 * 2**20
# What members and the host do anew when a closing is replaced (6.2).
MADE_ANEW: Final = frozenset(
    {"opening-step", "share-check", "remedy-start", "release-r", "supervisor-decision"}
)
# Of a bid that stayed closed no file is published: with what was released it could be opened (9.7).
STAYED_CLOSED: Final = frozenset(
    {"BIDDER_ABSENT", "BIDDER_BAD_DEAL", "DEAL_DISPUTED", "CUSTODIANS_SHORT"}
)
# Decisions that end a suspended opening.
ENDS: Final = frozenset({"go-on", "terminated"})
TAGS: Final = {"T": "tshare", "R": "rshare"}
# Executables and macro documents (16).
FORBIDDEN: Final = frozenset(
    {".exe", ".dll", ".com", ".scr", ".msi", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".jar"}
    | {".sh", ".docm", ".xlsm", ".pptm", ".dotm", ".xltm"}
)


def stage_numbers(evidence: Evidence) -> list[int]:
    """Return the stages that were begun: the first, and those with a `stage` statement."""
    return [1, *sorted({p.body["stage"] for p in evidence.of_type("stage") if p.body["trees"]})]


def envelopes_of(evidence: Evidence, stage: int) -> list[Listed]:
    """Return the listed envelopes that a stage opens (9.2, 9.9)."""
    if stage == 1:
        first = min(evidence.schedule.body["stages"], key=lambda s: s["stage"])
        return [e for e in evidence.listed if e.volume in first["volumes"]]
    trees = {
        tree
        for p in evidence.of_type("stage")
        if p.body["stage"] == stage
        for tree in p.body["trees"]
    }
    return [e for e in evidence.listed if e.tree in trees]


def of_stage(evidence: Evidence, stage: int, *types: str) -> list[Placed]:
    """Return a stage's statements of some types, in the order of their acceptance."""
    return evidence.once(
        "stage", str(stage), *types, make=lambda: _of_stage(evidence, stage, types)
    )


def _of_stage(evidence: Evidence, stage: int, types: tuple[str, ...]) -> list[Placed]:
    found = [
        p for p in evidence.of_type(*types) if p.body["stage"] == stage and counts(evidence, p)
    ]
    if "release-ack" in types:  # it has no leaf, so no place in the order
        return found
    return sorted(found, key=evidence.order)


def counts(evidence: Evidence, placed: Placed) -> bool:
    """Say whether a statement still counts: of a replaced closing only whole halves do (6.2)."""
    if placed.body["closing"] in (evidence.closing.sid, None):
        return True
    if placed.type == "cure":
        return placed.body["kind"] in ("B", "T")
    return placed.type not in MADE_ANEW


def earlier_steps(evidence: Evidence, stage: int, closing: str) -> list[Placed]:
    """Return the steps that were made under a closing, in the order of their acceptance."""
    found = [
        p
        for p in evidence.of_type("opening-step")
        if (p.body["closing"], p.body["stage"]) == (closing, stage)
    ]
    return sorted(found, key=evidence.order)


def phase(evidence: Evidence, stage: int, step: str) -> Order | None:
    """Return when a stage first took a step, None if it did not."""
    steps = [p for p in of_stage(evidence, stage, "opening-step") if p.body["step"] == step]
    return evidence.order(steps[0]) if steps else None


def decisions(evidence: Evidence, stage: int, decision: str) -> list[Placed]:
    """Return the supervisor's decisions of one kind that concern a stage and count there."""
    return [
        p
        for p in evidence.of_type("supervisor-decision")
        if p.body["decision"] == decision
        and p.body["stage"] in (stage, None)
        and counts(evidence, p)
        and (decision not in ENDS or while_suspended(evidence, stage, p))
    ]


def while_suspended(evidence: Evidence, stage: int, decision: Placed) -> bool:
    """Say whether the opening stood still when the supervisor ended that (6.2, 9.5)."""
    at = evidence.order(decision)
    steps = of_stage(evidence, stage, "opening-step")
    since = [
        evidence.order(p)
        for p in steps
        if p.body["step"] == "suspended" and evidence.order(p) <= at
    ]
    return bool(since) and not any(max(since) < evidence.order(p) < at for p in steps)


def acknowledged(evidence: Evidence, stage: int) -> set[str]:
    """Return the trees whose B the platform acknowledged (9.2)."""
    values = {
        p.sid: {v["tree"] for v in p.body["values"]} for p in of_stage(evidence, stage, "release-b")
    }
    trees: set[str] = set()
    for ack in of_stage(evidence, stage, "release-ack"):
        trees |= values.get(ack.body["release"], set()) & set(ack.body["trees"])
    return trees


def remedied(evidence: Evidence, stage: int) -> set[str]:
    """Return M: the stage's envelopes of dual+remedy without an acknowledged B (9.4)."""
    if evidence.opening_keys.body["policy"] != "dual+remedy":
        return set()
    return {e.tree for e in envelopes_of(evidence, stage)} - acknowledged(evidence, stage)


def wraps_of(evidence: Evidence, listed: Listed) -> Object:
    """Return the wraps of a listed envelope from the transcript."""
    if listed.wraps_hash not in evidence.wraps:
        raise CannotDecide(f"the transcript has no wraps of {listed}")
    return evidence.wraps[listed.wraps_hash]


def answers(evidence: Evidence, stage: int, group: str, tree: str) -> dict[int, str]:
    """Return what the members of a group said of one envelope in their share checks."""
    return _answers(evidence, stage).get((group, tree), {})


def _answers(evidence: Evidence, stage: int) -> dict[tuple[str, str], dict[int, str]]:
    def make() -> dict[tuple[str, str], dict[int, str]]:
        found: dict[tuple[str, str], dict[int, str]] = {}
        for placed in of_stage(evidence, stage, "share-check"):
            for result in placed.body["results"]:
                said = found.setdefault((placed.body["group"], result["tree"]), {})
                said[placed.body["i"]] = result["result"]
        return found

    return evidence.once("answers", str(stage), make=make)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One value that somebody gave for an envelope: T, B or a share, and from where."""

    kind: str
    i: int
    source: str
    value: str


GIVEN_BY: Final = {
    "release-b": ("values", "B", "bidder"),
    "release-t": ("shares", "tshare", "member"),
    "release-r": ("shares", "rshare", "member"),
}


def given(evidence: Evidence, stage: int, tree: str) -> list[Given]:
    """Return what was released for an envelope, then what was cured."""
    return evidence.once("given", str(stage), make=lambda: _given(evidence, stage)).get(tree, [])


def _given(evidence: Evidence, stage: int) -> dict[str, list[Given]]:
    found: dict[str, list[Given]] = {}
    for placed in of_stage(evidence, stage, *GIVEN_BY):
        key, kind, source = GIVEN_BY[placed.type]
        for item in placed.body[key]:
            one = Given(kind=kind, i=placed.body.get("i", 0), source=source, value=item["value"])
            found.setdefault(item["tree"], []).append(one)
    for cure in of_stage(evidence, stage, "cure"):
        body = cure.body
        one = Given(kind=body["kind"], i=body["i"] or 0, source="cure", value=body["value"])
        found.setdefault(body["tree"], []).append(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One of the two secrets of an envelope: its value, where from, or why it is missing."""

    value: bytes | None
    source: str | None
    badly_dealt: bool
    disputed: bool


def half(evidence: Evidence, stage: int, listed: Listed, group: str) -> Half:
    """Recompute T (group T) or B (group R) of an envelope as 9.5 and 9.7 say."""
    return evidence.once(
        "half", str(stage), listed.tree, group, make=lambda: _half(evidence, stage, listed, group)
    )


def _half(evidence: Evidence, stage: int, listed: Listed, group: str) -> Half:
    wraps, hh = wraps_of(evidence, listed), bytes.fromhex(listed.header_hash)
    tag, expected = ("T", wraps["ht"]) if group == "T" else ("B", wraps["hb"])
    value, source = _matching(evidence, stage, listed, tag, expected)
    k, n = evidence.threshold(group), len(evidence.members(group))
    shares = _shares(evidence, stage, listed, group)
    badly = False
    if value is None and k and len(shares) >= k:
        # The lowest k and no other subset: nobody may search for one that opens (9.7 step 2).
        combined = combine({i: shares[i] for i in sorted(shares)[:k]})
        badly = commitment(tag, hh, 0, combined, evidence.suite) != expected
        value, source = (None, None) if badly else (combined, "remedy" if tag == "B" else None)
    said = answers(evidence, stage, group, listed.tree)
    # Silence is never an answer: only what members said can make an envelope disputed.
    bad = sum(result != "ok" for result in said.values())
    return Half(
        value=value, source=source, badly_dealt=badly, disputed=bool(k) and bad >= n - k + 1
    )


def _matching(
    evidence: Evidence, stage: int, listed: Listed, tag: str, expected: str
) -> tuple[bytes | None, str | None]:
    """Return a secret that the bidder released or anybody cured, if it matches."""
    hh = bytes.fromhex(listed.header_hash)
    for one in given(evidence, stage, listed.tree):
        value = unb64(one.value, 32)
        if one.kind == tag and commitment(tag, hh, 0, value, evidence.suite) == expected:
            return value, one.source
    return None, None


def _shares(evidence: Evidence, stage: int, listed: Listed, group: str) -> dict[int, bytes]:
    """Return the released and cured shares of an envelope that match their commitment."""
    dealt = wraps_of(evidence, listed)["t" if group == "T" else "r"]
    commitments = {s["i"]: s["h"] for s in dealt["shares"]} if dealt else {}
    tag, hh = TAGS[group], bytes.fromhex(listed.header_hash)
    return {
        one.i: unb64(one.value, 32)
        for one in given(evidence, stage, listed.tree)
        if one.kind == tag
        and commitment(tag, hh, one.i, unb64(one.value, 32), evidence.suite)
        == commitments.get(one.i)
    }


# --- the sealed file and what is in it -------------------------------------------------------


def sealed_file(evidence: Evidence, listed: Listed) -> Envelope | Malformed | None:
    """Read a listed envelope's file once; None where the package does not have it."""
    return evidence.once("file", listed.tree, make=lambda: _sealed_file(evidence, listed))


def _sealed_file(evidence: Evidence, listed: Listed) -> Envelope | Malformed | None:
    if listed.tree not in evidence.package.bids:
        return None
    try:
        with evidence.package.bid(listed.tree) as stream:
            return read_envelope(stream, evidence.package.bids[listed.tree])
    except Malformed as problem:
        return problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A decrypted volume: its hash and its line read aloud, or why there is none."""

    sha256: str | None = None
    items: Object | None = None
    wrong: str | None = None
    bad_package: str | None = None


def plaintext(evidence: Evidence, stage: int, listed: Listed) -> Plain | None:
    """Decrypt a listed envelope once; None where the file or a secret is missing."""
    return evidence.once(
        "plain", str(stage), listed.tree, make=lambda: _plaintext(evidence, stage, listed)
    )


def _plaintext(evidence: Evidence, stage: int, listed: Listed) -> Plain | None:
    t, b = (half(evidence, stage, listed, group).value for group in ("T", "R"))
    envelope = sealed_file(evidence, listed)
    if t is None or b is None or not isinstance(envelope, Envelope):
        return None
    if envelope.tree != listed.tree:  # another file lies there (C11)
        return None
    hh = bytes.fromhex(listed.header_hash)
    context = hh + bytes.fromhex(listed.wraps_hash)
    digest, suite = hashlib.sha256(), evidence.suite
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as plain:
        try:
            with evidence.package.bid(listed.tree) as stream:
                skip(stream, envelope.payload_at)
                for chunk in open_chunks(input_key(t, b, hh, suite), context, stream, suite):
                    digest.update(chunk)
                    plain.write(chunk)
        # `bid` turns every ValueError into Malformed, the decryption's too.
        except Malformed as problem:
            return Plain(wrong=problem.message)
        plain.seek(0)
        return _inside(plain, digest.hexdigest(), listed.volume)


def _inside(plain: IO[bytes], digest: str, volume: str) -> Plain:
    """Check the limits of 16 and read `open-items.json` (9.7 steps 7 and 8)."""
    try:
        archive = open_archive(plain, "the volume")
        for name in archive.namelist():
            if PurePosixPath(name.lower()).suffix in FORBIDDEN or "vbaproject.bin" in name.lower():
                return Plain(sha256=digest, bad_package=f"{name!r} is an executable or a macro")
        if ITEMS in archive.namelist():
            items = _items(parse(read_member(archive, ITEMS, MAX_ITEMS), ITEMS))
            return Plain(sha256=digest, items=items)
    except Malformed as problem:
        return Plain(sha256=digest, bad_package=problem.message)
    if volume == PRICE_VOLUME:
        return Plain(sha256=digest, bad_package=f"{ITEMS} is missing")
    return Plain(sha256=digest)


def _items(value: object) -> Object:
    """The line that is read aloud: an object whose price is plain decimal text, not zero."""
    price = value.get("price_yuan") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(price, str) or not PRICE.fullmatch(price):
        raise Malformed(ITEMS, "it states no price as decimal text")
    if not price.strip("0."):
        raise Malformed(ITEMS, "it states a price of zero")
    return value


def record_of(evidence: Evidence, stage: int) -> Placed:
    """Return the signed record of a stage."""
    records = of_stage(evidence, stage, "opening-record")
    if not records:
        raise CannotDecide(f"the record of stage {stage} is not in the package")
    return records[-1]


def opened_items(evidence: Evidence) -> dict[str, Object]:
    """Return the lines read aloud by submission, as the records state them (C30 checks them)."""
    items: dict[str, Object] = {}
    for stage in stage_numbers(evidence):
        for entry in record_of(evidence, stage).body["items"]:
            items.setdefault(entry["submission"], {}).update(entry["items"])
    return items


def opened_submissions(evidence: Evidence) -> set[str]:
    """Return the submissions of which every volume was opened, as the records state it."""
    codes: dict[str, set[str]] = {}
    for stage in stage_numbers(evidence):
        for result in record_of(evidence, stage).body["results"]:
            codes.setdefault(result["submission"], set()).add(result["code"])
    return {submission for submission, found in codes.items() if found == {"OPENED"}}
