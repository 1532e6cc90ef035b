#ifndef OO_RENDER_H
#define OO_RENDER_H
/*
 * Writes a verdict down. What strangers said (bodies, log lines, names) is in the text as it came:
 * whoever shows it on a terminal makes it fit for one (cli/printable.h), line by line.
 */
#include "base/text.h"
#include "diagnose/diagnose.h"

/*
 * For people: the chain with its first broken link marked, the findings with grounds and remedy,
 * or "nothing wrong found" with what was looked at; and what could not be seen, and why.
 * Appends to buffer. Returns 0, -ENOMEM or -EMSGSIZE (oo_buffer_add).
 */
int oo_render_text(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
		   struct oo_buffer *buffer);

/*
 * For programs: {"verdict": TEXT, "took_ms": N, "chain": [{"layer", "state"}], "first_broken":
 * LAYER or null, "findings": [{"cause", "layer", "confidence", "weight", "summary", "grounds": [],
 * "remedy"}], "looked_at": [TEXT], "not_seen": [{"what", "why"}]}. Valid UTF-8, whatever was seen.
 * Returns as oo_render_text.
 */
int oo_render_json(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
		   struct oo_buffer *buffer);

/* The first finding's summary, or "nothing wrong found". Valid as long as verdict. */
const char *oo_render_line(const struct oo_verdict *verdict);

#endif
