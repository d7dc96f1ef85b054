"""Counts of a piece of work, read while it runs."""

from uuid import uuid4

from bidding.bid.meters import Meters


def test_a_meter_is_full_once_every_file_is_through_and_gone_with_its_work() -> None:
    meters, lot = Meters(), uuid4()
    seen = []
    with meters.running(lot) as meter:
        meter.begin([100, 300])
        for size, read in ((100, 100), (300, 40)):
            with meter.file(size) as tell:
                tell(read)
                seen.append(meters.of(lot))
        seen.append(meters.of(lot))
    counts = [(one.through, one.done, one.percent) for one in seen if one is not None]
    # A file that is lost half-way is through all the same.
    assert counts == [(0, 50, 12), (1, 120, 30), (2, 400, 100)]
    assert meters.of(lot) is None
    with meters.running(lot):
        begun = meters.of(lot)
        assert begun is not None
        assert (begun.files, begun.percent) == (0, 0)
