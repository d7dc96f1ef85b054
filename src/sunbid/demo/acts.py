"""The acts in their order, and the addresses to look at afterwards."""

from sunbid.demo import (
    award,
    bids,
    evaluation,
    evidence,
    opening,
    papers,
    publish,
    screenshots,
    supervision,
)
from sunbid.demo.play import Play
from sunbid.demo.stage import Stage


def play_tender(play: Play) -> None:
    """Play one tender from plan to award."""
    story = play.story
    story.chapter("一、计划与公告")
    publish.register(play)
    publish.publish(play)
    evaluation.commit(play)
    story.chapter("二、投标")
    bids.prepare(play)
    bids.hand_in(play)
    bids.close(play)
    story.chapter("三、开标")
    opening.open_bids(play)
    story.chapter("四、评标")
    evaluation.draw(play)
    evaluation.score(play)
    story.chapter("五、线索与定标")
    supervision.flag(play)
    award.award(play)
    papers.fetch(play)
    story.chapter("六、证据")
    evidence.verify(play)
    screenshots.picture(play)
    evidence.tamper(play)


def addresses(stage: Stage) -> dict[str, str]:
    """Where to look once the story is told."""
    return {
        "公告": f"{stage.server}/tenders",
        "人物": f"{stage.server}/demo/personas",
        "验证": f"{stage.server}/verify",
        "接口": f"{stage.server}/schema/openapi.json",
    }
