"""Notes, keys, policies and proof files: foreign examples, strict forms, misuse 94 and 96."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.ledger.note import (
    COSIGNATURE,
    BadKey,
    BadNote,
    Checkpoint,
    Note,
    SignatureLine,
    VerifierKey,
    cosign,
    log_key,
    read_checkpoint,
    read_key,
    read_note,
    sign_note,
    verify_cosignatures,
    verify_log_signature,
)
from foundation.ledger.policy import BadPolicy, Policy, read_policy
from foundation.ledger.proof import LogProof, check_leaf, make_proof, read_proof
from foundation.ledger.tree import (
    BadProof,
    hash_leaf,
    hash_range,
    inclusion_ranges,
    new_nodes,
    root_of,
)
from foundation.problems import Refused

LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
ORIGIN = "test.example/ledger"
LEAVES = [hash_leaf(bytes([n])) for n in range(13)]
POINT = Checkpoint(origin=ORIGIN, size=13, root=root_of(LEAVES))


def a_witness(name: str) -> tuple[Ed25519PrivateKey, VerifierKey]:
    key = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"w"))
    return key, VerifierKey(name=name, kind=COSIGNATURE, public=log_key(name, key).public)


def a_note(*more: SignatureLine) -> Note:
    return Note(text=POINT.text(), lines=(sign_note(POINT.text(), ORIGIN, LOG), *more))


def test_the_example_of_go(shared_data: Path) -> None:
    known = json.loads((shared_data / "vectors/note/go_note.json").read_text())
    key = read_key(known["vkey"])
    assert key.text() == known["vkey"]
    note = read_note(known["text"] + "\n" + known["sigline"] + "\n")
    verify_log_signature(note, key)
    assert note.to_text() == known["text"] + "\n" + known["sigline"] + "\n"
    with pytest.raises(BadNote):
        verify_log_signature(Note(text=note.text + "x\n", lines=note.lines), key)


def test_a_note_of_the_published_format() -> None:
    # The example of the C2SP page, with its key.
    key = read_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = (
        "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6"
        "TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    verify_log_signature(read_note(note), key)


def test_misuse_96_unknown_lines_are_ignored_known_keys_must_fit() -> None:
    key = log_key(ORIGIN, LOG)
    stranger = SignatureLine(name="stranger.example", key_id=b"1234", signature=b"x" * 64)
    namesake = SignatureLine(name=ORIGIN, key_id=b"1234", signature=b"x" * 64)
    verify_log_signature(read_note(a_note(stranger, namesake).to_text()), key)
    bad = SignatureLine(name=ORIGIN, key_id=key.key_id, signature=b"x" * 64)
    with pytest.raises(BadNote, match="does not fit"):
        verify_log_signature(a_note(bad), key)
    with pytest.raises(BadNote, match="got none"):
        verify_log_signature(Note(text=POINT.text(), lines=(stranger, namesake)), key)


def test_a_cosignature_holds_its_time() -> None:
    key, vkey = a_witness("w.example")
    line = cosign(POINT.text(), "w.example", key, 1_700_000_000)
    [seen] = verify_cosignatures(read_note(a_note(line).to_text()), [vkey])
    assert seen.time_s == 1_700_000_000
    later = (1_700_000_001).to_bytes(8, "big") + line.signature[8:]
    for signature in (later, line.signature[:-1], b"\xff" * 8 + line.signature[8:]):
        forged = SignatureLine(name=line.name, key_id=line.key_id, signature=signature)
        with pytest.raises(BadNote):
            verify_cosignatures(a_note(forged), [vkey])
    # A log's signature is no cosignature, although the key would fit.
    as_log = sign_note(POINT.text(), "w.example", key)
    assert verify_cosignatures(a_note(as_log), [vkey]) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\n\u2014 a AAAAAAA=\n",
        "text\n\n\u2014 a AAAAAAA=",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014  AAAAAAA=\n",
        "text\n\n\u2014 a+b AAAAAAA=\n",
        "text\n\n\u2014 a AAAAAAA\n",
        "text\n\n\u2014 a AAAA\n",
        "text\n\n\u2014 a AAAAAAB=\n",
        "text\n\n\u2014 a AAAAAAA=\nmore\n",
        "te\txt\n\n\u2014 a AAAAAAA=\n",
        "te\ud800xt\n\n\u2014 a AAAAAAA=\n",
        "text\n\n" + "\u2014 a AAAAAAA=\n" * 101,
        "x" * 1_100_000,
    ],
)
def test_notes_of_another_form(text: str) -> None:
    with pytest.raises(BadNote):
        read_note(text)


def test_empty_lines_belong_to_the_text() -> None:
    note = read_note("one\n\ntwo\n\n\u2014 a AAAAAAA=\n")
    assert note.text == "one\n\ntwo\n"


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize("value", ["", "-1", "01", "1e3", "9" * 20, "x", "AAAA", "\u0661"])
def test_checkpoints_of_another_form(line: int, value: str) -> None:
    lines = POINT.text().split("\n")
    lines[line if line < 3 else 2] = value if line < 3 else f"{value}=="
    if lines[line if line < 3 else 2] == lines[1] == "13":
        return
    with pytest.raises(BadNote):
        read_checkpoint("\n".join(lines))


def test_extension_lines_are_allowed() -> None:
    assert read_checkpoint(POINT.text() + "more\n") == POINT
    with pytest.raises(BadNote):
        read_checkpoint(POINT.text() + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        "+00000000+AA==",
        "name+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "\udcff+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_keys_of_another_form(text: str) -> None:
    with pytest.raises(BadKey):
        read_key(text)


def a_proof(index: int = 5) -> LogProof:
    nodes = new_nodes(0, LEAVES, {})
    hashes = [hash_range(part, nodes) for part in inclusion_ranges(index, 13)]
    return make_proof(index, hashes, a_note().to_text())


def test_a_proof_file_reads_back() -> None:
    proof = a_proof()
    text = proof.to_text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 5\n")
    assert read_proof(text) == proof
    assert check_leaf(read_proof(text), LEAVES[5]) == POINT
    with_extra = text.replace("\nindex", "\nextra AAAA\nindex")
    assert read_proof(with_extra) == proof


def spoilt(old: str, new: str) -> str:
    text = a_proof().to_text()
    assert old in text
    return text.replace(old, new, 1)


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 5", "index 05"),
        ("index 5", "index -5"),
        ("index 5", "index"),
        ("index 5", "extra AAAA"),
        ("index 5", "index 4"),
        ("index 5", "index 13"),
        ("index 5", f"index 5\n{HASH}"),
        ("index 5", "index 5\nAAAA"),
        ("index 5", "index 5\nnot base64"),
        ("index 5", "index 5\n" + "\n".join([HASH] * 64)),
        ("\n13\n", "\n0\n"),
        ("\n13\n", "\n99\n"),
        ("\n\n", "\n"),
    ],
)
def test_misuse_94_proof_files_that_do_not_prove(old: str, new: str) -> None:
    with pytest.raises((BadProof, BadNote)):
        check_leaf(read_proof(spoilt(old, new)), LEAVES[5])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_end_in_a_traceback(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    for read in (read_note, read_checkpoint, read_proof, read_key, read_policy):
        try:
            read(text)
        except Refused:
            continue


def policy(quorum: str) -> Policy:
    witnesses = "".join(
        f"witness {name} {a_witness(name)[1].text()} https://{name}.example\n" for name in "abcd"
    )
    groups = "group two 2 a b c\ngroup any any two d\n"
    return read_policy(f"log {log_key(ORIGIN, LOG).text()}\n{witnesses}{groups}quorum {quorum}\n")


@pytest.mark.parametrize(
    ("quorum", "signed", "met"),
    [
        ("none", "", True),
        ("a", "", False),
        ("a", "b", False),
        ("a", "a", True),
        ("two", "a", False),
        ("two", "ab", True),
        ("two", "aa", False),
        ("any", "d", True),
        ("any", "ac", True),
        ("any", "b", False),
    ],
)
def test_quorums(quorum: str, signed: str, met: bool) -> None:
    trusted = policy(quorum)
    lines = [cosign(POINT.text(), name, a_witness(name)[0], 1) for name in signed]
    note = a_note(*lines)
    assert trusted.check_log(note) == POINT
    assert trusted.is_met(trusted.cosignatures(note)) is met
    assert trusted.has_witnesses is (quorum != "none")


def test_the_log_must_be_named_and_its_signature_fit() -> None:
    trusted = policy("none")
    other = Checkpoint(origin="other.example/ledger", size=1, root=bytes(32))
    line = sign_note(other.text(), other.origin, LOG)
    with pytest.raises(BadNote, match="names no log"):
        trusted.check_log(Note(text=other.text(), lines=(line,)))
    stranger = sign_note(POINT.text(), ORIGIN, a_witness("a")[0])
    with pytest.raises(BadNote, match="no key"):
        trusted.check_log(Note(text=POINT.text(), lines=(stranger,)))


def test_anchors_are_comments_to_everybody_else() -> None:
    text = "#anchor platform AAEC\n #anchor platform AwQF\n# a comment\n\t\nquorum none\n"
    assert read_policy(text).anchors == {"platform": (b"\x00\x01\x02", b"\x03\x04\x05")}


A = a_witness("a")[1].text()
B = a_witness("b")[1].text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log x\nquorum none",
        f"log {A}\nquorum none",
        f"witness a {log_key(ORIGIN, LOG).text()}\nquorum none",
        f"witness a {A}\nwitness b {A}\nquorum none",
        f"witness a {A}\nwitness a {B}\nquorum none",
        f"witness none {A}\nquorum none",
        f"quorum a\nwitness a {A}",
        "quorum none\nquorum none",
        f"witness a {A}\ngroup g 2 a\nquorum g",
        f"witness a {A}\ngroup g 0 a\nquorum g",
        f"witness a {A}\ngroup g any\nquorum g",
        f"witness a {A}\ngroup g any b\nquorum g",
        f"witness a {A}\ngroup g any a a\nquorum g",
        f"witness a {A}\ngroup g any a\ngroup h any a\nquorum g",
        f"witness a {A}\ngroup g \u0661 a\nquorum g",
        "unknown line\nquorum none",
        "#anchor platform !\nquorum none",
        "quorum none\r\n",
        "quorum none\x00",
    ],
)
def test_policies_that_are_refused(text: str) -> None:
    with pytest.raises(BadPolicy):
        read_policy(text)
