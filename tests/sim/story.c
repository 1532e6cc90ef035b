/* The story of a seed: the last lines of what happened, for people. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

#define LINES 250
#define LINE_LENGTH 160

static struct {
	char lines[LINES][LINE_LENGTH];
	size_t n; /* ever told */
} story;

const char *sim_node(int node)
{
	static const char *const names[] = {"node-a", "node-b", "node-c", "node-d", "node-e"};
	return node < 0 ? "nobody" : names[node];
}

void sim_tell(struct sim *sim, const char *format, ...)
{
	char *line = story.lines[story.n++ % LINES];
	int n = snprintf(line, LINE_LENGTH, "[%12.6f] ", (double)sim->now / 1e6);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line + n, (size_t)(LINE_LENGTH - n), format, arguments);
	va_end(arguments);
	if (sim->options.all) {
		(void)puts(line);
	}
}

void sim_story_clear(void)
{
	story.n = 0;
}

void sim_story_print(void)
{
	size_t first = story.n > LINES ? story.n - LINES : 0;
	for (size_t i = first; i < story.n; i++) {
		(void)puts(story.lines[i % LINES]);
	}
}
