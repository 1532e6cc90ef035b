#include "members_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct agent_known_member *agent_members_find(const struct agent *agent, const char *node)
{
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);
	for (size_t i = 0; i < n; i++) {
		if (oo_text_equal(members[i].member.node, node)) {
			return &members[i];
		}
	}
	return NULL;
}

bool agent_members_is_eligible(const struct agent *agent, const struct agent_known_member *known,
			       unsigned group)
{
	return (known->member.groups & 1u << group) != 0 &&
	       agent_store_drain(agent->store, known->member.node) == NULL;
}

size_t agent_members_count_eligible(const struct agent *agent, unsigned group, const char *except)
{
	size_t n, n_eligible = 0;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);
	for (size_t i = 0; i < n; i++) {
		n_eligible += !oo_text_equal(members[i].member.node, except) &&
			      agent_members_is_eligible(agent, &members[i], group);
	}
	return n_eligible;
}

/* What does not fit is left out. */
static void append(char text[static AGENT_MEMBERS_TEXT], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void append(char text[static AGENT_MEMBERS_TEXT], const char *format, ...)
{
	char more[AGENT_MEMBERS_TEXT];
	size_t length = strlen(text);
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(more, sizeof(more), format, arguments);
	va_end(arguments);
	oo_text_clip(text + length, AGENT_MEMBERS_TEXT - length, more);
}

void agent_members_describe(const struct agent *agent, unsigned group, const char *except,
			    char text[static AGENT_MEMBERS_TEXT])
{
	const bool any = agent_members_count_eligible(agent, group, except) > 0;
	const char *separator = any ? "eligible are: " : "no other is eligible: ";
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		if (oo_text_equal(member->node, except) ||
		    (any && !agent_members_is_eligible(agent, &members[i], group))) {
			continue;
		}
		append(text, "%s%s", separator, member->node);
		separator = any ? ", " : "; ";
		if (!any) {
			append(text, ": %s",
			       member->reason[0] == '\0' ? "for no reason that it gives"
							 : member->reason);
		}
	}
	if (text[0] == '\0') {
		append(text, "no other node is present");
	}
}

void agent_members_list(const struct agent *agent, char text[static AGENT_MEMBERS_TEXT])
{
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(text, "%s%s", i == 0 ? "" : ", ", members[i].member.node);
	}
	if (n == 0) {
		append(text, "none");
	}
}
