/* What etcd shows: older, newer, the same again, restored. */
#include "story.h"
#include "suites.h"

static const struct oo_pair *seen(void)
{
	return oo_core_view(story.core, 0).pair;
}

static void test_a_watch_event_means_nothing_before_a_read_has_shown_the_whole(void)
{
	begin();
	other_takes("node-a", 7);
	WATCH(1);
	CU_ASSERT_FALSE(oo_core_view(story.core, 0).known);
	UNTIL(10);
	CU_ASSERT(oo_core_view(story.core, 0).known);
	CU_ASSERT_STRING_EQUAL(seen()->claim.node, "node-a");
}

static void test_an_older_watch_event_is_ignored(void)
{
	begin();
	watch_node_a();
	struct oo_pair older = story.etcd.pairs[0];
	other_takes("node-c", 8);
	WATCH(200);
	STEP(201, .type = OO_EVENT_WATCH, .revision = older.claim.revision, .claim = &older.claim,
	     .beat = &older.beat);
	CU_ASSERT_STRING_EQUAL(seen()->claim.node, "node-c");
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 200);
}

static void test_an_older_read_is_ignored_when_the_newer_came_after_the_question(void)
{
	begin();
	watch_node_a();
	story.reads_hang = true;
	UNTIL(500);
	struct oo_pair older = story.etcd.pairs[0];
	int64_t older_revision = story.etcd.revision;
	other_renews();
	WATCH_BEAT(510);
	STEP(520, .type = OO_EVENT_READ, .outcome = OO_OUTCOME_DONE, .revision = older_revision,
	     .pairs = &older);
	CU_ASSERT_EQUAL(seen()->beat.revision, story.etcd.revision);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 510);
}

static void test_a_read_asked_after_a_revision_that_shows_a_lower_one_forgets_everything(void)
{
	begin();
	watch_node_a();
	other_renews();
	other_renews();
	UNTIL(500); /* revision 13 */
	story.etcd.revision = 12;
	UNTIL(2000); /* restored: seen at 1000, with the very beat of the newest revision */
	story.etcd.revision = 11;
	UNTIL(2500 + 3030);
	TRACE("");
	UNTIL(2500 + 3031);
	TRACE("[ 5531] standby -> acquiring: holder_silent node-a\n"
	      "[ 5531] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_release_read_from_a_restored_etcd_is_no_release(void)
{
	begin();
	watch_node_a(); /* revision 11 */
	story.etcd.revision = 20;
	UNTIL(600);
	story.etcd.revision = 12;
	other_releases(); /* ends the claim that was seen, but before what was seen since */
	UNTIL(1000 + 3030);
	TRACE("");
	UNTIL(1000 + 3031);
	TRACE("[ 4031] standby -> acquiring: released node-a\n"
	      "[ 4031] ask claim n1 ends n2 epoch 8\n");
}

static void test_the_same_beat_with_a_new_revision_is_news(void)
{
	begin();
	watch_node_a();
	story.etcd.pairs[0].beat.revision = ++story.etcd.revision; /* a late duplicate */
	UNTIL(500);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 500);
	story.etcd.pairs[0].claim.revision = ++story.etcd.revision;
	UNTIL(1000);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 1000);
}

static void test_another_value_with_the_same_revision_is_news(void)
{
	begin();
	watch_node_a();
	story.etcd.pairs[0].beat.value[0]++; /* a restored etcd came back to the same number */
	UNTIL(500);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 500);
	story.etcd.pairs[0].claim.value[0]++;
	UNTIL(1000);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).first_seen_at, 1000);
}

static void test_an_answer_to_an_older_read_is_not_believed(void)
{
	begin();
	UNTIL(400);
	uint64_t old = oo_core_read_seq(story.core);
	story.reads_hang = true;
	UNTIL(600);
	struct oo_pair pair = {.claim = {.revision = 99, .nonce = 5}};
	STEP(601, .type = OO_EVENT_READ, .seq = old, .outcome = OO_OUTCOME_DONE, .revision = 99,
	     .pairs = &pair);
	CU_ASSERT_NOT_EQUAL(seen()->claim.nonce, 5);
}

static void test_a_read_is_asked_every_renew_interval_and_again_soon_after_a_failure(void)
{
	begin();
	watch_node_a();
	UNTIL(0);
	uint64_t first = oo_core_read_seq(story.core);
	story.reads_are_lost = true;
	UNTIL(499);
	CU_ASSERT_EQUAL(oo_core_read_seq(story.core), first);
	UNTIL(500);
	CU_ASSERT_EQUAL(oo_core_read_seq(story.core), first + 1);
	UNTIL(599);
	CU_ASSERT_EQUAL(oo_core_read_seq(story.core), first + 1);
	UNTIL(600);
	CU_ASSERT_EQUAL(oo_core_read_seq(story.core), first + 2);
}

/* node-a renews, and the watch tells of it, each renew interval up to then. */
static void hear_beats(int64_t until)
{
	for (int64_t at = (story.now / 500 + 1) * 500; at <= until; at += 500) {
		UNTIL(at - 1);
		other_renews();
		WATCH_BEAT(at);
	}
}

/* Of node-b, and when: the reads since it was asked last. */
static uint64_t reads_until(int64_t at)
{
	uint64_t before = oo_core_read_seq(story.core);
	UNTIL(at);
	return oo_core_read_seq(story.core) - before;
}

static void test_who_hears_the_beats_reads_seldom_and_again_once_they_stay_away(void)
{
	begin();
	watch_node_a();
	hear_beats(500); /* not before the read that is due now */
	uint64_t first = oo_core_read_seq(story.core);
	hear_beats(2500);
	CU_ASSERT_EQUAL(oo_core_read_seq(story.core), first + 1); /* at 2000 */
	CU_ASSERT_EQUAL(reads_until(2500 + 999), 0);
	CU_ASSERT_EQUAL(reads_until(2500 + 1000), 1);
	CU_ASSERT_EQUAL(reads_until(2500 + 1499), 0);
	CU_ASSERT_EQUAL(reads_until(2500 + 2999), 3);
	story_forget_trace();
	UNTIL(2500 + 3031);
	TRACE("[ 5531] standby -> acquiring: holder_silent node-a\n"
	      "[ 5531] ask claim n1 ends n2 epoch 8\n");
}

static void test_beats_that_only_reads_bring_are_no_pulse(void)
{
	begin();
	watch_node_a();
	for (int64_t at = 500; at <= 3000; at += 500) {
		other_renews();
		CU_ASSERT_EQUAL(reads_until(at), 1);
	}
}

static void test_a_read_that_failed_is_asked_again_soon_whatever_is_heard(void)
{
	begin();
	watch_node_a();
	hear_beats(1500);
	story.reads_are_lost = true;
	hear_beats(2000);
	CU_ASSERT_EQUAL(reads_until(2450), 4);
}

static void test_a_pulse_of_one_group_is_none_of_another(void)
{
	struct oo_core_config config = story_config();
	config.n_groups = 2;
	config.groups[1] = config.groups[0];
	begin_with(&config);
	watch_node_a();
	hear_beats(1000);
	CU_ASSERT_EQUAL(reads_until(1500), 1);
	hear_beats(2000);
	CU_ASSERT_EQUAL(reads_until(2499), 0);
	CU_ASSERT_EQUAL(reads_until(2500), 1);
}

static void test_a_pause_seen_by_the_watch_is_not_undone_by_an_older_read(void)
{
	begin();
	watch_node_a();
	story.reads_hang = true;
	UNTIL(500); /* asked before the pause, answered after it */
	STEP(510, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision + 1, .paused = true);
	READ(520);
	CU_ASSERT(oo_core_is_paused(story.core));
	story.etcd.revision++;
	story.etcd.paused = true;
	UNTIL(1000);
	STEP(1010, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision + 1, .paused = false);
	STEP(1011, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	READ(1020);
	CU_ASSERT_FALSE(oo_core_is_paused(story.core));
}

static void test_a_restored_etcd_says_anew_whether_it_is_paused(void)
{
	begin();
	story.etcd.paused = true;
	story.etcd.revision = 50;
	UNTIL(600);
	CU_ASSERT(oo_core_is_paused(story.core));
	story.etcd.paused = false;
	story.etcd.revision = 3;
	UNTIL(1000);
	CU_ASSERT_FALSE(oo_core_is_paused(story.core));
}

static void test_a_refused_renewal_says_nothing_about_pause(void)
{
	begin();
	become_active();
	story.etcd.paused = true;
	UNTIL(3533);
	STEP(3540, .type = OO_EVENT_ANSWER, .outcome = OO_OUTCOME_REFUSED,
	     .revision = story.etcd.revision + 1);
	CU_ASSERT(oo_core_is_paused(story.core));
}

CU_TestInfo stories_of_seeing[] = {
	{"who hears the beats reads seldom, and again once they stay away",
	 test_who_hears_the_beats_reads_seldom_and_again_once_they_stay_away},
	{"beats that only reads bring are no pulse", test_beats_that_only_reads_bring_are_no_pulse},
	{"a read that failed is asked again soon, whatever is heard",
	 test_a_read_that_failed_is_asked_again_soon_whatever_is_heard},
	{"a pulse of one group is none of another", test_a_pulse_of_one_group_is_none_of_another},
	{"a watch event means nothing before a read has shown the whole",
	 test_a_watch_event_means_nothing_before_a_read_has_shown_the_whole},
	{"an older watch event is ignored", test_an_older_watch_event_is_ignored},
	{"an older read is ignored when the newer came after the question",
	 test_an_older_read_is_ignored_when_the_newer_came_after_the_question},
	{"a read asked after a revision that shows a lower one forgets everything",
	 test_a_read_asked_after_a_revision_that_shows_a_lower_one_forgets_everything},
	{"a release read from a restored etcd is no release",
	 test_a_release_read_from_a_restored_etcd_is_no_release},
	{"the same beat with a new revision is news",
	 test_the_same_beat_with_a_new_revision_is_news},
	{"another value with the same revision is news",
	 test_another_value_with_the_same_revision_is_news},
	{"an answer to an older read is not believed",
	 test_an_answer_to_an_older_read_is_not_believed},
	{"a read is asked every renew interval and again soon after a failure",
	 test_a_read_is_asked_every_renew_interval_and_again_soon_after_a_failure},
	{"a pause seen by the watch is not undone by an older read",
	 test_a_pause_seen_by_the_watch_is_not_undone_by_an_older_read},
	{"a restored etcd says anew whether it is paused",
	 test_a_restored_etcd_says_anew_whether_it_is_paused},
	{"a refused renewal says nothing about pause",
	 test_a_refused_renewal_says_nothing_about_pause},
	CU_TEST_INFO_NULL,
};
