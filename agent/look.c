#include "look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agent.h"
#include "base/cleanup.h"
#include "collect/collect.h"
#include "diagnose/render.h"

#define OUTPUT_MAX (1 << 20)
#define NICE 10

int agent_look(const struct oo_config *config)
{
	const struct oo_collect_subject subject = {.config = config};
	OO_AUTO(oo_free) struct oo_evidence *evidence = NULL;
	OO_AUTO(oo_free) struct oo_verdict *verdict = calloc(1, sizeof(*verdict));
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	struct oo_err err;

	(void)setpriority(PRIO_PROCESS, 0, NICE); /* what the node serves goes before */
	oo_buffer_init(&text, OUTPUT_MAX);
	int r = verdict == NULL ? oo_fail(&err, ENOMEM, "verdict")
				: oo_collect(&subject, &evidence, &err);
	if (r == 0) {
		oo_diagnose(evidence, verdict);
		r = oo_render_json(evidence, verdict, &text);
		r = r < 0 ? oo_fail(&err, -r, "verdict") : r;
	}
	if (r < 0) {
		fprintf(stderr, "ooha-agent: diagnose: %s\n", err.text);
		return OO_EXIT_SOFTWARE;
	}
	return puts(text.data) < 0 || fflush(stdout) != 0 ? OO_EXIT_SOFTWARE : 0;
}
