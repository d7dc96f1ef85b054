"""Act 6: candidates and standstill, the award committee's vote, award, letters."""

from datetime import datetime
from typing import Any

from foundation.statements.signed import kid_of
from sunbid.demo.evaluation import signing
from sunbid.demo.people import committee
from sunbid.demo.play import MINUTE, Play, shown


def award(play: Play) -> None:
    """From the candidates to the letters."""
    stage = play.stage
    with play.story.step("award.candidates", "公示中标候选人；招标人组建定标委员会") as step:
        members = _members(play)
        with stage.client("buyer") as client:
            client.post(f"/api/v1/lots/{play.lot}/committee", {"members": members})
        with stage.client("agency") as client:
            standstill = client.post(f"/api/v1/lots/{play.lot}/candidates")
        step.detail = f"公示至 {shown(moment(standstill['ends_at']))}"
    with play.story.step("award.vote", "公示期满，定标委员会票决（评定分离）") as step:
        moved = play.move_clock(moment(standstill["ends_at"]) + 10 * MINUTE)
        counts = _vote(play, members)
        step.detail = f"{moved}; {counts}"
    with play.story.step("award.sign", "招标人签署定标结果") as step:
        with stage.client("buyer") as client:
            sid = client.post(f"/api/v1/lots/{play.lot}/award")["paper"]
        stage.must(*play.sign_paper("buyer", sid))
        step.expect(play.lot_status() == "awarded", f"the lot is {play.lot_status()}")
        step.detail = sid[:16] + "…"
    with play.story.step("award.letters", "中标通知书与结果通知书同时发出") as step:
        step.detail = f"{play.sign_waiting('buyer', 'letter')} 份"


def _members(play: Play) -> list[str]:
    with play.stage.client("admin") as client:
        known = {a["kid"]: a["id"] for a in client.get("/api/v1/actors?role=committee")}
    return [known[kid_of(play.stage.public_of(persona))] for persona, _ in committee()]


def _vote(play: Play, members: list[str]) -> str:
    """Seven members vote: four for the first candidate, two and one for the others."""
    with play.stage.client("buyer") as client:
        material = client.get(f"/api/v1/lots/{play.lot}/award")
    # The committee knows the clues: where it can, it gives the lot to none of the flagged three.
    ring = {bidder.name for bidder in play.role("ring")}
    ordered = sorted(material["candidates"], key=lambda c: c["name"] in ring)
    candidates = [c["submission"] for c in ordered]
    choices = [candidates[0]] * 4 + [candidates[1 % len(candidates)]] * 2
    choices += [candidates[2 % len(candidates)]]
    play.stage.log_in([play.login(persona, by_key=True) for persona, _ in committee()])
    commands: list[list[Any]] = []
    for (persona, _), member, choice in zip(committee(), members, choices, strict=True):
        body = {
            "v": 1,
            "tender": play.tender,
            "lot": play.lot,
            "round": 1,
            "ballot": 1,
            "member": member,
            "candidate": choice,
        }
        commands.append(signing(play, persona, "vote", body, by_key=True))
    play.stage.at_once(commands)
    return " / ".join(str(choices.count(c)) for c in dict.fromkeys(choices))


def moment(text: str) -> datetime:
    """A time with any offset."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
