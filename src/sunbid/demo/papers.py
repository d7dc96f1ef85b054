"""Documents for people: signed PDFs, fetched by those they are for; screenshots where possible."""

import json
from pathlib import Path

from sunbid.demo.play import Play


def fetch(play: Play) -> None:
    """Fetch receipt, opening record, evaluation report and letter of award as signed PDF."""
    with play.story.step(
        "documents.pdf", "文书：回执、开标记录、评标报告、中标通知书（PAdES 签名）"
    ) as step:
        bidder = play.role("replaces")[0].persona
        receipt = json.loads((play.bid_folder(bidder, 2) / "receipt.json").read_bytes())
        number = receipt["statement"]["body"]["receipt"]
        wanted = (
            (bidder, f"/receipts/{number}/pdf", "receipt.pdf"),
            ("host", f"/lots/{play.lot}/opening/record.pdf", "opening-record.pdf"),
            ("agency", f"/lots/{play.lot}/report.pdf", "evaluation-report.pdf"),
            ("buyer", f"/lots/{play.lot}/letter.pdf", "letter-of-award.pdf"),
        )
        made = [_fetch(play, persona, path, name) for persona, path, name in wanted]
        for path in made:
            content = path.read_bytes()
            step.expect(content.startswith(b"%PDF"), f"{path.name} is no PDF")
            step.expect(b"/ByteRange" in content, f"{path.name} is not signed")
        play.story.files["pdfs"] = [str(path.relative_to(play.stage.data)) for path in made]
        step.detail = f"{len(made)} 份"


def _fetch(play: Play, persona: str, path: str, name: str) -> Path:
    target = play.folder / name
    with play.stage.client(persona) as client:
        target.write_bytes(client.get_bytes(path))
    return target
