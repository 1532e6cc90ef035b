/* Work in a process of its own. */
#include "event/apart.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "testing.h"

#define LONG_MS 60000
#define SHORT_MS 200

struct room {
	int given, told;
	pid_t who;
};

static int tell(const void *subject, void *user, struct oo_err *err)
{
	struct room *room = user;
	(void)err;
	room->told = room->given + *(const int *)subject;
	room->who = getpid();
	return 0;
}

static int fail(const void *subject, void *user, struct oo_err *err)
{
	((struct room *)user)->told = *(const int *)subject;
	return oo_fail_text(err, ENODEV, "no such thing");
}

static int hang(const void *subject, void *user, struct oo_err *err)
{
	(void)tell(subject, user, err);
	(void)pause(); /* no signal comes but the last */
	return 0;
}

static int die(const void *subject, void *user, struct oo_err *err)
{
	(void)tell(subject, user, err);
	_exit(1);
}

static int run(oo_apart_fn *work, struct room *room, int64_t timeout_ms, struct oo_err *err)
{
	static const int subject = 2;
	*room = (struct room){.given = 40};
	return oo_apart_run(&(struct oo_apart_task){.work = work,
						    .subject = &subject,
						    .room = room,
						    .size = sizeof(*room),
						    .timeout_ms = timeout_ms},
			    err);
}

static void test_what_another_process_has_found_out_is_known_here(void)
{
	struct room room;
	CU_ASSERT_EQUAL(run(tell, &room, LONG_MS, NULL), 0);
	CU_ASSERT_EQUAL(room.told, 42);
	CU_ASSERT_NOT_EQUAL(room.who, getpid());
}

static void test_its_error_is_told_and_nothing_else(void)
{
	struct oo_err err;
	struct room room;
	CU_ASSERT_EQUAL(run(fail, &room, LONG_MS, &err), -ENODEV);
	CU_ASSERT_STRING_EQUAL(err.text, "no such thing");
	CU_ASSERT_EQUAL(room.told, 0);
}

static void test_who_hangs_is_left_with_what_he_told(void)
{
	struct room room;
	const int64_t began_at = oo_clock_now();
	CU_ASSERT_EQUAL(run(hang, &room, SHORT_MS, NULL), 0);
	CU_ASSERT(oo_clock_now() - began_at >= SHORT_MS);
	CU_ASSERT_EQUAL(room.told, 42);
}

static void test_who_dies_is_left_with_what_he_told(void)
{
	struct room room;
	CU_ASSERT_EQUAL(run(die, &room, LONG_MS, NULL), 0);
	CU_ASSERT_EQUAL(room.told, 42);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(what_another_process_has_found_out_is_known_here),
		TEST(its_error_is_told_and_nothing_else),
		TEST(who_hangs_is_left_with_what_he_told),
		TEST(who_dies_is_left_with_what_he_told),
	};
	return run_tests("apart", tests, OO_LENGTH(tests));
}
