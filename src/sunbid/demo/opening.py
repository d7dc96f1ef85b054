"""Act 3: closing, releases of bidders, checks of members, remedy, custodians, record."""

from typing import Any

from sunbid.demo.people import seats
from sunbid.demo.play import MINUTE, Play, shown
from sunbid.demo.publish import custodian


def open_bids(play: Play) -> None:
    """The whole opening; nothing is decrypted before phase 4."""
    stage = play.stage
    with play.story.step("opening.closing", "主持人确认封账名单") as step:
        with stage.client("host") as client:
            closing = client.post(f"/api/v1/lots/{play.lot}/closing")
        step.detail = f"{closing['body']['count']} 家, 名单根 {closing['body']['list_root'][:16]}…"
        play.ticks()
        play.until(lambda: _step(play, "phase1"), "the closing in a checkpoint")
    listed = [b for b in play.bidders if b.role not in {"late", "withdraws"}]
    present = [b for b in listed if b.role != "absent"]
    with play.story.step("opening.release", "投标人放行：各交出自己的一半密钥") as step:
        stage.at_once([_release(play, b.persona, 2 if b.role == "replaces" else 1)
                       for b in present])  # fmt: skip
        step.detail = f"{len(present)}/{len(listed)}, 一家缺席"
    everybody = [o.persona for o in (*seats("T"), *seats("R"))]
    with play.story.step("opening.check", "全体保管人与补救组核对份额，不示出份额") as step:
        stage.at_once([custodian(play, p, "check") for p in everybody])
        step.detail = f"{len(everybody)} 席, 各 {len(listed) * 3} 份"
    with play.story.step(
        "opening.remedy", "缺席者：监督部门会签补救清单，补救组放行（3 取 2）"
    ) as step:
        moved = play.move_clock(play.now() + 31 * MINUTE)
        play.step_of_opening("phase2")
        stage.must(*play.sign_paper("supervisor", _paper(play, "supervisor", "remedy-start")))
        play.ticks()
        stage.at_once([custodian(play, o.persona, "release") for o in seats("R")[:2]])
        play.ticks()
        step.detail = moved
    with play.story.step("opening.custodians", "保管人放行（3 取 2）") as step:
        play.step_of_opening("phase3")
        stage.at_once([custodian(play, o.persona, "release") for o in seats("T")[:2]])
        step.expect(play.opening()["bids"][0]["items"] is None, "a price was shown too early")
        step.detail = "此刻仍无任何报价可见"
    with play.story.step("opening.open", "此时才解密：逐册合成、校验、解包") as step:
        play.until(lambda: _step(play, "phase4"), "the blobs read back")
        play.until(lambda: play.opening()["phase"] == "record", "the decryption")
        bids = play.opening()["bids"]
        opened = [b for b in bids if all(r["code"] == "OPENED" for r in b["results"])]
        step.expect(len(opened) == len(listed), f"opened {len(opened)} of {len(listed)}")
        prices = sorted(b["items"]["price_yuan"] for b in opened)
        step.detail = f"{len(opened)} 家, {prices[0]} 至 {prices[-1]} 元"
    with play.story.step("opening.record", "唱标；开标记录由平台、主持人、监督部门签署") as step:
        play.move_clock(play.now() + 16 * MINUTE)
        sid = _paper(play, "host", "opening-record")
        stage.must(*play.sign_paper("host", sid))
        stage.must(*play.sign_paper("supervisor", sid))
        step.expect(play.lot_status() == "recorded", f"the lot is {play.lot_status()}")
        step.detail = f"{shown(play.now())}, 记录 {sid[:16]}…"


def _release(play: Play, persona: str, version: int) -> list[Any]:
    return [
        "release", play.bid_folder(persona, version), "--server", play.stage.server,
        "--passphrase-file", play.stage.key_of(persona).with_name("passphrase"),
    ]  # fmt: skip


def _step(play: Play, step: str) -> bool:
    """Try a step of the opening; its guard may not be open yet."""
    from sunbid.client import ServerRefused

    try:
        play.step_of_opening(step)
    except ServerRefused as refused:
        if refused.problem.get("code") in {"cut-missing", "members-missing"}:
            return False
        raise
    return True


def _paper(play: Play, persona: str, type_: str) -> str:
    """The sid of the newest paper of a type that waits for a persona."""
    with play.stage.client(persona) as client:
        found = [
            p["sid"]
            for p in client.get("/api/v1/papers")
            if p["statement"]["type"] == type_ and p["scope"] == play.lot
        ]
    return str(found[-1])
