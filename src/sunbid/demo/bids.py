"""Act 2: nine bidders log in, prepare real files, seal offline, hand in; the deadline passes."""

import json
from pathlib import Path
from typing import Any

from foundation.statements.signed import read
from sunbid.client import ServerRefused
from sunbid.demo.play import MINUTE, Play, shown
from sunbid.demo.stage import Outcome
from sunbid.demo_files.bids import DemoBidder, machine_code, write_bid


def prepare(play: Play) -> None:
    """Log in by licence, write the files, seal them offline."""
    stage, deadline = play.stage, play.deadline
    assert deadline is not None
    with play.story.step("bids.login", "九家投标人以电子营业执照登录") as step:
        step.detail = play.move_clock(deadline - 6 * 60 * MINUTE)
        stage.at_once([play.login(bidder.persona) for bidder in play.bidders])
    with play.story.step("bids.prepare", "编制真实文件：PDF、DOCX、XLSX，三册") as step:
        count = 0
        for bidder in play.bidders:
            write_bid(play.files_folder(bidder.persona), bidder, seed=play.story.seed)
            count += sum(1 for f in play.files_folder(bidder.persona).rglob("*") if f.is_file())
        for bidder in play.role("replaces"):
            write_bid(play.files_folder(bidder.persona, 2), bidder, seed=play.story.seed, version=2)
        step.detail = f"{count} 个文件"
    with play.story.step("bids.seal", "离线封装：核对开标密钥后加密、签名清单、试解密") as step:
        material = _material(play)
        made = stage.at_once([_seal(play, bidder, material) for bidder in play.bidders])
        step.detail = f"{len(made)} 份, 开标密钥 {play.papers['opening_keys'][:16]}…"


def hand_in(play: Play) -> None:
    """Refuse plaintext, hand in seven bids, replace one, withdraw one, verify receipts."""
    stage = play.stage
    with play.story.step("bids.plaintext", "未加密文件被拒收并提示，字节即删") as step:
        step.detail = _send_plaintext(play)
    in_time = [b for b in play.bidders if b.role != "late"]
    with play.story.step("bids.submit", "递交：先得受理凭据，再得账本回执") as step:
        done = stage.at_once([_submit(play, bidder) for bidder in in_time])
        _all_received(step, done)
        step.detail = f"{len(done)} 份回执"
    with play.story.step("bids.replace", "一家替换投标文件") as step:
        for bidder in play.role("replaces"):
            first = _act(play, bidder)
            stage.must(*_seal(play, bidder, _material(play), version=2, prev=first))
            _all_received(step, [stage.must(*_submit(play, bidder, version=2))])
            step.detail = f"{bidder.persona} 第 2 次"
    with play.story.step("bids.withdraw", "一家撤回") as step:
        for bidder in play.role("withdraws"):
            _all_received(step, [stage.must(*_withdraw(play, bidder))])
            step.detail = bidder.persona
    with play.story.step("bids.verify", "各家客户端离线验证自己的回执") as step:
        policy = _policy(play)
        receipts = [_receipt(play, b) for b in in_time]
        stage.at_once([["receipt", "verify", r, "--policy", policy] for r in receipts])
        play.story.files["receipts"] = [str(r.relative_to(stage.data)) for r in receipts]
        step.detail = f"{len(receipts)} 份 C1–C9"


def close(play: Play) -> None:
    """The deadline passes; the late one gets a signed refusal with both times."""
    stage, deadline = play.stage, play.deadline
    assert deadline is not None
    with play.story.step("bids.late", "迟到者得到签名的拒收，载明两个时刻") as step:
        moved = play.move_clock(deadline + MINUTE)
        for bidder in play.role("late"):
            stage.must(*play.login(bidder.persona))
            done = stage.command(*_submit(play, bidder))
            refusal = play.bid_folder(bidder.persona) / "refusal.json"
            step.expect(done.code != 0 and refusal.exists(), f"a late bid was taken: {done.out}")
            body = read(refusal.read_bytes()).body
            step.expect(body["code"] == "E_LATE", f"refused as {body['code']}")
            step.detail = f"{moved}; 截止 {body['deadline']} 到达 {body['intake']}"
    with play.story.step("opening.cut", "截止：封账，截止之后的任何文件不再计入") as step:
        play.until(lambda: play.lot_status() == "cut", "the cut")
        step.detail = shown(play.now())


def _seal(
    play: Play, bidder: DemoBidder, material: Path, *, version: int = 1, prev: str | None = None
) -> list[Any]:
    files = play.files_folder(bidder.persona, version)
    folder = play.bid_folder(bidder.persona, version)
    words: list[Any] = [
        "seal", material, "--uscc", bidder.uscc, "--name", bidder.name, "--out", folder,
        "--passphrase-file", _passphrase(play, bidder.persona),
        "--expect-opening-keys", play.papers["opening_keys"],
        # All personas seal on this one machine: each says which machine it stands for.
        "--machine-code", machine_code(bidder, play.story.seed),
    ]  # fmt: skip
    for volume in ("qual", "tech", "price"):
        words += ["--volume", f"{volume}={files / volume}"]
    if prev is not None:
        old = play.bid_folder(bidder.persona, version - 1)
        words += ["--seq", str(version), "--prev", prev]
        words += ["--opening-key", old / "opening-key.json"]
        words += ["--recovery-code-file", old / "recovery-code.txt"]
    return words


def _submit(play: Play, bidder: DemoBidder, *, version: int = 1) -> list[Any]:
    return [
        "submit", play.bid_folder(bidder.persona, version), *play.licence(bidder.persona),
        "--session", play.stage.session(bidder.persona), "--json",
    ]  # fmt: skip


def _withdraw(play: Play, bidder: DemoBidder) -> list[Any]:
    folder = play.bid_folder(bidder.persona)
    return [
        "withdraw", folder, "--out", folder.with_name("withdrawn"),
        *play.licence(bidder.persona), "--session", play.stage.session(bidder.persona), "--json",
    ]  # fmt: skip


def _act(play: Play, bidder: DemoBidder, version: int = 1) -> str:
    folder = play.bid_folder(bidder.persona, version)
    return read((folder / "manifest.json").read_bytes()).sid


def _receipt(play: Play, bidder: DemoBidder) -> Path:
    folder = play.bid_folder(bidder.persona)
    if bidder.role == "withdraws":
        folder = folder.with_name("withdrawn")
    if bidder.role == "replaces":
        folder = play.bid_folder(bidder.persona, 2)
    return folder / "receipt.json"


def _all_received(step: Any, done: list[Outcome]) -> None:
    for outcome in done:
        said = outcome.json()
        step.expect(said["state"] == "received", f"no receipt: {said}")


def _material(play: Play) -> Path:
    """The lot file that every bidder downloads; its platform time is of this moment."""
    path = play.folder / "lot.json"
    with play.stage.client("agency") as client:
        path.write_bytes(client.get_bytes(f"/api/v1/lots/{play.lot}/sealing-material"))
    return path


def _policy(play: Play) -> Path:
    path = play.folder / "policy.txt"
    material = json.loads((play.folder / "lot.json").read_bytes())
    path.write_text(material["policy_text"], encoding="utf-8")
    return path


def _passphrase(play: Play, persona: str) -> Path:
    return play.stage.key_of(persona).with_name("passphrase")


def _send_plaintext(play: Play) -> str:
    """Send a PDF as if it were sealed; it must be refused with a prompt."""
    bidder = play.bidders[1]
    content = next(play.files_folder(bidder.persona).rglob("*.pdf")).read_bytes()
    from bidding.sealing.parts import part_hash, tree_of_parts

    digest = part_hash(content)
    with play.stage.client(bidder.persona) as client:
        upload = client.post(
            "/api/v1/uploads",
            {"size": len(content), "tree": tree_of_parts([digest]), "parts": [digest]},
        )
        try:
            client.put(
                f"/api/v1/uploads/{upload['upload']}/parts/0",
                content,
                {"Upload-Secret": upload["secret"], "Part-Hash": digest},
            )
        except ServerRefused as refused:
            if refused.problem["code"] == "E_MAGIC":
                return f"E_MAGIC: {refused.problem['title']}"
            raise
    raise AssertionError("a plaintext file was taken")
