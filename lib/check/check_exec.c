#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/trust.h"
#include "check/probe.h"
#include "event/child.h"

#define SETPRIV "/usr/bin/setpriv"
#define NUMBER_LENGTH 24
/* As Nagios' plugins say it: 0 good, 1 and 2 bad, 3 cannot tell. */
#define EXIT_UNKNOWN 3
/* The deadline is the run's, which kills at once: a probe has nothing to tidy up. */
#define LATER_MS 1000

struct exec {
	struct oo_child *child; /* owned while it runs */
	struct oo_check_run *run;
	char line[OO_CHECK_SEEN_LENGTH]; /* the first that it printed */
};

/* The words of the command as executed; those that change the user first. */
struct words {
	const char *items[OO_CHECK_WORDS + 8];
	size_t n;
	char uid[NUMBER_LENGTH], gid[NUMBER_LENGTH];
};

static void add(struct words *words, const char *word)
{
	words->items[words->n++] = word;
}

static int add_user(struct words *words, const char *user)
{
	uid_t uid;
	gid_t gid;
	int r = oo_check_user_find(user, &uid, &gid);
	if (r < 0) {
		return r;
	}
	snprintf(words->uid, sizeof(words->uid), "--reuid=%u", uid);
	snprintf(words->gid, sizeof(words->gid), "--regid=%u", gid);
	add(words, SETPRIV);
	add(words, words->uid);
	add(words, words->gid);
	add(words, "--init-groups");
	add(words, "--");
	return 0;
}

static void on_line(void *user, const char *line)
{
	struct exec *exec = user;
	if (exec->line[0] == '\0') {
		oo_text_clip(exec->line, sizeof(exec->line), line);
	}
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct exec *exec = user;
	struct oo_check_run *run = exec->run;
	char end[OO_CHILD_RESULT_LENGTH];
	bool exited = result->end == OO_CHILD_END_EXITED;
	const char *between = exec->line[0] != '\0' ? ": " : "";
	exec->child = NULL;
	if (exited && result->code == 0) {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%s",
				 exec->line[0] != '\0' ? exec->line : "exit code 0");
	} else {
		bool unknown = result->end == OO_CHILD_END_UNKNOWN ||
			       (exited && result->code == EXIT_UNKNOWN);
		oo_check_run_say(run, unknown ? OO_CHECK_REASON_LOCAL : OO_CHECK_REASON_FAILED,
				 "%s%s%s", oo_child_result_format(result, end), between,
				 exec->line);
	}
	oo_check_run_finish(run);
}

static int spawn(struct exec *exec, const struct words *words)
{
	char name[OO_CHECK_SEEN_LENGTH];
	const char *environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
		name, NULL};
	snprintf(name, sizeof(name), "OOHA_CHECK=%.64s", exec->run->spec->name);
	struct oo_child_spec child = {.path = words->items[0],
				      .argv = words->items,
				      .environment = environment,
				      .timeout_ms = exec->run->spec->timeout_ms + LATER_MS,
				      .line = on_line,
				      .done = on_done,
				      .user = exec};
	return oo_child_start(exec->run->setup->event, &child, &exec->child, NULL);
}

/* Looked at anew each time: it may have been changed since. */
static int start(struct oo_check_run *run)
{
	struct exec *exec = run->state;
	const struct oo_check_exec *spec = &run->spec->exec;
	struct words words = {.n = 0};
	struct oo_err err;
	OO_AUTO(oo_trusted_done) struct oo_trusted_file file = OO_TRUSTED_FILE_NONE;
	*exec = (struct exec){.run = run};
	if (oo_trusted_open(&file, spec->command.items[0], &err) < 0 ||
	    oo_trusted_can_run(&file, &err) < 0) {
		oo_check_run_say(run, OO_CHECK_REASON_LOCAL, "%s", err.text);
		return OO_CHECK_FINISHED;
	}
	int r = spec->user != NULL ? add_user(&words, spec->user) : 0;
	if (r < 0) {
		return r;
	}
	add(&words, file.resolved);
	for (size_t i = 1; i < spec->command.n; i++) {
		add(&words, spec->command.items[i]);
	}
	add(&words, NULL);
	return spawn(exec, &words);
}

static void expire(struct oo_check_run *run)
{
	struct exec *exec = run->state;
	oo_check_run_say(run, OO_CHECK_REASON_SLOW, "not over%s%s",
			 exec->line[0] != '\0' ? ": " : "", exec->line);
}

static void stop(struct oo_check_run *run)
{
	struct exec *exec = run->state;
	oo_child_cancel(exec->child);
	exec->child = NULL;
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	const struct oo_check_texts *command = &spec->exec.command;
	if (command->n == 0 || command->n > OO_CHECK_WORDS || command->items[0][0] != '/') {
		return oo_fail_text(err, EINVAL, "command: must begin with an absolute path");
	}
	return oo_check_user_verify(spec->exec.user, err);
}

const struct oo_check_kind oo_check_exec = {
	.state_size = sizeof(struct exec),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
};
