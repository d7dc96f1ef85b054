"""Two demonstrations that start at the same moment never share a port."""

import tempfile
from pathlib import Path

import pytest

from sunbid.demo.stage import PortTaken, claim_port, open_stage


def test_a_port_that_nobody_listens_on_yet_is_claimed_once() -> None:
    first, one = claim_port(18900)
    second, other = claim_port(18900)
    assert first < second
    one.close()
    again, third = claim_port(first)
    assert again == first
    for claim in (other, third):
        claim.close()


def test_two_stages_differ_before_anything_listens() -> None:
    with tempfile.TemporaryDirectory(prefix="sunbid-ports-") as folder:
        one = open_stage(Path(folder) / "one", None, named=True)
        two = open_stage(Path(folder) / "two", None, named=True)
        assert len({one.port, one.licence_port, two.port, two.licence_port}) == 4
        with pytest.raises(PortTaken, match="is taken"):
            open_stage(Path(folder) / "three", one.port, named=True)
        one.stop()
        open_stage(Path(folder) / "three", one.port, named=True).stop()
        two.stop()
