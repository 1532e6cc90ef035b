/*
 * The names that a Document Server's requests depend on, each looked up by a process of its own: a
 * name server that is silent is waited for by nobody else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "event/timer.h"

/* A name that takes longer is as good as none for whoever waits for a page. */
#define TIMEOUT_MS 2000

/* What comes back; less than a pipe takes at once (PIPE_BUF). */
struct answer {
	int code; /* of getaddrinfo(3) */
	int error_number;
	size_t n;
	char addresses[OO_EVIDENCE_PEERS][OO_EVIDENCE_NAME];
};

struct lookup {
	struct lookups *lookups;
	struct oo_evidence_lookup *seen;
	int64_t began_us;
	pid_t pid; /* 0: none */
	int answer;
	sd_event_source *source;
};

struct lookups {
	struct oo_gather *gather;
	struct oo_timer timer;
	struct lookup lookups[OO_EVIDENCE_NAMES];
};

static void add_address(struct answer *answer, const struct addrinfo *info)
{
	char text[OO_EVIDENCE_NAME];
	if (answer->n == OO_EVIDENCE_PEERS ||
	    getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) != 0) {
		return;
	}
	OO_GATHER_SAY(answer->addresses[answer->n], text);
	answer->n++;
}

static _Noreturn void be_asked(const char *name, int output)
{
	struct answer answer = {0};
	struct addrinfo *infos = NULL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a hint: nothing is lost without it */
	answer.code = getaddrinfo(name, NULL, &hints, &infos);
	answer.error_number = errno;
	for (const struct addrinfo *info = infos; info != NULL; info = info->ai_next) {
		add_address(&answer, info);
	}
	_exit(write(output, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

static void end(struct lookup *lookup)
{
	if (lookup->pid != 0) {
		lookup->source = sd_event_source_disable_unref(lookup->source);
		oo_close(&lookup->answer);
		(void)kill(lookup->pid, SIGKILL); /* not reaped yet: the number is its own */
		(void)waitpid(lookup->pid, NULL, 0);
		lookup->pid = 0;
	}
}

static enum oo_look look_of(int code)
{
	switch (code) { /* netdb.h's, not ours: what is not named is a failure of our side */
	case 0:
		return OO_LOOK_SEEN;
	case EAI_NONAME:
	case EAI_NODATA:
		return OO_LOOK_ABSENT;
	case EAI_AGAIN:
		return OO_LOOK_LATE;
	default:
		return OO_LOOK_FAILED;
	}
}

static void take_answer(struct lookup *lookup, const struct answer *answer)
{
	struct oo_evidence_lookup *seen = lookup->seen;
	seen->look = look_of(answer->code);
	seen->took_us = oo_clock_now_us() - lookup->began_us;
	OO_GATHER_SAY(seen->error, answer->code == 0            ? ""
				   : answer->code == EAI_SYSTEM ? strerror(answer->error_number)
								: gai_strerror(answer->code));
	seen->n_addresses = answer->n;
	memcpy(seen->addresses, answer->addresses, sizeof(seen->addresses));
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct lookup *lookup = user;
	struct answer answer;
	(void)source;
	(void)events;
	if (read(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer)) {
		take_answer(lookup, &answer);
	} else {
		lookup->seen->look = OO_LOOK_FAILED;
		OO_GATHER_SAY(lookup->seen->error, "the process that asked has died");
	}
	end(lookup);
	oo_gather_release(lookup->lookups->gather);
	return 0;
}

static int begin(struct lookup *lookup)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -errno;
	}
	OO_AUTO(oo_close) int output = ends[1];
	lookup->answer = ends[0];
	lookup->began_us = oo_clock_now_us();
	lookup->pid = fork();
	if (lookup->pid == 0) {
		be_asked(lookup->seen->name, output);
	}
	if (lookup->pid < 0) {
		int r = -errno;
		lookup->pid = 0;
		oo_close(&lookup->answer);
		return r;
	}
	int r = sd_event_add_io(lookup->lookups->gather->event, &lookup->source, lookup->answer,
				EPOLLIN, on_answer, lookup);
	if (r < 0) {
		end(lookup);
	}
	return r;
}

static bool is_name(const char *host)
{
	struct in6_addr address;
	return host[0] != '\0' && strncmp(host, "unix:", 5) != 0 &&
	       inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1;
}

static void look_up(struct lookups *lookups, const char *host, const char *asked_by)
{
	struct oo_evidence *evidence = lookups->gather->evidence;
	for (size_t i = 0; i < evidence->n_lookups; i++) {
		if (oo_text_equal(evidence->lookups[i].name, host)) {
			return;
		}
	}
	if (!is_name(host) || evidence->n_lookups == OO_EVIDENCE_NAMES) {
		return;
	}
	struct lookup *lookup = &lookups->lookups[evidence->n_lookups];
	struct oo_evidence_lookup *seen = &evidence->lookups[evidence->n_lookups];
	evidence->n_lookups++;
	*seen = (struct oo_evidence_lookup){.look = OO_LOOK_LATE};
	OO_GATHER_SAY(seen->name, host);
	OO_GATHER_SAY(seen->asked_by, asked_by);
	OO_GATHER_SAY(seen->error, "no answer");
	lookup->seen = seen;
	int r = begin(lookup);
	if (r < 0) {
		seen->look = OO_LOOK_FAILED;
		OO_GATHER_SAY(seen->error, strerror(-r));
	} else {
		oo_gather_hold(lookups->gather);
	}
}

/* They have said so already: OO_LOOK_LATE. */
static void on_timeout(struct oo_timer *timer)
{
	struct lookups *lookups = oo_container_of(timer, struct lookups, timer);
	for (size_t i = 0; i < lookups->gather->evidence->n_lookups; i++) {
		if (lookups->lookups[i].pid != 0) {
			end(&lookups->lookups[i]);
			oo_gather_release(lookups->gather);
		}
	}
}

static void look_up_peers(struct lookups *lookups)
{
	const struct oo_proxy_config *proxy = &lookups->gather->evidence->proxy;
	for (size_t i = 0; i < proxy->n_passes; i++) {
		const struct oo_proxy_pass *pass = &proxy->passes[i];
		char asked_by[OO_EVIDENCE_NAME + OO_NAME_LENGTH];
		snprintf(asked_by, sizeof(asked_by), "nginx %s%s",
			 pass->upstream[0] != '\0' ? "upstream " : "proxy_pass", pass->upstream);
		for (size_t k = 0; k < pass->n_peers && !pass->is_variable; k++) {
			look_up(lookups, pass->peers[k].host, asked_by);
		}
	}
}

static void *start(struct oo_gather *gather)
{
	struct oo_endpoint_text at;
	char path[2];
	struct lookups *lookups = calloc(1, sizeof(*lookups));
	if (lookups == NULL) {
		return NULL;
	}
	lookups->gather = gather;
	for (size_t i = 0; i < OO_EVIDENCE_NAMES; i++) {
		lookups->lookups[i].lookups = lookups;
	}
	look_up(lookups, gather->settings.database.host, "local.json sql.dbHost");
	look_up(lookups, gather->settings.broker.host, "local.json rabbitmq.url");
	if (gather->settings.uses_cache) {
		look_up(lookups, gather->settings.cache.host, "local.json redis.host");
	}
	if (oo_gather_url_split(gather->subject->url, &at, path, sizeof(path))) {
		look_up(lookups, at.host, "URL");
	}
	look_up_peers(lookups);
	if (oo_timer_init(&lookups->timer, gather->event, on_timeout) == 0) {
		oo_timer_set(&lookups->timer, oo_clock_now() + TIMEOUT_MS);
	}
	return lookups;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct lookups *lookups = state;
	for (size_t i = 0; i < gather->evidence->n_lookups; i++) {
		end(&lookups->lookups[i]);
	}
	oo_timer_done(&lookups->timer);
	free(lookups);
}

const struct oo_collector oo_collect_lookups = {.start = start, .stop = stop};
