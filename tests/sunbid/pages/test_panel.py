"""In which order a seat is led through its cells: names are read last."""

from dataclasses import replace

import pytest

from page_samples import seat_work
from sunbid.pages.panel import SeatWork, cells_in_order, first_left, way_back

pytestmark = pytest.mark.domain


def untouched() -> SeatWork:
    """A seat that has decided nothing."""
    return replace(seat_work(2), marks={})


def test_every_technical_cell_comes_before_the_first_qualification() -> None:
    work = untouched()
    named = {c.id for c in work.method.criteria if c.volume == "qual"}
    assert named
    order = [criterion in named for _, criterion in cells_in_order(work)]
    assert order == sorted(order)
    assert len(order) == len(work.codes) * len(work.method.criteria)


def test_the_way_back_leads_where_the_work_begins() -> None:
    work = untouched()
    first = first_left(work)
    assert first == cells_in_order(work)[0]
    assert first is not None
    assert way_back(work).endswith("/".join(first))
