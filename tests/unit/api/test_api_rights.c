/* Connections of other users: made by root, who alone can become them. */
#include <CUnit/Basic.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fixture.h"

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"
#define POST "POST /v1/pause HTTP/1.1\r\n" CLOSE
#define NOBODY 65534
#define NAMELESS 54321 /* in no user database */
#define DAEMON 1       /* the group of the fixture */
#define SKIPPED 77     /* meson's sign for it */

static bool contains(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;
	if (!found) {
		fprintf(stderr, "\nnot in it: %s\n%.400s\n", part, text);
	}
	return found;
}

/* So that only the API's own judgement keeps anybody out. */
static void open_for_all(const struct fixture *fixture)
{
	CU_ASSERT_EQUAL_FATAL(chmod(fixture->directory, 0755), 0);
	CU_ASSERT_EQUAL_FATAL(chmod(fixture->socket_path, 0666), 0);
}

/* Connects as that user, with that group and one supplementary one, and is root again. */
static int dial_as(const struct fixture *fixture, uid_t uid, gid_t gid, gid_t supplementary)
{
	gid_t own[64];
	int n_own = getgroups(OO_LENGTH(own), own);
	CU_ASSERT_FATAL(n_own >= 0 && setgroups(1, &supplementary) == 0);
	CU_ASSERT_FATAL(setegid(gid) == 0 && seteuid(uid) == 0);
	int fd = dial_unix(fixture);
	CU_ASSERT_FATAL(seteuid(0) == 0 && setegid(0) == 0);
	CU_ASSERT_FATAL(setgroups((size_t)n_own, own) == 0);
	return fd;
}

static void start(struct fixture *fixture)
{
	fixture_start(fixture, true);
	open_for_all(fixture);
}

static void test_root_may_change_something(void)
{
	struct fixture fixture;
	start(&fixture);
	OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), POST);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 202 Accepted\r\n"));
	CU_ASSERT_TRUE(contains(answer, "root POST /v1/pause"));
	CU_ASSERT_EQUAL(fixture.changed, 1);
	CU_ASSERT_STRING_EQUAL(fixture.change, "root POST /v1/pause: 202");
	fixture_stop(&fixture);
}

static void test_members_of_the_group_may(void)
{
	static const gid_t groups[][2] = {{DAEMON, NOBODY}, {NOBODY, DAEMON}};
	struct fixture fixture;
	start(&fixture);
	for (size_t i = 0; i < OO_LENGTH(groups); i++) {
		int fd = dial_as(&fixture, NOBODY, groups[i][0], groups[i][1]);
		OO_AUTO(oo_free) char *answer = ask(&fixture, fd, POST);
		CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 202 Accepted\r\n"));
		CU_ASSERT_STRING_EQUAL(fixture.change, "nobody POST /v1/pause: 202");
	}
	CU_ASSERT_EQUAL(fixture.asked, 2);
	fixture_stop(&fixture);
}

/* The connection is root's by the time of the request: who made it is what counts. */
static void test_others_are_refused_and_told_who_may(void)
{
	struct fixture fixture;
	start(&fixture);
	int fd = dial_as(&fixture, NOBODY, NOBODY, NOBODY);
	OO_AUTO(oo_free) char *answer = ask(&fixture, fd, POST);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 403 Forbidden\r\n"));
	CU_ASSERT_TRUE(contains(answer,
				"{\"error\": \"only root and members of the group daemon may "
				"change something, and nobody (uid 65534) is neither\"}\n"));
	CU_ASSERT_EQUAL(fixture.asked, 0);
	CU_ASSERT_STRING_EQUAL(fixture.change, "nobody POST /v1/pause: 403");
	fixture_stop(&fixture);
}

static void test_a_user_without_a_name_goes_by_its_number(void)
{
	struct fixture fixture;
	start(&fixture);
	int fd = dial_as(&fixture, NAMELESS, DAEMON, NOBODY);
	OO_AUTO(oo_free) char *answer = ask(&fixture, fd, POST);
	CU_ASSERT_TRUE(contains(answer, "54321 POST /v1/pause"));
	fixture_stop(&fixture);
}

static void test_without_the_group_only_root_may(void)
{
	struct fixture fixture;
	fixture_prepare(&fixture);
	fixture.change_group = "ooha-no-such-group";
	CU_ASSERT_EQUAL_FATAL(fixture_listen(&fixture, NULL, NULL), 0);
	open_for_all(&fixture);
	int fd = dial_as(&fixture, NOBODY, DAEMON, 0); /* root's group is not root */
	OO_AUTO(oo_free) char *answer = ask(&fixture, fd, POST);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 403 Forbidden\r\n"));
	CU_ASSERT_TRUE(contains(answer, "is neither; this host has no such group in /etc/group"));
	OO_AUTO(oo_free) char *roots = ask(&fixture, dial_unix(&fixture), POST);
	CU_ASSERT_TRUE(contains(roots, "HTTP/1.1 202 Accepted\r\n"));
	fixture_stop(&fixture);
}

static void test_whoever_may_connect_may_look(void)
{
	struct fixture fixture;
	start(&fixture);
	int fd = dial_as(&fixture, NOBODY, NOBODY, NOBODY);
	OO_AUTO(oo_free) char *answer = ask(&fixture, fd, "GET /v1/pause HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "nobody GET /v1/pause"));
	CU_ASSERT_EQUAL(fixture.changed, 0);
	fixture_stop(&fixture);
}

static void test_nothing_that_changes_is_known_on_tcp(void)
{
	struct fixture fixture;
	start(&fixture);
	OO_AUTO(oo_free) char *answer = ask(&fixture, dial_tcp(&fixture), POST);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 404 Not Found\r\n"));
	CU_ASSERT_EQUAL(fixture.asked + fixture.changed, 0);
	fixture_stop(&fixture);
}

static void test_a_change_that_is_refused_for_its_query_is_told_too(void)
{
	struct fixture fixture;
	start(&fixture);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "POST /v1/pause?a=b HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 400 Bad Request\r\n"));
	CU_ASSERT_STRING_EQUAL(fixture.change, "root POST /v1/pause: 400");
	fixture_stop(&fixture);
}

#define REFUSALS_TOLD 10
/* Each is refused; told are the first ones, and then one a second. */
static void test_who_is_refused_cannot_fill_the_log(void)
{
	struct fixture fixture;
	start(&fixture);
	int64_t began = oo_clock_now();
	for (int i = 0; i < 3 * REFUSALS_TOLD; i++) {
		int fd = dial_as(&fixture, NOBODY, NOBODY, NOBODY);
		OO_AUTO(oo_free) char *answer = ask(&fixture, fd, POST);
		CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 403 Forbidden\r\n"));
	}
	CU_ASSERT_TRUE(fixture.changed >= REFUSALS_TOLD);
	CU_ASSERT_TRUE(fixture.changed <= REFUSALS_TOLD + (oo_clock_now() - began) / 1000 + 1);
	/* and they keep nobody out who may */
	OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), POST);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 202 Accepted\r\n"));
	fixture_stop(&fixture);
}

#define CHANGES_AT_ONCE 50
static void test_changes_beyond_the_rate_are_refused_and_not_made(void)
{
	struct fixture fixture;
	start(&fixture);
	int64_t began = oo_clock_now();
	int refused = 0;
	for (int i = 0; i < 2 * CHANGES_AT_ONCE; i++) {
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), POST);
		if (strstr(answer, "HTTP/1.1 429 ") != NULL) {
			static const char says[] = "{\"error\": \"more than 10 changes a second: "
						   "wait for ";
			CU_ASSERT_TRUE_FATAL(contains(answer, says));
			CU_ASSERT_TRUE(atoi(strstr(answer, says) + strlen(says)) <= 101);
			refused++;
		}
	}
	CU_ASSERT_EQUAL(fixture.asked, 2 * CHANGES_AT_ONCE - refused);
	CU_ASSERT_EQUAL(fixture.changed, fixture.asked);
	CU_ASSERT_TRUE(fixture.asked >= CHANGES_AT_ONCE);
	CU_ASSERT_TRUE(fixture.asked <= CHANGES_AT_ONCE + (oo_clock_now() - began) / 100 + 1);
	fixture_stop(&fixture);
}

static gid_t group_of(const char *path)
{
	struct stat status = {0};
	CU_ASSERT_EQUAL(lstat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0660);
	return status.st_gid;
}

static void test_the_socket_is_given_to_its_group_if_there_is_one(void)
{
	static const struct {
		const char *name;
		gid_t gid;
	} groups[] = {{"daemon", DAEMON}, {"ooha-no-such-group", 0}, {NULL, 0}};
	for (size_t i = 0; i < OO_LENGTH(groups); i++) {
		struct fixture fixture;
		fixture_prepare(&fixture);
		fixture.socket_group = groups[i].name;
		CU_ASSERT_EQUAL_FATAL(fixture_listen(&fixture, NULL, NULL), 0);
		CU_ASSERT_EQUAL(group_of(fixture.socket_path), groups[i].gid);
		fixture_stop(&fixture);
	}
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"root may change something", test_root_may_change_something},
		{"members of the group may", test_members_of_the_group_may},
		{"others are refused and told who may", test_others_are_refused_and_told_who_may},
		{"a user without a name goes by its number",
		 test_a_user_without_a_name_goes_by_its_number},
		{"without the group only root may", test_without_the_group_only_root_may},
		{"whoever may connect may look", test_whoever_may_connect_may_look},
		{"nothing that changes is known on tcp", test_nothing_that_changes_is_known_on_tcp},
		{"a change that is refused for its query is told, too",
		 test_a_change_that_is_refused_for_its_query_is_told_too},
		{"who is refused cannot fill the log", test_who_is_refused_cannot_fill_the_log},
		{"changes beyond the rate are refused and not made",
		 test_changes_beyond_the_rate_are_refused_and_not_made},
		{"the socket is given to its group, if there is one",
		 test_the_socket_is_given_to_its_group_if_there_is_one},
		CU_TEST_INFO_NULL,
	};
	return geteuid() == 0 ? run_suite("api rights", tests) : SKIPPED;
}
