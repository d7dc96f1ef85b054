"""C51-C55, C62: seeds, float point, experts and blind codes drawn again."""

from collections import Counter
from typing import Final

from sunbid.verify import draws
from sunbid.verify.canonical import Object, unb64
from sunbid.verify.closing import covering
from sunbid.verify.evaluation import draw_for, evaluation, report
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.ledger import Checkpoint, read_checkpoint
from sunbid.verify.opened import opened_submissions
from sunbid.verify.report import Findings, check

EMPLOYER: Final = "employer"


@check("C51", "Seeds were committed before the cut and revealed after", "house-style decision 17")
def seeds(evidence: Evidence, findings: Findings) -> None:
    """Each commitment lies below the cut; its secret came after the closing and matches."""
    evaluation(evidence)
    closing = evidence.order(evidence.closing)
    reveals = {p.body["commit"]: p for p in evidence.of_type("seed-reveal")}
    commits = evidence.of_type("seed-commit")
    if not commits:
        raise CannotDecide("no seed commitment is in the package")
    for commit in commits:
        leaf = evidence.leaf(commit)
        if leaf is None:
            findings.doubt(str(commit), "it has no opened leaf (C4)")
        else:
            findings.require(
                leaf["index"] < evidence.first_index, str(commit), "it lies after the cut"
            )
        reveal = reveals.get(commit.sid)
        if reveal is None:
            findings.fail(str(commit), f"{commit.body['contributor']} never revealed its secret")
            continue
        findings.require(
            evidence.order(reveal) >= closing, str(reveal), "it was revealed before the closing"
        )
        made = draws.seed_commitment(evidence.lot["lot"], unb64(reveal.body["secret"]))
        findings.require(
            made == commit.body["commitment"], str(reveal), "its secret does not fit the commitment"
        )
    findings.note(f"{len(commits)} contributors")


@check("C52", "The public seed follows from closing and secrets", "formulas.md V11")
def seed(evidence: Evidence, findings: Findings) -> None:
    """Every draw uses all secrets and the first checkpoint that contains the closing."""
    evaluation(evidence)
    found = evidence.of_type("draw")
    if not found:
        raise CannotDecide("no draw is in the package")
    purposes = Counter(placed.body["purpose"] for placed in found)
    for placed in found:
        findings.require(
            purposes[placed.body["purpose"]] == 1, str(placed), "a second draw for one purpose"
        )
        checkpoint = _checkpoint(evidence, placed, findings)
        if checkpoint is None:
            continue
        # Leaving one contributor out would be a way to choose among several seeds.
        secrets = _secrets(evidence, placed, findings)
        made = draws.public_seed(checkpoint.root, secrets).hex()
        findings.require(
            made == placed.body["seed"], str(placed), f"the public seed recomputed is {made}"
        )


def _checkpoint(evidence: Evidence, placed: Placed, findings: Findings) -> Checkpoint | None:
    try:
        checkpoint = read_checkpoint(placed.body["checkpoint"])
    except ValueError as problem:
        findings.fail(str(placed), f"its checkpoint: {problem}")
        return None
    leaf = evidence.leaf(evidence.closing)
    if leaf is None:
        findings.doubt(str(placed), "the closing has no opened leaf (C4)")
        return None
    first = covering(evidence, leaf["index"])
    findings.require(
        checkpoint.size == first.size,
        str(placed),
        f"its checkpoint of size {checkpoint.size} is not the first with the closing",
    )
    return checkpoint


def _secrets(evidence: Evidence, placed: Placed, findings: Findings) -> dict[str, bytes]:
    reveals = {p.sid: p for p in evidence.of_type("seed-reveal")}
    used = {sid: reveals[sid] for sid in placed.body["reveals"] if sid in reveals}
    wanted = {p.sid for p in evidence.of_type("seed-commit")}
    findings.require(
        {p.body["commit"] for p in used.values()} == wanted
        and len(used) == len(placed.body["reveals"]),
        str(placed),
        "it does not use the secret of every contributor once",
    )
    return {p.body["commit"]: unb64(p.body["secret"]) for p in used.values()}


def redraw(placed: Placed, pool: list[Object]) -> draws.Drawn:
    """Draw again from the seed that the statement names (C52 checks that seed)."""
    problem = draws.problem_of(placed.body["constraints"])
    if problem is not None:
        raise CannotDecide(f"{placed}: {problem}")
    body = placed.body
    return draws.draw(bytes.fromhex(body["seed"]), body["purpose"], pool, body["constraints"])


@check("C53", "The float point was drawn", "formulas.md V11")
def float_point(evidence: Evidence, findings: Findings) -> None:
    """The float point redrawn from the method's points is the one of the report."""
    points = evaluation(evidence)["method"]["price"].get("float_points")
    used = report(evidence).body["float"]
    if points is None:
        findings.require(used is None, str(report(evidence)), "the method has no float points")
        findings.note("the method has no float points")
        return
    placed = draw_for(evidence, "float")
    findings.require(
        placed.body["pool_sha256"] == draws.pool_hash(points),
        str(placed),
        "it drew from another list",
    )
    made = redraw(placed, points)
    findings.require(
        placed.body["drawn"] == made.drawn,
        str(placed),
        f"drawn again: {made.drawn}, stated: {placed.body['drawn']}",
    )
    value = {point["id"]: point["value"] for point in points}
    expected = [{"id": name, "value": value[name]} for name in made.drawn]
    findings.require(
        expected == [used], str(report(evidence)), f"it used {used}, drawn was {expected}"
    )


@check("C54", "The experts were drawn from the committed pool", "formulas.md V11")
def experts(evidence: Evidence, findings: Findings) -> None:
    """Experts and reserves redrawn; the excluded are those that the constraints bar."""
    pool = evaluation(evidence)["pool"]
    placed = draw_for(evidence, "experts")
    body = placed.body
    findings.require(
        body["pool_sha256"] == evaluation(evidence)["committed_pool_sha256"],
        str(placed),
        "it drew from another pool than the committed one",
    )
    made = redraw(placed, pool)
    for key, again in (("drawn", made.drawn), ("reserve", made.reserve)):
        findings.require(
            body[key] == again, str(placed), f"{key} again: {again}, stated: {body[key]}"
        )
    excluded = {item["id"] for item in body["excluded"]}
    for name in sorted(excluded - made.barred - made.crowded):
        findings.fail(str(placed), f"it excludes {name}, whom no constraint bars")
    barred = {c["id"] for c in pool if _selected(c, body["constraints"])}
    for name in sorted(barred - excluded):
        findings.fail(str(placed), f"it does not state that {name} is excluded")
    _no_bidder(evidence, placed, {c["id"]: c for c in pool}, findings)


def _selected(candidate: Object, constraints: Object) -> bool:
    return not draws.admitted(candidate, {"exclude": constraints.get("exclude", [])})


def _no_bidder(
    evidence: Evidence, placed: Placed, pool: dict[str, Object], findings: Findings
) -> None:
    bidders = {
        evidence.bidder_of(entry["submission"])[key]
        for entry in evidence.opening["list"]
        for key in ("name", "uscc")
    }
    for name in placed.body["drawn"] + placed.body["reserve"]:
        employer = pool.get(name, {}).get(EMPLOYER)
        if isinstance(employer, str) and employer in bidders:
            findings.fail(str(placed), f"{name} works for the bidder {employer}")


@check("C55", "The pool of experts was committed before the cut", "house-style decision 17")
def pool_committed(evidence: Evidence, findings: Findings) -> None:
    """The pool's hash stands in an event of the lot whose leaf lies below the cut."""
    evidence.file("events.json")
    stated, made = (
        evaluation(evidence)["committed_pool_sha256"],
        draws.pool_hash(evaluation(evidence)["pool"]),
    )
    findings.require(made == stated, "evaluation.json pool", f"its hash is {made}, not {stated}")
    events = [p for p in evidence.of_type("event") if p.body["data"].get("pool_sha256") == stated]
    leaves = [leaf["index"] for p in events if (leaf := evidence.leaf(p)) is not None]
    if not leaves:
        findings.fail("evaluation.json pool", "no event in the ledger names its hash")
    elif min(leaves) >= evidence.first_index:
        findings.fail(str(events[0]), "the pool was committed after the cut")
    for event in events:
        _same_wish(evidence, event, findings)


def _same_wish(evidence: Evidence, event: Placed, findings: Findings) -> None:
    """Seats, reserves and speciality were committed too; only exclusions may be added (V11)."""
    wish = event.body["data"].get("constraints")
    if not isinstance(wish, dict):
        return
    placed = draw_for(evidence, "experts")
    used = placed.body["constraints"]
    changed = [key for key in sorted(wish.keys() - {"exclude"}) if wish[key] != used.get(key)]
    findings.require(
        not changed, str(placed), f"its {', '.join(changed)} are not those committed with the pool"
    )


@check("C62", "The blind codes were drawn", "formulas.md V11")
def blind_codes(evidence: Evidence, findings: Findings) -> None:
    """Submissions in the drawn order get the codes in ascending order (shorter codes first)."""
    blind = evaluation(evidence)["blind"]
    placed = draw_for(evidence, "blind")
    submissions = sorted(b["submission"] for b in blind)
    pool = [{"id": submission} for submission in submissions]
    findings.require(
        placed.body["pool_sha256"] == draws.pool_hash(pool),
        str(placed),
        "not from these bids",
    )
    made = draws.ordered(bytes.fromhex(placed.body["seed"]), placed.body["purpose"], submissions)
    findings.require(placed.body["drawn"] == made, str(placed), "drawn again, the order differs")
    codes = sorted((b["code"] for b in blind), key=lambda code: (len(code), code))
    expected = dict(zip(codes, made, strict=True))
    for item in blind:
        findings.require(
            expected[item["code"]] == item["submission"],
            f"code {item['code']}",
            f"it stands for {item['submission']}, drawn was {expected[item['code']]}",
        )
    listed = {entry["submission"] for entry in evidence.opening["list"]}
    for submission in sorted(opened_submissions(evidence) - set(submissions)):
        findings.fail(f"submission {submission}", "it was opened but has no blind code")
    findings.require(
        set(submissions) <= listed and len(set(codes)) == len(blind) == len(set(submissions)),
        "evaluation.json blind",
        "its codes are not one for each bid",
    )
