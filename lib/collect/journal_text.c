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
	/* what systemd says of a unit ends the processes before it: no start to hold it against */
	static const struct {
		const char *name;
		enum oo_program program;
	} names[] = {
		{"nginx[", OO_PROGRAM_PROXY},
		{"docservice[", OO_PROGRAM_DOCSERVICE},
		{"ds-docservice[", OO_PROGRAM_DOCSERVICE},
		{"converter[", OO_PROGRAM_CONVERTER},
		{"ds-converter[", OO_PROGRAM_CONVERTER},
	};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		if (strncmp(text, names[i].name, strlen(names[i].name)) == 0) {
			return names[i].program;
		}
	}
	return OO_PROGRAM_END;
}
