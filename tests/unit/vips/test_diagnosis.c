/* Why checks fail, asked of a child: one at a time, believed only if it says something. */
#include "diagnosis.h"

#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "amend.h"
#include "base/cleanup.h"
#include "event/child.h"

static struct agent agent = {.config_path = "/etc/ooha/ooha.yaml"};
static struct agent_diagnosis *diagnosis;
static struct oo_child_spec child;
static unsigned n_started, n_told, n_amended;
static bool is_running;

/* -- beside: the child, the history, the core */

int oo_child_start(sd_event *event, const struct oo_child_spec *spec, struct oo_child **ret_child,
		   struct oo_err *err)
{
	(void)event;
	(void)err;
	child = *spec;
	n_started++;
	is_running = true;
	*ret_child = (struct oo_child *)&child;
	return 0;
}

void oo_child_cancel(struct oo_child *of)
{
	is_running = is_running && of == NULL;
}

const char *oo_child_result_format(const struct oo_child_result *result,
				   char buffer[static OO_CHILD_RESULT_LENGTH])
{
	snprintf(buffer, OO_CHILD_RESULT_LENGTH, "exit code %d", result->code);
	return buffer;
}

int agent_amend_new(struct agent *of, struct agent_amend **ret_amend, struct oo_err *err)
{
	(void)of;
	(void)err;
	*ret_amend = NULL;
	return 0;
}

void agent_amend_free(struct agent_amend *amend)
{
	(void)amend;
}

void agent_amend_apply(struct agent_amend *amend, const struct agent_verdict *verdict)
{
	(void)amend;
	(void)verdict;
	n_amended++;
}

void agent_tell(struct agent *of, const struct oo_event *event)
{
	(void)of;
	(void)event;
	n_told++;
}

#define SOON_MS 5000

static int64_t now = 1000;

int64_t oo_clock_now(void)
{
	return now;
}

/* -- the story */

static void set_up(void)
{
	n_started = n_told = n_amended = 0;
	CU_ASSERT_EQUAL_FATAL(agent_diagnosis_new(&agent, &diagnosis, NULL), 0);
}

static void tear_down(void)
{
	agent_diagnosis_free(diagnosis);
}

/* All was well for so long that it is looked at once when it no longer is. */
static void recover(void)
{
	agent_diagnosis_forget(diagnosis);
	now += SOON_MS;
}

static void says(const char *line)
{
	child.line(child.user, line);
}

static void ends(enum oo_child_end end, int code)
{
	is_running = false;
	child.done(child.user, &(struct oo_child_result){.end = end, .code = code});
}

static const char hung[] = "{\"findings\": [{\"cause\": \"document server hung\", \"layer\": "
			   "\"Document Server\", \"confidence\": \"certain\", \"summary\": "
			   "\"Document Server hung: index.html silent\", \"remedy\": \"systemctl "
			   "restart ds-docservice\"}, {\"summary\": \"another\"}]}";

static void test_the_first_finding_is_what_is_known(void)
{
	agent_diagnosis_look(diagnosis, false);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
	says(hung);
	ends(OO_CHILD_END_EXITED, 0);
	const struct agent_verdict *verdict = agent_diagnosis_verdict(diagnosis);
	CU_ASSERT_PTR_NOT_NULL_FATAL(verdict);
	CU_ASSERT_STRING_EQUAL(verdict->fault, "document server hung");
	CU_ASSERT_STRING_EQUAL(verdict->summary, "Document Server hung: index.html silent");
	CU_ASSERT_STRING_EQUAL(verdict->remedy, "systemctl restart ds-docservice");
	CU_ASSERT_EQUAL(n_told, 1);
	agent_diagnosis_apply(diagnosis);
	CU_ASSERT_EQUAL(n_amended, 1);
}

static void test_all_findings_and_the_state_of_the_database_are_read(void)
{
	static const struct {
		const char *chain;
		bool answers;
	} rows[] = {
		{"[{\"layer\": \"database\", \"state\": \"fine\"}]", true},
		{"[7, {\"layer\": \"proxy\", \"state\": \"fine\"}, {\"layer\": \"database\", "
		 "\"state\": \"behind\"}]",
		 false},
		{"[{\"layer\": \"database\"}]", false},
		{"{\"layer\": \"database\", \"state\": \"fine\"}", false},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char text[600];
		snprintf(text, sizeof(text),
			 "{\"chain\": %s, \"findings\": [{\"cause\": \"a\", \"confidence\": "
			 "\"likely\", \"summary\": \"b\", \"weight\": \"outage\"}, {\"cause\": "
			 "\"c\", \"confidence\": \"certain\", \"weight\": \"warning\"}, 7, 7, 7, "
			 "7, 7, 7, 7, 7]}",
			 rows[i].chain);
		agent_diagnosis_look(diagnosis, false);
		says(text);
		ends(OO_CHILD_END_EXITED, 0);
		const struct agent_verdict *verdict = agent_diagnosis_verdict(diagnosis);
		CU_ASSERT_PTR_NOT_NULL_FATAL(verdict);
		CU_ASSERT_EQUAL(verdict->database_answers, rows[i].answers);
		CU_ASSERT_EQUAL(verdict->n_findings, AGENT_FINDINGS); /* no more are kept */
		CU_ASSERT_STRING_EQUAL(verdict->findings[0].fault, "a");
		CU_ASSERT_STRING_EQUAL(verdict->findings[0].confidence, "likely");
		CU_ASSERT_FALSE(verdict->findings[0].harmless);
		CU_ASSERT_STRING_EQUAL(verdict->findings[1].fault, "c");
		CU_ASSERT(verdict->findings[1].harmless);
		CU_ASSERT_STRING_EQUAL(verdict->findings[2].fault, "");
		recover();
	}
}

static void test_a_document_in_pieces_is_one(void)
{
	char piece[16];
	agent_diagnosis_look(diagnosis, false);
	for (size_t i = 0; i < strlen(hung); i += sizeof(piece) - 1) {
		snprintf(piece, sizeof(piece), "%.15s", hung + i);
		says(piece);
	}
	ends(OO_CHILD_END_EXITED, 0);
	CU_ASSERT_PTR_NOT_NULL(agent_diagnosis_verdict(diagnosis));
}

static void test_only_one_looks_and_not_again_at_once(void)
{
	CU_ASSERT(agent_diagnosis_look(diagnosis, false));
	CU_ASSERT_FALSE(agent_diagnosis_look(diagnosis, true));
	CU_ASSERT_EQUAL(n_started, 1);
	ends(OO_CHILD_END_EXITED, 0);
	agent_diagnosis_look(diagnosis, false);
	agent_diagnosis_look(diagnosis, true);
	CU_ASSERT_EQUAL(n_started, 1);
}

static void test_once_all_was_well_it_is_looked_anew(void)
{
	agent_diagnosis_look(diagnosis, false);
	says(hung);
	ends(OO_CHILD_END_EXITED, 0);
	agent_diagnosis_forget(diagnosis);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
	agent_diagnosis_apply(diagnosis);
	CU_ASSERT_EQUAL(n_amended, 0);
	agent_diagnosis_look(diagnosis, false);
	CU_ASSERT_EQUAL(n_started, 1); /* a check that fails now and then is no load */
	now += SOON_MS;
	agent_diagnosis_look(diagnosis, false);
	CU_ASSERT_EQUAL(n_started, 2);
}

static void test_what_was_seen_before_all_was_well_is_not_believed(void)
{
	agent_diagnosis_look(diagnosis, false);
	agent_diagnosis_forget(diagnosis);
	says(hung);
	ends(OO_CHILD_END_EXITED, 0);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
}

static void test_nonsense_is_no_verdict(void)
{
	static const char *const nonsense[] = {
		"",
		"Segmentation fault",
		"[]",
		"{\"findings\": {}}",
		"{\"findings\": []}",
		"{\"findings\": [7]}",
		"{\"findings\": [{\"cause\": \"x\"}]}",
		"{\"findings\": [{\"summary\": 7}]}",
	};
	for (size_t i = 0; i < OO_LENGTH(nonsense); i++) {
		agent_diagnosis_look(diagnosis, false);
		says(nonsense[i]);
		ends(OO_CHILD_END_EXITED, 0);
		CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
		recover();
	}
}

static void test_a_child_that_died_failed_or_was_ended_is_not_believed(void)
{
	agent_diagnosis_look(diagnosis, false);
	says(hung);
	ends(OO_CHILD_END_SIGNALLED, 11);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
	recover();
	agent_diagnosis_look(diagnosis, false);
	says(hung);
	ends(OO_CHILD_END_TIMED_OUT, 0);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
	recover();
	agent_diagnosis_look(diagnosis, false);
	says(hung);
	ends(OO_CHILD_END_EXITED, 70);
	CU_ASSERT_PTR_NULL(agent_diagnosis_verdict(diagnosis));
}

static void test_texts_that_are_too_long_are_cut(void)
{
	char line[OO_REASON_LENGTH * 3], text[OO_REASON_LENGTH * 3 + 64];
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"findings\": [{\"summary\": \"%s\"}]}", line);
	agent_diagnosis_look(diagnosis, false);
	says(text);
	ends(OO_CHILD_END_EXITED, 0);
	const struct agent_verdict *verdict = agent_diagnosis_verdict(diagnosis);
	CU_ASSERT_PTR_NOT_NULL_FATAL(verdict);
	CU_ASSERT_EQUAL(strlen(verdict->summary), OO_REASON_LENGTH - 1);
}

static void test_an_agent_that_leaves_starts_no_child(void)
{
	agent.leaving = true;
	agent_diagnosis_look(diagnosis, true);
	agent.leaving = false;
	CU_ASSERT_EQUAL(n_started, 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(the_first_finding_is_what_is_known),
		TEST(all_findings_and_the_state_of_the_database_are_read),
		TEST(a_document_in_pieces_is_one),
		TEST(only_one_looks_and_not_again_at_once),
		TEST(once_all_was_well_it_is_looked_anew),
		TEST(what_was_seen_before_all_was_well_is_not_believed),
		TEST(nonsense_is_no_verdict),
		TEST(a_child_that_died_failed_or_was_ended_is_not_believed),
		TEST(texts_that_are_too_long_are_cut),
		TEST(an_agent_that_leaves_starts_no_child),
	};
	return run_tests_in("diagnosis", (struct frame){set_up, tear_down}, tests,
			    OO_LENGTH(tests));
}
