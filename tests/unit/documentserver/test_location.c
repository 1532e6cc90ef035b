/* nginx's order of matching, and regular expressions as far as they are understood. */
#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "documentserver/nginx_location.h"
#include "place.h"

static void check(const char *locations, const char *path, const char *expected)
{
	struct oo_nginx_tree tree;
	place_write("nginx.conf", locations);
	CU_ASSERT_EQUAL_FATAL(oo_nginx_tree_read(&tree, place_path("nginx.conf")), 0);
	CU_ASSERT_STRING_EQUAL(tree.error, "");
	const struct oo_nginx_directive *found = oo_nginx_location_find(tree.first, path);
	const char *name = found != NULL ? found->words[found->n - 1] : "none";
	if (strcmp(name, expected) != 0) {
		printf("\n%s in %s: %s, expected %s\n", path, locations, name, expected);
		CU_FAIL("another location");
	}
	oo_nginx_tree_done(&tree);
}

static void test_order_of_matching_is_that_of_nginx(void)
{
	static const char all[] = "location = / {} location / {} location /documents/ {}\n"
				  "location ^~ /images/ {} location ~* \"\\.(gif|jpg|jpeg)$\" {}";
	static const char nested[] = "location /a { location /a/b {} location ~ c$ {} }\n"
				     "location ~ c {} location ^~ /d { location = /d/e {} }\n"
				     "location ~ e {}";
	static const struct {
		const char *locations, *path, *expected;
	} cases[] = {
		/* the examples of nginx's documentation of "location" */
		{all, "/", "/"},
		{all, "/index.html", "/"},
		{all, "/documents/document.html", "/documents/"},
		{all, "/images/1.gif", "/images/"},
		{all, "/documents/1.jpg", "\\.(gif|jpg|jpeg)$"},
		{all, "/documents/1.JPG", "\\.(gif|jpg|jpeg)$"},
		{nested, "/a/b", "/a/b"},
		{nested, "/a/xc", "c$"},
		{nested, "/a/cx", "c"},
		{nested, "/d/e", "/d/e"},
		{nested, "/d/ee", "/d"},
		{nested, "/x/e", "e"},
		{nested, "/x", "none"},
		{"location / {} location =/x {} location ~y$ {}", "/x", "=/x"},
		{"location / {} location =/x {} location ~y$ {}", "/y", "~y$"},
		{"location @name {}", "@name", "none"},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		check(cases[i].locations, cases[i].path, cases[i].expected);
	}
}

static void test_regular_expressions_of_perl_are_understood(void)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		{"^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?(\\/doc\\/.*)", "/doc/a/c/", true},
		{"^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?(\\/doc\\/.*)", "/9.0.0-ab/doc/a",
		 true},
		{"^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?(\\/doc\\/.*)", "/x/doc/a", false},
		{"^/([\\d]+\\.[\\d]+)/(?<path>.*)$", "/1.2/x", true},
		{"^/(?:a|b)+?/\\d{2,3}$", "/ab/77", true},
		{"^/\\w+\\s?\\.html$", "/a_1.html", true},
		{"^/[\\w\\-\\]]+$", "/a-]b", true},
		{"^/[^\\/]+$", "/a/b", false},
		{"^/x{0,1}y", "/y", true},
		{"^/(?!api)", "/x", false},  /* look-around: not understood, so no match */
		{"^/(a)\\1$", "/aa", false}, /* nor back references */
		{"^/(", "/", false},
		{"^/[", "/", false},
		{"x\\", "/x", false},
		{"^/x{", "/x", false},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		char text[256];
		char pattern[128], *at = pattern;
		for (const char *from = cases[i].pattern; *from != '\0'; from++) {
			if (*from == '\\') {
				*at++ = '\\';
			}
			*at++ = *from;
		}
		*at = '\0';
		(void)snprintf(text, sizeof(text), "location ~ \"%s\" {}", pattern);
		check(text, cases[i].path, cases[i].matches ? cases[i].pattern : "none");
	}
}

static void test_repeats_in_each_other_end_soon(void)
{
	char text[256] = "location ~ \"x";
	memset(text + strlen(text), '+', 100);
	strcat(text, "\" {}");
	check(text, "x", "none");
	check("location ~ \"((((x+)+)+)+)+\" {}", "x", "((((x+)+)+)+)+");
}

static void test_long_pattern_matches_nothing(void)
{
	char text[2048] = "location ~ \"";
	memset(text + strlen(text), 'x', 1000);
	strcat(text, "|y\" {}");
	check(text, "y", "none");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(order_of_matching_is_that_of_nginx),
		TEST(regular_expressions_of_perl_are_understood),
		TEST(repeats_in_each_other_end_soon),
		TEST(long_pattern_matches_nothing),
	};
	(void)place_make();
	int r = run_tests("location", tests, OO_LENGTH(tests));
	place_remove();
	return r;
}
