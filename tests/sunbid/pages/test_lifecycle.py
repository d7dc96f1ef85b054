"""The dial of a lot: what is sealed now is said to be, what is over is not."""

import pytest

from bidding.tender.domain import TRANSITIONS
from page_samples import NOW, a_lot
from sunbid.pages.elements import words
from sunbid.pages.lifecycle import STAGES, LotTimes, lot_dial

pytestmark = pytest.mark.domain
STATES = sorted(set(TRANSITIONS.values()))


@pytest.mark.parametrize("status", STATES)
def test_bids_are_said_to_be_sealed_only_until_the_deadline(status: str) -> None:
    dial = lot_dial(a_lot(status), NOW, LotTimes())
    bids = dial[STAGES.index("bidding")]
    is_open = status == "published"
    assert bids.is_sealed == is_open
    assert bids.note == words("stage.bidding.note" if is_open else "stage.bidding.past")
