#include "diagnosis.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "amend.h"
#include "base/cleanup.h"
#include "event/child.h"
#include "journal.h"

#define PROGRAM "/proc/self/exe" /* of whoever executes it: this one, be it replaced on disk */
#define TIMEOUT_MS 4000          /* it ends within 3 s by itself */
#define GRACE_MS 500
#define AGAIN_MS 60000 /* as long as the checks fail */
/* A fault has shown itself by then; and one that comes and goes is no load. */
#define SOON_AGAIN_MS 5000
#define OUTPUT_MAX OO_CHILD_OUTPUT_MAX

struct agent_diagnosis {
	struct agent *agent;
	struct oo_child *child; /* NULL: none runs */
	int64_t looked_at;      /* 0: never */
	bool stale;             /* all was well meanwhile */
	struct oo_buffer output;
	bool cut; /* there was more */
	bool known;
	struct agent_verdict verdict;
	struct agent_amend *amend;
};

static const char *text_of(json_object *object, const char *name)
{
	json_object *value;
	return json_object_object_get_ex(object, name, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : "";
}

/* Whether the chain has the database as working. */
static bool read_database(json_object *document)
{
	json_object *chain;
	bool answers = false;
	if (!json_object_object_get_ex(document, "chain", &chain) ||
	    !json_object_is_type(chain, json_type_array)) {
		return false;
	}
	for (size_t i = 0; i < json_object_array_length(chain); i++) {
		json_object *link = json_object_array_get_idx(chain, i);
		answers = answers || (oo_text_equal(text_of(link, "layer"), "database") &&
				      oo_text_equal(text_of(link, "state"), "fine"));
	}
	return answers;
}

static void read_findings(json_object *findings, struct agent_verdict *verdict)
{
	size_t n = json_object_array_length(findings);
	for (size_t i = 0; i < n && i < AGENT_FINDINGS; i++) {
		json_object *object = json_object_array_get_idx(findings, i);
		struct agent_finding *finding = &verdict->findings[verdict->n_findings++];
		oo_text_clip(finding->fault, sizeof(finding->fault), text_of(object, "cause"));
		oo_text_clip(finding->confidence, sizeof(finding->confidence),
			     text_of(object, "confidence"));
		finding->harmless = oo_text_equal(text_of(object, "weight"), "warning");
	}
}

static bool read_verdict(const struct oo_buffer *output, struct agent_verdict *ret_verdict)
{
	json_object *findings;
	json_object *document = json_tokener_parse(output->data == NULL ? "" : output->data);
	bool found = document != NULL &&
		     json_object_object_get_ex(document, "findings", &findings) &&
		     json_object_is_type(findings, json_type_array) &&
		     json_object_array_length(findings) > 0;

	if (found) {
		json_object *first = json_object_array_get_idx(findings, 0);
		struct agent_verdict verdict = {.at = oo_clock_now()};
		oo_text_clip(verdict.fault, sizeof(verdict.fault), text_of(first, "cause"));
		oo_text_clip(verdict.layer, sizeof(verdict.layer), text_of(first, "layer"));
		oo_text_clip(verdict.confidence, sizeof(verdict.confidence),
			     text_of(first, "confidence"));
		oo_text_clip(verdict.summary, sizeof(verdict.summary), text_of(first, "summary"));
		oo_text_clip(verdict.remedy, sizeof(verdict.remedy), text_of(first, "remedy"));
		read_findings(findings, &verdict);
		verdict.database_answers = read_database(document);
		*ret_verdict = verdict;
		found = verdict.summary[0] != '\0';
	}
	json_object_put(document);
	return found;
}

static void on_line(void *user, const char *line)
{
	struct agent_diagnosis *diagnosis = user;
	diagnosis->cut = diagnosis->cut || oo_buffer_add_format(&diagnosis->output, "%s", line) < 0;
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct agent_diagnosis *diagnosis = user;
	struct agent_verdict verdict;
	char text[OO_CHILD_RESULT_LENGTH];

	diagnosis->child = NULL;
	if (result->end != OO_CHILD_END_EXITED || result->code != 0 || diagnosis->cut) {
		oo_log(OO_LOG_WARNING, "diagnosis: none: %s",
		       diagnosis->cut ? "too much was said" : oo_child_result_format(result, text));
		return;
	}
	if (diagnosis->stale || !read_verdict(&diagnosis->output, &verdict)) {
		oo_log(OO_LOG_DEBUG, "diagnosis: nothing found");
		return;
	}
	if (!diagnosis->known || !oo_text_equal(verdict.summary, diagnosis->verdict.summary)) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_DIAGNOSIS,
					       .cause = verdict.layer},
			  "diagnosis: %s (%s, %s); %s", verdict.summary, verdict.layer,
			  verdict.confidence, verdict.remedy);
	}
	diagnosis->known = true;
	diagnosis->verdict = verdict;
	/* what is told of this node says it as well */
	agent_tell(diagnosis->agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

static void start(struct agent_diagnosis *diagnosis)
{
	const char *const argv[] = {"ooha-agent", "--diagnose", "--config",
				    diagnosis->agent->config_path, NULL};
	static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C",
						  NULL};
	const struct oo_child_spec spec = {.path = PROGRAM,
					   .argv = argv,
					   .environment = environment,
					   .timeout_ms = TIMEOUT_MS,
					   .grace_ms = GRACE_MS,
					   .line = on_line,
					   .done = on_done,
					   .user = diagnosis};
	struct oo_err err;

	diagnosis->looked_at = oo_clock_now();
	diagnosis->stale = false;
	diagnosis->cut = false;
	oo_buffer_done(&diagnosis->output);
	oo_buffer_init(&diagnosis->output, OUTPUT_MAX);
	if (oo_child_start(diagnosis->agent->event, &spec, &diagnosis->child, &err) < 0) {
		oo_log(OO_LOG_WARNING, "diagnosis: none: %s", err.text);
	}
}

bool agent_diagnosis_look(struct agent_diagnosis *diagnosis, bool turned)
{
	int64_t gap_ms = turned || diagnosis->stale ? SOON_AGAIN_MS : AGAIN_MS;
	if (diagnosis->child != NULL || diagnosis->agent->leaving ||
	    (diagnosis->looked_at != 0 && oo_clock_now() - diagnosis->looked_at < gap_ms)) {
		return false;
	}
	start(diagnosis);
	return true;
}

bool agent_diagnosis_is_open(const struct agent_diagnosis *diagnosis)
{
	return diagnosis->looked_at != 0 && !diagnosis->stale;
}

void agent_diagnosis_forget(struct agent_diagnosis *diagnosis)
{
	diagnosis->known = false;
	diagnosis->stale = true;
}

void agent_diagnosis_apply(struct agent_diagnosis *diagnosis)
{
	if (diagnosis->known) {
		agent_amend_apply(diagnosis->amend, &diagnosis->verdict);
	}
}

const struct agent_verdict *agent_diagnosis_verdict(const struct agent_diagnosis *diagnosis)
{
	return diagnosis != NULL && diagnosis->known ? &diagnosis->verdict : NULL;
}

int agent_diagnosis_new(struct agent *agent, struct agent_diagnosis **ret_diagnosis,
			struct oo_err *err)
{
	struct agent_diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));
	if (diagnosis == NULL) {
		return oo_fail(err, ENOMEM, "diagnosis");
	}
	diagnosis->agent = agent;
	oo_buffer_init(&diagnosis->output, OUTPUT_MAX);
	int r = agent_amend_new(agent, &diagnosis->amend, err);
	if (r < 0) {
		agent_diagnosis_free(diagnosis);
		return r;
	}
	*ret_diagnosis = diagnosis;
	return 0;
}

void agent_diagnosis_free(struct agent_diagnosis *diagnosis)
{
	if (diagnosis == NULL) {
		return;
	}
	oo_child_cancel(diagnosis->child);
	agent_amend_free(diagnosis->amend);
	oo_buffer_done(&diagnosis->output);
	free(diagnosis);
}
