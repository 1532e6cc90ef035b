#ifndef OO_UNITS_H
#define OO_UNITS_H
/* What the results of unit and container checks say of a program. Pure; private to the module. */
#include "diagnose/evidence.h"

/* Of a check whose reason oo_unit_look calls seen. */
void oo_unit_read(const struct oo_check_result *result, struct oo_process *process);
void oo_unit_read_container(const struct oo_check_result *result, struct oo_process *process);
enum oo_look oo_unit_look(enum oo_check_reason reason);

#endif
