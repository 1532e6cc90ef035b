#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "printable.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MAX 1000

void output_put_json(json_object **object)
{
	json_object_put(*object);
}

struct page output_page(int *ret_height)
{
	struct page page = {.width = WIDTH_DEFAULT};
	struct winsize size = {0};
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	int height = 0;
	if (isatty(STDOUT_FILENO) == 1) {
		page.colour = (no_color == NULL || no_color[0] == '\0') &&
			      (terminal == NULL || strcmp(terminal, "dumb") != 0);
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
			page.width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
			height = size.ws_row;
		}
	}
	if (ret_height != NULL) {
		*ret_height = height;
	}
	return page;
}

int output_add_json(struct oo_buffer *text, json_object *answer)
{
	const char *json = json_object_to_json_string_ext(
		answer,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = json != NULL ? printable_add_json(text, json) : -ENOMEM;
	return r == 0 ? oo_buffer_add(text, "\n", 1) : r;
}

void output_error(FILE *file, const struct oo_err *err, const char *end)
{
	char text[sizeof(err->text)];
	fprintf(file, "ooha: %s%s", printable_copy(text, sizeof(text), err->text), end);
}

void output_say(const char *format, ...)
{
	char raw[SENTENCE_BYTES];
	struct page page = output_page(NULL);
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	va_list arguments;
	oo_buffer_init(&text, 2 * SENTENCE_BYTES);
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	/* without memory it is not wrapped */
	bool wrapped = paint_sentence(&text, &page, PAINT_PLAIN, 0, raw) == 0;
	if (wrapped) {
		fwrite(text.data, 1, text.length, stdout);
	} else {
		char shown[SENTENCE_BYTES];
		printf("%s\n", printable_copy(shown, sizeof(shown), raw));
	}
}

enum outcome output_flush(enum outcome outcome)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ooha: standard output");
		return OUTCOME_OUTPUT;
	}
	return outcome;
}

enum outcome output_write(const struct oo_buffer *text, enum outcome outcome)
{
	size_t skipped = text->length > 0 && text->data[0] == '\n' ? 1 : 0;
	if (text->length > 0) {
		fwrite(text->data + skipped, 1, text->length - skipped, stdout);
	}
	return output_flush(outcome);
}

enum outcome output_end(const struct oo_buffer *text, int r, enum outcome outcome)
{
	if (r < 0) {
		fprintf(stderr, "ooha: show the answer of ooha-agent: %s\n", strerror(-r));
		return OUTCOME_UNKNOWN;
	}
	return output_write(text, outcome);
}
