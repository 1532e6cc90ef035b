#include "documentserver/nginx_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "documentserver/nginx_text.h"

struct oo_nginx_file {
	struct oo_nginx_file *next;
	char path[];
};

/* Where what is read next goes: behind the last of a block. */
struct place {
	struct oo_nginx_directive **tail;
	const char *file; /* that is read; NULL: the main file is yet to be opened */
	int line;         /* where the file, or the block, is begun */
	int depth;        /* of blocks and includes */
	bool in_block;
	const struct place *outer;
};

static int read_file(struct oo_nginx_tree *tree, struct place *place, const char *path);

bool oo_nginx_is(const struct oo_nginx_directive *directive, const char *name)
{
	return strcmp(directive->words[0], name) == 0;
}

const char *oo_nginx_word(const struct oo_nginx_directive *directive, size_t i)
{
	return i < directive->n ? directive->words[i] : "";
}

const struct oo_nginx_directive *oo_nginx_find(const struct oo_nginx_directive *first,
					       const char *name)
{
	while (first != NULL && !oo_nginx_is(first, name)) {
		first = first->next;
	}
	return first;
}

int oo_nginx_tree_path(const struct oo_nginx_tree *tree, const char *name, char *target,
		       size_t size)
{
	int length = snprintf(target, size, "%s%s", name[0] == '/' ? "" : tree->folder, name);
	return length >= 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* The first thing that is wrong stays. */
static void complain(struct oo_nginx_tree *tree, const char *file, int line, const char *what)
{
	char text[OO_TEXT_LENGTH * 3]; /* cut is fine: it is shown */
	if (tree->error[0] != '\0') {
		return;
	}
	if (file != NULL) {
		(void)snprintf(text, sizeof(text), "%s:%d: %s", file, line, what);
	} else {
		(void)snprintf(text, sizeof(text), "%s", what);
	}
	oo_text_clip(tree->error, sizeof(tree->error), text);
}

static void complain_of_file(struct oo_nginx_tree *tree, const struct place *place,
			     const char *path, int error_number)
{
	if (error_number == EACCES || error_number == EPERM) {
		tree->look = OO_LOOK_DENIED;
	} else if (place->file == NULL) { /* the main file */
		tree->look = error_number == ENOENT ? OO_LOOK_ABSENT : OO_LOOK_FAILED;
	}
	char what[OO_TEXT_LENGTH * 2];
	(void)snprintf(what, sizeof(what), "%s: %s", path, strerror(error_number));
	complain(tree, place->file, place->line, what);
}

static int add_directive(struct oo_nginx_tree *tree, struct place *place,
			 const struct oo_nginx_statement *statement)
{
	if (tree->n_directives == OO_NGINX_DIRECTIVES) {
		complain(tree, place->file, statement->line,
			 "too many directives: the rest is not read");
		return -E2BIG;
	}
	size_t words_bytes = statement->n * sizeof(char *);
	struct oo_nginx_directive *directive =
		calloc(1, sizeof(*directive) + words_bytes + statement->words.length);
	if (directive == NULL) {
		return -ENOMEM;
	}
	char *text = (char *)&directive->words[statement->n];
	memcpy(text, statement->words.data, statement->words.length);
	for (size_t i = 0; i < statement->n; i++) {
		directive->words[i] = text;
		text += strlen(text) + 1;
	}
	directive->n = statement->n;
	directive->is_block = statement->end == OO_NGINX_END_OPEN;
	directive->file = place->file;
	directive->line = statement->line;
	*place->tail = directive;
	place->tail = &directive->next;
	tree->n_directives++;
	return 0;
}

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* What a pattern finds is included in the order of names; that it finds nothing is fine. */
static int include(struct oo_nginx_tree *tree, struct place *place, const char *name, int line)
{
	char path[OO_TEXT_LENGTH];
	struct place inner = *place;
	glob_t found = {0};
	int r = 0;

	inner.line = line;
	if (oo_nginx_tree_path(tree, name, path, sizeof(path)) < 0) {
		complain(tree, place->file, line, "the name of an include is too long");
		return 0;
	}
	if (!is_pattern(path)) {
		r = read_file(tree, &inner, path);
	} else if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
			r = read_file(tree, &inner, found.gl_pathv[i]);
		}
		globfree(&found);
	}
	place->tail = inner.tail;
	return r;
}

/* A statement that ends a level, where it may. Returns 0 or -EINVAL. */
static int check_end(const struct place *place, const struct oo_nginx_statement *statement,
		     struct oo_err *err)
{
	if (statement->end == OO_NGINX_END_FILE && place->in_block) {
		return oo_fail_text(err, EINVAL,
				    "unexpected end of file, expecting \"}\" of line %d",
				    place->line);
	}
	if (statement->end == OO_NGINX_END_CLOSE && !place->in_block) {
		return oo_fail_text(err, EINVAL, "unexpected \"}\"");
	}
	return 0;
}

static int read_level(struct oo_nginx_tree *tree, struct place *place, struct oo_nginx_text *text,
		      struct oo_nginx_statement *statement);

static int read_block(struct oo_nginx_tree *tree, struct place *place, struct oo_nginx_text *text,
		      struct oo_nginx_statement *statement)
{
	struct oo_nginx_directive **at = place->tail;
	int line = statement->line;
	int r = add_directive(tree, place, statement);
	if (r < 0) {
		return r;
	}
	struct place inner = {.tail = &(*at)->first,
			      .file = place->file,
			      .line = line,
			      .depth = place->depth + 1,
			      .in_block = true,
			      .outer = place};
	if (inner.depth > OO_NGINX_DEPTH) {
		complain(tree, place->file, line, "too many blocks and includes in each other");
		return -ELOOP;
	}
	return read_level(tree, &inner, text, statement);
}

static int read_statement(struct oo_nginx_tree *tree, struct place *place,
			  struct oo_nginx_text *text, struct oo_nginx_statement *statement)
{
	char name[OO_TEXT_LENGTH * 2];
	if (statement->end == OO_NGINX_END_OPEN) {
		return read_block(tree, place, text, statement);
	}
	if (statement->n != 2 || strcmp(statement->words.data, "include") != 0) {
		return add_directive(tree, place, statement);
	}
	oo_text_clip(name, sizeof(name), statement->words.data + sizeof("include"));
	return include(tree, place, name, statement->line);
}

/* One block, up to its brace, or a whole file. */
static int read_level(struct oo_nginx_tree *tree, struct place *place, struct oo_nginx_text *text,
		      struct oo_nginx_statement *statement)
{
	for (;;) {
		struct oo_err err = {""};
		int r = oo_nginx_text_next(text, statement, &err);
		if (r == 0) {
			r = check_end(place, statement, &err);
		}
		if (r < 0) {
			complain(tree, place->file, text->line, err.text);
			return r;
		}
		if (statement->end == OO_NGINX_END_FILE || statement->end == OO_NGINX_END_CLOSE) {
			return 0;
		}
		r = read_statement(tree, place, text, statement);
		if (r < 0) {
			return r;
		}
	}
}

/* Returns 0, -ENOMEM, or -errno of what cannot be read. */
static int load(struct oo_nginx_tree *tree, const char *path, struct oo_buffer *text)
{
	/* NONBLOCK: a pipe of that name must not hold us up */
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char part[4096];
	if (fd < 0 || fstat(fd, &status) < 0) {
		return -errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	}
	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));
		if (n <= 0) {
			if (status.st_mtim.tv_sec > tree->changed_at_s) {
				tree->changed_at_s = status.st_mtim.tv_sec;
			}
			return n < 0 ? -errno : 0;
		}
		int r = oo_buffer_add(text, part, (size_t)n);
		if (r < 0) {
			return r == -EMSGSIZE ? -EFBIG : r;
		}
	}
}

static bool is_being_read(const struct place *place, const char *path)
{
	for (; place != NULL; place = place->outer) {
		if (place->file != NULL && strcmp(place->file, path) == 0) {
			return true;
		}
	}
	return false;
}

static int keep_name(struct oo_nginx_tree *tree, const char *path, const char **ret_name)
{
	struct oo_nginx_file *file = malloc(sizeof(*file) + strlen(path) + 1);
	if (file == NULL) {
		return -ENOMEM;
	}
	memcpy(file->path, path, strlen(path) + 1);
	file->next = tree->files;
	tree->files = file;
	tree->n_files++;
	*ret_name = file->path;
	return 0;
}

static int read_text(struct oo_nginx_tree *tree, struct place *place,
		     const struct oo_buffer *buffer)
{
	struct oo_nginx_text text = {.data = buffer->data, .length = buffer->length, .line = 1};
	struct oo_nginx_statement statement = {0};
	oo_buffer_init(&statement.words, OO_NGINX_STATEMENT_MAX);
	int r = read_level(tree, place, &text, &statement);
	oo_buffer_done(&statement.words);
	return r;
}

/* A file that cannot be read is left out; one that makes no sense ends the reading. */
static int read_file(struct oo_nginx_tree *tree, struct place *place, const char *path)
{
	struct place inner = {.tail = place->tail, .depth = place->depth + 1, .outer = place};
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, OO_NGINX_FILE_BYTES);

	if (is_being_read(place, path)) {
		complain(tree, place->file, place->line, "the file includes itself");
		return 0;
	}
	if (inner.depth > OO_NGINX_DEPTH || tree->n_files == OO_NGINX_FILES) {
		complain(tree, place->file, place->line, "too many includes");
		return 0;
	}
	int r = load(tree, path, &buffer);
	if (r == 0 && buffer.length > 0 && memchr(buffer.data, '\0', buffer.length) != NULL) {
		r = -EILSEQ;
	}
	if (r < 0) {
		complain_of_file(tree, place, path, -r);
		return r == -ENOMEM ? r : 0;
	}
	r = keep_name(tree, path, &inner.file);
	if (r == 0) {
		r = read_text(tree, &inner, &buffer);
	}
	place->tail = inner.tail;
	return r;
}

int oo_nginx_tree_read(struct oo_nginx_tree *tree, const char *path)
{
	struct place place = {.tail = &tree->first};
	const char *slash = strrchr(path, '/');

	*tree = (struct oo_nginx_tree){.look = OO_LOOK_SEEN};
	place.tail = &tree->first;
	if (slash != NULL && (size_t)(slash - path) + 2 <= sizeof(tree->folder)) {
		memcpy(tree->folder, path, (size_t)(slash - path) + 1);
	}
	return read_file(tree, &place, path) == -ENOMEM ? -ENOMEM : 0;
}

/* Blocks in each other are few (OO_NGINX_DEPTH). */
static void free_level(struct oo_nginx_directive *directive)
{
	while (directive != NULL) {
		struct oo_nginx_directive *next = directive->next;
		free_level(directive->first);
		free(directive);
		directive = next;
	}
}

void oo_nginx_tree_done(struct oo_nginx_tree *tree)
{
	free_level(tree->first);
	while (tree->files != NULL) {
		struct oo_nginx_file *next = tree->files->next;
		free(tree->files);
		tree->files = next;
	}
	*tree = (struct oo_nginx_tree){0};
}
