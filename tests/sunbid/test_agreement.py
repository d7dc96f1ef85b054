"""The verifier shares no code with the platform; both must come to the same draws and numbers."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bidding.scoring.formulas import score_prices
from foundation.draw import PoolTooSmall, constraints_json, draw, pool_digest, read_constraints
from scoring_methods import FLOATS, PRICES, a_method, listed
from sunbid.verify import draws
from sunbid.verify.canonical import hash_of
from sunbid.verify.ranking import printed, v5

names = st.text("abcdef0123456789-", min_size=1, max_size=8)
codes = st.sampled_from(["A08", "A0801", "B01"])
employers = st.sampled_from(["u1", "u2", "u3", "u4"])
pools = st.lists(
    st.builds(
        lambda id_, specialities, employer: {
            "id": id_,
            "specialities": sorted(specialities),
            "employer": employer,
        },
        names,
        st.sets(codes, max_size=3),
        employers,
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row["id"],
)
constraints = st.fixed_dictionaries(
    {
        "seats": st.integers(1, 6),
        "reserve": st.integers(0, 4),
        "speciality": st.none() | codes,
        "exclude": st.lists(
            st.builds(lambda e: {"employer": e}, employers) | st.builds(lambda n: {"id": n}, names),
            max_size=3,
        ),
        "at_most_per_employer": st.none() | st.integers(1, 2),
    }
)


@given(pools, constraints, st.binary(min_size=32, max_size=32))
def test_both_draw_the_same(pool: list[dict[str, Any]], wish: dict[str, Any], seed: bytes) -> None:
    theirs = draws.draw(seed, "experts/t/l", pool, wish)
    try:
        ours = draw(pool, seed, "experts/t/l", read_constraints(wish))
    except PoolTooSmall:
        assert len(theirs.drawn) < wish["seats"]
        return
    assert list(ours.drawn) == theirs.drawn
    assert list(ours.reserve) == theirs.reserve
    barred = {row.id for row in ours.excluded if row.reason != "at_most_per_employer"}
    crowded = {row.id for row in ours.excluded} - barred
    assert barred == theirs.barred
    assert crowded <= theirs.crowded
    assert constraints_json(read_constraints(wish)) == wish
    assert pool_digest(pool) == hash_of(sorted(pool, key=lambda row: str(row["id"])))


@given(
    st.lists(st.integers(1, 10**11), min_size=1, max_size=12),
    st.sampled_from([None, *(point["id"] for point in FLOATS)]),
)
def test_both_score_prices_the_same(fen: list[int], point: str | None) -> None:
    method = a_method(floats=point is not None)
    drawn = None if point is None else method.float_point(point)
    prices = listed(*(Decimal(n) / 100 for n in fen))
    ours = score_prices(method, prices, drawn)
    value = Fraction(0) if drawn is None else Fraction(drawn.value)
    theirs = v5({b: Fraction(p) for b, p in prices.items()}, PRICES["V5"], value)
    assert theirs.benchmark is not None
    assert str(ours.benchmark) == printed(theirs.benchmark, 2)
    assert {s.bidder: str(s.score) for s in ours.scores} == {
        bidder: printed(score, 2) for bidder, score in theirs.scores.items()
    }
