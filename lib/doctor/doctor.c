#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor/rule.h"

static oo_doctor_rule *const rules[] = {
	oo_doctor_etcd_access, oo_doctor_etcd_state, oo_doctor_host,
	oo_doctor_network,     oo_doctor_cluster,    oo_doctor_documentserver,
};

struct oo_ill *oo_doctor_say(struct oo_doctor *doctor, enum oo_ailment ailment, const char *format,
			     ...)
{
	struct oo_health_report *report = doctor->report;
	struct oo_ill *ill = &doctor->spare;
	va_list arguments;

	if (report->n < OO_DOCTOR_FINDINGS) {
		ill = &report->items[report->n++];
	} else {
		report->n_left_out++;
	}
	*ill = (struct oo_ill){.ailment = ailment, .severity = oo_ailment_severity(ailment)};
	va_start(arguments, format);
	(void)vsnprintf(ill->what, sizeof(ill->what), format, arguments); /* cut is fine */
	va_end(arguments);
	return ill;
}

void oo_doctor_fix(struct oo_ill *ill, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(ill->fix, sizeof(ill->fix), format, arguments);
	va_end(arguments);
}

/* Insertion: few, and what is equal stays in the order of the rules. */
static void order(struct oo_health_report *report)
{
	for (size_t i = 1; i < report->n; i++) {
		struct oo_ill ill = report->items[i];
		size_t k = i;
		for (; k > 0 && report->items[k - 1].severity < ill.severity; k--) {
			report->items[k] = report->items[k - 1];
		}
		report->items[k] = ill;
	}
}

/* In the words of lib/config/value.c, which looks at the modes of the files that are named. */
static void judge_configuration(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	for (size_t i = 0; i < facts->config.n; i++) {
		const char *error = facts->config.items[i].error;
		bool is_mode = strstr(error, "holds a secret and is open to everybody") != NULL;
		struct oo_ill *ill = oo_doctor_say(doctor,
						   is_mode ? OO_AILMENT_SECRET_READABLE
							   : OO_AILMENT_CONFIGURATION_WRONG,
						   "%s", error);
		ill->severity = OO_SEVERITY_CRITICAL; /* the agent does not start with either */
		oo_doctor_fix(ill,
			      is_mode ? "chmod o-rwx that file; then: ooha-agent --check --config "
					"%s"
				      : "correct %s; then: ooha-agent --check --config %s",
			      facts->config_path, facts->config_path);
	}
}

void oo_doctor_judge(const struct oo_facts *facts, struct oo_health_report *ret_report)
{
	struct oo_doctor doctor = {.facts = facts, .report = ret_report};
	memset(ret_report, 0, sizeof(*ret_report));
	judge_configuration(&doctor);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		rules[i](&doctor);
	}
	order(ret_report);
}
