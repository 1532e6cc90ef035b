#ifndef OO_CHECK_EXPECT_H
#define OO_CHECK_EXPECT_H
/* Whether an answer is the one expected. Pure. Private to the module. */
#include <stdbool.h>

#include "base/text.h"
#include "check/check.h"

#define OO_CHECK_DIFFERS_LENGTH OO_CHECK_SEEN_LENGTH

/* Is there anything that a body must be? */
bool oo_check_expects_body(const struct oo_check_expect *expect);
bool oo_check_expects_status(const struct oo_check_expect *expect, int status);

/*
 * Is body what is expected?
 * ret_differs  what of it is not, to be followed by the body: `body`, `json /shutdown is true in`.
 * Returns 0, -EBADMSG (it is not) or -ENOMEM.
 */
int oo_check_expect_body(const struct oo_check_expect *expect, const struct oo_buffer *body,
			 char ret_differs[static OO_CHECK_DIFFERS_LENGTH]);

#endif
