"""Which tests show the rows of the abuse table that touch bids and login.

The rows stand in the study of reliability (A1 to A34). Others (experts, scores, documents, exports,
dependencies) belong to the parts they speak of.
"""

import ast
from functools import cache
from typing import Final

from architecture.source import ROOT

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    # Reading or changing another bidder's bid, draft or receipt.
    "A1": (
        "test_the_task_list_shows_ones_own_acts_and_no_others",
        "test_a_receipt_names_its_bidder_to_its_bidder_only",
        "test_a_late_act_shows_its_signed_refusal_to_its_bidder_alone",
        "test_only_the_browser_that_asked_gets_the_signed_bid",
        "test_a_bid_is_handed_in_by_its_own_bidder",
    ),
    # Fields that nobody asked for.
    "A2": (
        "test_header_and_wraps_take_no_other_value_anywhere",
        "test_a_changed_body_is_refused_or_another_statement",
    ),
    # Who bids.
    "A3": (
        "test_no_name_and_no_secret_is_kept",
        "test_no_table_names_a_bidder_before_the_closing",
        "test_mandates_are_shown_to_their_company_and_their_key_alone",
    ),
    # How many bid.
    "A4": ("test_three_bids_and_thirty_look_the_same_to_everybody_else",),
    # What the hall tells to whom.
    "A5": ("test_the_hall_tells_of_a_step_and_otherwise_only_of_the_time",),
    # A signed request, code or receipt once more.
    "A9": (
        "test_misuse_34_reused",
        "test_an_old_token_is_refused",
        "test_the_same_act_again_gives_the_same_ticket_and_no_entry",
        "test_misuse_95_the_receipt_of_one_act_for_another",
    ),
    # Forms of other sites, frames, foreign origins.
    "A10": (
        "test_a_form_of_another_site_is_refused_before_there_is_a_session",
        "test_another_sites_form_is_refused_even_with_a_token",
        "test_every_answer_carries_the_headers",
        "test_a_foreign_page_can_neither_show_nor_ask_the_frame",
    ),
    # Names and sizes of what lies in an archive.
    "A13": ("test_case_86_what_breaks_a_limit_is_refused",),
    "A14": (
        "test_a_bomb_is_refused_before_it_is_unpacked",
        "test_the_total_is_limited",
    ),
    # Tokens of a licence service.
    "A17": (
        "test_no_other_algorithm_than_the_keys_own",
        "test_nothing_in_the_header_is_followed",
    ),
    # A code that was sent on, a session that was fixed.
    "A18": (
        "test_misuse_34_other_browser",
        "test_misuse_34_three_wrong_digits_end_it",
        "test_misuse_34_another_browser_cannot_use_the_login",
        "test_the_phone_does_not_sign_a_login_for_another_host",
        "test_a_new_login_ends_the_old_session",
    ),
    # A crowd or a flood at the deadline.
    "A20": (
        "test_a_thousand_in_the_last_second_are_taken_in",
        "test_a_flood_of_bad_signatures_ends_at_the_quota_and_leaves_its_leaves",
        "test_logins_from_one_place_are_limited",
        "test_an_organisation_registers_so_many_keys_and_no_more",
    ),
    # Secrets in what is logged.
    "A21": ("test_no_key_and_no_price_stands_in_the_log",),
    # Reading early, from inside.
    "A24": (
        "test_platform_and_storage_together_unwrap_nothing",
        "test_custodians_alone_do_not_read_however_many_they_are",
        "test_the_process_that_decrypts_leaves_no_core",
    ),
    # A receipt withheld.
    "A25": (
        "test_an_unknown_outcome_is_neither_done_nor_failed",
        "test_a_receipt_that_nobody_witnessed_in_ten_minutes_is_an_incident",
        "test_rule_9_a_receipt_that_the_list_leaves_out_stops_the_seat",
    ),
    # A copy of another's envelope.
    "A27": (
        "test_cases_17_and_20_swapped_volumes_and_a_rivals_file_get_the_same_refusal",
        "test_a_wrap_of_another_envelope_does_not_unwrap_and_the_re_deal_names_it",
    ),
    # Two contents in one envelope.
    "A28": ("test_two_contents_for_one_envelope_do_not_exist",),
    # A key withheld until prices are known.
    "A29": ("test_nothing_is_decrypted_before_phase_four",),
    # Another key for somebody's account.
    "A34": (
        "test_support_gives_no_company_operator_or_seat_another_key",
        "test_nobody_registers_a_signing_key_that_another_holds",
        "test_only_the_company_itself_gives_and_revokes",
        "test_a_rival_that_names_the_key_neither_locks_it_out_nor_keeps_it_in",
    ),
}


@cache
def names() -> frozenset[str]:
    """Every test there is."""
    return frozenset(
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    )


def test_every_test_that_shows_an_abuse_refused_is_there() -> None:
    named = {name for tests in SHOWN.values() for name in tests}
    assert sorted(named - names()) == [], "name the test that shows it now"
