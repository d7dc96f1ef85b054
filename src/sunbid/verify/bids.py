"""C10-C14, C27-C30: the sealed files, and what came out of them."""

from typing import Final

from sunbid.verify.canonical import Malformed, Object, unb64
from sunbid.verify.envelope import (
    Deal,
    Envelope,
    bidder_tag,
    cipher_length,
    commitment,
    deal,
    kid_of,
)
from sunbid.verify.evidence import CannotDecide, Evidence, Listed
from sunbid.verify.opened import (
    STAYED_CLOSED,
    answers,
    envelopes_of,
    half,
    of_stage,
    plaintext,
    record_of,
    sealed_file,
    stage_numbers,
    wraps_of,
)
from sunbid.verify.report import Findings, check
from sunbid.verify.suites import Suite

BOUND: Final = ("tender", "lot", "round", "suite", "policy", "opening_keys")
NO_BLOB: Final = frozenset({"BLOB_MISSING", "BLOB_CORRUPT"})


def _lost(evidence: Evidence) -> set[str]:
    """Return the trees whose file the records say is lost, or stays closed."""
    return {
        result["tree"]
        for record in evidence.of_type("opening-record")
        for result in record.body["results"]
        if result["code"] in NO_BLOB | STAYED_CLOSED
    }


def _files(evidence: Evidence, findings: Findings) -> list[tuple[Listed, Envelope]]:
    """Return the listed envelopes whose file can be read; say which are missing."""
    lost = _lost(evidence)
    found: list[tuple[Listed, Envelope]] = []
    for listed in evidence.listed:
        envelope = sealed_file(evidence, listed)
        if isinstance(envelope, Envelope):
            found.append((listed, envelope))
        elif listed.tree not in lost:
            why = "cannot be read (C10)" if envelope else "is not in the package"
            findings.doubt(str(listed), f"bids/{listed.tree}.tbe {why}")
    return found


@check("C10", "Sealed files have the layout of the format", "sealing.md 2.1, 3.5, 3.6")
def layout(evidence: Evidence, findings: Findings) -> None:
    """Each `.tbe`: magic, lengths, schemas of header and wraps, length formula."""
    lost, count = _lost(evidence), 0
    for listed in evidence.listed:
        envelope = sealed_file(evidence, listed)
        if isinstance(envelope, Malformed):
            findings.fail(envelope.place, f"{envelope.message} (of {listed})")
        elif envelope is None and listed.tree not in lost:
            findings.doubt(str(listed), f"bids/{listed.tree}.tbe is not in the package")
        count += isinstance(envelope, Envelope)
    for header in evidence.opening["headers"]:
        findings.require(
            header["cipher_len"] == cipher_length(header["plain_len"]),
            f"header of envelope {header['envelope']}",
            "its cipher_len does not follow from plain_len",
        )
    findings.note(f"{count} sealed files")


@check("C11", "Sealed files are those that were handed in", "sealing.md 2.8")
def trees(evidence: Evidence, findings: Findings) -> None:
    """The tree recomputed from each file equals its name, the list, the manifest, the receipt."""
    for listed, envelope in _files(evidence, findings):
        findings.require(
            envelope.tree == listed.tree,
            evidence.package.bids[listed.tree],
            f"its tree is {envelope.tree}, not that of {listed}",
        )
    for listed in evidence.listed:
        own = _manifest_envelope(evidence, listed)
        findings.require(
            own.get("tree") == listed.tree, str(listed), "its manifest names another tree"
        )
        found = sealed_file(evidence, listed)
        if isinstance(found, Envelope) and found.tree == listed.tree:
            findings.require(
                own.get("size") == found.size, str(listed), "its manifest states another size"
            )


def _manifest_envelope(evidence: Evidence, listed: Listed) -> Object:
    for envelope in evidence.manifest_of(listed).body.get("envelopes", []):
        if envelope["volume"] == listed.volume:
            own: Object = envelope
            return own
    return {}


@check("C12", "Headers and wraps are those of the manifest", "sealing.md 7.1 B(4)")
def hashes(evidence: Evidence, findings: Findings) -> None:
    """Header and wraps hash to what list and manifest say; header fields = manifest."""
    for listed in evidence.listed:
        own = _manifest_envelope(evidence, listed)
        for key, value in (("header_hash", listed.header_hash), ("wraps_hash", listed.wraps_hash)):
            findings.require(
                own.get(key) == value, str(listed), f"its manifest states another {key}"
            )
        findings.require(
            listed.wraps_hash in evidence.wraps,
            str(listed),
            "no wraps of the transcript hash to its wraps_hash",
        )
        header = evidence.headers.get(listed.header_hash)
        if header is None:
            findings.fail(str(listed), "no header of the transcript hashes to its header_hash")
        else:
            _header_fields(evidence, listed, header, findings)
    _file_hashes(evidence, findings)


def _header_fields(evidence: Evidence, listed: Listed, header: Object, findings: Findings) -> None:
    manifest = evidence.manifest_of(listed).body
    own = _manifest_envelope(evidence, listed)
    expected = {key: manifest.get(key) for key in BOUND}
    expected |= {"volume": listed.volume, "plain_len": own.get("plain_len")}
    for key, value in expected.items():
        findings.require(
            header[key] == value, str(listed), f"the header's {key} is not the manifest's"
        )


def _file_hashes(evidence: Evidence, findings: Findings) -> None:
    for listed, envelope in _files(evidence, findings):
        if envelope.tree != listed.tree:
            continue  # C11 says so; this file is not the listed one
        same = (
            evidence.suite.hash(envelope.header_bytes).hex() == listed.header_hash
            and evidence.suite.hash(envelope.wraps_bytes).hex() == listed.wraps_hash
        )
        findings.require(same, str(listed), "the file has another header or other wraps")


@check("C13", "Each envelope is bound to its bidder", "sealing.md 2.2")
def tags(evidence: Evidence, findings: Findings) -> None:
    """`bidder_tag` of the header follows from the manifest's salt and the bidder's USCC."""
    for listed in evidence.listed:
        header = evidence.headers.get(listed.header_hash)
        own = _manifest_envelope(evidence, listed)
        if header is None or not own:
            findings.doubt(str(listed), "its header or its manifest is missing (C12)")
            continue
        uscc = evidence.manifest_of(listed).body["bidder"]["uscc"]
        findings.require(
            bidder_tag(own["bidder_salt"], uscc) == header["bidder_tag"],
            str(listed),
            f"the header's bidder_tag is not that of {uscc}",
        )


@check("C14", "Wraps fit the opening keys", "sealing.md 2.6, 3.6")
def wraps(evidence: Evidence, findings: Findings) -> None:
    """k, n, order, key ids and lengths of the wraps are those of the opening keys."""
    for listed in evidence.listed:
        found = wraps_of(evidence, listed)
        for group, part in (("T", found["t"]), ("R", found["r"])):
            expected = [(i, m["kid"]) for i, m in enumerate(evidence.members(group), 1)]
            if part is None:
                findings.require(not expected, str(listed), f"it has no shares of group {group}")
                continue
            actual = [(share["i"], share["kid"]) for share in part["shares"]]
            lengths = {len(unb64(share["ct"])) for share in part["shares"]}
            fits = (
                actual == expected
                and part["k"] == evidence.threshold(group)
                and part["n"] == len(expected)
                and lengths <= {evidence.suite.wrap_length}
            )
            findings.require(
                fits, str(listed), f"its shares of group {group} are not for these opening keys"
            )
        _own_keys(evidence.suite, listed, found["b"], findings)


def _own_keys(suite: Suite, listed: Listed, entries: list[Object], findings: Findings) -> None:
    for place, entry in enumerate(entries):
        raw = unb64(entry["pk"])
        try:
            suite.public_key(raw)
        except ValueError:
            findings.fail(str(listed), f"key b{entry['i']} is not a point on the curve")
        fits = entry["kid"] == kid_of(raw) and len(unb64(entry["ct"])) == suite.wrap_length
        findings.require(
            fits and entry["i"] == place, str(listed), f"wrap b{entry['i']} is not in its form"
        )


@check("C27", "Secrets match their commitments", "sealing.md 2.6")
def secrets(evidence: Evidence, findings: Findings) -> None:
    """T matches `ht` and B matches `hb`, wherever one is released, cured or recorded."""
    count = 0
    for stage in stage_numbers(evidence):
        record = record_of(evidence, stage)
        shown = [
            (str(record), result["tree"], tag, result[tag])
            for result in record.body["results"]
            for tag in ("T", "B")
            if result[tag] is not None
        ]
        for release in of_stage(evidence, stage, "release-b"):
            shown += [(str(release), v["tree"], "B", v["value"]) for v in release.body["values"]]
        for cure in of_stage(evidence, stage, "cure"):
            if cure.body["kind"] in ("T", "B"):
                shown.append((str(cure), cure.body["tree"], cure.body["kind"], cure.body["value"]))
        by_tree = {listed.tree: listed for listed in envelopes_of(evidence, stage)}
        for named, tree, tag, value in shown:
            count += 1
            listed = by_tree.get(tree)
            if listed is None:
                findings.fail(named, f"it gives {tag} of {tree[:12]}, not an envelope of its stage")
                continue
            expected = wraps_of(evidence, listed)["ht" if tag == "T" else "hb"]
            hh = bytes.fromhex(listed.header_hash)
            matches = commitment(tag, hh, 0, unb64(value), evidence.suite) == expected
            findings.require(matches, named, f"{tag} of {listed} does not match its commitment")
    findings.note(f"{count} secrets")


@check("C28", "Sealed files decrypt", "sealing.md 2.3")
def payloads(evidence: Evidence, findings: Findings) -> None:
    """Commitment and every chunk of each envelope that the record says was opened."""
    count = 0
    for stage in stage_numbers(evidence):
        codes = {r["tree"]: r["code"] for r in record_of(evidence, stage).body["results"]}
        for listed in envelopes_of(evidence, stage):
            if codes.get(listed.tree) not in ("OPENED", "PACKAGE_BAD"):
                continue
            plain = plaintext(evidence, stage, listed)
            if plain is None:
                findings.doubt(str(listed), "its file or a secret of it is not in the package")
            elif plain.wrong is not None:
                findings.fail(str(listed), plain.wrong)
            count += plain is not None and plain.wrong is None
    findings.note(f"{count} files decrypted")


@check("C29", "The wraps were dealt as the format demands", "sealing.md 2.4, 9.6")
def redeal(evidence: Evidence, findings: Findings) -> None:
    """Wraps recomputed from T and B equal those sealed, or `deal_wrong` names the wrong ones."""
    for stage in stage_numbers(evidence):
        record = record_of(evidence, stage)
        named = {r["tree"]: r["deal_wrong"] for r in record.body["results"]}
        for listed in envelopes_of(evidence, stage):
            t, b = (half(evidence, stage, listed, group).value for group in ("T", "R"))
            stated = sorted((w["group"], w["i"]) for w in named.get(listed.tree, []))
            wrong: list[tuple[str, int]] = []
            if t is not None and b is not None:
                wrong = _deal(evidence, listed, t, b).wrong(wraps_of(evidence, listed))
            shared = [key for key in wrong if key[0] != "B"]
            findings.require(
                shared == stated,
                str(listed),
                f"wrong wraps recomputed {shared}, the record names {stated}",
            )
            if wrong != shared:
                findings.note(f"{listed}: the bidder's own wraps differ from the dealing")
            if t is not None and b is not None:
                _false_complaints(evidence, stage, listed, wrong, findings)


def _false_complaints(
    evidence: Evidence,
    stage: int,
    listed: Listed,
    wrong: list[tuple[str, int]],
    findings: Findings,
) -> None:
    """A right wrap that a member called bad is that member's fault (9.6)."""
    for group in ("T", "R"):
        for i, said in sorted(answers(evidence, stage, group, listed.tree).items()):
            if said != "ok" and (group, i) not in wrong:
                findings.note(f"{listed}: member {group}{i} said {said} of a right wrap")


def _deal(evidence: Evidence, listed: Listed, t: bytes, b: bytes) -> Deal:
    groups = {
        group: (evidence.threshold(group), [unb64(m["pk"]) for m in evidence.members(group)])
        for group in ("T", "R")
        if evidence.members(group)
    }
    groups["B"] = (1, [unb64(entry["pk"]) for entry in wraps_of(evidence, listed)["b"]])
    oks = bytes.fromhex(evidence.opening_keys.sid)
    try:
        return deal((t, b), bytes.fromhex(listed.header_hash), oks, groups, evidence.suite)
    except ValueError as problem:
        raise CannotDecide(f"a key of {listed} is not usable: {problem}") from None


@check("C30", "The record shows what was in the files", "sealing.md 9.7")
def contents(evidence: Evidence, findings: Findings) -> None:
    """`plain_sha256` and `items` of the record equal those of the decrypted packages."""
    for stage in stage_numbers(evidence):
        record = record_of(evidence, stage)
        results = {r["tree"]: r for r in record.body["results"]}
        expected: dict[str, Object] = {}
        complete = True
        for listed in envelopes_of(evidence, stage):
            plain, result = plaintext(evidence, stage, listed), results.get(listed.tree)
            if result is None or result["code"] not in ("OPENED", "PACKAGE_BAD"):
                continue
            if plain is None:
                complete = False
                findings.doubt(str(listed), "its file or a secret of it is not in the package")
                continue
            if plain.wrong is None:
                findings.require(
                    result["plain_sha256"] == plain.sha256,
                    str(listed),
                    "the record states another hash of its plaintext",
                )
            if plain.items and result["code"] == "OPENED":
                expected.setdefault(listed.submission, {}).update(plain.items)
        stated = {entry["submission"]: entry["items"] for entry in record.body["items"]}
        for submission in sorted(expected.keys() | stated.keys()) if complete else []:
            findings.require(
                expected.get(submission, {}) == stated.get(submission, {}),
                f"submission {submission}",
                f"read aloud {stated.get(submission)}, in the file {expected.get(submission)}",
            )
