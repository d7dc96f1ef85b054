"""Comparing documents: copies are found, the tender document and honest likeness are not."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from supervision.forensics.alignment import aligned
from supervision.forensics.comparison import compare
from supervision.forensics.domain import Archive, BidText, FileText, Trait
from supervision.forensics.normal import normalise
from supervision.forensics.winnowing import EVIDENCE, fingerprints, tender_grams, winnow

pytestmark = pytest.mark.domain
# Two thousand common characters: random text of them has no passages in common by chance.
LETTERS = [chr(point) for point in range(0x4E00, 0x4E00 + 2000)]


def prose(dice: random.Random, length: int) -> str:
    """Characters in sentences of random length."""
    text: list[str] = []
    while len(text) < length:
        text += dice.choices(LETTERS, k=dice.randint(8, 30))
        text.append("\uff0c" if dice.random() < 0.7 else "\u3002")
    return "".join(text[:length])


def edited(dice: random.Random, passage: str, rate: float) -> str:
    """The passage with a share of its characters replaced."""
    return "".join(dice.choice(LETTERS) if dice.random() < rate else char for char in passage)


def a_bid(name: str, *pages: str, traits: tuple[Trait, ...] = ()) -> BidText:
    return BidText(name=name, files=(FileText(file="tech.pdf", pages=pages, traits=traits),))


def tender(text: str) -> tuple[FileText, ...]:
    return (FileText(file="tender.pdf", pages=(text,)),)


@pytest.mark.parametrize(
    ("rate", "least"), [(0.0, 1.0), (0.03, 1.0), (0.08, 0.7)], ids=["copied", "3 %", "8 %"]
)
def test_planted_passages_are_found(rate: float, least: float) -> None:
    dice = random.Random(7)
    planted = [prose(dice, length) for length in (150, 200, 300, 400, 600, 800, 1000, 1200)]
    first, second = prose(dice, 2000), prose(dice, 3000)
    for passage in planted:
        first += passage + prose(dice, 700)
        second = prose(dice, 900) + edited(dice, passage, rate) + second
    result = compare([a_bid("a", first), a_bid("b", second)], ())
    found = result.pairs[0].passages
    hits = sum(
        any(one.a.start < at + len(passage) / 2 < one.a.end for one in found)
        for passage in planted
        for at in [first.index(passage)]
    )
    assert hits >= least * len(planted)


def test_honest_bids_that_all_copy_the_tender_document_share_nothing() -> None:
    dice = random.Random(3)
    document = prose(dice, 6000)
    bids = []
    # Fewer bids than from which common knowledge is set aside: the subtraction alone must do it.
    for number in range(7):
        start = dice.randrange(2000)
        quoted = document[start : start + 3000]
        bids.append(a_bid(f"bid {number}", prose(dice, 4000) + quoted + prose(dice, 2000)))
    with_tender = compare(bids, tender(document))
    assert max(pair.all_chars for pair in with_tender.pairs) == 0
    # The negative control: without subtraction every pair would look like collusion.
    without = compare(bids[:4], ())
    assert min(pair.all_chars for pair in without.pairs) > 300


FORM = (
    "已认真阅读全部招标文件及其澄清，决定参加本项目的投标，授权",
    "代表本单位签署和办理与投标有关的全部事宜。我方承诺工期六十五天，投标有效期九十日。",
)
LABELS = ("有限公司资格册投标函如下所示", "企业基本情况以及近三年财务状况")


def form_of(dice: random.Random) -> str:
    """The tender document's form filled in, between labels that nobody made up."""
    name, person, own = prose(dice, 8), prose(dice, 3), prose(dice, 90)
    return LABELS[0] + name + FORM[0] + person + FORM[1] + LABELS[1] + own + LABELS[0] + own[::-1]


def test_a_form_that_two_bidders_fill_in_is_no_passage() -> None:
    dice = random.Random(16)
    document = tender(prose(dice, 500) + "".join(FORM) + prose(dice, 500))
    first, second = (prose(dice, 300) + form_of(dice) for _ in range(2))
    assert compare([a_bid("a", first), a_bid("b", second)], document).pairs[0].passages == ()
    # The negative control: the same form with a copied answer is one, and only the answer counts.
    copied = prose(dice, 120)
    (found,) = (
        compare([a_bid("a", first + copied), a_bid("b", second + copied)], document)
        .pairs[0]
        .passages
    )
    assert found.text_a.strip("，。") == found.text_b.strip("，。") == copied.strip("，。")


def test_unlike_text_before_a_copy_is_not_shown_as_shared() -> None:
    dice = random.Random(17)
    passage, label = prose(dice, 300), "移交培训与保修的安排详见下列各条"
    first, second = (prose(dice, 200) + label + prose(dice, 70) + passage for _ in range(2))
    (found,) = compare([a_bid("a", first), a_bid("b", second)], ()).pairs[0].passages
    assert found.text_a in passage
    assert found.text_b in passage
    assert found.likeness == 1.0


def test_answers_copied_between_quotations_of_the_tender_document_are_one_passage() -> None:
    dice = random.Random(18)
    quoted = [prose(dice, 60) for _ in range(4)]
    answers = [prose(dice, 25) for _ in range(4)]
    table = "".join(text for row in zip(quoted, answers, strict=True) for text in row)
    bids = [a_bid(name, prose(dice, 300) + table + prose(dice, 200)) for name in "ab"]
    (found,) = compare(bids, tender("".join(quoted))).pairs[0].passages
    letters = sum(char not in "，。" for answer in answers for char in answer)
    assert letters - 8 <= found.chars <= letters
    assert found.text_a.startswith(answers[0][:12])


def test_a_stray_piece_on_another_diagonal_does_not_break_a_passage() -> None:
    dice = random.Random(5)
    passage, stray = prose(dice, 600), prose(dice, 20)
    broken = passage[:300] + stray + passage[300:]
    first = a_bid("a", prose(dice, 500) + broken + prose(dice, 500))
    second = a_bid("b", stray + prose(dice, 900) + broken + prose(dice, 100) + stray)
    (found,) = compare([first, second], ()).pairs[0].passages[:1]
    assert found.chars >= 580


def test_letters_put_in_and_left_out_do_not_cut_a_passage() -> None:
    dice = random.Random(15)
    passage = prose(dice, 600)
    copied = passage[:150] + "增补字" + passage[150:300] + passage[303:450] + passage[451:]
    first, second = a_bid("a", prose(dice, 400) + passage), a_bid("b", copied + prose(dice, 400))
    found = compare([first, second], ()).pairs[0].passages
    assert len(found) == 1
    assert found[0].chars > 480


def test_places_lead_back_to_the_original_text() -> None:
    dice = random.Random(11)
    passage = prose(dice, 260)
    first = BidText(
        name="a",
        files=(
            FileText(file="one.pdf", pages=(prose(dice, 400),)),
            FileText(file="two.pdf", pages=(prose(dice, 300), "x " + passage + prose(dice, 50))),
        ),
    )
    second = a_bid("b", prose(dice, 100), prose(dice, 80) + passage)
    (found,) = compare([first, second], ()).pairs[0].passages
    assert (found.a.file, found.a.page, found.b.page) == ("two.pdf", 2, 2)
    assert passage.strip("\uff0c\u3002") in first.files[1].pages[1][found.a.start : found.a.end]
    assert found.text_a == first.files[1].pages[1][found.a.start : found.a.end]


def test_no_passage_reaches_over_the_border_of_two_files() -> None:
    dice = random.Random(2)
    passage = prose(dice, 400)
    cut = BidText(
        name="a",
        files=(
            FileText(file="one.pdf", pages=(prose(dice, 200) + passage[:200],)),
            FileText(file="two.pdf", pages=(passage[200:] + prose(dice, 200),)),
        ),
    )
    found = compare([cut, a_bid("b", passage)], ()).pairs[0].passages
    assert sorted(one.a.file for one in found) == ["one.pdf", "two.pdf"]


def test_a_passage_over_two_pages_with_running_heads_is_one_passage() -> None:
    dice = random.Random(4)
    passage = prose(dice, 500)
    head = "Example Company technical volume\n"
    pages = tuple(
        head + text + f"\npage {number} of 3"
        for number, text in enumerate((prose(dice, 300), passage[:250], passage[250:]), 1)
    )
    found = compare([a_bid("a", *pages), a_bid("b", prose(dice, 200) + passage)], ()).pairs[0]
    assert len(found.passages) == 1
    assert (found.passages[0].a.page, found.passages[0].a.end_page) == (2, 3)
    # Nobody copied the running heads; they are not shown in the middle of what was copied.
    assert found.passages[0].text_a.replace("\n", "") == found.passages[0].text_b


def test_what_many_bids_have_is_set_aside_but_counted() -> None:
    dice = random.Random(8)
    common = prose(dice, 700)
    many = [a_bid(f"bid {n}", prose(dice, 500) + common) for n in range(10)]
    result = compare(many, ())
    assert max(pair.all_chars for pair in result.pairs) == 0
    assert result.common_grams > 100


@pytest.mark.parametrize("others", [4, 6, 12])
def test_a_ring_of_three_cannot_hide_as_common_knowledge(others: int) -> None:
    dice = random.Random(9)
    passage = prose(dice, 700)
    bids = [a_bid(f"ring {n}", prose(dice, 500) + passage) for n in range(3)]
    bids += [a_bid(f"other {n}", prose(dice, 1200)) for n in range(others)]
    top = compare(bids, ()).pairs[:3]
    assert {name for pair in top for name in (pair.a, pair.b)} == {"ring 0", "ring 1", "ring 2"}
    assert min(pair.shared_chars for pair in top) > 600


def test_the_order_of_bids_changes_nothing() -> None:
    dice = random.Random(6)
    passage = prose(dice, 500)
    bids = [a_bid(f"bid {n}", prose(dice, 800) + (passage if n < 3 else "")) for n in range(5)]
    one, other = compare(bids, ()), compare(bids[::-1], ())
    totals = [
        {frozenset((pair.a, pair.b)): pair.all_chars for pair in result.pairs}
        for result in (one, other)
    ]
    assert totals[0] == totals[1]


def test_digits_alone_are_no_passage() -> None:
    table = "\t".join(str(1_000_000 + 7 * n) for n in range(400))
    dice = random.Random(1)
    bids = [a_bid(name, prose(dice, 300) + table) for name in "ab"]
    assert compare(bids, ()).pairs[0].all_chars == 0


def test_rare_properties_weigh_and_common_ones_do_not() -> None:
    def carrying(name: str) -> BidText:
        traits = (
            Trait(field="office:author", value="clerk 07", file="x.docx"),
            Trait(field="office:application", value="WPS Office", file="x.docx"),
            Trait(field="pdf:author", value="Administrator", file="x.pdf"),
            Trait(field="pdf:id", value="ab" * 16, file="x.pdf", identifier=True),
        )
        return a_bid(name, traits=traits)

    archive = Archive(documents=1000, seen={("office:application", "WPS Office"): 600})
    bits = {
        trait.field: trait.bits
        for trait in compare([carrying("a"), carrying("b")], (), archive).pairs[0].traits
    }
    assert bits["pdf:id"] == 64.0
    assert bits["office:author"] > 9.0
    assert bits["office:application"] < 1.0
    assert bits["pdf:author"] == 0.0


def test_properties_of_the_tenders_own_template_say_nothing() -> None:
    own = Trait(field="docx:first-editing-session", value="00AA", file="t.docx", identifier=True)
    bids = [a_bid(name, traits=(replace(own, file="x.docx"),)) for name in "ab"]
    template = (FileText(file="t.docx", traits=(own,)),)
    assert compare(bids, template).pairs[0].bits == 0
    assert compare(bids, ()).pairs[0].bits == 32


def test_the_name_of_a_rival_in_a_bid_is_found_with_its_place() -> None:
    dice = random.Random(12)
    rival = "示例市政丁工程有限公司"
    first = a_bid("示例建设甲有限公司", prose(dice, 200), prose(dice, 50) + rival)
    (found,) = compare([first, a_bid(rival, prose(dice, 300))], ()).pairs[0].mixed_in
    assert (found.found_in, found.of, found.place.page) == (first.name, rival, 2)
    # Whom the tender document names, everybody may name.
    assert not compare([first, a_bid(rival, "x")], tender(rival)).pairs[0].mixed_in


def test_the_smallest_hash_of_every_window_is_kept() -> None:
    dice = random.Random(13)
    text = normalise((FileText(file="x", pages=(prose(dice, 500),)),))
    nothing = tender_grams(normalise(()), EVIDENCE.k)
    kept = fingerprints(text, EVIDENCE, nothing).positions
    assert max(b - a for a, b in pairwise(kept.tolist())) <= EVIDENCE.w
    assert 0.2 < len(kept) / len(text) < 0.4
    assert len(winnow(fingerprints(text, EVIDENCE, nothing).hashes[:3], 6)) == 1


def test_nothing_compares_to_nothing() -> None:
    assert compare([], ()).pairs == ()
    assert compare([a_bid("a"), a_bid("b", "")], ()).pairs[0].passages == ()


def test_two_passages_are_aligned_run_by_run() -> None:
    runs = aligned("管槽分段开挖", "管沟分段开挖")
    assert "".join(run.a for run in runs) == "管槽分段开挖"
    assert "".join(run.b for run in runs) == "管沟分段开挖"
    assert [run.equal for run in runs] == [True, False, True]


def test_thirty_bids_of_many_pages_that_quote_the_tender_share_little() -> None:
    dice = random.Random(14)
    document = prose(dice, 20_000)
    bids = [a_bid(f"bid {n}", prose(dice, 30_000), document[:10_000]) for n in range(30)]
    result = compare(bids, tender(document))
    assert len(result.pairs) == 435
    assert max(pair.all_chars for pair in result.pairs) < 300
