#include "collect/journal_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

bool oo_journal_parse(const char *line, int64_t *ret_at_ms, const char **ret_text)
{
	int64_t seconds;
	unsigned micros;
	int length = 0;
	if (sscanf(line, "%" SCNd64 ".%6u %*s %n", &seconds, &micros, &length) < 2 || length == 0 ||
	    line[length] == '\0' || seconds <= 0 || seconds > INT64_MAX / 2000) {
		return false;
	}
	*ret_at_ms = seconds * 1000 + micros / 1000;
	*ret_text = line + length;
	return true;
}

bool oo_journal_parse_kernel(char *record, int64_t *ret_at_ms, const char **ret_text)
{
	uint64_t micros;
	char *message = strchr(record, ';');
	if (message == NULL || sscanf(record, "%*u,%*u,%" SCNu64 ",", &micros) != 1) {
		return false;
	}
	message++;
	message[strcspn(message, "\n")] = '\0';
	*ret_at_ms = (int64_t)(micros / 1000);
	*ret_text = message;
	return true;
}

bool oo_journal_is_told(const char *text)
{
	/* of programs and of the kernel: "Error", "failed", "Killed process", "segfault", ... */
	static const char *const words[] = {
		"rror",
		"xception",
		"ailed",
		"[emerg]",
		"[alert]",
		"[crit]",
		"ut of memory",
		"oom-kill",
		"Killed",
		"killed",
		"segfault",
		"trap ",
		"general protection",
		"dropping packet",
		"flooding",
		"file-max",
		"blocked for more than",
		"Main process exited",
		"refused",
		"denied",
		"not responding",
		"No space left",
		"Read-only file system",
		"heap limit",
		"OOM",
		"Cannot ",
	};
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		if (strstr(text, words[i]) != NULL) {
			return true;
		}
	}
	return false;
}

enum oo_program oo_journal_program(const char *text)
{
	/* the kernel names whom it has killed or caught, systemd the unit, the rest themselves */
	static const struct {
		const char *name;
		enum oo_program program;
	} names[] = {
		{"docservice", OO_PROGRAM_DOCSERVICE}, {"converter", OO_PROGRAM_CONVERTER},
		{"nginx", OO_PROGRAM_PROXY},           {"postgres", OO_PROGRAM_DATABASE},
		{"beam.smp", OO_PROGRAM_BROKER},
	};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		if (strstr(text, names[i].name) != NULL) {
			return names[i].program;
		}
	}
	return OO_PROGRAM_END;
}
