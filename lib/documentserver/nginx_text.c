#include "documentserver/nginx_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_more(const struct oo_nginx_text *text)
{
	return text->at < text->length;
}

static char take(struct oo_nginx_text *text)
{
	char c = text->data[text->at++];
	text->line += c == '\n';
	return c;
}

static void skip_blank(struct oo_nginx_text *text)
{
	while (has_more(text) && (is_space(text->data[text->at]) || text->data[text->at] == '#')) {
		if (take(text) != '#') {
			continue;
		}
		while (has_more(text) && text->data[text->at] != '\n') {
			text->at++;
		}
	}
}

/* A backslash hides what follows; only before these it goes away itself. */
static int add_hidden(struct oo_buffer *words, char c)
{
	static const char names[] = "\"'\\trn", meanings[] = "\"'\\\t\r\n";
	const char *found = strchr(names, c);
	if (found != NULL && c != '\0') {
		return oo_buffer_add(words, &meanings[found - names], 1);
	}
	return oo_buffer_add(words, (const char[]){'\\', c}, 2);
}

static int ends_early(struct oo_err *err)
{
	return oo_fail_text(err, EINVAL, "unexpected end of file, expecting \";\" or \"}\"");
}

static int read_quoted(struct oo_nginx_text *text, struct oo_buffer *words, struct oo_err *err)
{
	char quote = take(text);
	for (;;) {
		if (!has_more(text)) {
			return ends_early(err);
		}
		char c = take(text);
		if (c == quote) {
			break;
		}
		if (c == '\\' && !has_more(text)) {
			return ends_early(err);
		}
		int r = c == '\\' ? add_hidden(words, take(text)) : oo_buffer_add(words, &c, 1);
		if (r < 0) {
			return r;
		}
	}
	if (has_more(text) && !is_space(text->data[text->at]) &&
	    strchr(";{)", text->data[text->at]) == NULL) {
		return oo_fail_text(err, EINVAL, "unexpected \"%c\" after a quote",
				    text->data[text->at]);
	}
	return 0;
}

static int read_plain(struct oo_nginx_text *text, struct oo_buffer *words, struct oo_err *err)
{
	bool in_variable = false; /* the brace of ${name} opens no block */
	while (has_more(text)) {
		char c = text->data[text->at];
		if (is_space(c) || c == ';' || (c == '{' && !in_variable)) {
			return 0;
		}
		(void)take(text);
		in_variable = c == '$';
		if (c == '\\' && !has_more(text)) {
			return ends_early(err);
		}
		int r = c == '\\' ? add_hidden(words, take(text)) : oo_buffer_add(words, &c, 1);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int read_word(struct oo_nginx_text *text, struct oo_nginx_statement *statement,
		     struct oo_err *err)
{
	char first = text->data[text->at];
	int r = first == '"' || first == '\'' ? read_quoted(text, &statement->words, err)
					      : read_plain(text, &statement->words, err);
	if (r < 0) {
		return r;
	}
	statement->n++;
	return oo_buffer_add(&statement->words, "", 1);
}

static int end(struct oo_nginx_text *text, struct oo_nginx_statement *statement, struct oo_err *err)
{
	char c = take(text);
	if (c == '}') {
		statement->end = OO_NGINX_END_CLOSE;
		if (statement->n != 0) {
			return oo_fail_text(err, EINVAL, "unexpected \"}\", expecting \";\"");
		}
		return 0;
	}
	statement->end = c == ';' ? OO_NGINX_END_SIMPLE : OO_NGINX_END_OPEN;
	if (statement->n == 0) {
		return oo_fail_text(err, EINVAL, "unexpected \"%c\"", c);
	}
	return 0;
}

int oo_nginx_text_next(struct oo_nginx_text *text, struct oo_nginx_statement *statement,
		       struct oo_err *err)
{
	oo_buffer_clear(&statement->words);
	statement->n = 0;
	skip_blank(text);
	statement->line = text->line;
	while (has_more(text)) {
		if (strchr(";{}", text->data[text->at]) != NULL) {
			return end(text, statement, err);
		}
		int r = read_word(text, statement, err);
		if (r == -EMSGSIZE) {
			return oo_fail_text(err, EMSGSIZE, "a statement of more than %d bytes",
					    OO_NGINX_STATEMENT_MAX);
		}
		if (r < 0) {
			return r;
		}
		skip_blank(text);
	}
	if (statement->n != 0) {
		return ends_early(err);
	}
	statement->end = OO_NGINX_END_FILE;
	return 0;
}
