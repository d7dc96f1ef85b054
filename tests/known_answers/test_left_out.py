"""Every published file of known answers runs through our code, or stands here with its reason."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from architecture.source import ROOT
from bidding.sealing.bodies import OutcomeCode

pytestmark = pytest.mark.domain

# File, and the tests of ours through which it runs.
RUN: Final[dict[str, tuple[str, ...]]] = {
    "hpke/rfc9180_base.json": (
        "tests/bidding/sealing/test_kem.py::test_v4_key_pairs_and_shared_secrets_of_rfc_9180",
        "tests/foundation/ledger/test_rows.py::test_key_pairs_are_those_of_rfc_9180",
    ),
    "merkle/rfc6962_roots.json": (
        "tests/foundation/ledger/test_tree.py::test_reference_roots",
        "tests/sunbid/verify/test_vectors.py::test_roots_agree_with_rfc_6962",
    ),
    "merkle/testdata/inclusion": (
        "tests/foundation/ledger/test_tree.py::test_foreign_inclusion_cases",
        "tests/sunbid/verify/test_vectors.py::test_inclusion_proofs_agree_with_the_published_cases",
    ),
    "merkle/testdata/consistency": (
        "tests/foundation/ledger/test_tree.py::test_foreign_consistency_cases",
        "tests/sunbid/verify/test_vectors.py::test_consistency_proofs_agree_with_the_published_cases",
    ),
    "merkle/testdata/subtreeinclusion": (
        "tests/foundation/ledger/test_tree.py::test_foreign_subtree_inclusion_cases",
    ),
    "merkle/testdata/subtreeconsistency": (
        "tests/foundation/ledger/test_tree.py::test_foreign_subtree_consistency_cases_that_begin_at_zero",
    ),
    "note/go_note.json": (
        "tests/foundation/ledger/test_note.py::test_the_example_of_go",
        "tests/sunbid/verify/test_vectors.py::test_a_note_of_go_verifies",
    ),
    "sm/gbt_sm2_sm3_sm4.json": (
        "tests/foundation/statements/test_sm2.py::test_sm3_and_sm4_are_those_of_the_standards",
        "tests/foundation/statements/test_sm2.py::test_the_example_of_the_signature",
        "tests/foundation/statements/test_sm2.py::test_the_example_of_the_encryption",
    ),
    "sm/cobblestone_sm4gcm_sm3.json": (
        "tests/bidding/sealing/test_payload.py::test_known_answer_of_sm4_gcm_with_sm3",
    ),
    "wycheproof/aes_gcm_test.json": (
        "tests/known_answers/test_chunk_ciphers.py::test_the_cases_that_a_payload_could_be",
    ),
    "wycheproof/sm4_gcm_test.json": (
        "tests/known_answers/test_chunk_ciphers.py::test_the_cases_that_a_payload_could_be",
    ),
    "wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json": (
        "tests/bidding/sealing/test_payload.py::test_known_answers_of_c2sp",
        "tests/sunbid/verify/test_vectors.py::test_chunked_encryption_agrees_with_c2sp",
    ),
    "wycheproof/c2sp_chunked_encryption_aes_128_gcm_test.json": (
        "tests/known_answers/test_chunked_encryption.py::test_aes_128",
    ),
    "wycheproof/ecdh_secp256r1_ecpoint_test.json": (
        "tests/bidding/sealing/test_kem.py::test_case_13_points_off_the_curve_are_refused",
    ),
    "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json": (
        "tests/foundation/statements/test_signed.py::test_foreign_known_answers",
        "tests/sunbid/verify/test_vectors.py::test_signatures_agree_with_wycheproof",
    ),
    "wycheproof/ecdsa_secp256r1_sha256_test.json": (
        "tests/known_answers/test_der_signatures.py::test_der_is_refused_even_where_it_is_right",
    ),
    "wycheproof/ed25519_test.json": (
        "tests/foundation/statements/test_signed.py::test_foreign_known_answers",
        "tests/sunbid/verify/test_vectors.py::test_signatures_agree_with_wycheproof",
    ),
    "wycheproof/hkdf_sha256_test.json": (
        "tests/known_answers/test_key_derivation.py::test_hkdf_of_intl_1",
    ),
    "wycheproof/hmac_sm3_test.json": (
        "tests/known_answers/test_key_derivation.py::test_hmac_sm3",
        "tests/known_answers/test_key_derivation.py::test_hkdf_of_gm_1_is_made_of_that_hmac",
    ),
}


# The format's own sets (sealing.md 17), and where each is shown.
OWN: Final[dict[str, tuple[str, ...]]] = {
    "V1": ("tests/bidding/sealing/test_vectors.py::test_v1_sids",),
    "V2": ("tests/bidding/sealing/test_vectors.py::test_v2_deals",),
    "V3": (
        "tests/bidding/sealing/test_vectors.py::test_v3_envelopes",
        "tests/bidding/sealing/test_vectors.py::test_v3_more_than_two_to_the_sixteen_chunks",
    ),
    "V4": (
        "tests/bidding/sealing/test_vectors.py::test_v4_wraps",
        "tests/bidding/sealing/test_kem.py::test_v4_key_pairs_and_shared_secrets_of_rfc_9180",
    ),
    "V5": (
        "tests/bidding/sealing/test_vectors.py::test_v5_every_broken_file_is_refused_with_its_code",
        "tests/misuse/test_binding.py::test_a_file_with_other_wraps_does_not_open",
        "tests/misuse/test_opening_model.py::test_code_and_fault_are_those_of_the_model",
    ),
    "V6": (
        "tests/bidding/sealing/test_vectors.py::test_v6_list_roots",
        "tests/foundation/ledger/test_vectors.py::test_a_fork_is_two_good_signatures_on_two_ledgers",
        "tests/foundation/ledger/test_vectors.py::test_a_rollback_is_a_signature_on_more_than_is_held",
    ),
    "V7": ("tests/bidding/sealing/test_vectors.py::test_v7_recovery_codes_and_drills",),
    "V8": (
        "tests/bidding/sealing/test_vectors_gm.py::test_wraps_from_a_given_random_number",
        "tests/bidding/sealing/test_vectors_gm.py::test_bad_wraps_are_refused_at_their_check",
        "tests/bidding/sealing/test_vectors_gm.py::test_hkdf_with_sm3",
    ),
    # The deadline to the millisecond, and the naive SQL as its control.
    "V9": (
        "tests/bidding/bid/test_service.py::test_the_deadline_to_the_millisecond",
        "tests/bidding/bid/test_service.py::test_an_intake_that_commits_after_the_closer_asked_is_in_the_list",
        "tests/bidding/bid/test_service.py::test_the_clock_is_asked_after_the_lock",
    ),
    "V10": (
        "tests/foundation/ledger/test_note.py::test_quorums",
        "tests/foundation/ledger/test_note.py::test_policies_that_are_refused",
        "tests/foundation/ledger/test_note.py::test_misuse_94_proof_files_that_do_not_prove",
    ),
    "V11": (
        "tests/misuse/test_opening_machine.py::test_any_course_of_an_opening_ends_as_the_tables_say",
        "tests/misuse/test_mutations.py::test_a_changed_transcript_is_found",
    ),
}

_OPENING: Final = "tests/bidding/opening/"
_FATES: Final = f"{_OPENING}test_fates.py::test_every_fate_has_its_code_and_the_verifier_agrees"
_SUSPENDED: Final = f"{_OPENING}test_suspension.py::"
_FOUND: Final = "tests/sunbid/verify/test_findings.py::test_a_finding_is_said_where_it_belongs"
_CHECKS: Final = "tests/sunbid/verify/test_checks.py::"
_BROKEN: Final = f"{_CHECKS}test_a_broken_rule_fails_its_own_check_and_names_the_object"
_DISHONEST: Final = f"{_OPENING}test_dishonest_platform.py::"
_STAGES: Final = f"{_OPENING}test_stages.py::"
# V11: for each outcome code, and for each finding, a whole transcript that the verifier reads.
TRANSCRIPTS: Final[dict[str, str]] = {
    "OPENED": _FATES,
    "BIDDER_ABSENT": f"{_SUSPENDED}test_the_supervisor_lets_the_others_open_without_the_absent_bid",
    "BIDDER_BAD_DEAL": _FATES,
    "SEALED_WRONG": _FATES,
    "PACKAGE_BAD": _FATES,
    "DEAL_DISPUTED": _FATES,
    "CUSTODIANS_SHORT": f"{_SUSPENDED}test_the_supervisor_ends_an_opening_without_its_custodians",
    "BLOB_MISSING": _FATES,
    "BLOB_CORRUPT": _FATES,
}
FINDINGS: Final[dict[str, str]] = {
    "late cut": _FOUND,
    "no outside time": _FOUND,
    "no outside witness": _FOUND,
    "a right wrap called bad": _FOUND,
    "a wrong wrap clears who complained": (
        "tests/sunbid/verify/test_findings.py::test_a_wrap_that_is_wrong_clears_whoever_complained"
    ),
    "deal_wrong": _FATES,
    "silent members": f"{_DISHONEST}test_a_decision_names_exactly_the_silent",
    "a member's share supplied by somebody else": (
        f"{_SUSPENDED}test_who_lets_others_supply_its_shares_is_silent_all_the_same"
    ),
    "a loss that was not told in time": (
        f"{_OPENING}test_blobs.py::test_a_file_that_is_lost_after_it_was_read_back_is_doubted"
    ),
    "an outage across the deadline": (
        f"{_OPENING}test_outages.py::test_an_outage_across_the_deadline_waits_for_the_supervisor"
    ),
    "a window lengthened": (
        f"{_OPENING}test_outages.py::test_an_outage_in_a_window_lengthens_it_by_as_much"
    ),
    "an omission answered by the bidder's own act": (
        f"{_OPENING}test_omissions.py::"
        "test_an_omission_is_shown_to_members_with_the_act_that_answers_it"
    ),
    "an omission answered by another closing": (
        f"{_OPENING}test_omissions.py::test_a_closing_that_replaces_adds_the_bid_that_was_left_out"
    ),
    "an omission unanswered": _BROKEN,
    "leaves still closed": (
        "tests/sunbid/verify/test_checks.py::"
        "test_young_covers_may_be_closed_but_then_the_list_is_not_complete"
    ),
    "two stages": f"{_STAGES}test_the_price_of_a_rejected_technical_bid_is_never_opened",
}


def other_iv(group: Any, _: Any) -> bool:
    """Whether a case has a nonce that is not of 12 bytes."""
    return bool(group["ivSize"] != 96)


def other_key(group: Any, _: Any) -> bool:
    """Whether a case has a key of another length, with a nonce of 12 bytes."""
    return bool(group["ivSize"] == 96 and group["keySize"] != 256)


def with_aad(size: int) -> Callable[[Any, Any], bool]:
    """Whether a case of our shape has associated data."""
    return lambda group, case: (
        (group["ivSize"], group["keySize"]) == (96, size) and bool(case["aad"])
    )


def cases_of(groups: Any) -> list[tuple[Any, Any]]:
    """Every case with its group."""
    return [(group, case) for group in groups for case in group["tests"]]


# File, which of its cases, how many, and why they do not run.
LEFT_OUT: Final[tuple[tuple[str, Callable[[Any, Any], bool], int, str], ...]] = (
    ("wycheproof/x25519_test.json", lambda *_: True, 518, "no suite has X25519"),
    ("wycheproof/aes_gcm_test.json", other_iv, 119, "nonces of a payload have 12 bytes"),
    ("wycheproof/aes_gcm_test.json", other_key, 131, "INTL-1 has keys of 32 bytes"),
    ("wycheproof/aes_gcm_test.json", with_aad(256), 18, "a payload has no associated data"),
    ("wycheproof/sm4_gcm_test.json", other_iv, 39, "nonces of a payload have 12 bytes"),
    ("wycheproof/sm4_gcm_test.json", with_aad(128), 17, "a payload has no associated data"),
    (
        "wycheproof/ecdh_secp256r1_ecpoint_test.json",
        lambda _, case: case["result"] == "acceptable",
        1,
        "a compressed point: neither promised nor needed, wraps carry uncompressed ones",
    ),
)
# Of the file of RFC 9180: other KEMs than P-256 (X25519, P-521), and export-only.
HPKE_OURS: Final = 3
HPKE_ALL: Final = 7


def test_every_published_file_runs_or_is_left_out_with_its_reason(shared_data: Path) -> None:
    folder = shared_data / "vectors"
    held = {str(path.relative_to(folder)) for path in folder.glob("*/*") if path.name != "testdata"}
    held |= {str(path.relative_to(folder)) for path in folder.glob("merkle/testdata/*")}
    assert sorted(held - RUN.keys() - {name for name, *_ in LEFT_OUT}) == []
    assert sorted(RUN.keys() - held) == []


def test_what_is_left_out_is_counted(shared_data: Path) -> None:
    for name, which, count, why in LEFT_OUT:
        groups = json.loads((shared_data / "vectors" / name).read_bytes())["testGroups"]
        found = sum(which(group, case) for group, case in cases_of(groups))
        assert found == count, (name, why)
    rows = json.loads((shared_data / "vectors/hpke/rfc9180_base.json").read_bytes())
    assert len(rows) == HPKE_ALL
    assert sum(int(row["kem_id"]) == 0x0010 for row in rows) == HPKE_OURS


def test_the_tests_that_are_named_exist() -> None:
    named = [one for places in (*RUN.values(), *OWN.values()) for one in places]
    for place in (*named, *TRANSCRIPTS.values(), *FINDINGS.values()):
        path, _, name = place.partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        assert name in {n.name for n in ast.walk(tree) if isinstance(n, kinds)}, place


def test_every_outcome_code_has_a_transcript() -> None:
    assert TRANSCRIPTS.keys() == set(get_args(OutcomeCode))
