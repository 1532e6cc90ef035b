#include "screens.h"

#include <CUnit/Basic.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

json_object *parse(const char *json)
{
	json_object *object = json_tokener_parse(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	return object;
}

json_object *answer(const char *pointer, ...)
{
	json_object *object = parse(ANSWER_FINE);
	va_list arguments;
	va_start(arguments, pointer);
	while (pointer != NULL) {
		const char *json = va_arg(arguments, const char *);
		json_object *value = strcmp(json, "null") == 0 ? NULL : parse(json);
		CU_ASSERT_EQUAL_FATAL(json_pointer_set(&object, pointer, value), 0);
		pointer = va_arg(arguments, const char *);
	}
	va_end(arguments);
	return object;
}

char *render(json_object *status, const struct page *page)
{
	struct oo_buffer out;
	oo_buffer_init(&out, SCREEN_BYTES_MAX);
	CU_ASSERT_EQUAL(screen_render(status, page, &out), 0);
	json_object_put(status);
	return out.data != NULL ? out.data : strdup("");
}

json_object *long_answer(void)
{
	return answer(
		"/state", "\"degraded\"", "/problems",
		"[\"a sentence that is longer than the line, as the sentences of agents tend "
		"to be when they say what broke, where, and what would help\"]",
		"/groups/0/name", "\"a-group-with-a-name-that-somebody-thought-about-for-long\"",
		"/groups/0/holder", "\"document-server-17.fra1.internal.example.company.com\"",
		"/groups/0/cause",
		"\"took over: document-server-16.fra1.internal.example.company.com silent for "
		"3030 ms, then 12 ms for the claim\"",
		"/groups/0/vips/0/address", "\"2001:db8:1234:5678:9abc:def0:1234:5678/64\"",
		"/groups/0/vips/0/interface", "\"enp129s0f0np0.42\"", "/members/0/node",
		"\"document-server-17.fra1.internal.example.company.com\"", "/members/0/zone",
		"\"europe-central-frankfurt-1\"", "/members/1/eligible", "false",
		"/members/1/reason",
		"\"check proxy is down: timeout: no first byte within 4000 ms, and before that "
		"connection refused\"",
		"/checks/0/name", "\"a-check-with-a-name-that-somebody-thought-about-for-long\"",
		NULL);
}

void expect(json_object *status, const struct page *page, const char *wanted)
{
	OO_AUTO(oo_free) char *got = render(status, page);
	CU_ASSERT_STRING_EQUAL(got, wanted);
	if (strcmp(got, wanted) != 0) {
		fprintf(stderr, "\ngot:\n%s\nwanted:\n%s\n", got, wanted);
	}
}

int run_suite(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL || CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	int failed = CU_get_number_of_tests_run() == 0 || CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
