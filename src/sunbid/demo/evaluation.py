"""Act 4: commitments and reveals, public draws, blind scoring in seats, the signed report."""

import json
import random
import secrets
from decimal import Decimal
from typing import Any
from uuid import UUID

from foundation.draw import seed_commitment
from foundation.statements.canonical import b64, canonical
from sunbid.client import Client, ServerRefused
from sunbid.demo.people import DemoExpert, experts, method, tender_words
from sunbid.demo.play import Play
from sunbid.demo.stage import Outcome
from sunbid.demo.story import StepFailed

CONTRIBUTORS = ("agency", "supervisor", "host")
MARKS = {"T1": (9, 15), "T2": (9, 15), "T3": (6, 10)}


def commit(play: Play) -> None:
    """Before the closing: the pool is committed, three contributors commit to secrets."""
    with play.story.step("draw.commit", "截止前承诺：专家名单与三方随机数只公布摘要") as step:
        with play.stage.client("agency") as client:
            pool = client.post(
                f"/api/v1/lots/{play.lot}/pool",
                {
                    "seats": 5,
                    "reserve": 3,
                    "speciality": tender_words()["expert_speciality"],
                    "at_most_per_employer": 1,
                },
            )
        commands = []
        for persona in CONTRIBUTORS:
            secret = secrets.token_bytes(32)
            (play.stage.person(persona) / f"secret-{play.number}").write_bytes(secret)
            body = {
                **_place(play),
                "contributor": play.uscc(persona),
                "commitment": seed_commitment(UUID(play.lot), secret).hex(),
            }
            commands.append(signing(play, persona, "seed-commit", body))
        play.stage.at_once(commands)
        step.detail = f"{pool['experts']} 名专家, 名单摘要 {pool['pool_sha256'][:16]}…"


def draw(play: Play) -> None:
    """After the closing: reveals, then float point, experts and blind codes, redone by anybody."""
    with play.story.step("draw.reveal", "截止后公开三方随机数，与封账检查点合成公共种子") as step:
        with play.stage.client("agency") as client:
            commits = {c["contributor"]: c["sid"]
                       for c in client.get(f"/api/v1/lots/{play.lot}/seed")["commits"]}  # fmt: skip
        commands = []
        for persona in CONTRIBUTORS:
            secret = (play.stage.person(persona) / f"secret-{play.number}").read_bytes()
            body = {
                **_place(play),
                "commit": commits[play.uscc(persona)],
                "secret": b64(secret),
            }
            commands.append(signing(play, persona, "seed-reveal", body))
        play.stage.at_once(commands)
        step.detail = "3/3"
    drawn = {}
    for kind, name in (
        ("float", "抽取浮动点"),
        ("experts", "抽取五名专家（回避单位已排除）"),
        ("blind", "抽取暗标编号"),
    ):
        with play.story.step(f"draw.{kind}", name) as step:
            with play.stage.client("agency") as client:
                sid = client.post(f"/api/v1/lots/{play.lot}/draws", {"kind": kind})["paper"]
            play.stage.must(*play.sign_paper("agency", sid))
            with play.stage.client("supervisor") as client:
                drawn[kind] = client.get(f"/api/v1/papers/{sid}")["statement"]["body"]
            play.stage.must(*play.sign_paper("supervisor", sid))
            step.detail = _draw_detail(kind, drawn[kind])
    _redo(play, drawn["float"])


def _draw_detail(kind: str, body: dict[str, Any]) -> str:
    if kind == "float":
        return f"浮动点 {body['drawn'][0]}"
    if kind == "experts":
        reasons = sorted({e["reason"] for e in body["excluded"]})
        return f"{len(body['drawn'])} 名, 候补 {len(body['reserve'])}, 排除 {len(reasons)} 类"
    return f"{len(body['drawn'])} 个编号"


def _redo(play: Play, body: dict[str, Any]) -> None:
    """Anybody redoes the drawing of the float point with `sunbid draw`."""
    with play.story.step("draw.redo", "任何人用 sunbid draw 重做抽取，结果相同") as step:
        pool = play.folder / "float-pool.json"
        wishes = play.folder / "float-constraints.json"
        pool.write_bytes(canonical(method()["price"]["float_points"]))
        wishes.write_text(json.dumps(body["constraints"]))
        done: Outcome = play.stage.must(
            "draw", pool, "--seed", body["seed"], "--purpose", body["purpose"],
            "--constraints", wishes, "--json",
        )  # fmt: skip
        found = done.json()
        step.expect(found["drawn"] == body["drawn"], f"redone as {found['drawn']}")
        step.expect(found["pool_sha256"] == body["pool_sha256"], "the list has another hash")
        step.detail = f"种子 {body['seed'][:16]}… → {found['drawn'][0]}"


def score(play: Play) -> None:
    """Pledges, blind scoring in separate seats, the lock, the report signed by all."""
    panel: list[tuple[DemoExpert, dict[str, Any]]] = []
    with play.story.step("panel.pledge", "五名专家签到、承诺、声明无回避情形") as step:
        play.stage.log_in([play.login(expert.persona, by_key=True) for expert in experts()])
        for expert in experts():
            with play.stage.client(expert.persona) as client:
                mine = [p for p in client.get("/api/v1/panels") if p["lot"] == play.lot]
            if mine:
                panel.append((expert, mine[0]))
        step.expect(len(panel) == 5, f"{len(panel)} experts were called")
        text = "本人与投标人无利害关系，保守秘密，独立评审。"
        place = {**_place(play), "conflicts": [], "text": text}
        play.stage.at_once(
            [
                signing(
                    play, expert.persona, "pledge", {**place, "expert": seat["expert"]}, by_key=True
                )
                for expert, seat in panel
            ]
        )
        step.detail = "5/5"
    with play.story.step(
        "panel.score", "各席独立评阅暗标技术册，给全技术分后才打开资格册，签署评分表"
    ) as step:
        commands = []
        for expert, seat in panel:
            commands.append(_scorecard(play, expert, seat["expert"]))
        _peep(play, panel[0][0])
        play.stage.at_once(commands)
        step.detail = "互不可见，锁定前无报价"
    with play.story.step("panel.report", "锁定后按 V5 计算报价分；评标报告由全体签署") as step:
        with play.stage.client("agency") as client:
            sid = client.post(f"/api/v1/lots/{play.lot}/evaluation-report")["paper"]
            result = client.get(f"/api/v1/lots/{play.lot}/evaluation")
        play.stage.at_once(
            [play.sign_paper(expert.persona, sid, by_key=True) for expert, _ in panel]
        )
        step.expect(play.lot_status() == "evaluated", f"the lot is {play.lot_status()}")
        first = min((r for r in result["results"] if r["rank"]), key=lambda r: r["rank"])
        step.detail = f"基准价 {result['price_benchmark']}, 第一名 {first['total']} 分"


def _scorecard(play: Play, expert: DemoExpert, expert_id: str) -> list[Any]:
    """Read the blind bids, save drafts on the platform, and prepare the signing command."""
    dice = random.Random(f"{play.story.seed}/{expert.persona}")  # noqa: S311 - invented marks
    with play.stage.client(expert.persona) as client:
        material = client.get(f"/api/v1/lots/{play.lot}/blind-bids")
        codes = [bid["code"] for bid in material["bids"]]
        rows = []
        for code in codes:
            for criterion, (least, most) in MARKS.items():
                score = Decimal(dice.randint(least * 2, most * 2)) / 2
                rows.append(_row(code, criterion, f"{score}", None, "见技术册"))
        _save(client, play, rows)
        # Only now the volumes that name the bidders; the technical marks are frozen by that.
        client.post(f"/api/v1/lots/{play.lot}/qualification")
        verdicts = [_row(code, "Q1", None, True, "齐全有效") for code in codes]
        _save(client, play, verdicts)
        rows += verdicts
    body = {
        **_place(play),
        "expert": expert_id,
        "method_sha256": material["method_sha256"],
        "stage": "technical",
        "scores": sorted(rows, key=lambda r: (r["code"], r["criterion"])),
    }
    return signing(play, expert.persona, "scorecard", body, by_key=True)


def _save(client: Client, play: Play, rows: list[dict[str, Any]]) -> None:
    """Save new drafts on the platform."""
    client.put(
        f"/api/v1/lots/{play.lot}/marks",
        json.dumps({"marks": [{**row, "version": 0} for row in rows]}).encode(),
        {"Content-Type": "application/json"},
    )


def _row(
    code: str, criterion: str, score: str | None, passed: bool | None, comment: str
) -> dict[str, Any]:
    return {
        "code": code,
        "criterion": criterion,
        "score": score,
        "passed": passed,
        "comment": comment,
    }


def _peep(play: Play, expert: DemoExpert) -> None:
    """An expert who wants others' marks too early, or frozen marks changed, is refused."""
    changed = _row("01", next(iter(MARKS)), "0", None, "改")
    with play.stage.client(expert.persona) as client:
        for ask in (
            lambda: client.get(f"/api/v1/lots/{play.lot}/evaluation"),
            lambda: _save(client, play, [changed]),
        ):
            try:
                ask()
            except ServerRefused:
                continue
            raise StepFailed("an expert saw or changed what is closed before the lock")


def _place(play: Play) -> dict[str, Any]:
    return {"v": 1, "tender": play.tender, "lot": play.lot, "round": 1}


def signing(
    play: Play, persona: str, type_: str, body: dict[str, Any], *, by_key: bool = False
) -> list[Any]:
    """The command that signs a statement of one's own and hands it in."""
    path = play.stage.person(persona) / f"{type_}-{play.number}.json"
    path.write_bytes(canonical(body))
    who = play.key(persona) if by_key else play.licence(persona)
    return ["sign", type_, path, *who, "--session", play.stage.session(persona), "--post"]
