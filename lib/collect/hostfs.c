#include "collect/hostfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool oo_hostfs_find(const char *text, const char *word, uint64_t *ret_value)
{
	size_t length = strlen(word);
	while (text != NULL) {
		if (strncmp(text, word, length) == 0 &&
		    (text[length] == ' ' || text[length] == '\t')) {
			char *end = NULL;
			const char *number = text + length + strspn(text + length, " \t");
			uint64_t value = strtoull(number, &end, 10);
			if (end == number) {
				return false;
			}
			*ret_value = value;
			return true;
		}
		text = strchr(text, '\n');
		text += text != NULL ? 1 : 0;
	}
	return false;
}

unsigned oo_hostfs_pressure(const char *text, const char *line)
{
	double average = 0;
	const char *begin = strstr(text, line);
	if (begin == NULL || sscanf(begin + strlen(line), " avg10=%lf", &average) != 1) {
		return 0;
	}
	return average > 0 && average <= 100 ? (unsigned)average : 0;
}

/* The word at *rest, which moves behind it. Returns its length; 0 at the end of the line. */
static size_t next_word(const char **rest, const char **ret_word)
{
	*ret_word = *rest + strspn(*rest, " ");
	size_t length = strcspn(*ret_word, " \n");
	*rest = *ret_word + length;
	return length;
}

bool oo_hostfs_netstat(const char *text, const char *name, uint64_t *ret_value)
{
	const char *names = strstr(text, "TcpExt:");
	const char *values = names != NULL ? strstr(names + 1, "TcpExt:") : NULL;
	if (values == NULL) {
		return false;
	}
	const char *word, *value;
	size_t length;
	while ((length = next_word(&names, &word)) > 0 && next_word(&values, &value) > 0) {
		if (length == strlen(name) && strncmp(word, name, length) == 0) {
			*ret_value = strtoull(value, NULL, 10);
			return true;
		}
	}
	return false;
}

uint32_t oo_hostfs_percent(uint64_t used, uint64_t most)
{
	if (most == 0) {
		return 0;
	}
	return used < most ? (uint32_t)(used * 100 / most) : 100;
}
