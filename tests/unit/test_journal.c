/* What a line has in the journal, and that it is a plain line elsewhere. */
#include "journal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/testing.h"

static char sent[4096]; /* the last entry's fields, each with a newline behind */
static unsigned n_sent;

int sd_journal_sendv(const struct iovec *parts, int n);

/* Instead of the journal's. */
int sd_journal_sendv(const struct iovec *parts, int n)
{
	size_t length = 0;
	for (int i = 0; i < n; i++) {
		length += (size_t)snprintf(sent + length, sizeof(sent) - length, "%.*s\n",
					   (int)parts[i].iov_len, (char *)parts[i].iov_base);
	}
	n_sent++;
	return 0;
}

static void open_log(bool journal)
{
	struct stat status;
	char stream[64] = "1:1";

	CU_ASSERT_EQUAL_FATAL(fstat(STDERR_FILENO, &status), 0);
	if (journal) {
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
			 (unsigned long long)status.st_ino);
	}
	setenv("JOURNAL_STREAM", stream, 1);
	oo_log_open("ooha-agent", OO_LOG_INFO);
	n_sent = 0;
	sent[0] = '\0';
}

static bool has(const char *field)
{
	const char *at = strstr(sent, field);
	return at != NULL && (at == sent || at[-1] == '\n') && at[strlen(field)] == '\n';
}

static void test_line_has_its_id_and_fields_in_the_journal(void)
{
	open_log(true);
	agent_say(OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_ROLE,
				       .group = "office",
				       .peer = "node-b",
				       .cause = "offered",
				       .check = "proxy",
				       .epoch = 7},
		  "office: %s", "standby -> active");
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT_TRUE(has("MESSAGE=office: standby -> active"));
	CU_ASSERT_TRUE(has("PRIORITY=5"));
	CU_ASSERT_TRUE(has("SYSLOG_IDENTIFIER=ooha-agent"));
	CU_ASSERT_TRUE(has("MESSAGE_ID=eb2fb05dace44b1db02e660aade8370b"));
	CU_ASSERT_TRUE(has("OOHA_MESSAGE=role"));
	CU_ASSERT_TRUE(has("OOHA_GROUP=office"));
	CU_ASSERT_TRUE(has("OOHA_CAUSE=offered"));
	CU_ASSERT_TRUE(has("OOHA_EPOCH=7"));
	CU_ASSERT_TRUE(has("OOHA_PEER=node-b"));
	CU_ASSERT_TRUE(has("OOHA_CHECK=proxy"));
}

static void test_what_a_line_is_not_about_has_no_field(void)
{
	open_log(true);
	agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_STARTED, .peer = ""},
		  "started");
	CU_ASSERT_TRUE(has("OOHA_MESSAGE=started"));
	CU_ASSERT_PTR_NULL(strstr(sent, "OOHA_GROUP"));
	CU_ASSERT_PTR_NULL(strstr(sent, "OOHA_PEER"));
	CU_ASSERT_PTR_NULL(strstr(sent, "OOHA_EPOCH"));
}

static void test_long_values_are_cut_and_debug_is_silent(void)
{
	char cause[1000];
	memset(cause, 'x', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	open_log(true);
	agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_HOOK, .cause = cause},
		  "x");
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(sent, "OOHA_CAUSE=xxx"));
	agent_say(OO_LOG_DEBUG, &(struct agent_said){.message = AGENT_MESSAGE_HOOK}, "x");
	CU_ASSERT_EQUAL(n_sent, 1);
}

static void test_without_the_journal_it_is_a_plain_line(void)
{
	char text[64] = "";
	FILE *file = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	int real = dup(STDERR_FILENO);
	open_log(false);
	dup2(fileno(file), STDERR_FILENO);
	agent_say(OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_ROLE, .group = "office"},
		  "office: up");
	dup2(real, STDERR_FILENO);
	close(real);
	rewind(file);
	CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), file));
	fclose(file);
	CU_ASSERT_STRING_EQUAL(text, "ooha-agent: office: up\n");
	CU_ASSERT_EQUAL(n_sent, 0);
}

static char teller[64];

static void on_said(void *user, const struct oo_log_said *said)
{
	(void)user;
	snprintf(teller, sizeof(teller), "%s %s", said->file, said->text);
}

/* The journal knows the unit of a stream, but not that of a process that has ended. */
static void test_last_line_goes_to_standard_error_with_its_priority(void)
{
	char text[80] = "";

	FILE *file = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	int kept = dup(STDERR_FILENO);
	CU_ASSERT_EQUAL(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	open_log(true);
	oo_log_last("%s:1: empty", "ooha.yaml");
	CU_ASSERT_EQUAL(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(kept);
	rewind(file);
	CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), file));
	fclose(file);
	CU_ASSERT_STRING_EQUAL(text, "<3>ooha.yaml:1: empty\n");
	CU_ASSERT_EQUAL(n_sent, 0);
}

static void test_who_watches_the_log_is_told_who_speaks(void)
{
	open_log(true);
	oo_log_watch(on_said, NULL);
	agent_say(OO_LOG_NOTICE, &(struct agent_said){.message = AGENT_MESSAGE_ROLE}, "up");
	oo_log_watch(NULL, NULL);
	CU_ASSERT_STRING_EQUAL(teller, "test_journal.c up");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(line_has_its_id_and_fields_in_the_journal),
		TEST(last_line_goes_to_standard_error_with_its_priority),
		TEST(what_a_line_is_not_about_has_no_field),
		TEST(long_values_are_cut_and_debug_is_silent),
		TEST(without_the_journal_it_is_a_plain_line),
		TEST(who_watches_the_log_is_told_who_speaks),
	};
	return run_tests("journal", tests, OO_LENGTH(tests));
}
