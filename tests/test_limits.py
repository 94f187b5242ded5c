"""Each limit that a stranger can reach, and the test that reaches it. A new limit without a line here fails."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.app.config.listener_tables import LimitsTable
from gateway.frontends.http import limits as http_limits
from gateway.frontends.ldap.core import limits as ldap_limits
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.wire.limits import Limits

TESTS = Path(__file__).parent

LDAP = "frontends/ldap/core/test_limits.py"
PAGING = "frontends/ldap/search/test_paged_results.py"
PINGS = "frontends/ldap/cldap/test_responder.py"
ORDER = "frontends/ldap/server/test_connection.py"
MEMORY = "frontends/ldap/server/test_output_buffer.py"
UPSTREAM = "connectors/ldap/bind/test_authenticator.py"
JIT = "directory/authentication/test_jit.py"
FINDING = "connectors/ldap/client/test_user_lookup.py"
HTTP = "frontends/http/test_connection_hostile_clients.py"
WIRE = "wire/test_limits.py"
BAD_INPUT = "frontends/ldap/server/test_connection_bad_input.py"
PERSISTENT = "frontends/ldap/subscriptions/test_persistent_search.py"
PASSWORDS = "directory/authentication/test_password_check.py"
OAUTH = "frontends/developer/oauth/test_endpoints.py"
TURNS = "frontends/ldap/core/test_search_turns.py"
ADMISSION = "directory/authentication/test_bind_admission.py"
AUDIT = "directory/authentication/test_bind_audit.py"
SILENCE = "store/engine/postgres/test_silence.py"
SOFT_LOCKS = "directory/authentication/soft_lock/test_lock.py"

CONNECTIONS = f"{LDAP}::test_connections_beyond_the_limit_are_closed_at_once_and_admitted_when_one_has_gone"
ONE_MORE = f"{WIRE}::test_the_limit_is_allowed_and_one_more_is_refused_for_the_request_that_asks"
SOFT_LOCK = f"{SOFT_LOCKS}::test_the_last_failure_that_is_allowed_locks_and_is_reported_once"

REACHED_BY = {
    # [limits] of the configuration, in the LDAP server's words
    "ServerLimits.max_message_bytes": f"{BAD_INPUT}::test_a_message_may_be_a_mebibyte_long_and_not_longer",
    "ServerLimits.max_unbound_message_bytes": f"{BAD_INPUT}::test_before_a_bind_a_message_may_be_64_kibibytes_long",
    "ServerLimits.connections": CONNECTIONS,
    "ServerLimits.connections_per_address": CONNECTIONS,
    "ServerLimits.operations_in_flight": f"{ORDER}::test_requests_beyond_the_operations_in_flight_wait_unread",
    "ServerLimits.size_limit": f"{LDAP}::test_the_servers_size_limit_counts_when_the_client_has_none_or_a_larger_one",
    "ServerLimits.time_limit_seconds": f"{LDAP}::test_law_7_the_time_limit_ends_a_search_with_what_was_found",
    "ServerLimits.bind_seconds": f"{LDAP}::test_a_client_that_says_nothing_is_dropped_after_the_bind_time",
    "ServerLimits.idle_seconds": f"{LDAP}::test_a_bound_client_may_be_idle_for_long_and_is_dropped_then",
    "ServerLimits.write_stall_seconds": f"{LDAP}::test_a_client_that_takes_nothing_of_its_answers_is_dropped",
    "[limits] bind_failures": SOFT_LOCK,
    "[limits] bind_failure_seconds": f"{SOFT_LOCKS}::test_a_lock_ends_one_window_after_its_first_failure",
    # The LDAP server's own
    "UNBOUND_BYTES": "frontends/ldap/server/test_receive_budget.py::test_beyond_the_budget_of_all_the_oldest_goes",
    "UNBOUND_BYTES_PER_ADDRESS": (
        "frontends/ldap/server/test_receive_budget.py::"
        "test_an_address_with_more_than_its_share_loses_its_oldest_and_no_other_address_loses_any"
    ),
    "OUTPUT_CHUNK_BYTES": f"{MEMORY}::test_law_7_clients_that_never_read_cannot_make_the_server_hold_their_answers",
    "SLICE_BYTES": f"{MEMORY}::test_law_7_clients_that_never_read_cannot_make_the_server_hold_their_answers",
    "SCANS": f"{TURNS}::test_a_party_has_one_thread_and_another_has_the_next_at_once",
    "SCANS_PER_PARTY": f"{TURNS}::test_a_party_has_one_thread_and_another_has_the_next_at_once",
    "SLICE_SECONDS": f"{TURNS}::test_slices_of_one_turn_take_so_long_and_go_round_the_parties",
    "SLICES_PER_CONNECTION": f"{LDAP}::test_so_many_slices_of_one_connection_are_in_memory_and_its_other_large_searches_wait",
    "PAGED_SEARCHES_PER_CONNECTION": f"{PAGING}::test_several_paged_searches_run_on_one_connection_and_the_oldest_makes_room",
    "PAGED_SEARCH_SECONDS": f"{PAGING}::test_a_paged_search_that_is_left_alone_ends",
    "VIRTUAL_LISTS_PER_CONNECTION": (
        "frontends/ldap/search/test_virtual_list_view.py::test_lists_are_kept_up_to_a_limit_and_one_that_is_not_kept_is_sorted_anew"
    ),
    "attribute_options.MAX_RANGE_VALUES": (
        "directory/domain/test_attribute_options.py::test_a_range_holds_what_was_asked_for_and_says_what_it_holds"
    ),
    "ambiguous_names.MAX_ASSERTIONS": "directory/domain/test_ambiguous_names.py::test_so_many_assertions_and_no_more",
    "ping.MAX_PING_BYTES": f"{PINGS}::test_what_is_no_ping_of_a_domain_here_is_answered_by_silence",
    "ping.MAX_AMPLIFICATION": f"{PINGS}::test_an_answer_is_little_longer_than_its_question",
    "rate_limit.ANSWERS_PER_SECOND": f"{PINGS}::test_so_many_answers_to_an_address_and_so_many_in_all",
    "rate_limit.ANSWERS_PER_ADDRESS": f"{PINGS}::test_so_many_answers_to_an_address_and_so_many_in_all",
    "rate_limit.MAX_ADDRESSES": f"{PINGS}::test_the_addresses_remembered_are_bounded",
    "SUBSCRIPTIONS_PER_CONNECTION": f"{PERSISTENT}::test_searches_that_go_on_for_ever_are_bounded",
    "SUBSCRIPTIONS": f"{PERSISTENT}::test_searches_that_go_on_for_ever_are_bounded",
    "REFRESH_SECONDS": f"{LDAP}::test_a_replica_that_takes_too_long_to_read_everything_is_ended",
    "view_reader.MAX_SNAPSHOTS": f"{LDAP}::test_too_many_large_searches_are_busy_and_small_ones_go_on",
    "view_reader.SNAPSHOTS_LEFT_SHARE": (
        f"{LDAP}::test_a_client_with_all_the_large_searches_that_it_may_have_leaves_some_for_the_next"
    ),
    "view_reader.MAX_HELD_IDS": "frontends/ldap/search/test_sorting.py::test_no_more_ids_are_kept_than_there_is_room_for",
    "soft_lock.MAX_KEYS": f"{SOFT_LOCKS}::test_the_names_remembered_are_bounded_and_the_longest_unused_go_first",
    "soft_lock.MAX_LOCKED": f"{SOFT_LOCKS}::test_the_names_that_are_locked_are_bounded_and_the_first_locked_goes_first",
    "bind_admission.MAX_BINDS": f"{ADMISSION}::test_no_address_has_more_places_than_are_left_and_another_has_the_next_at_once",
    "bind_admission.FREE_FAILURES": f"{ADMISSION}::test_as_many_failures_as_are_free_slow_nobody_down",
    "bind_admission.MAX_FAILURES": f"{ADMISSION}::test_failures_are_forgotten_as_time_goes_by",
    "bind_admission.BRAKED_BINDS": f"{ADMISSION}::test_a_guesser_is_slowed_down_and_another_address_is_not",
    "bind_admission.MAX_ADDRESSES": f"{ADMISSION}::test_addresses_names_and_connections_remembered_are_bounded",
    "bind_admission.MAX_FAMILIAR": f"{ADMISSION}::test_addresses_names_and_connections_remembered_are_bounded",
    "bind_admission.MAX_CONNECTIONS": f"{ADMISSION}::test_addresses_names_and_connections_remembered_are_bounded",
    "password_hashing.MAX_WAITING": f"{PASSWORDS}::test_more_hashes_than_may_wait_are_busy_and_no_failure",
    "group_commit.MAX_GROUP": (
        "store/engine/test_group_commit.py::test_a_group_has_at_most_so_many_writes_and_keeps_their_order"
    ),
    # Log lines
    "log_output.MAX_QUEUED_CHARACTERS": (
        "app/process/test_log_output.py::test_a_reader_that_does_not_read_costs_lines_and_hears_of_them_when_it_reads_again"
    ),
    "line_sums.MAX_LINES": (f"{AUDIT}::test_of_many_refused_binds_of_an_address_the_first_are_written_and_the_others_counted"),
    "line_sums.MAX_ADDRESSES": f"{AUDIT}::test_of_many_addresses_some_share_a_count",
    "line_sums.MAX_ALL_LINES": f"{AUDIT}::test_all_addresses_together_cause_so_many_lines_and_no_more",
    "bind_audit.MAX_NAME_CHARACTERS": f"{AUDIT}::test_a_long_name_is_cut_and_its_length_told",
    # Proxies
    "proxy_protocol.HEADER_SECONDS": "frontends/ldap/server/test_proxy_protocol.py::test_a_header_must_come_in_time",
    "proxy_protocol.MAX_AWAITED": (
        "frontends/ldap/server/test_proxy_protocol.py::test_so_many_connections_wait_for_their_header"
    ),
    "proxy_header.MAX_V1_BYTES": "twisted_internals/test_proxy_header.py::test_what_is_no_header_is_refused",
    "proxy_header.MAX_V2_BYTES": "twisted_internals/test_proxy_header.py::test_what_is_no_header_is_refused",
    "forwarded.MAX_HOPS": (
        "frontends/http/test_forwarded.py::test_what_cannot_be_read_is_refused_of_a_proxy_and_not_looked_at_of_strangers"
    ),
    # Over all workers
    "workers: connections": (
        "app/workers/test_workers.py::test_connections_per_address_hold_over_all_workers_and_are_given_back_when_one_is_killed"
    ),
    "workers: bind_failures": "app/workers/test_workers.py::test_failures_at_one_worker_lock_the_name_at_the_other",
    "workers: binds at the same time": (
        "app/workers/test_workers.py::test_guesses_at_the_same_time_at_all_workers_do_not_outrun_the_lock"
    ),
    # The codec
    "Limits.max_message_bytes": f"{WIRE}::test_so_many_octets_and_no_more",
    "Limits.max_filter_depth": ONE_MORE,
    "Limits.max_filter_terms": ONE_MORE,
    "Limits.max_filter_bytes": ONE_MORE,
    "Limits.max_value_bytes": ONE_MORE,
    "Limits.max_name_bytes": ONE_MORE,
    "dn.MAX_CHARACTERS": "model/ldap/test_dn.py::test_a_name_has_so_many_characters_and_rdns_and_no_more",
    "dn.MAX_RDNS": "model/ldap/test_dn.py::test_a_name_has_so_many_characters_and_rdns_and_no_more",
    "Limits.max_attributes": ONE_MORE,
    "Limits.max_controls": f"{WIRE}::test_so_many_controls_and_no_more",
    "controls: filters": f"{WIRE}::test_filters_in_controls_have_the_default_limits",
    "controls: attributes and sort keys": f"{WIRE}::test_controls_that_list_attributes_are_limited",
    # Upstream
    "bind_connections": f"{UPSTREAM}::test_connections_are_reused_and_never_more_than_allowed",
    "binds that wait": f"{UPSTREAM}::test_more_binds_than_may_wait_are_turned_away_and_the_others_are_answered",
    "bind_timeout_seconds": (
        "scenarios/test_upstream_faults.py::test_while_it_hangs_binds_are_unavailable_in_time_and_work_again_when_it_goes_on"
    ),
    # Names of people who are not known here, whom sources are asked for
    "jit.UNKNOWN_NAME_SECONDS": f"{JIT}::test_an_unknown_name_is_remembered_for_some_seconds",
    "jit.MAX_REMEMBERED": f"{JIT}::test_the_unknown_names_that_are_remembered_are_bounded",
    "jit.MAX_LOGINS": f"{JIT}::test_of_many_login_names_few_are_tried",
    "user_lookup.MAX_LOOKUPS": f"{FINDING}::test_so_many_names_are_looked_up_at_a_time",
    "user_lookup.MAX_ENTRIES": f"{FINDING}::test_an_ambiguous_name_reads_two_entries_at_most",
    "user_lookup.MAX_LOGIN_CHARACTERS": f"{FINDING}::test_a_name_over_the_limit_is_not_looked_up",
    "read_your_writes.VIEW_SECONDS": f"{JIT}::test_a_view_that_does_not_follow_is_busy",
    # HTTP
    "http.MAX_BODY_BYTES": f"{HTTP}::test_a_body_announced_too_long_is_refused_before_it_is_sent",
    "http.MAX_HEADER_BYTES": f"{HTTP}::test_a_request_that_is_not_http_is_answered_400_in_our_shape_and_the_face_lives_on",
    "http.MAX_HEADERS": f"{HTTP}::test_a_request_that_is_not_http_is_answered_400_in_our_shape_and_the_face_lives_on",
    "http.IDLE_SECONDS": f"{HTTP}::test_an_idle_connection_is_closed",
    "http.ARRIVAL_SECONDS": f"{HTTP}::test_a_client_that_sends_byte_by_byte_is_ended_after_the_arrival_time",
    "http.STALL_SECONDS": (
        "frontends/http/test_streaming.py::test_a_stream_waits_for_a_client_that_does_not_read_and_then_gives_up"
    ),
    "http.LINGER_SECONDS": f"{HTTP}::test_a_refused_client_that_stays_is_ended_after_the_linger_time",
    "http.MAX_CONNECTIONS": f"{HTTP}::test_connections_beyond_the_limit_are_closed_at_once",
    "http.MAX_CONNECTIONS_PER_ADDRESS": f"{HTTP}::test_connections_beyond_the_limit_are_closed_at_once",
    "http: parameters": f"{HTTP}::test_parameters_beyond_the_limit_are_refused",
    "client_lockout.MAX_FAILURES_PER_ADDRESS": (
        f"{OAUTH}::test_an_address_that_tries_too_many_clients_is_slowed_down_and_not_locked"
    ),
    "client_lockout.MAX_REMEMBERED": f"{OAUTH}::test_clients_and_addresses_remembered_are_bounded",
    "store_threads.ANSWER_SECONDS": (
        "scenarios/test_silent_store.py::test_law_8_a_store_that_is_silent_or_read_only_is_reported_in_time_by_every_face_and_searches_go_on"
    ),
    "store_threads.WRITE_SECONDS": f"{SILENCE}::test_a_write_that_does_not_come_to_its_commit_in_time_is_not_done",
    "silence.SILENT_SECONDS": (
        f"{SILENCE}::test_a_commit_that_is_not_answered_is_reported_as_unknown_and_what_came_before_it_as_not_done"
    ),
    "access_tokens.MAX_PER_APPLICATION": (
        "store/clients/test_applications.py::test_of_an_applications_tokens_the_oldest_give_way"
    ),
    "http: wrong secrets": f"{OAUTH}::test_too_many_wrong_secrets_lock_the_client_out_for_a_while",
}

NO_LIMITS = {"SWEEP_SECONDS"}
"""Numbers among the limits that hinder nobody."""


@pytest.mark.parametrize("limit", REACHED_BY)
def test_the_test_that_reaches_a_limit_is_there(limit: str) -> None:
    file, _, name = REACHED_BY[limit].partition("::")
    tree = ast.parse((TESTS / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_limit_has_its_line() -> None:
    server = {one.name for one in fields(ServerLimits)}
    wanted = {f"ServerLimits.{name}" for name in server}
    wanted |= {f"Limits.{one.name}" for one in fields(Limits)}
    wanted |= {f"[limits] {name}" for name in LimitsTable.model_fields if name not in server}
    wanted |= {name for name in vars(ldap_limits) if name.isupper()} - NO_LIMITS
    wanted |= {f"http.{name}" for name in vars(http_limits) if name.isupper()}
    assert wanted - REACHED_BY.keys() == set()
