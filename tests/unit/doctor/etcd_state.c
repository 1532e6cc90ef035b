/* What state etcd is in, and how it was set up. */
#include "node.h"

static void all_versions(struct oo_facts *facts, const char *version)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		SET(facts->etcd.endpoints[i].version, version);
	}
}

static void test_old_versions_are_a_note_and_newer_ones_nothing(void)
{
	static const struct {
		const char *version;
		bool is_old;
	} rows[] = {
		{"3.4.23", true}, {"3.4.30", true},  {"3.4.31", false},      {"3.4.45", false},
		{"3.5.0", true},  {"3.5.12", true},  {"3.5.13", false},      {"3.6.0", false},
		{"3.3.27", true}, {"3.10.1", false}, {"4.0.0", false},       {"", false},
		{"weird", false}, {"3.4", false},    {"3.5.13-rc.0", false},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_facts *facts = node_well();
		all_versions(facts, rows[i].version);
		const struct oo_ill *ill = node_find(facts, OO_AILMENT_ETCD_VERSION_OLD);
		CU_ASSERT_EQUAL(ill != NULL, rows[i].is_old);
		CU_ASSERT_TRUE(ill == NULL || ill->severity == OO_SEVERITY_NOTE);
	}
}

ILL(test_members_of_two_versions_are_told, ETCD_VERSIONS_DIFFER, WARNING)
{
	SET(facts->etcd.endpoints[2].version, "3.5.28");
}

WELL(test_member_whose_version_is_not_known_does_not_differ)
{
	facts->etcd.endpoints[2].version[0] = '\0';
}

ILL(test_full_etcd_is_critical, ETCD_FULL, CRITICAL)
{
	facts->etcd.is_full = true;
	facts->etcd.endpoints[0].database_bytes = facts->etcd.endpoints[0].quota_bytes;
}

ILL(test_corrupt_etcd_is_critical, ETCD_CORRUPT, CRITICAL)
{
	facts->etcd.is_corrupt = true;
}

ILL(test_database_near_its_quota_is_told, ETCD_FILLING, WARNING)
{
	facts->etcd.endpoints[1].database_bytes = facts->etcd.endpoints[1].quota_bytes / 5 * 4;
}

WELL(test_database_of_half_its_quota_is_fine)
{
	facts->etcd.endpoints[1].database_bytes = facts->etcd.endpoints[1].quota_bytes / 2;
}

WELL(test_large_database_without_a_known_quota_is_fine)
{
	facts->etcd.endpoints[1].database_bytes = INT64_C(8) << 30;
	facts->etcd.endpoints[1].quota_bytes = 0;
}

ILL(test_compaction_that_is_far_behind_is_told, ETCD_NOT_COMPACTED, WARNING)
{
	facts->etcd.revision = 5000000;
}

ILL(test_new_etcd_without_auto_compaction_is_told, ETCD_NOT_COMPACTED, WARNING)
{
	facts->etcd.endpoints[0].compacts = false;
	facts->etcd.revision = 7;
	facts->etcd.compact_revision = 0;
}

WELL(test_somebody_elses_timer_compacts_as_well)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		facts->etcd.endpoints[i].compacts = false;
	}
}

WELL(test_options_that_are_not_known_say_nothing_of_compaction)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		facts->etcd.endpoints[i].compacts = false;
		facts->etcd.endpoints[i].options_look = OO_LOOK_NONE;
	}
	facts->etcd.revision = 7;
	facts->etcd.compact_revision = 0;
}

WELL(test_revision_is_not_held_against_an_unknown_compaction)
{
	facts->etcd.revision = 5000000;
	facts->etcd.compact_revision = -1;
}

ILL(test_single_member_is_told, ETCD_SINGLE, WARNING)
{
	facts->etcd.n_members = facts->etcd.n_endpoints = 1;
}

ILL(test_even_members_are_told, ETCD_EVEN, WARNING)
{
	facts->etcd.n_members = 4;
}

WELL(test_learner_is_no_voter)
{
	facts->etcd.members[3] = (struct oo_etcd_member_facts){.id = 4, .is_learner = true};
	facts->etcd.n_members = 4;
}

WELL(test_number_of_members_that_could_not_be_had_is_not_judged)
{
	facts->etcd.members_look = OO_LOOK_LATE;
	facts->etcd.n_members = 0;
}

ILL(test_one_endpoint_of_three_is_few, ETCD_ENDPOINTS_FEW, WARNING)
{
	facts->etcd.n_endpoints = 1;
}

WELL(test_two_endpoints_of_three_do)
{
	facts->etcd.n_endpoints = 2;
}

ILL(test_majority_in_one_zone_is_told, ETCD_ZONES, WARNING)
{
	SET(facts->nodes[1].zone, "az-1");
}

WELL(test_members_that_may_be_anywhere_are_in_no_zone)
{
	SET(facts->nodes[1].zone, "az-1");
	facts->nodes[1].etcd[0] = '\0';
}

WELL(test_cluster_of_one_zone_has_no_other_to_spread_to)
{
	for (size_t i = 0; i < facts->n_nodes; i++) {
		SET(facts->nodes[i].zone, "az-1");
	}
}

ILL(test_slow_fsync_is_told, ETCD_FSYNC_SLOW, WARNING)
{
	facts->etcd.endpoints[0].fsync_us = 256000;
}

WELL(test_few_slow_fsyncs_are_the_start)
{
	facts->etcd.endpoints[0].fsync_us = 8000000;
	facts->etcd.endpoints[0].fsync_count = 20;
}

ILL(test_write_that_takes_more_than_half_of_a_renewals_time_is_told, ETCD_SLOW, WARNING)
{
	facts->etcd.endpoints[2].commit_us = 210000;
}

WELL(test_write_that_takes_less_is_fine)
{
	facts->etcd.endpoints[2].commit_us = 190000;
}

ILL(test_election_that_outlasts_the_hold_is_told, ETCD_ELECTION_LONG, WARNING)
{
	facts->etcd.endpoints[0].election_ms = 1500;
}

ILL(test_election_timeout_is_deduced_from_the_shortest_lease, ETCD_ELECTION_LONG, WARNING)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		facts->etcd.endpoints[i].options_look = OO_LOOK_NONE;
	}
	facts->etcd.least_lease_s = 8;
}

ILL(test_short_ttl_does_not_outlast_the_default_election, ETCD_ELECTION_LONG, WARNING)
{
	facts->ttl_ms = 2000;
	facts->renew_ms = 333;
	facts->margin_ms = 100;
	facts->request_timeout_ms = 266;
	for (size_t i = 0; i < facts->n_nodes; i++) {
		facts->nodes[i].ttl_ms = 2000;
	}
}

WELL(test_shortest_lease_of_a_default_etcd_tells_nothing)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		facts->etcd.endpoints[i].options_look = OO_LOOK_NONE;
	}
	facts->etcd.least_lease_s = 2;
}

/* 40 ms between zones: what etcd has by default does. */
WELL(test_default_etcd_suits_zones_that_are_40_ms_apart)
{
	facts->etcd.endpoints[0].peer_us = facts->etcd.endpoints[2].peer_us = 40000;
}

ILL(test_election_of_less_than_ten_round_trips_is_told, ETCD_TIMINGS_SHORT, WARNING)
{
	facts->etcd.endpoints[2].peer_us = 40000;
	facts->etcd.endpoints[0].election_ms = 390;
}

ILL(test_heartbeat_of_less_than_half_a_round_trip_is_told, ETCD_TIMINGS_SHORT, WARNING)
{
	facts->etcd.endpoints[2].peer_us = 40000;
	facts->etcd.endpoints[1].heartbeat_ms = 19;
}

WELL(test_timings_that_a_file_may_set_are_not_judged)
{
	facts->etcd.endpoints[2].peer_us = 400000;
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		facts->etcd.endpoints[i].options_look = OO_LOOK_NONE;
	}
}

static void test_what_is_suggested_follows_from_round_trips(void)
{
	struct oo_facts *facts = node_well();
	facts->etcd.endpoints[2].peer_us = 61000;
	facts->etcd.endpoints[0].election_ms = 500;
	const struct oo_ill *ill = node_find(facts, OO_AILMENT_ETCD_TIMINGS_SHORT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_STRING_EQUAL(
		ill->fix, "on each etcd member --heartbeat-interval=70 --election-timeout=700; "
			  "with it goes a lease.ttl of 1950 ms or more");
	facts->etcd.endpoints[0].election_ms = 1500;
	ill = node_find(facts, OO_AILMENT_ETCD_ELECTION_LONG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_STRING_EQUAL(
		ill->fix, "on each etcd member --heartbeat-interval=70 --election-timeout=700, or "
			  "on each node a lease.ttl of 3950 ms or more");
	facts->etcd.endpoints[2].peer_us = 150000; /* no shorter election is possible */
	ill = node_find(facts, OO_AILMENT_ETCD_ELECTION_LONG);
	CU_ASSERT_STRING_EQUAL(ill->fix, "on each node a lease.ttl of 3950 ms or more");
	facts = node_well();
	facts->etcd.endpoints[2].commit_us = 210000;
	ill = node_find(facts, OO_AILMENT_ETCD_SLOW);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(ill->fix, "a lease.ttl of 3200 ms or more"));
}

ILL(test_missing_pre_vote_is_told, ETCD_PRE_VOTE_OFF, WARNING)
{
	facts->etcd.endpoints[1].has_pre_vote = false;
}

WELL(test_pre_vote_is_the_default_from_3_5_on)
{
	all_versions(facts, "3.5.28");
	facts->etcd.endpoints[1].has_pre_vote = false;
}

WELL(test_pre_vote_that_the_environment_may_set_is_not_missing)
{
	facts->etcd.endpoints[1].has_pre_vote = false;
	facts->etcd.endpoints[1].options_look = OO_LOOK_NONE;
}

CU_TestInfo tests_of_etcd_state[] = {
	TOLD(test_old_versions_are_a_note_and_newer_ones_nothing),
	TOLD(test_members_of_two_versions_are_told),
	TOLD(test_member_whose_version_is_not_known_does_not_differ),
	TOLD(test_full_etcd_is_critical),
	TOLD(test_corrupt_etcd_is_critical),
	TOLD(test_database_near_its_quota_is_told),
	TOLD(test_database_of_half_its_quota_is_fine),
	TOLD(test_large_database_without_a_known_quota_is_fine),
	TOLD(test_compaction_that_is_far_behind_is_told),
	TOLD(test_new_etcd_without_auto_compaction_is_told),
	TOLD(test_somebody_elses_timer_compacts_as_well),
	TOLD(test_options_that_are_not_known_say_nothing_of_compaction),
	TOLD(test_revision_is_not_held_against_an_unknown_compaction),
	TOLD(test_single_member_is_told),
	TOLD(test_even_members_are_told),
	TOLD(test_learner_is_no_voter),
	TOLD(test_number_of_members_that_could_not_be_had_is_not_judged),
	TOLD(test_one_endpoint_of_three_is_few),
	TOLD(test_two_endpoints_of_three_do),
	TOLD(test_majority_in_one_zone_is_told),
	TOLD(test_members_that_may_be_anywhere_are_in_no_zone),
	TOLD(test_cluster_of_one_zone_has_no_other_to_spread_to),
	TOLD(test_slow_fsync_is_told),
	TOLD(test_few_slow_fsyncs_are_the_start),
	TOLD(test_write_that_takes_more_than_half_of_a_renewals_time_is_told),
	TOLD(test_write_that_takes_less_is_fine),
	TOLD(test_election_that_outlasts_the_hold_is_told),
	TOLD(test_election_timeout_is_deduced_from_the_shortest_lease),
	TOLD(test_short_ttl_does_not_outlast_the_default_election),
	TOLD(test_shortest_lease_of_a_default_etcd_tells_nothing),
	TOLD(test_default_etcd_suits_zones_that_are_40_ms_apart),
	TOLD(test_election_of_less_than_ten_round_trips_is_told),
	TOLD(test_heartbeat_of_less_than_half_a_round_trip_is_told),
	TOLD(test_timings_that_a_file_may_set_are_not_judged),
	TOLD(test_what_is_suggested_follows_from_round_trips),
	TOLD(test_missing_pre_vote_is_told),
	TOLD(test_pre_vote_is_the_default_from_3_5_on),
	TOLD(test_pre_vote_that_the_environment_may_set_is_not_missing),
	CU_TEST_INFO_NULL,
};
