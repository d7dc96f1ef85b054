"""Act 1: registration, plan, tender document, notice, opening keys, drill."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bidding.licence.development import DevAuthority
from bidding.regime.clocks import BEIJING
from foundation.statements.canonical import b64
from foundation.statements.signed import read
from sunbid.client import ServerRefused
from sunbid.demo.people import committee, experts, method, offices, seats, tender_words
from sunbid.demo.play import Play, shown
from sunbid.demo_files.bids import VOLUMES, write_tender_documents


def register(play: Play) -> None:
    """The administrator registers organisations, experts and committee; licences are issued."""
    stage = play.stage
    with play.story.step("setup.register", "登记：管理员登记机构、专家、定标委员会") as step:
        known = (stage.data / "registered").exists()
        stage.must(*play.login("admin", by_key=True))
        _issue_licences(play)
        if not known:
            with stage.client("admin") as client:
                for office in offices().values():
                    client.post(
                        "/api/v1/actors",
                        {"role": office.role, "subject": office.uscc, "name": office.name,
                         "alg": None, "pk": None},
                    )  # fmt: skip
                _import_experts(play, client)
                for persona, name in committee():
                    pk = b64(stage.public_of(persona))
                    client.post(
                        "/api/v1/actors",
                        {"role": "committee", "subject": None, "name": name, "alg": "ES256",
                         "pk": pk},
                    )  # fmt: skip
            (stage.data / "registered").touch()
        stage.log_in([play.login(persona) for persona in offices()])
        step.detail = (
            f"{len(offices())} 家机构, {len(experts())} 名专家, {len(committee())} 名定标委员"
        )


def _issue_licences(play: Play) -> None:
    """Ask the development authority for everybody's licence."""
    names = [(o.uscc, o.name, o.kind) for o in offices().values()]
    names += [(b.uscc, b.name, "企业") for b in play.bidders]

    async def issue() -> None:
        authority = await DevAuthority.open(play.stage.app)
        for uscc, name, kind in names:
            await authority.issue(uscc, name, kind)

    asyncio.run(issue())


def _import_experts(play: Play, client: Any) -> None:
    client.post(
        "/api/v1/experts",
        [
            {
                "name": expert.name,
                "specialities": list(expert.specialities),
                "region": expert.region,
                "grade": expert.grade,
                "employer_uscc": expert.employer_uscc,
                "employer_name": expert.employer_name,
                "alg": "ES256",
                "pk": b64(play.stage.public_of(expert.persona)),
            }
            for expert in experts()
        ],
    )


def publish(play: Play) -> None:
    """Plan, draft, tender document, a notice that is refused and a lawful one."""
    words = tender_words()
    start = play.now()
    with play.story.step("plan.publish", "招标计划提前发布") as step:
        with play.stage.client("agency") as client:
            plan = client.post("/api/v1/plans", _plan(play, words, start))["id"]
        step.detail = shown(start)
    issued = (start + timedelta(days=18)).astimezone(BEIJING).date()
    closes = datetime.combine(issued + timedelta(days=21), datetime.min.time(), BEIJING)
    play.deadline = closes + timedelta(hours=9)
    with play.story.step("tender.draft", "起草招标项目，上传招标文件") as step:
        documents = play.folder / "tender-documents"
        files = write_tender_documents(documents)
        with play.stage.client("agency") as client:
            made = client.post("/api/v1/tenders", _tender(play, words, plan, start))
            play.tender, play.lot = made["tender"], made["lots"][0]
            for file in files:
                client.put(f"/api/v1/lots/{play.lot}/documents/{file.name}", file.read_bytes())
        step.detail = f"{len(files)} 个文件"
    with play.story.step("custody.keygen", "保管人与补救组各自生成密钥，由本单位背书") as step:
        members = [*seats("T"), *seats("R")]
        for office in members:
            play.stage.key_of(office.persona)
        play.stage.at_once([_keygen(play, office.persona) for office in members])
        step.detail = "3 + 3 席，各需 2"
    _announce(play, issued)


def _announce(play: Play, issued: Any) -> None:
    deadline = play.deadline
    assert deadline is not None
    with play.story.step("notice.refused", "期限只有 19 天的公告被拒绝") as step:
        try:
            _post_announcement(play, deadline.date() - timedelta(days=19), deadline)
        except ServerRefused as refused:
            article = refused.problem.get("article")
            step.expect("24" in str(article), f"refused without its article: {refused}")
            step.detail = f"{refused.problem['code']}: {article}"
        else:
            step.expect(False, "a notice of 19 days was accepted")
    with play.story.step("notice.publish", "合法公告：招标人与监督部门会签后发布") as step:
        moved = play.move_clock(datetime.combine(issued, datetime.min.time(), BEIJING)
                                + timedelta(hours=9))  # fmt: skip
        papers = _post_announcement(play, issued, deadline)
        for persona in ("buyer", "supervisor"):
            play.stage.must(
                *play.sign_papers(persona, [papers["opening_keys"], papers["schedule"]])
            )
        with play.stage.client("agency") as client:
            client.post(f"/api/v1/lots/{play.lot}/publication")
        play.papers["opening_keys"] = papers["opening_keys"]
        step.detail = f"{moved}; 截止 {shown(deadline)}"
    with play.story.step("custody.drill", "保管人演练：各席位取得任命并应答") as step:
        play.ticks()
        with play.stage.client("agency") as client:
            client.post(f"/api/v1/lots/{play.lot}/drills")
        members = [o.persona for o in (*seats("T"), *seats("R"))]
        play.stage.at_once([custodian(play, p, "ready") for p in members])
        step.detail = f"{len(members)}/{len(members)}"


def _post_announcement(play: Play, issued: Any, deadline: datetime) -> dict[str, str]:
    groups = {
        group: [_member_sid(play, office.persona) for office in seats(group)]
        for group in ("T", "R")
    }
    with play.stage.client("agency") as client:
        papers: dict[str, str] = client.post(
            f"/api/v1/lots/{play.lot}/announcement",
            {
                "issued_on": issued.isoformat(),
                "deadline_at": deadline.isoformat(),
                "custodians": groups["T"],
                "custodians_needed": 2,
                "remedy": groups["R"],
                "remedy_needed": 2,
            },
        )
    return papers


def _keygen(play: Play, persona: str) -> list[Any]:
    office = offices()[persona]
    return [
        "custodian", "keygen", "--home", play.stage.person(persona) / f"seat-{play.number:04d}",
        "--passphrase-file", play.stage.key_of(persona).with_name("passphrase"),
        "--session", play.stage.session(persona), "--uscc", office.uscc, "--name", office.name,
        "--seat", office.seat or "other", "--app", play.stage.app, "--yes",
    ]  # fmt: skip


def custodian(play: Play, persona: str, action: str) -> list[Any]:
    """The command of a seat for this lot."""
    remedy = ["--remedy"] if offices()[persona].group == "R" else []
    return [
        "custodian", action, play.lot, *remedy, "--home", seat_home(play, persona),
        "--passphrase-file", play.stage.key_of(persona).with_name("passphrase"),
        "--session", play.stage.session(persona),
    ]  # fmt: skip


def seat_home(play: Play, persona: str) -> Path:
    """The folder of a seat: that of the newest key."""
    homes = sorted(play.stage.person(persona).glob("seat-*"))
    return homes[-1] if homes else play.stage.person(persona) / f"seat-{play.number:04d}"


def _member_sids(play: Play, persona: str) -> list[str]:
    with play.stage.client("agency") as client:
        known = client.get("/api/v1/member-keys")
    return [m["sid"] for m in known if m["uscc"] == play.uscc(persona)]


def _member_sid(play: Play, persona: str) -> str:
    """The member key that the seat's folder holds."""
    held = read((seat_home(play, persona) / "member-key.statement.json").read_bytes())
    return held.sid


def _plan(play: Play, words: dict[str, Any], start: datetime) -> dict[str, Any]:
    buyer = offices()["buyer"]
    return {
        "number": f"JH-{start:%Y%m%d}-{play.number:02d}",
        "title": words["title"],
        "regime": words["regime"],
        "region": words["region"],
        "buyer_uscc": buyer.uscc,
        "buyer_name": buyer.name,
        "estimate_yuan": words["estimate_yuan"],
        "summary": words["plan_summary"],
        "expected_on": (start + timedelta(days=18)).astimezone(BEIJING).date().isoformat(),
    }


def _tender(play: Play, words: dict[str, Any], plan: str, start: datetime) -> dict[str, Any]:
    parties = {}
    for part in ("buyer", "agency", "supervisor", "host"):
        parties[f"{part}_uscc"] = offices()[part].uscc
        parties[f"{part}_name"] = offices()[part].name
    return {
        "number": f"A3406-{start:%Y}-{play.number:04d}",
        "plan": plan,
        "title": words["title"],
        "regime": words["regime"],
        "region": words["region"],
        "category": words["category"],
        "summary": words["summary"],
        "parties": parties,
        "lots": [
            {
                "title": words["lot_title"],
                "ceiling_price_yuan": words["ceiling_price_yuan"],
                "duration_days": words["duration_days"],
                "facts": words["facts"],
                "method": method(),
                "volumes": list(VOLUMES),
                "minimum_bidders": words["minimum_bidders"],
                "standstill_days": words["standstill_days"],
                "award_separated": True,
            }
        ],
    }
