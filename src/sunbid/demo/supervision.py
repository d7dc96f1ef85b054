"""Act 5: the ring is flagged with evidence, article and grade; a supervisor takes the case."""

from sunbid.client import ServerRefused
from sunbid.demo.play import Play


def flag(play: Play) -> None:
    """The rules look at the opened bids; nobody is rejected by machine."""
    ring = {b.name for b in play.role("ring")}
    with play.story.step("flags.raised", "线索：雷同段落、机器码、报价规律，附证据与条款") as step:
        play.until(lambda: _examined(play), "the examination of the lot")
        with play.stage.client("supervisor") as client:
            page = client.get(f"/api/v1/lots/{play.lot}/flags")
        grades = {f["flag"]: f["grade"] for f in page["findings"]}
        step.expect({"R101", "R102"} <= set(grades), f"found {sorted(grades)}")
        names = {price["bidder"]: price["name"] for price in page["prices"]}
        named = {names[bidder] for f in page["findings"] for bidder in f["bidders"]}
        step.expect(ring <= named, f"the ring is not named: {named}")
        same = {names[b] for f in page["findings"] if f["flag"] == "R102" for b in f["bidders"]}
        step.expect(same == ring, f"one machine is said of {same}")
        step.detail = ", ".join(f"{flag}（{grade} 级）" for flag, grade in sorted(grades.items()))
    with play.story.step("case.taken", "监督人员立案核查；没有任何投标被机器否决") as step:
        with play.stage.client("supervisor") as client:
            case = client.post("/api/v1/cases", {"lot": play.lot})
            client.post(f"/api/v1/cases/{case['id']}/handler")
        step.expect(play.lot_status() in {"recorded", "evaluating", "evaluated"}, "a bid moved")
        step.detail = case["id"][:8]


def _examined(play: Play) -> bool:
    try:
        with play.stage.client("supervisor") as client:
            client.get(f"/api/v1/lots/{play.lot}/flags")
    except ServerRefused:
        return False
    return True
