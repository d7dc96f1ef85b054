"""C15-C23: the cut, the list of bids, the opening keys and the schedule."""

from itertools import combinations, pairwise
from typing import Final

from sunbid.verify.canonical import Object, canonical, milliseconds, time_text, unb64
from sunbid.verify.envelope import kid_of
from sunbid.verify.evidence import Act, CannotDecide, Evidence, Placed
from sunbid.verify.ledger import Checkpoint, leaf_hash, root_of
from sunbid.verify.log import Q, history
from sunbid.verify.records import check_signatures
from sunbid.verify.report import Findings, check
from sunbid.verify.tokens import stamped_at

ACTS: Final = ("manifest", "withdraw")
LATE_MS: Final = 60_000
MAX_COMBINATIONS: Final = 20_000


def list_root(entries: list[Object]) -> str:
    """Return the RFC 6962 root over list entries sorted by submission (3.4)."""
    return root_of([leaf_hash(canonical(entry)) for entry in entries]).hex()


@check("C15", "The cut is that of the deadline", "sealing.md 7.3")
def cut(evidence: Evidence, findings: Findings) -> None:
    """The cut names the schedule in force, lies at or after D, and was seen outside in time."""
    body = evidence.cut["body"]
    # A later version may have given a later stage its hour since (3.7).
    schedule = evidence.named(evidence.closing.body["schedule"], "schedule")
    named = f"cut at leaf {evidence.cut['index']}"
    deadline = milliseconds(schedule.body["deadline"])
    findings.require(
        body["subject"] == schedule.sid and not _replaced_before_the_cut(evidence, schedule),
        named,
        "it does not name the schedule in force",
    )
    findings.require(
        body["at_ms"] is not None and body["at_ms"] >= deadline,
        named,
        f"it was made before the deadline {schedule.body['deadline']}",
    )
    _quiet_deadline(evidence, named, deadline, findings)
    _outside_time(evidence, named, deadline, findings)


def _quiet_deadline(evidence: Evidence, named: str, deadline: int, findings: Findings) -> None:
    """An outage across the deadline needs the supervisor's confirmation (6.4)."""
    times = {index: leaf["time_ms"] for index, leaf in evidence.leaves.items()}
    outage = any(
        at < deadline <= times[index + 1] and times[index + 1] - at > LATE_MS
        for index, at in times.items()
        if index + 1 in times
    )
    confirmed = any(
        p.body["decision"] == "confirmed" for p in evidence.of_type("supervisor-decision")
    )
    is_real = evidence.opening_keys.body["clock"] == "real"
    findings.require(
        confirmed or not outage or not is_real, named, "an outage across the deadline, unconfirmed"
    )


def _replaced_before_the_cut(evidence: Evidence, schedule: Placed) -> bool:
    cut_at = (evidence.cut["time_ms"], evidence.cut["body"]["at_ms"] or 0)
    return any(
        version.body["version"] > schedule.body["version"] and evidence.order(version) < cut_at
        for version in evidence.of_type("schedule")
    )


def covering(evidence: Evidence, index: int) -> Checkpoint:
    """Return the smallest checkpoint of the package that contains a leaf."""
    found = [c for _, _, c in history(evidence).checkpoints if c.size > index]
    if not found:
        raise CannotDecide(f"no checkpoint in the package contains leaf {index}")
    return min(found, key=lambda c: c.size)


def _outside_time(evidence: Evidence, named: str, deadline: int, findings: Findings) -> None:
    """Somebody outside saw the cut's checkpoint in time: by a token, or the quorum (7.3)."""
    text = covering(evidence, evidence.cut["index"]).text
    shown = [(note, c) for _, note, c in history(evidence).checkpoints if c.text == text]
    times = _witnessed(evidence, [c for _, c in shown])
    try:
        times += _stamped(evidence, [note for note, _ in shown], text.decode())
    except ValueError as problem:
        findings.fail(named, str(problem))
        return
    if evidence.opening_keys.body["clock"] == "demo":
        findings.note("demonstration clock: outside times cannot be compared with it")
    elif times and min(times) > deadline + LATE_MS:
        findings.doubt(named, f"late cut: first seen outside at {time_text(min(times))}")
    elif not times and evidence.policy.quorum == "none":
        findings.note("no outside time")
    elif not times:
        findings.doubt(named, "no outside time: the quorum of witnesses did not sign")


def _stamped(evidence: Evidence, notes: list[str], text: str) -> list[int]:
    """The times of the tokens of a checkpoint (Unix ms); refuse a token that proves none."""
    tokens = [c["token"] for c in evidence.opening["checkpoints"] if c["note"] in notes]
    roots = evidence.time_roots
    return [stamped_at(unb64(token), text, roots) for token in tokens if token is not None]


def _witnessed(evidence: Evidence, shown: list[Checkpoint]) -> list[int]:
    """By when the quorum had signed a checkpoint (Unix ms), if it has."""
    if evidence.policy.quorum == "none":
        return []
    try:
        seen = [evidence.policy.times(checkpoint) for checkpoint in shown]
    except ValueError as problem:
        raise CannotDecide(f"{problem} (C6, C7)") from None
    return [at * 1000 for at in seen if at is not None]


@check("C16", "Every listed bid lies below the cut", "sealing.md 7.3")
def below_cut(evidence: Evidence, findings: Findings) -> None:
    """The leaf of every listed act is below the cut's `first_index`, the start of its batch."""
    first, index = evidence.first_index, evidence.cut["index"]
    named = f"cut at leaf {index}"
    findings.require(first <= index and first % Q == 0, named, "first_index begins no batch")
    for other, leaf in sorted(evidence.leaves.items()):
        same = leaf["time_ms"] == evidence.cut["time_ms"]
        if same and other < first:
            findings.fail(named, f"leaf {other} of its batch lies below its first_index")
        if not same and first <= other < index:
            findings.fail(named, f"first_index includes leaf {other} of an earlier batch")
    for entry in evidence.opening["list"]:
        act = evidence.named(entry["manifest"], "manifest")
        act_leaf = evidence.leaf(act)
        if act_leaf is None:
            findings.doubt(str(act), "it has no opened leaf (C4)")
        else:
            findings.require(
                act_leaf["index"] < first,
                str(act),
                f"its leaf {act_leaf['index']} is not below the cut's {first}",
            )
    findings.note(f"{len(evidence.opening['list'])} bids below leaf {first}")


@check("C17", "The list is the one that was signed", "sealing.md 3.4")
def list_values(evidence: Evidence, findings: Findings) -> None:
    """`list_root` and `count` of the closing follow from the list."""
    entries = evidence.opening["list"]
    closing = evidence.closing
    findings.require(
        closing.body["count"] == len(entries),
        str(closing),
        f"its count is {closing.body['count']}, the list has {len(entries)}",
    )
    findings.require(
        closing.body["list_root"] == list_root(entries),
        str(closing),
        "its list_root does not follow from the list",
    )


@check("C18", "Every entry is its bidder's last word", "sealing.md 6.1")
def final_acts(evidence: Evidence, findings: Findings) -> None:
    """Each entry shows the final act of its chain, a manifest for the keys in force."""
    finals = {chain[-1].sid: chain[-1] for chain in evidence.chains.values()}
    for entry in evidence.opening["list"]:
        named = f"list entry of submission {entry['submission']}"
        final = finals.get(entry["manifest"])
        if final is None or final.statement is None or final.receipt is None:
            findings.fail(named, "its manifest is not the last accepted act of a bidder")
            continue
        body = final.statement.body
        own = {
            "submission": final.receipt.body["submission"],
            "seq": body["seq"],
            "manifest": final.sid,
            "envelopes": [
                {key: e[key] for key in ("volume", "tree", "header_hash", "wraps_hash")}
                for e in body.get("envelopes", [])
            ],
        }
        findings.require(own == entry, named, "it differs from its manifest and receipt")
        volumes = sorted(v for stage in evidence.schedule.body["stages"] for v in stage["volumes"])
        findings.require(
            [e["volume"] for e in entry["envelopes"]] == volumes,
            named,
            f"its volumes are not those of the schedule {volumes}",
        )


@check("C19", "No bid is missing from the list", "sealing.md 14.5")
def complete(evidence: Evidence, findings: Findings) -> None:
    """Acts below the cut = list, superseded, withdrawn, refused or void; none hidden."""
    first = evidence.first_index
    closed = [index for index in sorted(evidence.closed_leaves) if index < first]
    if closed:
        findings.doubt(f"leaf {closed[0]}", f"{len(closed)} leaves below the cut are closed")
    evidence.file("leaves.json")
    known = {act.sid: act for act in evidence.acts}
    listed = {entry["manifest"] for entry in evidence.opening["list"]}
    kinds: dict[str, int] = {}
    for index, leaf in sorted(evidence.leaves.items()):
        if index >= first or not _is_act(evidence, leaf):
            continue
        act = known.get(leaf["body"]["subject"])
        kind = None if act is None else _kind(evidence, act, listed)
        if kind is None:
            findings.fail(
                f"leaf {index}",
                f"the {leaf['body']['t']} {str(leaf['body']['subject'])[:12]} is neither listed "
                "nor superseded, withdrawn, refused or void",
            )
        else:
            kinds[kind] = kinds.get(kind, 0) + 1
    findings.note(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    findings.note("of the batches in this package")


def _is_act(evidence: Evidence, leaf: Object) -> bool:
    body, lot = leaf["body"], evidence.lot
    return body["t"] in ACTS and (body["lot"], body["round"]) == (lot["lot"], lot["round"])


def _kind(evidence: Evidence, act: Act, listed: set[str]) -> str | None:
    """Say what became of an act; None if an accepted, final, valid bid is not in the list."""
    if act.refusal is not None or act.statement is None:
        return "refused"
    if act.sid in listed:
        return "listed"
    if act.statement.type == "withdraw":
        return "withdrawn"
    chain = evidence.chains[act.statement.body["bidder"]["uscc"]]
    if act.sid != chain[-1].sid:
        return "superseded"
    return "void" if is_void(evidence, act) else None


def is_void(evidence: Evidence, act: Act) -> bool:
    """Say whether a bid was sealed for opening keys that a postponement replaced."""
    sealed_for = None if act.statement is None else act.statement.body.get("opening_keys")
    return sealed_for not in {None, evidence.opening_keys.sid}


@check("C20", "Nothing entered after the cut", "sealing.md 7.3, 9.3")
def nothing_after(evidence: Evidence, findings: Findings) -> None:
    """No act leaf of the lot from the cut on; one closing, and a replacement only adds."""
    first = evidence.first_index
    for index, leaf in sorted(evidence.leaves.items()):
        if index >= first and leaf["body"]["t"] in ACTS and _is_act(evidence, leaf):
            findings.fail(f"leaf {index}", f"a {leaf['body']['t']} lies at or after leaf {first}")
    closings = {p.sid: p for p in evidence.of_type("closing")}
    # Follow the replaced closings back to the first one.
    replaced, at = [], evidence.closing
    while at.body["replaces"] is not None:
        earlier = closings.get(at.body["replaces"])
        if earlier is None or earlier in replaced:
            findings.doubt(str(at), "the closing that it replaces is not in the package")
            break
        _only_adds(evidence, earlier, findings)
        replaced.append(earlier)
        at = earlier
    for leaf in evidence.leaves.values():
        body = leaf["body"]
        known = {evidence.closing.sid, *(p.sid for p in replaced)}
        if body["t"] == "closing" and body["lot"] == evidence.lot["lot"]:
            findings.require(
                body["subject"] in known or body["round"] != evidence.lot["round"],
                f"leaf {leaf['index']}",
                "another closing of this lot, which nothing replaces",
            )


def _only_adds(evidence: Evidence, earlier: Placed, findings: Findings) -> None:
    """Find the earlier list among the subsets of the list; additions are few (9.3)."""
    entries = evidence.opening["list"]
    subsets = combinations(entries, min(earlier.body["count"], len(entries)))
    for tried, subset in enumerate(subsets):
        if list_root(list(subset)) == earlier.body["list_root"]:
            return
        if tried >= MAX_COMBINATIONS:
            findings.doubt(str(earlier), "too many entries were added to compare the lists")
            return
    findings.fail(str(earlier), "its list is not contained in that of the closing after it")


@check("C21", "The opening keys are in independent hands", "sealing.md 1.5, 8.1")
def opening_keys(evidence: Evidence, findings: Findings) -> None:
    """Signatures of buyer, supervisor and members; k and n; one seat an organisation."""
    own = evidence.opening_keys
    members = [
        Placed(place=f"{own.place} member {group.upper()}{i}", statement=m, sid="")
        for group in ("t", "r")
        for i, m in enumerate((own.body[group] or {}).get("members", []), 1)
    ]
    placed = [
        p for p in evidence.of_type("member-key") if p.statement in [m.statement for m in members]
    ]
    check_signatures(evidence, findings, [own, *placed])
    _thresholds(own, findings)
    _independence(evidence, members, findings)
    at = evidence.accepted_ms(own)
    for member in members:
        _member_key(evidence, own, member, at, findings)
    findings.note(f"{len(members)} seats")


def _thresholds(own: Placed, findings: Findings) -> None:
    strict = own.body["policy"] == "dual-strict"
    findings.require(strict == (own.body["r"] is None), str(own), "policy and remedy group differ")
    for group in ("t", "r"):
        if own.body[group] is not None:
            k, n = own.body[group]["k"], len(own.body[group]["members"])
            findings.require(
                2 <= k < n <= 9 and 2 * k > n,
                str(own),
                f"group {group.upper()} is {k} of {n}: E_INDEPENDENCE",
            )


def _independence(evidence: Evidence, members: list[Placed], findings: Findings) -> None:
    agency, buyer = evidence.notice["agency_uscc"], evidence.notice["buyer_uscc"]
    seen: dict[str, Placed] = {}
    for member in members:
        uscc, person = member.body["uscc"], member.body["person_tag"]
        # Buyer and agency count as one organisation.
        for key in filter(None, [buyer if uscc == agency else uscc, person]):
            if key in seen:
                findings.fail(
                    member.place,
                    f"E_INDEPENDENCE: {member.body['name']} and {seen[key].body['name']} are "
                    "one organisation or one person",
                )
            seen.setdefault(key, member)


def _member_key(
    evidence: Evidence, own: Placed, member: Placed, at: int | None, findings: Findings
) -> None:
    body = member.body
    try:
        keys = {"kid": unb64(body["pk"]), "sign_kid": unb64(body["sign_pk"])}
        for name, raw in keys.items():
            evidence.suite.public_key(raw)
            findings.require(body[name] == kid_of(raw), member.place, f"its {name} is another's")
    except ValueError as problem:
        findings.fail(member.place, f"a key is not usable: {problem}")
    findings.require(
        body["suite"] == own.body["suite"], member.place, "its suite is not that of the keys"
    )
    if at is not None:
        in_time = milliseconds(body["not_before"]) <= at <= milliseconds(body["not_after"])
        findings.require(in_time, member.place, "its key was not valid at publication")


@check("C22", "The schedule only moved later", "sealing.md 3.7, 7.3")
def schedules(evidence: Evidence, findings: Findings) -> None:
    """Versions are chained, times only later, published before the time that they change."""
    versions = sorted(evidence.of_type("schedule"), key=lambda p: p.body["version"])
    for number, version in enumerate(versions, 1):
        findings.require(version.body["version"] == number, str(version), "a version is missing")
    findings.require(versions[0].body["prev"] is None, str(versions[0]), "it is not the first")
    for old, new in pairwise(versions):
        findings.require(new.body["prev"] == old.sid, str(new), "its prev is not the one before")
        _moved_later(evidence, old, new, findings)
    findings.note(f"{len(versions)} versions")


def _moved_later(evidence: Evidence, old: Placed, new: Placed, findings: Findings) -> None:
    at = evidence.accepted_ms(new)
    if at is None:
        findings.doubt(str(new), "it has no opened leaf (C4)")
        return
    shape = [(s["stage"], s["volumes"]) for s in old.body["stages"]]
    if shape != [(s["stage"], s["volumes"]) for s in new.body["stages"]]:
        findings.fail(str(new), "it changes stages or volumes")
        return
    times = [("deadline", old.body["deadline"], new.body["deadline"])]
    times += [
        (f"opens_at of stage {a['stage']}", a["opens_at"], b["opens_at"])
        for a, b in zip(old.body["stages"], new.body["stages"], strict=True)
    ]
    for name, before, after in times:
        if before is None or before == after:
            continue
        later = after is not None and after > before
        findings.require(later, str(new), f"it moves {name} from {before} to {after}")
        findings.require(
            at < milliseconds(before), str(new), f"it was published after the old {name} {before}"
        )


@check("C23", "Bids were sealed for the published opening keys", "sealing.md 8.1")
def keys_in_force(evidence: Evidence, findings: Findings) -> None:
    """Headers, manifests of the list and the closing name the newest published keys."""
    versions = sorted(evidence.of_type("opening-keys"), key=lambda p: p.body["version"])
    for old, new in pairwise([None, *versions]):
        expected = (old.body["version"] + 1, old.sid) if old else (1, None)
        if new is not None:
            stated = (new.body["version"], new.body["prev"])
            findings.require(stated == expected, str(new), "it does not follow the version before")
    sid = evidence.opening_keys.sid
    closing = evidence.closing
    findings.require(
        closing.body["opening_keys"] == sid, str(closing), "it names other opening keys"
    )
    for listed in evidence.listed:
        header = evidence.headers.get(listed.header_hash)
        findings.require(
            header is None or header["opening_keys"] == sid,
            str(listed),
            "its header names other opening keys",
        )
    for entry in evidence.opening["list"]:
        manifest = evidence.named(entry["manifest"], "manifest")
        findings.require(
            manifest.body.get("opening_keys") == sid, str(manifest), "it names other opening keys"
        )
    findings.note(f"opening keys {sid[:20]}")
