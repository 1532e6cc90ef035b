#ifndef OO_TEST_CLI_SCREENS_H
#define OO_TEST_CLI_SCREENS_H
/* Answers of an agent with changes, and what is shown of them. */
#include <CUnit/CUnit.h>
#include <json-c/json.h>

#include "answers.h"
#include "screen.h"

#define PAGE_80 (&(const struct page){.width = 80})

json_object *parse(const char *json);
/* ANSWER_FINE with changes: pairs of a JSON pointer and JSON text, ended by NULL. */
json_object *answer(const char *pointer, ...) __attribute__((sentinel));
/* One whose names and sentences are longer than a page. */
json_object *long_answer(void);
/* Takes status. The screen is to be freed. */
char *render(json_object *status, const struct page *page);
/* What is shown of status, which it takes, is wanted. */
void expect(json_object *status, const struct page *page, const char *wanted);

/* Runs the tests, verbosely. Returns main's result: nonzero on a failure, or when none ran. */
int run_suite(const char *name, CU_TestInfo *tests);

#endif
