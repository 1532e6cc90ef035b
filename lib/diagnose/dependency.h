#ifndef OO_DEPENDENCY_H
#define OO_DEPENDENCY_H
/* What the rules of database, broker and cache have in common. Private to the module. */
#include "diagnose/rule.h"

/* One of them, as it was found. */
struct oo_dependency_look {
	const char *what; /* "database" */
	const struct oo_dependency *dependency;
	const struct oo_process *process;   /* NULL: not known */
	const struct oo_listener *listener; /* NULL: not here, or nobody was seen to listen */
	enum oo_program program;
	bool is_here;  /* on this host, outside of a container */
	bool is_other; /* who listens there was seen, and is another program */
};

struct oo_dependency_look oo_dependency_look(const struct oo_rules *rules,
					     enum oo_dependency_name name);

/*
 * Says "WHAT HOW (HOST:PORT)" with what we were told, unless the Document Server's own view speaks
 * against it: what we see weighs less where it says that all is well (an old connection lives on
 * behind a new firewall), and nothing where its "localhost" is another one (in a container).
 * Health checks that fail without an error of the Document Server's own are explained by it.
 */
struct oo_finding *oo_dependency_say(struct oo_rules *rules, const struct oo_dependency_look *look,
				     enum oo_fault cause, enum oo_confidence confidence,
				     const char *how);
/* "systemctl restart postgresql", or that it is to be done elsewhere. */
void oo_dependency_remedy_restart(const struct oo_rules *rules,
				  const struct oo_dependency_look *look,
				  struct oo_finding *finding);

#endif
