"""The envelope's bytes: misuse cases 1 to 25 as far as they need no server, by number."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bidding.sealing import envelope
from bidding.sealing.bodies import Manifest
from bidding.sealing.envelope import (
    MAGIC,
    check_for_lot,
    check_listed,
    check_manifest,
    head_bytes,
    read_file_head,
    read_head,
)
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.parts import hash_file
from bidding.sealing.refusals import (
    BadHeaderSize,
    BadLength,
    BadWraps,
    BadWrapsSize,
    Empty,
    ManifestMismatch,
    NotSealed,
    Trailing,
    Truncated,
    WrongLot,
    WrongOpeningKeys,
    WrongPolicy,
    WrongRound,
    WrongSuite,
    WrongTender,
    WrongVolumes,
)
from bidding.sealing.seal import Sealed
from foundation.problems import Refused
from foundation.statements.canonical import (
    BadField,
    FileTooLarge,
    NotCanonical,
    b64,
    canonical,
    parse,
    unb64,
)
from foundation.statements.signed import unsigned
from sealing_world import (
    BIDDER,
    RIVAL,
    manifest_body,
    opening_keys,
    opening_keys_body,
    seal_bytes,
)

pytestmark = pytest.mark.domain

OTHER = "11111111-1111-4111-8111-111111111111"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def keys() -> LotKeys:
    return opening_keys()


@pytest.fixture(scope="module")
def sealed(keys: LotKeys, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sealed]:
    return seal_bytes(tmp_path_factory.mktemp("sealed"), b"content", keys)


@pytest.fixture(scope="module")
def raw(sealed: tuple[Path, Sealed]) -> bytes:
    return sealed[0].read_bytes()


def read(raw: bytes) -> envelope.Head:
    return read_head(raw[: envelope.LARGEST_HEAD], len(raw))


def rebuilt(raw: bytes, header: Change | None = None, wraps: Change | None = None) -> bytes:
    """The same file with a header or wraps that were changed as JSON."""
    parts = [parse(part, limit=1 << 20) for part in envelope.split_head(raw)]
    for value, change in zip(parts, (header, wraps), strict=True):
        if change is not None:
            change(value)
    payload = raw[read(raw).payload_offset :]
    return head_bytes(canonical(parts[0]), canonical(parts[1])) + payload


def test_a_sealed_file_is_read(raw: bytes, keys: LotKeys) -> None:
    head = read(raw)
    check_for_lot(head, keys)
    assert head.header.plain_len == 7
    assert head.header.volume == "qual"
    assert raw[head.payload_offset :][:24] == raw[-(24 + 32 + 16 + 7) :][:24]


@pytest.mark.misuse(1, 2, 3)
@pytest.mark.parametrize(
    ("case", "start"),
    [
        ("1 empty", b""),
        ("2 PDF", b"%PDF-1.7\n" + bytes(100)),
        ("2 ZIP", b"PK\x03\x04" + bytes(100)),
        ("3 CRLF-mangled", b"\x89TBE1\n\x1a\n" + bytes(100)),
        ("3 cut to seven bits", bytes([0x09]) + MAGIC[1:] + bytes(100)),
        ("cut magic", MAGIC[:5]),
    ],
)
def test_cases_1_to_3_what_is_not_sealed_is_refused(case: str, start: bytes) -> None:
    with pytest.raises(NotSealed):
        read(start)


@pytest.mark.misuse(4)
def test_case_4_every_cut_gives_a_typed_code(raw: bytes) -> None:
    for end in range(len(raw)):
        with pytest.raises((NotSealed, Truncated)):
            read(raw[:end])


@pytest.mark.misuse(5)
def test_case_5_one_byte_more_is_refused(raw: bytes) -> None:
    with pytest.raises(Trailing):
        read(raw + b"\0")


@pytest.mark.misuse(6)
@pytest.mark.parametrize("length", [0, 1, 65_537, 262_145, 2**31, 2**32 - 1])
def test_case_6_sizes_are_refused_before_anything_is_allocated(raw: bytes, length: int) -> None:
    field = length.to_bytes(4, "big")
    if length != 65_537:
        at = 12 + int.from_bytes(raw[8:12], "big")
        with pytest.raises(BadWrapsSize):
            read(raw[:at] + field + raw[at + 4 :])
    with pytest.raises(BadHeaderSize):
        read(raw[:8] + field + raw[12:])


def respelled(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    header, wraps = envelope.split_head(raw)
    return head_bytes(change(header), wraps) + raw[read(raw).payload_offset :]


@pytest.mark.misuse(7, 8)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("space", lambda h: h.replace(b":", b": ", 1)),
        ("order", lambda h: b'{"volume":"qual",' + h[1:].replace(b',"volume":"qual"', b"")),
        ("duplicate key", lambda h: h[:-1] + b',"volume":"qual"}'),
        ("float", lambda h: h.replace(b'"plain_len":7', b'"plain_len":7.0')),
        ("exponent", lambda h: h.replace(b'"plain_len":7', b'"plain_len":7e0')),
        ("BOM", lambda h: b"\xef\xbb\xbf" + h),
        ("surrogate", lambda h: h.replace(b'"qual"', b'"\\ud800"')),
        ("NFD", lambda h: h.replace(b'"qual"', '"e\u0301"'.encode())),
        ("not UTF-8", lambda h: h.replace(b'"qual"', b'"\xff"')),
        ("deep", lambda h: b"[" * 60_000),
        ("not JSON", lambda h: b"x" * 100),
    ],
)
def test_cases_7_and_8_other_spellings_are_refused(
    raw: bytes, name: str, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(NotCanonical):
        read(respelled(raw, change))


@pytest.mark.misuse(9, 59)
@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(bidder="x"),
        lambda h: h.pop("client"),
        lambda h: h.update(v=2),
        lambda h: h.update(v=True),
        lambda h: h.update(volume="../up"),
        lambda h: h.update(volume="Qual"),
        lambda h: h.update(volume="a" * 17),
        lambda h: h.update(tender=OTHER.upper().replace("1", "A", 1)),
        lambda h: h.update(tender="11111111-1111-1111-8111-111111111111"),
        lambda h: h.update(round=0),
        lambda h: h.update(round=100),
        lambda h: h.update(client="cli/1.0.0\n"),
        lambda h: h.update(bidder_tag="0" * 63),
        lambda h: h.update(content_type="application/zip"),
        lambda h: h.update(suite="PQ-1"),
        lambda h: h.update(policy=None),
    ],
)
def test_case_9_and_59_unknown_missing_and_malformed_keys_are_refused(
    raw: bytes, change: Change
) -> None:
    with pytest.raises(BadField):
        read(rebuilt(raw, header=change))


@pytest.mark.misuse(10, 11)
@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (("cipher_len", 80), BadLength),
        (("plain_len", 8), BadLength),
        (("plain_len", -1), BadField),
        (("plain_len", True), BadField),
        (("plain_len", "7"), BadField),
        (("cipher_len", -79), BadField),
        (("plain_len", 0), Empty),
        (("plain_len", 2**33 + 1), FileTooLarge),
    ],
)
def test_cases_10_to_12_lengths_that_disagree_are_refused(
    raw: bytes, value: tuple[str, Any], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        read(rebuilt(raw, header=lambda h: h.update([value])))


def longer(ct: str, by: int) -> str:
    raw = unb64(ct)
    return b64(raw + bytes(by) if by > 0 else raw[:by])


@pytest.mark.misuse(13)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("n", lambda w: w["t"].update(n=4)),
        ("k", lambda w: w["t"].update(k=3)),
        ("k 1", lambda w: w["t"].update(k=1)),
        ("missing share", lambda w: w["t"]["shares"].pop()),
        ("order", lambda w: w["t"]["shares"].reverse()),
        ("double kid", lambda w: w["t"]["shares"][1].update(kid=w["t"]["shares"][0]["kid"])),
        (
            "kid in both groups",
            lambda w: w["r"]["shares"][1].update(kid=w["t"]["shares"][0]["kid"]),
        ),
        ("short", lambda w: w["t"]["shares"][0].update(ct=longer(w["t"]["shares"][0]["ct"], -1))),
        ("long", lambda w: w["t"]["shares"][0].update(ct=longer(w["t"]["shares"][0]["ct"], 1))),
        ("161 bytes of GM-1", lambda w: w["b"][0].update(ct=b64(bytes(161)))),
        ("off the curve", lambda w: w["t"]["shares"][0].update(ct=b64(b"\4" + bytes(112)))),
        ("compressed", lambda w: w["t"]["shares"][0].update(ct=b64(b"\2" + bytes(112)))),
        ("bidder's point", lambda w: w["b"][0].update(pk=b64(b"\4" + bytes(64)))),
        ("bidder's kid", lambda w: w["b"][0].update(kid="A" * 16)),
        ("bidder's index", lambda w: w["b"][0].update(i=1)),
        ("no recovery key", lambda w: w["b"].pop(0)),
        ("no key", lambda w: w["b"].clear()),
        ("no remedy", lambda w: w.update(r=None)),
    ],
)
def test_case_13_wraps_of_another_form_are_refused(raw: bytes, name: str, change: Change) -> None:
    with pytest.raises(BadWraps):
        read(rebuilt(raw, wraps=change))


@pytest.mark.misuse(14)
@pytest.mark.parametrize(
    "text", ["A" * 150 + "=", "A" * 150 + "+", "A" * 150 + "\n", "A" * 150 + "B", "中" * 151]
)
def test_case_14_foreign_and_padding_characters_are_refused(raw: bytes, text: str) -> None:
    with pytest.raises((BadField, NotCanonical)):
        read(rebuilt(raw, wraps=lambda w: w["t"]["shares"][0].update(ct=text)))
    with pytest.raises((BadField, NotCanonical)):
        read(rebuilt(raw, wraps=lambda w: w["b"][0].update(pk=text[-87:])))


@pytest.mark.misuse(15)
def test_case_15_a_flipped_bit_of_any_byte_is_a_typed_code_or_another_tree(
    raw: bytes, sealed: tuple[Path, Sealed], tmp_path: Path
) -> None:
    flip(raw, sealed[1], tmp_path, [8 * at + at % 8 for at in range(len(raw))])


@pytest.mark.misuse(15)
@pytest.mark.soak
def test_case_15_every_single_bit(raw: bytes, sealed: tuple[Path, Sealed], tmp_path: Path) -> None:
    flip(raw, sealed[1], tmp_path, range(8 * len(raw)))


def flip(raw: bytes, sealed: Sealed, folder: Path, bits: Iterable[int]) -> None:
    """Header, wraps and payload; what passes the parser has another tree (C11)."""
    passed, codes = 0, set[str]()
    path = folder / "flipped.tbe"
    for bit in bits:
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            read(bytes(flipped))
        except Refused as refused:
            codes.add(refused.code)
            continue
        passed += 1
        if passed % 50 == 0:
            path.write_bytes(flipped)
            assert hash_file(path).tree() != sealed.listed.tree
    assert passed > 0
    assert all(code.startswith("E_") for code in codes)


def changed_keys(**changes: Any) -> LotKeys:
    return lot_keys(unsigned("opening-keys", opening_keys_body(**changes)))


@pytest.mark.misuse(16, 21, 22)
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"tender": OTHER}, WrongTender),
        ({"lot": OTHER}, WrongLot),
        ({"round": 2}, WrongRound),
        ({"suite": "GM-1"}, WrongSuite),
        ({"policy": "dual-strict", "r": None}, WrongPolicy),
        ({"version": 2}, WrongOpeningKeys),
    ],
)
def test_cases_16_21_22_a_file_for_other_opening_keys_is_refused(
    raw: bytes, changes: dict[str, Any], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        check_for_lot(read(raw), changed_keys(**changes))


def test_case_22_a_header_of_another_suite_does_not_fit_its_wraps(raw: bytes) -> None:
    with pytest.raises(BadWraps, match="161 bytes"):
        read(rebuilt(raw, header=lambda h: h.update(suite="GM-1")))


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("tender", OTHER, WrongTender),
        ("lot", OTHER, WrongLot),
        ("round", 2, WrongRound),
        ("opening_keys", "0" * 64, WrongOpeningKeys),
        ("policy", "dual-strict", WrongPolicy),
        ("suite", "GM-1", WrongSuite),
    ],
)
def test_a_manifest_for_another_lot_is_refused(
    sealed: tuple[Path, Sealed], keys: LotKeys, field: str, value: Any, refusal: type[Refused]
) -> None:
    body = manifest_body([sealed[1]], keys, **{field: value})
    with pytest.raises(refusal):
        check_manifest(body, keys, {"qual"})


@pytest.mark.misuse(25)
@pytest.mark.parametrize("required", [{"qual", "price"}, {"tech"}, set()])
def test_case_25_a_volume_missing_or_too_many_is_refused(
    sealed: tuple[Path, Sealed], keys: LotKeys, required: set[str]
) -> None:
    with pytest.raises(WrongVolumes):
        check_manifest(manifest_body([sealed[1]], keys), keys, required)
    check_manifest(manifest_body([sealed[1]], keys), keys, {"qual"})


@pytest.mark.misuse(25)
def test_case_25_a_volume_twice_is_no_manifest(sealed: tuple[Path, Sealed], keys: LotKeys) -> None:
    body = msgspec.to_builtins(manifest_body([sealed[1]], keys))
    body["envelopes"] *= 2
    with pytest.raises((BadField, msgspec.ValidationError)):
        msgspec.convert(body, Manifest)


def test_an_honest_file_is_the_listed_one(sealed: tuple[Path, Sealed], keys: LotKeys) -> None:
    path, made = sealed
    check_listed(
        manifest_body([made], keys), made.listed, read_file_head(path), keys, made.listed.tree
    )


@pytest.mark.misuse(17, 20)
@pytest.mark.threat("T13")
def test_cases_17_and_20_swapped_volumes_and_a_rivals_file_get_the_same_refusal(
    sealed: tuple[Path, Sealed], keys: LotKeys, tmp_path: Path
) -> None:
    own_path, own = sealed
    price_path, price = seal_bytes(tmp_path, b"price", keys, volume="price")
    manifest = manifest_body([own, price], keys)
    messages = set()
    attempts = [
        (manifest, own, price_path, price.listed.tree),
        (manifest_body([own], keys, bidder=rival()), own, own_path, own.listed.tree),
        (manifest, own, own_path, "0" * 64),
    ]
    for body, made, path, tree in attempts:
        with pytest.raises(ManifestMismatch) as refused:
            check_listed(body, made.listed, read_file_head(path), keys, tree)
        messages.add(refused.value.message)
    assert len(messages) == 1


def rival() -> Any:
    return manifest_body([], opening_keys()).bidder.__class__(uscc=RIVAL, name="另一公司")


@pytest.mark.misuse(20)
@pytest.mark.threat("T7")
def test_case_20_the_tag_hides_the_bidder(sealed: tuple[Path, Sealed]) -> None:
    raw = sealed[0].read_bytes()
    assert BIDDER.encode() not in raw
    salt = unb64(sealed[1].listed.bidder_salt, 32)
    header = read(raw).header
    assert header.bidder_tag == envelope.bidder_tag(salt, BIDDER)
    assert header.bidder_tag != envelope.bidder_tag(bytes(32), BIDDER)


def test_case_23_wraps_of_another_file_are_accepted_by_the_intake(
    raw: bytes, keys: LotKeys, tmp_path: Path
) -> None:
    """Nobody can see from outside what a wrap holds: the re-deal names it after the opening."""
    other = seal_bytes(tmp_path, b"other", keys)[0].read_bytes()
    foreign = parse(envelope.split_head(other)[1], limit=1 << 20)
    mixed = rebuilt(raw, wraps=lambda w: w["t"]["shares"][0].update(foreign["t"]["shares"][0]))
    check_for_lot(read(mixed), keys)
