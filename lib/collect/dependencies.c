/*
 * What the Document Server depends on, asked as it would itself: the database, the broker and the
 * cache that its settings name. Without settings nobody knows where they are, and nothing is asked.
 */
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/gather.h"

#define TIMEOUT_MS 2300
#define PATH_LENGTH 32

static const char *const tables[] = {"doc_changes", "task_result"};

/* A password, where a check reads it: a file in memory, of this process alone. */
struct password {
	int fd;
	char path[PATH_LENGTH];
};

struct dependencies {
	struct password database, broker;
};

static void keep_password(struct password *password, const char *text)
{
	password->fd = memfd_create("password", MFD_CLOEXEC);
	if (password->fd < 0 || write(password->fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		oo_close(&password->fd); /* the check says that it has none */
	}
	(void)snprintf(password->path, sizeof(password->path), "/proc/self/fd/%d", password->fd);
}

/* Whether it is an address of this host, or a name for that. */
static bool is_local(const char *host)
{
	struct ifaddrs *all = NULL;
	bool found = oo_text_equal(host, "localhost") || strncmp(host, "127.", 4) == 0;
	if (!found && getifaddrs(&all) == 0) {
		for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
			char text[NI_MAXHOST];
			int family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : AF_UNSPEC;
			socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in)
							     : sizeof(struct sockaddr_in6);
			found = (family == AF_INET || family == AF_INET6) &&
				getnameinfo(i->ifa_addr, length, text, sizeof(text), NULL, 0,
					    NI_NUMERICHOST) == 0 &&
				oo_text_equal(text, host);
		}
		freeifaddrs(all);
	}
	return found;
}

/* Its place in the settings, and whether anybody listens there. */
static void ask_connect(struct oo_gather *gather, enum oo_dependency_name name,
			const struct oo_endpoint_text *at, const char *asked_by)
{
	struct oo_dependency *dependency = &gather->evidence->dependencies[name];
	const struct oo_check_spec spec = {.type = OO_CHECK_TYPE_TCP,
					   .timeout_ms = TIMEOUT_MS,
					   .tcp = {.address = {at->host, at->port}}};
	dependency->look = OO_LOOK_SEEN;
	dependency->at = *at;
	dependency->is_local = is_local(at->host);
	OO_GATHER_SAY(dependency->asked_by, asked_by);
	(void)oo_gather_check(gather, &spec, &dependency->connect, NULL); /* the result says it */
}

/* One question each, so that each answer is seen, whatever the others are. */
static void ask_database(struct oo_gather *gather, struct dependencies *state)
{
	const struct oo_settings *settings = &gather->settings;
	struct oo_dependency *database = &gather->evidence->dependencies[OO_DEPENDENCY_DATABASE];
	struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_POSTGRES,
		.timeout_ms = TIMEOUT_MS,
		.postgres = {.address = {settings->database.host, settings->database.port},
			     .user = settings->database_user,
			     .password_file = state->database.path,
			     .database = settings->database_name,
			     .read_only = true}};

	ask_connect(gather, OO_DEPENDENCY_DATABASE, &settings->database,
		    "local.json services.CoAuthoring.sql");
	if (!oo_text_equal(settings->database_type, "postgres")) {
		return; /* another database: that it listens is all we can see */
	}
	keep_password(&state->database, settings->database_password);
	(void)oo_gather_check(gather, &spec, &database->works, NULL);
	spec.postgres.read_only = false;
	(void)oo_gather_check(gather, &spec, &database->writable, NULL);
	spec.postgres.read_only = true;
	spec.postgres.tables = (struct oo_check_texts){tables, OO_LENGTH(tables)};
	(void)oo_gather_check(gather, &spec, &database->table, NULL);
}

static void ask_broker(struct oo_gather *gather, struct dependencies *state)
{
	const struct oo_settings *settings = &gather->settings;
	struct oo_dependency *broker = &gather->evidence->dependencies[OO_DEPENDENCY_BROKER];
	struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_AMQP,
		.timeout_ms = TIMEOUT_MS,
		.amqp = {.address = {settings->broker.host, settings->broker.port},
			 .uses_tls = settings->broker_tls,
			 .tls = {.unverified = true}, /* its own CA is not known to us */
			 .user = settings->broker_user,
			 .password_file = state->broker.path,
			 .vhost = settings->broker_vhost,
			 .publishes = true}};

	ask_connect(gather, OO_DEPENDENCY_BROKER, &settings->broker, "local.json rabbitmq.url");
	if (!oo_text_equal(settings->queue_type, "rabbitmq")) {
		return; /* ActiveMQ speaks AMQP 1.0 */
	}
	keep_password(&state->broker, settings->broker_password);
	(void)oo_gather_check(gather, &spec, &broker->works, NULL);
	spec.amqp.publishes = false; /* an alarm does not hide the consumers */
	spec.amqp.queue = settings->converter_queue;
	spec.amqp.consumers = 1;
	(void)oo_gather_check(gather, &spec, &broker->consumers, NULL);
}

static void *start(struct oo_gather *gather)
{
	enum oo_look look = gather->settings.look;
	if (look == OO_LOOK_ABSENT || look == OO_LOOK_DENIED) {
		for (int i = 0; i < OO_DEPENDENCY_END; i++) {
			gather->evidence->dependencies[i].look = look;
		}
		return NULL;
	}
	struct dependencies *state = calloc(1, sizeof(*state));
	if (state == NULL) {
		return NULL;
	}
	state->database.fd = -1;
	state->broker.fd = -1;
	ask_database(gather, state);
	ask_broker(gather, state);
	if (gather->settings.uses_cache) {
		ask_connect(gather, OO_DEPENDENCY_CACHE, &gather->settings.cache,
			    "local.json services.CoAuthoring.redis");
	}
	return state;
}

static void stop(struct oo_gather *gather, void *user)
{
	struct dependencies *state = user;
	(void)gather;
	oo_close(&state->database.fd);
	oo_close(&state->broker.fd);
	free(state);
}

const struct oo_collector oo_collect_dependencies = {.start = start, .stop = stop};
