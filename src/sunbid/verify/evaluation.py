"""C50-C57, C62, C67: statements of the evaluation, the draws, the experts and their sheets."""

from collections.abc import Iterator
from typing import Final

from sunbid.verify import draws
from sunbid.verify.canonical import Object, hash_of, unb64
from sunbid.verify.closing import covering
from sunbid.verify.envelope import kid_of
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.ledger import Checkpoint, read_checkpoint
from sunbid.verify.records import LATER, check_signatures
from sunbid.verify.report import Findings, check

EMPLOYER: Final = "employer"


def evaluation(evidence: Evidence) -> Object:
    """Return the evaluation's file."""
    value: Object = evidence.file("evaluation.json")
    return value


def report(evidence: Evidence) -> Placed:
    """Return the evaluation report; the last one where there are several."""
    evaluation(evidence)
    found = evidence.of_type("evaluation-report")
    if not found:
        raise CannotDecide("no evaluation report is in the package")
    return max(found, key=evidence.order)


def draw_for(evidence: Evidence, purpose: str) -> Placed:
    """Return the draw with a purpose of this lot."""
    evaluation(evidence)
    lot = evidence.lot
    wanted = f"{purpose}/{lot['tender']}/{lot['lot']}"
    found = [p for p in evidence.of_type("draw") if p.body["purpose"] == wanted]
    if not found:
        raise CannotDecide(f"no draw with purpose {wanted} is in the package")
    return found[-1]


@check("C50", "Statements of evaluation and award are signed by the right keys", "decision 17")
def later_signatures(evidence: Evidence, findings: Findings) -> None:
    """Signatures by expert, agency, supervisor, buyer, committee; keys and method as published."""
    _keys(evidence, findings)
    method = evidence.notice["method_sha256"]
    findings.require(
        hash_of(evidence.notice["method"]) == method,
        "notice.json",
        "method_sha256 is not the method's",
    )
    findings.require(
        evaluation(evidence)["method"] == evidence.notice["method"],
        "evaluation.json",
        "its method is not the published one",
    )
    for placed in evidence.of_type("scorecard", "evaluation-report"):
        findings.require(
            placed.body["method_sha256"] == method, str(placed), "it names another method"
        )
    count = check_signatures(
        evidence, findings, [p for p in evidence.statements if p.type in LATER]
    )
    findings.note(f"{count} statements; keys of persons as the package names them")


def _keys(evidence: Evidence, findings: Findings) -> None:
    keys = [("expert", key) for key in evaluation(evidence)["keys"]]
    keys += [
        ("member", key) for key in evidence.package.files.get("award.json", {}).get("committee", [])
    ]
    pool = {candidate["id"]: candidate for candidate in evaluation(evidence)["pool"]}
    seen: set[tuple[str, str]] = set()
    for role, key in keys:
        named = f"key of {role} {key[role]}"
        findings.require(key["kid"] == kid_of(unb64(key["pk"])), named, "its kid is another key's")
        findings.require((role, key[role]) not in seen, named, "a second key of the same person")
        seen.add((role, key[role]))
        committed = pool.get(key[role], {}).get("kid") if role == "expert" else None
        findings.require(
            committed in (None, key["kid"]), named, "the committed pool names another key"
        )


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
    for placed in found:
        checkpoint = _checkpoint(evidence, placed, findings)
        if checkpoint is None:
            continue
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
        placed.body["pool_sha256"] == hash_of(points), str(placed), "it drew from another list"
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
        hash_of(evaluation(evidence)["pool"]),
    )
    findings.require(made == stated, "evaluation.json pool", f"its hash is {made}, not {stated}")
    events = [p for p in evidence.of_type("event") if p.body["data"].get("pool_sha256") == stated]
    leaves = [leaf["index"] for p in events if (leaf := evidence.leaf(p)) is not None]
    if not leaves:
        findings.fail("evaluation.json pool", "no event in the ledger names its hash")
    elif min(leaves) >= evidence.first_index:
        findings.fail(str(events[0]), "the pool was committed after the cut")


def panel_cards(evidence: Evidence) -> list[Placed]:
    """Return the scorecards that the report names, in the order of the seats."""
    return [
        evidence.named(seat["scorecard"], "scorecard") for seat in report(evidence).body["panel"]
    ]


@check("C56", "Every scorecard is a drawn expert's, after the pledge", "house-style decision 17")
def scorecards(evidence: Evidence, findings: Findings) -> None:
    """The panel's seats are drawn or replacing experts, each pledged before scoring."""
    placed = draw_for(evidence, "experts")
    allowed = {*placed.body["drawn"], *placed.body["reserve"]}
    panel = report(evidence).body["panel"]
    names = [seat["expert"] for seat in panel]
    findings.require(
        len(set(names)) == len(names) == placed.body["constraints"].get("seats", len(names)),
        str(report(evidence)),
        "the panel has not the drawn number of different experts",
    )
    cards = {card.sid: card for card in panel_cards(evidence)}
    for seat in panel:
        card = cards[seat["scorecard"]]
        findings.require(
            card.body.get("expert") == seat["expert"], str(card), f"it is not of {seat['expert']}"
        )
        findings.require(seat["expert"] in allowed, str(card), f"{seat['expert']} was not drawn")
        _pledged(evidence, seat["expert"], card, findings)
    findings.note(f"{len(panel)} seats")


def _pledged(evidence: Evidence, expert: str, card: Placed, findings: Findings) -> None:
    pledges = [p for p in evidence.of_type("pledge") if p.body["expert"] == expert]
    if not pledges:
        findings.fail(str(card), f"{expert} made no pledge")
        return
    first = min(pledges, key=evidence.order)
    findings.require(
        evidence.order(first) <= evidence.order(card), str(card), f"{expert} pledged after scoring"
    )
    for pledge in pledges:
        findings.require(
            not pledge.body["conflicts"], str(card), f"{expert} declared a conflict of interest"
        )


@check("C57", "Score rows equal the signed scorecards", "house-style decision 17")
def rows(evidence: Evidence, findings: Findings) -> None:
    """Each row of the platform equals the signed sheet: expert, bid's code and criterion named."""
    signed = {
        (card.body["expert"], score["code"], score["criterion"]): (score["score"], score["passed"])
        for card in panel_cards(evidence)
        for score in card.body["scores"]
    }
    stored: dict[tuple[str, str, str], tuple[str | None, bool | None]] = {}
    for row in evaluation(evidence)["rows"]["scores"]:
        key = (row["expert"], row["code"], row["criterion"])
        if key in stored:
            findings.fail(_cell(evidence, key), "a second row")
        stored[key] = (row["score"], row["passed"])
    for key in sorted(signed.keys() | stored.keys()):
        if key not in signed:
            findings.fail(_cell(evidence, key), "a row that the signed sheet does not have")
        elif key not in stored:
            findings.fail(_cell(evidence, key), "a signed score without a row")
        elif signed[key] != stored[key]:
            findings.fail(
                _cell(evidence, key),
                f"the row says {_said(stored[key])}, the signed sheet {_said(signed[key])}",
            )
    findings.note(f"{len(signed)} scores")


def _cell(evidence: Evidence, key: tuple[str, str, str]) -> str:
    expert, code, criterion = key
    names = {c["id"]: c["name"] for c in evaluation(evidence)["method"]["criteria"]}
    bids = {b["code"]: b["submission"] for b in evaluation(evidence)["blind"]}
    return (
        f"expert {expert}, bid {code} (submission {bids.get(code, 'unknown')}), "
        f"criterion {criterion} {names.get(criterion, '')}".rstrip()
    )


def _said(value: tuple[str | None, bool | None]) -> str:
    score, passed = value
    if passed is None:
        return str(score)
    return f"{'passed' if passed else 'not passed'}{'' if score is None else f' {score}'}"


def sheets(evidence: Evidence) -> Iterator[tuple[Placed, dict[tuple[str, str], Object]]]:
    """Yield the panel's sheets as (card, scores by bid's code and criterion)."""
    for card in panel_cards(evidence):
        yield card, {(s["code"], s["criterion"]): s for s in card.body["scores"]}


@check("C62", "The blind codes were drawn", "formulas.md V11")
def blind_codes(evidence: Evidence, findings: Findings) -> None:
    """Submissions in the drawn order get the codes in ascending order (shorter codes first)."""
    blind = evaluation(evidence)["blind"]
    placed = draw_for(evidence, "blind")
    submissions = sorted(b["submission"] for b in blind)
    pool = [{"id": submission} for submission in submissions]
    findings.require(
        placed.body["pool_sha256"] == hash_of(pool), str(placed), "it drew from other submissions"
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
    findings.require(
        set(submissions) <= listed and len(set(codes)) == len(blind) == len(set(submissions)),
        "evaluation.json blind",
        "its codes are not one for each bid",
    )


@check("C67", "Scoring was locked before prices were scored", "house-style decision 17")
def locked(evidence: Evidence, findings: Findings) -> None:
    """Every scorecard's leaf lies before the leaf of the report with the price scores."""
    end = evidence.order(report(evidence))
    for card in evidence.of_type("scorecard"):
        findings.require(evidence.order(card) <= end, str(card), "it was accepted after the report")
