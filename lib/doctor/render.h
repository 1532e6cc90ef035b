#ifndef OO_DOCTOR_RENDER_H
#define OO_DOCTOR_RENDER_H
/* A report as text and as JSON. The texts in it are as they came: not yet fit for a terminal. */
#include "base/text.h"
#include "doctor/doctor.h"

/* Both append, and return 0, -ENOMEM or -EMSGSIZE (beyond the buffer's limit). */
int oo_doctor_render_text(const struct oo_facts *facts, const struct oo_health_report *report,
			  struct oo_buffer *buffer);
int oo_doctor_render_json(const struct oo_facts *facts, const struct oo_health_report *report,
			  struct oo_buffer *buffer);

#endif
