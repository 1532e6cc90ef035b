#ifndef OO_LOOKED_H
#define OO_LOOKED_H
/* What was looked at, and what could not be seen, in words. Private to the module. */
#include "diagnose/evidence.h"

#define OO_LOOKED_MAX 48
#define OO_LOOKED_LENGTH 160

struct oo_looked {
	struct {
		char what[OO_LOOKED_LENGTH];
		char why[OO_LOOKED_LENGTH]; /* "": it was seen */
	} items[OO_LOOKED_MAX];
	size_t n;
};

void oo_looked_list(const struct oo_evidence *evidence, struct oo_looked *ret_looked);

#endif
