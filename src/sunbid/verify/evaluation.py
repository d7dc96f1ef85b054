"""C50, C56, C57, C67: statements of the evaluation, the panel and its sheets."""

from collections.abc import Iterator
from decimal import Decimal

from sunbid.verify.canonical import Object, hash_of, unb64
from sunbid.verify.envelope import kid_of
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.records import LATER, check_signatures
from sunbid.verify.report import Findings, check

Cell = tuple[str | None, bool | None]  # score, passed


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
    _notice(evidence, findings)
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
    findings.note(f"{count} statements; {_binding(evidence)}")


def _notice(evidence: Evidence, findings: Findings) -> None:
    """The notice is the one whose hash an event put into the ledger; only the deadline may move."""
    published = {
        p.body["data"]["notice_sha256"]: p
        for p in evidence.of_type("event")
        if isinstance(p.body["data"].get("notice_sha256"), str)
    }
    if not published:
        findings.note("nothing in the ledger binds the notice")
        return
    deadlines = {p.body["deadline"] for p in evidence.of_type("schedule")}
    made = {hash_of(evidence.notice)}
    made |= {hash_of(evidence.notice | {"deadline": deadline}) for deadline in deadlines}
    findings.require(
        bool(made & published.keys()), "notice.json", "it is not the notice that was published"
    )


def _binding(evidence: Evidence) -> str:
    pool = {candidate["id"]: candidate.get("kid") for candidate in evaluation(evidence)["pool"]}
    bound = all(pool.get(key["expert"]) == key["kid"] for key in evaluation(evidence)["keys"])
    source = "committed pool" if bound else "package"
    return f"keys of experts as the {source} names them, of the committee as the package does"


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
        _last_word(evidence, card, findings)
        findings.require(seat["expert"] in allowed, str(card), f"{seat['expert']} was not drawn")
        _pledged(evidence, seat["expert"], card, findings)
    findings.note(f"{len(panel)} seats")


def _last_word(evidence: Evidence, card: Placed, findings: Findings) -> None:
    """The report stands on the expert's last sheet, so that nobody picks among several."""
    own = [p for p in evidence.of_type("scorecard") if p.body["expert"] == card.body.get("expert")]
    findings.require(
        not own or max(own, key=evidence.order).sid == card.sid,
        str(card),
        f"{card.body.get('expert')} signed a later one",
    )


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
    stored: dict[tuple[str, str, str], Cell] = {}
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
        elif not _equal(signed[key], stored[key]):
            findings.fail(
                _cell(evidence, key),
                f"the row says {_said(stored[key])}, the signed sheet {_said(signed[key])}",
            )
    findings.note(f"{len(signed)} scores")


def _equal(signed: Cell, stored: Cell) -> bool:
    """Say whether two scores are the same number, or both none, and the same pass."""
    one, two = (None if score is None else Decimal(score) for score, _ in (signed, stored))
    return one == two and signed[1] == stored[1]


def _cell(evidence: Evidence, key: tuple[str, str, str]) -> str:
    expert, code, criterion = key
    names = {c["id"]: c["name"] for c in evaluation(evidence)["method"]["criteria"]}
    bids = {b["code"]: b["submission"] for b in evaluation(evidence)["blind"]}
    return (
        f"expert {expert}, bid {code} (submission {bids.get(code, 'unknown')}), "
        f"criterion {criterion} {names.get(criterion, '')}".rstrip()
    )


def _said(value: Cell) -> str:
    score, passed = value
    if passed is None:
        return str(score)
    return f"{'passed' if passed else 'not passed'}{'' if score is None else f' {score}'}"


def sheets(evidence: Evidence) -> Iterator[tuple[Placed, dict[tuple[str, str], Object]]]:
    """Yield the panel's sheets as (card, scores by bid's code and criterion)."""
    for card in panel_cards(evidence):
        yield card, {(s["code"], s["criterion"]): s for s in card.body["scores"]}


@check("C67", "Scoring was locked before prices were scored", "house-style decision 17")
def locked(evidence: Evidence, findings: Findings) -> None:
    """Every scorecard's leaf lies before the leaf of the report with the price scores."""
    end = evidence.order(report(evidence))
    for card in evidence.of_type("scorecard"):
        findings.require(evidence.order(card) <= end, str(card), "it was accepted after the report")
