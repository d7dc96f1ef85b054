"""C63-C66: the committee's vote, the award, the letters and the standstill."""

from datetime import datetime
from typing import Final

from sunbid.verify.canonical import Object, milliseconds
from sunbid.verify.evaluation import report
from sunbid.verify.evidence import CannotDecide, Evidence, Placed
from sunbid.verify.ranking import exact, prices
from sunbid.verify.report import Findings, check

DAY_MS: Final = 86_400_000
COMMITTEE: Final = "bidding:committee:appoint"
CANDIDATES: Final = "bidding:candidates:announce"


def the_award(evidence: Evidence) -> Placed:
    """Return the award."""
    evidence.file("award.json")
    found = evidence.of_type("award")
    if len(found) != 1:
        raise CannotDecide(f"{len(found)} awards are in the package")
    return found[0]


def ballots(evidence: Evidence) -> dict[int, dict[str, int]]:
    """Count the votes of each ballot by candidate."""
    # From the signed votes themselves, never from the counts that the award states.
    counts: dict[int, dict[str, int]] = {}
    for vote in evidence.of_type("vote"):
        ballot = counts.setdefault(vote.body["ballot"], {})
        ballot[vote.body["candidate"]] = ballot.get(vote.body["candidate"], 0) + 1
    return counts


@check("C63", "The committee's votes were counted rightly", "formulas.md V21")
def votes(evidence: Evidence, findings: Findings) -> None:
    """Votes of listed members, one a ballot, for a candidate; counts equal the award's.

    `direct` (the notice's `award_vote`, or none): one ballot, another one only after a tie.
    `rounds`: each ballot drops who had fewest. Where the notice does not separate the award
    from the evaluation there is no vote.
    """
    award = the_award(evidence)
    members = {key["member"] for key in evidence.file("award.json")["committee"]}
    candidates = set(report(evidence).body["candidates"])
    seen: set[tuple[int, str]] = set()
    for vote in evidence.of_type("vote"):
        body = vote.body
        findings.require(body["member"] in members, str(vote), f"{body['member']} has no seat")
        key = (body["ballot"], body["member"])
        findings.require(key not in seen, str(vote), f"{body['member']} voted twice in a ballot")
        seen.add(key)
        findings.require(
            body["candidate"] in candidates, str(vote), "it is for somebody who is no candidate"
        )
    _appointed(evidence, members, findings)
    counted = ballots(evidence)
    if not counted and evidence.notice.get("award_separated") is False:
        findings.note("awarded by rank, without a vote")
        return
    stated = [
        {row["candidate"]: row["votes"] for row in ballot if row["votes"]}
        for ballot in award.body["ballots"]
    ]
    findings.require(
        stated == [counted.get(i + 1, {}) for i in range(max(len(stated), 0, *counted))],
        str(award),
        f"votes counted {counted}, the award says {stated}",
    )
    findings.require(
        set(award.body["votes"]) == {p.sid for p in evidence.of_type("vote")},
        str(award),
        "it does not name every vote",
    )
    _between_ballots(evidence, award, counted, findings)


def _appointed(evidence: Evidence, members: set[str], findings: Findings) -> None:
    """The committee is the one that an event put into the ledger, where one did."""
    for event in evidence.of_type("event"):
        named = event.body["data"].get("members")
        if event.body["name"] == COMMITTEE and isinstance(named, list):
            findings.require(
                members == {str(member) for member in named},
                str(event),
                "it appointed other members than award.json lists",
            )


def _between_ballots(
    evidence: Evidence, award: Placed, counted: dict[int, dict[str, int]], findings: Findings
) -> None:
    rounds = evidence.notice.get("award_vote", "direct") == "rounds"
    candidates = set(report(evidence).body["candidates"])
    for number in sorted(counted)[1:]:
        before = counted.get(number - 1, {})
        if not before:
            findings.fail(str(award), f"ballot {number - 1} has no votes")
            continue
        most, fewest = max(before.values()), min(before.values())
        allowed = candidates
        if rounds:
            allowed = {c for c, n in before.items() if n > fewest} or set(before)
        else:
            tied = sum(n == most for n in before.values()) > 1
            findings.require(
                tied, str(award), f"ballot {number} although ballot {number - 1} decided"
            )
        findings.require(
            counted[number].keys() <= allowed,
            str(award),
            f"ballot {number} has votes for somebody who was out",
        )


@check("C64", "The award is the vote's result at the opened price", "formulas.md V21")
def result(evidence: Evidence, findings: Findings) -> None:
    """The award names the one with most votes in the last ballot, a candidate, at its price."""
    award = the_award(evidence)
    body = award.body
    top = _chosen(evidence)
    findings.require(top == [body["submission"]], str(award), f"chosen was {top}")
    findings.require(
        body["submission"] in report(evidence).body["candidates"], str(award), "it is no candidate"
    )
    bidder = evidence.bidder_of(body["submission"])
    findings.require(
        (body["uscc"], body["name"]) == (bidder["uscc"], bidder["name"]),
        str(award),
        f"its bid is that of {bidder['name']} ({bidder['uscc']})",
    )
    price = prices(evidence).get(body["submission"])
    findings.require(
        price is not None and exact(body["price_yuan"]) == price,
        str(award),
        f"it states {body['price_yuan']} yuan, opened was {price}",
    )
    findings.note(f"{body['name']}, {body['price_yuan']} yuan")


def _chosen(evidence: Evidence) -> list[str]:
    """Return who had most votes in the last ballot; by rank where the award is not separated."""
    last = ballots(evidence)
    if last:
        counts = last[max(last)]
        return [c for c, n in counts.items() if n == max(counts.values())]
    if evidence.notice.get("award_separated") is False:
        return [r["submission"] for r in report(evidence).body["results"] if r["rank"] == 1]
    raise CannotDecide("no vote is in the package")


@check("C65", "The winner and all others were told", "house-style decision 17")
def letters(evidence: Evidence, findings: Findings) -> None:
    """One letter to the winner, one with the result to every other bidder of the list."""
    award = the_award(evidence)
    bidders = {
        b["uscc"]: b["name"]
        for b in (evidence.bidder_of(e["submission"]) for e in evidence.opening["list"])
    }
    sent: dict[str, str] = {}
    for letter in evidence.of_type("letter"):
        body = letter.body
        expected = "winner" if body["uscc"] == award.body["uscc"] else "result"
        findings.require(body["award"] == award.sid, str(letter), "it names another award")
        findings.require(body["uscc"] in bidders, str(letter), f"{body['name']} made no bid")
        findings.require(body["uscc"] not in sent, str(letter), f"a second one to {body['name']}")
        findings.require(
            body["kind"] == expected, str(letter), f"{body['name']} got a letter of {body['kind']}"
        )
        sent[body["uscc"]] = body["kind"]
    for uscc in sorted(bidders.keys() - sent.keys()):
        findings.fail(f"bidder {bidders[uscc]} ({uscc})", "no letter was sent")
    findings.note(f"{len(sent)} letters")


@check("C66", "The standstill was kept", "notice")
def standstill(evidence: Evidence, findings: Findings) -> None:
    """After the report, not shorter than the notice says, and over before the award."""
    period: Object = evidence.file("award.json")["standstill"]
    days = evidence.notice["standstill_days"]
    start, end = milliseconds(period["starts_at"]), milliseconds(period["ends_at"])
    findings.require(
        end - start >= days * DAY_MS,
        "award.json standstill",
        f"{period['starts_at']} to {period['ends_at']} is shorter than {days} days",
    )
    _announced(evidence, (start, end), findings)
    reported = evidence.accepted_ms(report(evidence))
    awarded = evidence.accepted_ms(the_award(evidence))
    if reported is None or awarded is None:
        raise CannotDecide("report or award have no opened leaf (C4)")
    findings.require(
        reported <= start, "award.json standstill", "it began before the report was there"
    )
    findings.require(
        end <= awarded, str(the_award(evidence)), "it was made before the standstill ended"
    )
    findings.note(f"{days} days in the notice")


def _announced(evidence: Evidence, period: tuple[int, int], findings: Findings) -> None:
    """The period is the one that an event put into the ledger, where one did."""
    announced = [p for p in evidence.of_type("event") if p.body["name"] == CANDIDATES]
    if not announced:
        findings.note("nothing in the ledger binds its dates")
        return
    stated = announced[-1].body["data"].get("ends_at")
    try:
        ends = round(datetime.fromisoformat(str(stated)).timestamp() * 1000)
    except (ValueError, OverflowError):
        findings.fail(str(announced[-1]), "it states no end of the standstill")
        return
    findings.require(
        period == (evidence.accepted_ms(announced[-1]), ends),
        str(announced[-1]),
        "it announced other dates than award.json states",
    )
