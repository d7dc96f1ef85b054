"""From what the rules found to the supervisor's pages; nothing is added and nothing is weighed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bidding.tender.domain import Lot
from foundation.problems import NotFound
from sunbid.pages.charts import Spark, spark
from sunbid.pages.elements import Action, Crumb, Tag, Text, words
from sunbid.pages.notices import lot_title
from sunbid.pages.supervision import (
    Chip,
    ClueRow,
    Comparison,
    Disposition,
    Distribution,
    EvidenceCard,
    ExaminationView,
    InboxView,
    Passage,
    PriceLine,
    PropertyRow,
    Side,
    Standing,
    advice_tag,
    inbox_view,
    price_lines,
    strip_of,
)
from supervision.cases.domain import Case, Note
from supervision.cases.service import Clue, InboxPage, in_standing
from supervision.forensics.alignment import aligned
from supervision.redflags.domain import BaseRate, Evidence, Finding, KeptFinding
from supervision.redflags.service import ExaminationPage

STANDING_OF: Final[Mapping[Standing, Any]] = {
    "waiting": "waiting",
    "running": "running",
    "decided": "closed",
}
BARS: Final = 8
RARE_BITS: Final = 8.0
KNOWN_PROPERTIES: Final = frozenset(
    {
        "author",
        "company",
        "manager",
        "last-modified-by",
        "first-editing-session",
        "document-id",
        "original-document-id",
        "id",
        "folder",
    }
)


class UnknownPair(NotFound):
    """There is no such pair of bids with shared passages."""

    code = "unknown-pair"


def inbox_of(found: InboxPage, standing: Standing) -> InboxView:
    """The supervisor's list with one tab open."""
    counts: dict[Standing, int] = {
        "waiting": found.counts["waiting"],
        "running": found.counts["running"],
        "decided": found.counts["closed"],
    }
    rows = [clue_row(clue) for clue in in_standing(found, STANDING_OF[standing])]
    return inbox_view(rows, counts, standing, found.confirmed)


def clue_row(clue: Clue) -> ClueRow:
    """One lot in the list."""
    grades = [one.grade for one in clue.examination.suspicions]
    involved = {bidder for one in clue.examination.suspicions for bidder in one.bidders}
    strongest = min(clue.findings, key=lambda kept: kept.finding.grade, default=None)
    left = clue.left if clue.left is not None and clue.left.total_seconds() > 0 else None
    return ClueRow(
        href=f"/clues/{clue.lot.id}",
        title=lot_title(clue.lot),
        number=clue.lot.tender_number,
        is_new=clue.case is None,
        chips=tuple(finding_chip(kept.finding) for kept in clue.findings),
        involved=(words("clues.bidders", n=len(involved)),),
        base_rate=words("site.none")
        if strongest is None
        else base_rate(strongest.finding.base_rate),
        advice=advice_tag(grades or [one.finding.grade for one in clue.findings]),
        due_at=clue.examination.due_at,
        left=left,
    )


def finding_chip(finding: Finding) -> Chip:
    """One finding in a few words."""
    return Chip(grade=finding.grade, label=words(f"clues.chip_{finding.flag}"))


def base_rate(rate: BaseRate) -> Text:
    """A base rate never stands without its base; what was not counted says so."""
    if not rate.of:
        return words(rate.source)
    return words(rate.source, hits=rate.hits, of=rate.of)


# ---- the examination of one lot


def examination_of(
    page: ExaminationPage, case: Case | None, notes: Sequence[Note], handler: str | None
) -> ExaminationView:
    """The examination of one lot with what the handler noted on each finding."""
    lot = page.lot
    suspected = {bidder for one in page.examination.suspicions for bidder in one.bidders}
    prices = {bid.key: bid.price_yuan for bid in page.bids if bid.price_yuan is not None}
    names = page.names
    marked = frozenset(names.get(key, key) for key in suspected)
    lines = price_lines({names.get(k, k): v for k, v in prices.items()}, marked)
    labels = {line.name: line.label for line in lines}
    grades = [one.grade for one in page.examination.suspicions]
    return ExaminationView(
        case_id=str(lot.id),
        title=lot_title(lot),
        crumbs=clue_crumbs(lot),
        tags=examination_tags(page, grades),
        lead=words("examination.lead", bidders=len(page.bids)),
        cards=tuple(
            card(lot, page, kept, labels, last_choice(notes, kept.id)) for kept in page.findings
        ),
        strip=strip_of(lines, lot.ceiling_price_yuan),
        prices=lines,
        pairs=case_pairs(page, notes, handler),
        actions=case_actions(lot, case),
        decide_address=f"/clues/{lot.id}/dispositions",
    )


def clue_crumbs(lot: Lot, *more: Crumb) -> tuple[Crumb, ...]:
    """The way to an examination, or further."""
    href = f"/clues/{lot.id}" if more else None
    here = Crumb(label=lot.tender_number, href=href)
    return (Crumb(label=words("clues.title"), href="/clues"), here, *more)


def examination_tags(page: ExaminationPage, grades: Sequence[Any]) -> tuple[Tag, ...]:
    """What is suggested, and until when."""
    found = [advice_tag(grades)] if grades else []
    if page.examination.due_at is not None:
        found.append(Tag(label=words("examination.due", at=page.examination.due_at)))
    return tuple(found)


def card(
    lot: Lot,
    page: ExaminationPage,
    kept: KeptFinding,
    labels: Mapping[str, str],
    disposition: Disposition,
) -> EvidenceCard:
    """One finding, complete with its base rate and its innocent reading."""
    finding = kept.finding
    key = f"redflag.{finding.flag}"
    who = tuple(called(bidder, page.names, labels) for bidder in finding.bidders)
    return EvidenceCard(
        id=str(kept.id),
        grade=finding.grade,
        title=words(f"{key}.title", **told_values(finding)),
        article=finding.article,
        text=words(
            "examination.what",
            who=who,
            text=words(f"{key}.text", **told_values(finding)),
            base=base_rate(finding.base_rate),
        ),
        distribution=distribution(finding),
        innocent=words(f"{key}.innocent"),
        links=compare_links(lot, page, finding, labels),
        stamps=(
            f"{finding.flag} {page.examination.rules_version}",
            words("examination.kept", sha256=kept.sha256[:16]),
        ),
        disposition=disposition,
    )


def told_values(finding: Finding) -> dict[str, Text]:
    """The values of a finding's texts; the kind of a row of prices is a word of its own."""
    kind = finding.values.get("kind")
    told: dict[str, Text] = dict(finding.values)
    return told if kind is None else told | {"kind": words(f"clues.row_{kind}")}


def called(bidder: str, names: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """A bidder by its mark on the chart, where it has one."""
    name = names.get(bidder, bidder)
    return labels.get(name, name)


def distribution(finding: Finding) -> Distribution | None:
    """The same measure for all pairs of the lot, with this one marked."""
    values = [float(value) for value in finding.others]
    if len(values) < 2 or max(values) <= 0:
        return None
    most = max(*values, float(finding.measure))
    return Distribution(
        spark=bars_of(values, float(finding.measure), most),
        label=words(f"clues.chip_{finding.flag}"),
        mark=words("examination.here", value=finding.measure),
        low="0",
        high=f"{most:,.0f}",
    )


def bars_of(values: Sequence[float], mark: float, most: float) -> Spark:
    """How many pairs fall into each part of the axis."""
    counts = [0] * BARS
    for value in values:
        counts[min(BARS - 1, int(value / most * BARS))] += 1
    return spark(counts, mark / most)


def last_choice(notes: Sequence[Note], finding: UUID) -> Disposition:
    """What the handler last said about a finding."""
    said = [note for note in notes if note.finding == finding and note.choice is not None]
    if not said or said[-1].choice is None:
        return Disposition()
    return Disposition(choice=said[-1].choice, reason=said[-1].text)


def case_pairs(
    page: ExaminationPage, notes: Sequence[Note], handler: str | None
) -> tuple[tuple[Text, Text], ...]:
    """How far the case is."""
    # Who wants more evidence has not decided; the last word on each finding counts.
    last = [last_choice(notes, kept.id).choice for kept in page.findings]
    done = [choice for choice in last if choice in {"accepted", "dismissed"}]
    accepted = [choice for choice in last if choice == "accepted"]
    return (
        (words("examination.handler"), handler or words("examination.nobody")),
        (words("examination.decided_of"), f"{len(done)} / {len(page.findings)}"),
        (words("examination.accepted_n"), str(len(accepted))),
        (words("examination.result"), words("examination.result_kept")),
    )


def case_actions(lot: Lot, case: Case | None) -> tuple[Action, ...]:
    """What a supervisor can do now."""
    if case is None or case.status == "opened":
        take = words("examination.take")
        return (Action(label=take, href=f"/clues/{lot.id}/take", kind="primary", post=True),)
    return ()


# ---- two bids side by side


def compared_pairs(findings: Sequence[KeptFinding]) -> list[tuple[str, str]]:
    """The pairs of bids that share passages, in a fixed order."""
    found = {
        (str(one.data["a"]), str(one.data["b"]))
        for kept in findings
        for one in kept.finding.evidence
        if one.kind == "passage"
    }
    return sorted(found)


def compare_links(
    lot: Lot, page: ExaminationPage, finding: Finding, labels: Mapping[str, str]
) -> tuple[Action, ...]:
    """The ways to the passages of a finding."""
    inside = {
        (str(one.data["a"]), str(one.data["b"]))
        for one in finding.evidence
        if one.kind == "passage"
    }
    return tuple(
        Action(
            label=words(
                "examination.compare",
                a=called(a, page.names, labels),
                b=called(b, page.names, labels),
            ),
            href=f"/clues/{lot.id}/compare/{number}",
        )
        for number, (a, b) in enumerate(compared_pairs(page.findings))
        if (a, b) in inside
    )


def comparison_of(page: ExaminationPage, number: int) -> Comparison:
    """One pair of bids with its passages and properties; refuses a pair that shares none."""
    pairs = compared_pairs(page.findings)
    if not 0 <= number < len(pairs):
        raise UnknownPair("these bids share no passages; go back to the examination")
    a, b = pairs[number]
    evidence = [
        one
        for kept in page.findings
        for one in kept.finding.evidence
        if str(one.data.get("a")) == a and str(one.data.get("b")) == b
    ]
    passages = [one for one in evidence if one.kind == "passage"]
    lines = price_lines(
        {page.names.get(x.key, x.key): x.price_yuan for x in page.bids if x.price_yuan is not None},
        frozenset(),
    )
    here = Crumb(label=words("compare.side_by_side"))
    return Comparison(
        address=f"/clues/{page.lot.id}/compare/{number}",
        crumbs=clue_crumbs(page.lot, here),
        a=side(page, lines, a, passages, "place_a"),
        b=side(page, lines, b, passages, "place_b"),
        passages=shown_passages(passages),
        properties=[row for one in evidence if (row := property_row(one)) is not None],
    )


def side(
    page: ExaminationPage,
    lines: Sequence[PriceLine],
    key: str,
    passages: Sequence[Evidence],
    place: str,
) -> Side:
    """One of the two bids: its mark, its bidder, its files."""
    name = page.names.get(key, key)
    label = next((line.label for line in lines if line.name == name), name[:2])
    files = sorted({place_of(one, place)["file"] for one in passages})
    return Side(label=label, bidder=name, file="、".join(files))


def place_of(evidence: Evidence, name: str) -> dict[str, Any]:
    """Where a passage stands in one of the documents."""
    found = evidence.data[name]
    return found if isinstance(found, dict) else {}


def shown_passages(evidence: Sequence[Evidence]) -> list[Passage]:
    """The passages in the order of the first document, with their places as shares."""
    ordered = sorted(evidence, key=lambda one: position(one, "place_a"))
    length_a = max((position(one, "place_a")[1] for one in ordered), default=1) + 1
    length_b = max((position(one, "place_b")[1] for one in ordered), default=1) + 1
    return [
        Passage(
            number=number,
            chars=int(str(one.data["chars"])),
            a_page=int(place_of(one, "place_a")["page"]),
            b_page=int(place_of(one, "place_b")["page"]),
            runs=aligned(str(one.data["text_a"]), str(one.data["text_b"])),
            a_place=spread(number, len(ordered), position(one, "place_a")[1] / length_a),
            b_place=spread(number, len(ordered), position(one, "place_b")[1] / length_b),
        )
        for number, one in enumerate(ordered, start=1)
    ]


def position(evidence: Evidence, name: str) -> tuple[str, float]:
    """A place as file and page; within a page by the characters before it."""
    place = place_of(evidence, name)
    return str(place["file"]), int(place["page"]) - 1 + int(place["start"]) / 2000


def spread(number: int, of: int, share: float) -> float:
    """The place on the map; passages of one page are kept apart."""
    return max(0.0, min(1.0, share + 0.2 * number / max(1, of) / 10))


def property_row(evidence: Evidence) -> PropertyRow | None:
    """One property that both bids carry, with how rare it is."""
    if evidence.kind == "machine":
        code = str(evidence.data["code"])
        same = Tag(label=words("compare.equal"), state="warn", icon="warn")
        return PropertyRow(name=words("compare.machine_code"), a=code, b=code, tag=same)
    if evidence.kind != "property":
        return None
    field, value = str(evidence.data["field"]), str(evidence.data["value"])
    bits = Decimal(str(evidence.data["bits"]))
    is_rare = bool(evidence.data["identifier"]) or bits >= Decimal(str(RARE_BITS))
    return PropertyRow(
        name=property_name(field),
        a=value,
        b=value,
        tag=Tag(
            label=words("compare.equal_bits", bits=f"{bits:.1f}"),
            state="warn" if is_rare else "plain",
            icon="warn" if is_rare else None,
        ),
    )


def property_name(field: str) -> Text:
    """What a property is called, with the kind of file that carries it."""
    carrier, _, name = field.partition(":")
    if name not in KNOWN_PROPERTIES:
        return field
    return words("compare.property_of", name=words(f"compare.property_{name}"), carrier=carrier)


def tab_of(text: str | None, found: InboxPage) -> Standing:
    """The tab that an address asks for; else the first that has something, waiting before all."""
    tabs: tuple[Standing, ...] = ("waiting", "running", "decided")
    asked = [tab for tab in tabs if tab == text]
    filled = [tab for tab in tabs if found.counts[STANDING_OF[tab]]]
    return next(iter((*asked, *filled)), "waiting")
