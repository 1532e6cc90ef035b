#include "hook/hook.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "event/child.h"
#include "event/timer.h"
#include "hook/list.h"
#include "base/trust.h"

/* One event. Its paths are gone through by path_at, within a directory its names by name_at. */
struct run {
	struct run *next;
	char **paths, **environment; /* owned; ended by NULL */
	char **names; /* owned; in the directory before path_at, NULL outside of one */
	size_t path_at, name_at;
	int ran, failed;
	oo_hooks_done_fn *done;
	void *user;
	struct oo_hook_counts *counts; /* of whoever asked, or unused */
	struct oo_hook_counts unused;
};

struct oo_hooks {
	sd_event *event;
	struct oo_timer kick;
	struct oo_hooks_options options;
	struct run *first, **end; /* the queue; the first one runs */
	size_t n;
	struct oo_child *child; /* NULL between hooks */
	char hook[PATH_MAX];    /* what runs or is being looked at */
	int64_t started_us;     /* the child */
};

static void free_run(struct run *run)
{
	oo_hook_strings_free(run->paths);
	oo_hook_strings_free(run->environment);
	oo_hook_strings_free(run->names);
	free(run);
}

static void free_run_pointer(struct run **run)
{
	if (*run != NULL) {
		free_run(*run);
	}
}

static void say(const struct oo_hooks *hooks, enum oo_log_level level, const char *line)
{
	hooks->options.log(hooks->options.user, level, hooks->hook, line);
}

static void fail_hook(struct oo_hooks *hooks, const char *line)
{
	hooks->first->failed++;
	hooks->first->counts->failed++;
	say(hooks, OO_LOG_WARNING, line);
}

/* Directory and name as one path. Returns 0 or -ENAMETOOLONG. */
static int join(char path[static PATH_MAX], const char *directory, const char *name)
{
	const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
	int length = snprintf(path, PATH_MAX, "%s%s%s", directory, slash, name);
	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* For a path that must exist if it is a program, and may be missing if it is a directory. */
static bool is_directory_name(const char *path)
{
	size_t length = strlen(path);
	return (length > 0 && path[length - 1] == '/') ||
	       (length > 2 && oo_text_equal(path + length - 2, ".d"));
}

static void on_skipped(void *user, const char *name, const char *why)
{
	char line[NAME_MAX + 80];
	snprintf(line, sizeof(line), "%s passed over: %s", name, why);
	say(user, OO_LOG_DEBUG, line);
}

static void on_line(void *user, const char *line)
{
	say(user, OO_LOG_INFO, line);
}

static void go_on(struct oo_hooks *hooks);

static void on_done(void *user, const struct oo_child_result *result)
{
	struct oo_hooks *hooks = user;
	hooks->child = NULL;
	hooks->first->counts->took_us += oo_clock_now_us() - hooks->started_us;
	if (result->end != OO_CHILD_END_EXITED || result->code != 0) {
		char text[OO_CHILD_RESULT_LENGTH];
		fail_hook(hooks, oo_child_result_format(result, text));
	}
	go_on(hooks);
}

static int start_child(struct oo_hooks *hooks, const struct oo_trusted_file *file,
		       struct oo_err *err)
{
	const char *argv[] = {hooks->hook, NULL};
	/*
	 * By its path and not by fexecve(3), which would give a script /dev/fd/N for a name:
	 * nobody but root and ourselves can make the path mean anything but what was looked at.
	 */
	struct oo_child_spec spec = {
		.path = file->resolved,
		.argv = argv,
		.environment = (const char *const *)hooks->first->environment,
		.timeout_ms = hooks->options.timeout_ms,
		.grace_ms = OO_HOOKS_GRACE_MS,
		.line = on_line,
		.done = on_done,
		.user = hooks,
	};
	hooks->started_us = oo_clock_now_us();
	return oo_child_start(hooks->event, &spec, &hooks->child, err);
}

/* Puts the next path into hooks->hook. Returns 1, or 0 when there is none, or -ENAMETOOLONG. */
static int next_path(struct oo_hooks *hooks)
{
	struct run *run = hooks->first;
	if (run->names != NULL && run->names[run->name_at] == NULL) {
		oo_hook_strings_free(run->names);
		run->names = NULL;
	}
	if (run->names != NULL) {
		int r = join(hooks->hook, run->paths[run->path_at - 1], run->names[run->name_at++]);
		return r < 0 ? r : 1;
	}
	if (run->paths[run->path_at] == NULL) {
		return 0;
	}
	oo_text_clip(hooks->hook, sizeof(hooks->hook), run->paths[run->path_at++]);
	return 1;
}

/* Starts the program at hooks->hook, or goes into the directory. */
static void enter(struct oo_hooks *hooks)
{
	struct run *run = hooks->first;
	bool listed = run->names != NULL;
	struct oo_err err;
	OO_AUTO(oo_trusted_done) struct oo_trusted_file file = OO_TRUSTED_FILE_NONE;

	int r = oo_trusted_open(&file, hooks->hook, &err);
	if (r == -ENOENT && !listed && is_directory_name(hooks->hook)) {
		return;
	}
	if (r == 0 && !listed && S_ISDIR(file.status.st_mode)) {
		run->name_at = 0;
		r = oo_hook_list(&file, on_skipped, hooks, &run->names, &err);
	} else if (r == 0) {
		r = oo_trusted_can_run(&file, &err);
		if (r == 0) {
			r = start_child(hooks, &file, &err);
			run->ran += r == 0;
			run->counts->ran += r == 0;
		}
	}
	if (r < 0) {
		oo_err_wrap(&err, r == -EPERM ? "refused" : "not run");
		fail_hook(hooks, err.text);
	}
}

static void end_first(struct oo_hooks *hooks)
{
	OO_AUTO(free_run_pointer) struct run *run = hooks->first;
	hooks->first = run->next;
	hooks->n--;
	if (hooks->first == NULL) {
		hooks->end = &hooks->first;
	} else {
		oo_timer_set(&hooks->kick, 0);
	}
	if (run->done != NULL) {
		run->done(run->user, run->ran, run->failed); /* may free hooks */
	}
}

static void go_on(struct oo_hooks *hooks)
{
	while (hooks->child == NULL) {
		int r = next_path(hooks);
		if (r == 0) {
			end_first(hooks);
			return;
		}
		if (r < 0) {
			fail_hook(hooks, "not run: the path is too long");
		} else {
			enter(hooks);
		}
	}
}

static void on_kick(struct oo_timer *timer)
{
	go_on(oo_container_of(timer, struct oo_hooks, kick));
}

int oo_hooks_new(sd_event *event, const struct oo_hooks_options *options,
		 struct oo_hooks **ret_hooks, struct oo_err *err)
{
	if (options->timeout_ms <= 0) {
		return oo_fail_text(err, EINVAL, "hooks: the timeout must be positive");
	}
	struct oo_hooks *hooks = calloc(1, sizeof(*hooks));
	if (hooks == NULL) {
		return oo_fail(err, ENOMEM, "hooks");
	}
	int r = oo_timer_init(&hooks->kick, event, on_kick);
	if (r < 0) {
		free(hooks);
		return oo_fail(err, -r, "hooks on the event loop");
	}
	hooks->event = sd_event_ref(event);
	hooks->options = *options;
	hooks->end = &hooks->first;
	*ret_hooks = hooks;
	return 0;
}

void oo_hooks_free(struct oo_hooks *hooks)
{
	if (hooks == NULL) {
		return;
	}
	if (hooks->child != NULL) {
		hooks->first->counts->failed++;
		hooks->first->counts->took_us += oo_clock_now_us() - hooks->started_us;
	}
	oo_child_cancel(hooks->child);
	while (hooks->first != NULL) {
		struct run *run = hooks->first;
		hooks->first = run->next;
		free_run(run);
	}
	oo_timer_done(&hooks->kick);
	sd_event_unref(hooks->event);
	free(hooks);
}

static int copy_paths(struct run *run, const char *const *paths, size_t n)
{
	run->paths = calloc(n + 1, sizeof(*run->paths));
	for (size_t i = 0; run->paths != NULL && i < n; i++) {
		if (strlen(paths[i]) >= PATH_MAX) {
			return -ENAMETOOLONG;
		}
		run->paths[i] = strdup(paths[i]);
		if (run->paths[i] == NULL) {
			return -ENOMEM;
		}
	}
	return run->paths == NULL ? -ENOMEM : 0;
}

static char *assign(const char *name, const char *value)
{
	char *text;
	return asprintf(&text, "%s=%s", name, value != NULL ? value : "") < 0 ? NULL : text;
}

static int make_environment(struct run *run, const struct oo_hook_environment *from)
{
	char epoch[24];
	snprintf(epoch, sizeof(epoch), "%" PRIu64, from->epoch);
	const struct {
		const char *name, *value;
	} variables[] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"OOHA_EVENT", from->event},
		{"OOHA_GROUP", from->group},
		{"OOHA_NODE", from->node},
		{"OOHA_PEER", from->peer},
		{"OOHA_REASON", from->reason},
		{"OOHA_EPOCH", epoch},
		{"OOHA_VIPS", from->vips},
		{"OOHA_CLUSTER", from->cluster},
		{"OOHA_GRADE", from->grade},
		{"OOHA_NOTICE", from->notice},
		{"OOHA_STATE", from->state},
		{"OOHA_TEXT", from->text},
	};
	run->environment = calloc(OO_LENGTH(variables) + 1, sizeof(*run->environment));
	for (size_t i = 0; run->environment != NULL && i < OO_LENGTH(variables); i++) {
		run->environment[i] = assign(variables[i].name, variables[i].value);
		if (run->environment[i] == NULL) {
			return -ENOMEM;
		}
	}
	return run->environment == NULL ? -ENOMEM : 0;
}

int oo_hooks_run(struct oo_hooks *hooks, const struct oo_hooks_event *event)
{
	if (hooks->n == OO_HOOKS_QUEUE_MAX) {
		return -ENOBUFS;
	}
	if (event->n_paths > OO_HOOKS_LIST_MAX) {
		return -E2BIG;
	}
	OO_AUTO(free_run_pointer) struct run *run = calloc(1, sizeof(*run));
	if (run == NULL) {
		return -ENOMEM;
	}
	int r = copy_paths(run, event->paths, event->n_paths);
	if (r == 0) {
		r = make_environment(run, &event->environment);
	}
	if (r < 0) {
		return r;
	}
	run->done = event->done;
	run->user = event->user;
	run->counts = event->counts != NULL ? event->counts : &run->unused;
	if (hooks->n++ == 0) {
		oo_timer_set(&hooks->kick, 0);
	}
	*hooks->end = run;
	hooks->end = &run->next;
	run = NULL; /* the queue's now */
	return 0;
}

void oo_hooks_set_timeout(struct oo_hooks *hooks, int64_t timeout_ms)
{
	assert(timeout_ms > 0);
	hooks->options.timeout_ms = timeout_ms;
}

size_t oo_hooks_pending(const struct oo_hooks *hooks)
{
	return hooks->n;
}

static int verify_program(const char *path, struct oo_err *err)
{
	OO_AUTO(oo_trusted_done) struct oo_trusted_file file = OO_TRUSTED_FILE_NONE;
	int r = oo_trusted_open(&file, path, err);
	return r < 0 ? r : oo_trusted_can_run(&file, err);
}

static void free_strings_pointer(char ***strings)
{
	oo_hook_strings_free(*strings);
}

static int verify_directory(const char *path, const struct oo_trusted_file *directory,
			    struct oo_err *err)
{
	OO_AUTO(free_strings_pointer) char **names = NULL;
	int r = oo_hook_list(directory, NULL, NULL, &names, err);
	for (size_t i = 0; r == 0 && names[i] != NULL; i++) {
		char hook[PATH_MAX];
		r = join(hook, path, names[i]);
		if (r < 0) {
			return oo_fail(err, -r, "%s/%s", path, names[i]);
		}
		r = verify_program(hook, err);
	}
	return r;
}

int oo_hooks_verify(const char *const *paths, size_t n_paths, struct oo_err *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < n_paths; i++) {
		OO_AUTO(oo_trusted_done) struct oo_trusted_file file = OO_TRUSTED_FILE_NONE;
		r = oo_trusted_open(&file, paths[i], err);
		if (r == -ENOENT && is_directory_name(paths[i])) {
			r = 0;
		} else if (r == 0 && S_ISDIR(file.status.st_mode)) {
			r = verify_directory(paths[i], &file, err);
		} else if (r == 0) {
			r = oo_trusted_can_run(&file, err);
		}
	}
	return r;
}
