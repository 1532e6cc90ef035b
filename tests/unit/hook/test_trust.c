/* Which hooks are refused, and what is said about it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "hook/hook.h"

#include "scratch.h"

#define NOBODY 65534

/* A geteuid(2) of ours: who we are, unless a test says otherwise. */
static uid_t pretended;

uid_t geteuid(void)
{
	return pretended != 0 ? pretended : (uid_t)syscall(SYS_geteuid);
}

static void expect_path(const char *path, int wanted, const char *text)
{
	struct oo_err err = {""};
	int r = oo_hooks_verify(&path, 1, &err);
	bool right = r == wanted && (r == 0 || strcmp(err.text, text) == 0);
	CU_ASSERT(right);
	if (!right) {
		printf("%s: got %d (%s)\n", path, r, err.text);
	}
}

/* text, if not NULL, follows the full path of culprit. */
static void expect(const char *name, int r, const char *culprit, const char *text)
{
	char wanted[PATH_MAX + 256] = "";
	if (text != NULL) {
		snprintf(wanted, sizeof(wanted), "%s%s", scratch_at(culprit).text, text);
	}
	expect_path(scratch_at(name).text, r, wanted);
}

#define WRITABLE(whom, mode)                                                                       \
	" is writable by " whom " (mode " mode                                                     \
	"): only its owner may be able to write to it (chmod go-w)"

static void set_up(void)
{
	scratch_empty();
	scratch_directory("a");
	scratch_directory("a/b.d");
	scratch_hook("a/b.d/hook", "true");
}

static void test_what_only_we_can_change_is_accepted(void)
{
	expect("a/b.d", 0, NULL, NULL);
	expect("a/b.d/", 0, NULL, NULL);
	expect("a/b.d/hook", 0, NULL, NULL);
	expect("a//./b.d/../b.d/hook", 0, NULL, NULL);
	expect_path("/usr/bin/true", 0, "");
}

static void test_what_others_may_write_to_is_refused(void)
{
	static const struct {
		const char *name;
		unsigned int mode;
		const char *text;
	} cases[] = {
		{"a/b.d/hook", 0775, WRITABLE("its group", "0775")},
		{"a/b.d/hook", 0757, WRITABLE("others", "0757")},
		{"a/b.d/hook", 0777, WRITABLE("others", "0777")},
		{"a/b.d", 0775, WRITABLE("its group", "0775")},
		{"a/b.d", 0777, WRITABLE("others", "0777")},
		{"a/b.d", 01777, WRITABLE("others", "1777")},
		{"a", 0775, WRITABLE("its group", "0775")},
		{"a", 01777, WRITABLE("others", "1777")},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		scratch_mode(cases[i].name, cases[i].mode);
		expect("a/b.d/hook", -EPERM, cases[i].name, cases[i].text);
		expect("a/b.d", -EPERM, cases[i].name, cases[i].text);
		scratch_mode(cases[i].name, 0755);
		expect("a/b.d/hook", 0, NULL, NULL);
	}
	expect_path("/tmp/hooks.d", -EPERM, "/tmp" WRITABLE("others", "1777"));
}

static void test_what_somebody_else_owns_is_refused(void)
{
	char text[256];
	static const char *const names[] = {"a/b.d/hook", "a/b.d", "a"};
	uid_t we = geteuid();
	for (size_t i = 0; i < OO_LENGTH(names) && we == 0; i++) {
		CU_ASSERT_EQUAL(chown(scratch_at(names[i]).text, NOBODY, NOBODY), 0);
		snprintf(text, sizeof(text),
			 " is owned by user %d: it must be owned by root or by the agent's own "
			 "user (%u)",
			 NOBODY, we);
		expect("a/b.d/hook", -EPERM, names[i], text);
		pretended = NOBODY; /* then it is our own, as is what root has */
		expect("a/b.d/hook", 0, NULL, NULL);
		pretended = 0;
		CU_ASSERT_EQUAL(chown(scratch_at(names[i]).text, 0, 0), 0);
	}
	if (we != 0) { /* cannot give anything away, but can be somebody else */
		const char *path = scratch_at("a/b.d/hook").text;
		pretended = NOBODY;
		CU_ASSERT_EQUAL(oo_hooks_verify(&path, 1, NULL), -EPERM);
		pretended = 0;
	}
}

static void test_a_link_is_followed_and_the_whole_way_looked_at(void)
{
	scratch_directory("other");
	scratch_hook("other/real", "true");
	scratch_link("a/b.d/absolute", scratch_at("other/real").text);
	scratch_link("a/b.d/relative", "../../other/real");
	scratch_link("a/b.d/twice", "relative");
	scratch_link("a/here.d", "b.d");
	expect("a/here.d/twice", 0, NULL, NULL);

	static const char *const links[] = {"a/b.d/absolute", "a/b.d/relative", "a/here.d/twice"};
	for (size_t i = 0; i < OO_LENGTH(links); i++) {
		/* where it leads to */
		scratch_mode("other", 01777);
		expect(links[i], -EPERM, "other", WRITABLE("others", "1777"));
		scratch_mode("other", 0755);
		scratch_mode("other/real", 0775);
		expect(links[i], -EPERM, "other/real", WRITABLE("its group", "0775"));
		scratch_mode("other/real", 0755);
		/* where it is: who can write there can make it lead elsewhere */
		scratch_mode("a/b.d", 0777);
		expect(links[i], -EPERM, "a/b.d", WRITABLE("others", "0777"));
		scratch_mode("a/b.d", 0755);
		expect(links[i], 0, NULL, NULL);
	}
}

static void test_a_link_that_leads_nowhere_is_an_error(void)
{
	scratch_link("loop", "loop");
	scratch_link("dangling", "nowhere/at/all");
	CU_ASSERT_EQUAL(geteuid(), (uid_t)syscall(SYS_geteuid));
	struct scratch_path loop = scratch_at("loop"), above = scratch_at("");
	char text[PATH_MAX + 64];
	above.text[strlen(above.text) - 1] = '\0';
	snprintf(text, sizeof(text), "link in %s: Too many levels of symbolic links", above.text);
	expect_path(loop.text, -ELOOP, text);
	expect("dangling", -ENOENT, "nowhere", ": No such file or directory");
}

static void test_the_trusted_part_of_a_directory_does_not_cover_the_rest(void)
{
	scratch_hook("a/b.d/zz-bad", "true");
	scratch_mode("a/b.d/zz-bad", 0777);
	expect("a/b.d", -EPERM, "a/b.d/zz-bad", WRITABLE("others", "0777"));
	scratch_mode("a/b.d/zz-bad", 0666); /* not executable: not a hook */
	expect("a/b.d", 0, NULL, NULL);
	scratch_hook("a/b.d/bad.dpkg-old", "true");
	scratch_mode("a/b.d/bad.dpkg-old", 0777); /* not a hook's name */
	expect("a/b.d", 0, NULL, NULL);
}

static void test_a_missing_directory_is_nothing_to_run_and_a_missing_program_is_an_error(void)
{
	expect("a/none.d", 0, NULL, NULL);
	expect("a/none/", 0, NULL, NULL);
	expect("none/none.d", 0, NULL, NULL);
	expect("a/none", -ENOENT, "a/none", ": No such file or directory");
	expect("a/b.d/none", -ENOENT, "a/b.d/none", ": No such file or directory");
}

static void test_what_is_no_program_is_an_error(void)
{
	scratch_hook("a/plain", "true");
	scratch_mode("a/plain", 0644);
	expect("a/plain", -EACCES, "a/plain", " is not executable (chmod +x)");
	CU_ASSERT_EQUAL(mkfifo(scratch_at("a/fifo").text, 0755), 0);
	expect("a/fifo", -EACCES, "a/fifo", " is not a file");
	expect("a/plain/hook", -ENOTDIR, "a/plain/hook", ": Not a directory");
}

static void test_a_path_that_cannot_be_one_is_an_error(void)
{
	char name[NAME_MAX + 40] = "a/", text[128];
	static char longest[PATH_MAX + 10];
	expect_path("hooks.d", -EINVAL, "hooks.d: must be an absolute path");
	expect_path("", -EINVAL, ": must be an absolute path");
	memset(name + 2, 'x', NAME_MAX + 1);
	snprintf(text, sizeof(text), "/%.64s...: File name too long", name + 2);
	expect(name, -ENAMETOOLONG, "a", text);
	memset(longest, '/', sizeof(longest) - 1);
	snprintf(text, sizeof(text), "%.64s...: File name too long", longest);
	expect_path(longest, -ENAMETOOLONG, text);
}

static void test_a_crowded_directory_is_an_error(void)
{
	char name[32];
	scratch_directory("many.d");
	for (int i = 0; i < OO_HOOKS_LIST_MAX; i++) {
		snprintf(name, sizeof(name), "many.d/%d", i);
		scratch_hook(name, "true");
	}
	expect("many.d", 0, NULL, NULL);
	scratch_hook("many.d/more", "true");
	expect("many.d", -E2BIG, "many.d", " holds more than 256 hooks");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(what_only_we_can_change_is_accepted),
		TEST(what_others_may_write_to_is_refused),
		TEST(what_somebody_else_owns_is_refused),
		TEST(a_link_is_followed_and_the_whole_way_looked_at),
		TEST(a_link_that_leads_nowhere_is_an_error),
		TEST(the_trusted_part_of_a_directory_does_not_cover_the_rest),
		TEST(a_missing_directory_is_nothing_to_run_and_a_missing_program_is_an_error),
		TEST(what_is_no_program_is_an_error),
		TEST(a_path_that_cannot_be_one_is_an_error),
		TEST(a_crowded_directory_is_an_error),
	};
	if (!scratch_make()) {
		return 1;
	}
	int r = run_tests_in("trust", (struct frame){set_up, NULL}, tests, OO_LENGTH(tests));
	scratch_remove();
	return r;
}
