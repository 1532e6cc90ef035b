/* Pure parts of the collectors, and a whole gathering on this very machine. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/peer.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/vips.h"

/* Unasked, as the peer knows one request at a time, and a gathering sends many. */
#define ANSWER(body)                                                                               \
	{                                                                                          \
		.answer = "HTTP/1.1 200 OK\r\nContent-Length: " body, .unasked = true,             \
		.end = PEER_END_KEEP                                                               \
	}

static void test_a_url_is_split_into_where_and_what(void)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
		const char *path;
	} rows[] = {
		{"http://docs.example.com", "docs.example.com", 80, "/"},
		{"https://docs.example.com/a?b", "docs.example.com", 443, "/a"},
		{"http://127.0.0.1:8000/index.html", "127.0.0.1", 8000, "/index.html"},
		{"http://[2001:db8::1]:81/", "2001:db8::1", 81, "/"},
	};
	struct oo_endpoint_text at;
	char path[OO_NAME_LENGTH];
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		CU_ASSERT_FATAL(oo_gather_url_split(rows[i].url, &at, path, sizeof(path)));
		CU_ASSERT_STRING_EQUAL(at.host, rows[i].host);
		CU_ASSERT_EQUAL(at.port, rows[i].port);
		CU_ASSERT_STRING_EQUAL(path, rows[i].path);
	}
	CU_ASSERT_FALSE(oo_gather_url_split(NULL, &at, path, sizeof(path)));
	CU_ASSERT_FALSE(oo_gather_url_split("", &at, path, sizeof(path)));
	CU_ASSERT_FALSE(oo_gather_url_split("http://", &at, path, sizeof(path)));
	CU_ASSERT_FALSE(oo_gather_url_split("http://a:99999/", &at, path, sizeof(path)));
	CU_ASSERT_STRING_EQUAL(at.host, "2001:db8::1");
}

static void test_any_address_is_listened_on_but_of_the_other_family(void)
{
	static const struct {
		const char *host;
		uint16_t port;
		bool v6only, four, six;
	} rows[] = {
		{"0.0.0.0", 80, false, true, false},
		{"::", 80, false, true, true},
		{"::", 80, true, false, true},
		{"10.0.0.100", 80, false, true, false},
		{"::ffff:10.0.0.100", 80, false, true, false},
		{"2001:db8::100", 80, false, false, true},
		{"10.0.0.10", 80, false, false, false},
		{"0.0.0.0", 81, false, false, false},
		{"127.0.0.1", 80, false, false, false},
	};
	const uint16_t ports[2] = {80, 0};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_listener listener = {.at.port = rows[i].port, .v6only = rows[i].v6only};
		OO_GATHER_SAY(listener.at.host, rows[i].host);
		CU_ASSERT_EQUAL(oo_collect_is_listened_on(&listener, 1, "10.0.0.100", ports),
				rows[i].four);
		CU_ASSERT_EQUAL(oo_collect_is_listened_on(&listener, 1, "2001:db8::100", ports),
				rows[i].six);
	}
	CU_ASSERT_FALSE(oo_collect_is_listened_on(NULL, 0, "10.0.0.100", ports));
}

static void test_the_agents_word_on_a_vip_is_taken(void)
{
	static const char status[] =
		"{\"agent\":{\"fence\":true},\"groups\":[{\"name\":\"office\",\"holder\":\"node-"
		"b\","
		"\"hold_left_ms\":null,\"vips\":[{\"address\":\"203.0.113.7/32\",\"interface\":"
		"\"oo-none\"},{\"address\":\"127.0.0.1/8\",\"interface\":\"lo\"}]},{\"vips\":7}]}";
	OO_AUTO(oo_free) struct oo_evidence *evidence = calloc(1, sizeof(*evidence));
	struct oo_gather gather = {.subject = &(struct oo_collect_subject){0},
				   .evidence = evidence};
	void *state = oo_collect_vips.start(&gather);
	json_object *said = json_tokener_parse(status);
	oo_collect_vips_hear(&gather, said);
	oo_collect_vips_hear(&gather, said); /* again: nothing is added */
	oo_collect_vips_hear(&gather, NULL);
	json_object_put(said);
	CU_ASSERT_EQUAL_FATAL(evidence->n_vips, 2);
	const struct oo_vip_evidence *away = &evidence->vips[0], *here = &evidence->vips[1];
	CU_ASSERT_STRING_EQUAL(away->address, "203.0.113.7");
	CU_ASSERT_STRING_EQUAL(away->group, "office");
	CU_ASSERT_STRING_EQUAL(away->holder, "node-b");
	CU_ASSERT_FALSE(away->is_here || away->interface_up || away->is_fenced);
	CU_ASSERT(here->is_here && here->interface_up && here->is_fenced);
	CU_ASSERT_FALSE(here->is_silenced);
	CU_ASSERT_EQUAL(here->answer_look, OO_LOOK_NONE); /* nobody asks a loopback */
	oo_collect_vips.stop(&gather, state);
}

/* A node: a Document Server, a proxy and an agent that do as they are told, as a process. */
struct node {
	struct peer_script docservice, proxy;
	pid_t pid;
	int ports[2];
};

static _Noreturn void serve(const struct node *node, int output)
{
	sd_event *event = new_loop();
	const int ports[2] = {peer_port(peer_new(event, node->docservice)),
			      peer_port(peer_new(event, node->proxy))};
	if (write(output, ports, sizeof(ports)) == (ssize_t)sizeof(ports)) {
		sd_event_loop(event);
	}
	_exit(1);
}

static void node_start(struct node *node)
{
	int ends[2];
	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	node->pid = fork();
	if (node->pid == 0) {
		serve(node, ends[1]);
	}
	CU_ASSERT_EQUAL_FATAL(read(ends[0], node->ports, sizeof(node->ports)),
			      (ssize_t)sizeof(node->ports));
	close(ends[0]);
	close(ends[1]);
}

static void node_stop(struct node *node)
{
	kill(node->pid, SIGKILL);
	waitpid(node->pid, NULL, 0);
}

static const char *log_directory; /* NULL: none */

static struct oo_evidence *collect(const struct node *node, const char *url)
{
	char docservice[64], proxy[64];
	struct oo_config config = {.cluster = "nobody",
				   .documentserver = {.url = docservice,
						      .proxy_url = proxy,
						      .proxy_config = "/nowhere/nginx.conf",
						      .config_directory = "/nowhere",
						      .log_directory = log_directory},
				   .api.socket = "/nowhere/ooha.sock"};
	struct oo_evidence *evidence = NULL;
	struct oo_err err = {""};
	snprintf(docservice, sizeof(docservice), "http://127.0.0.1:%d", node->ports[0]);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", node->ports[1]);
	const struct oo_collect_subject subject = {.config = &config, .url = url};
	CU_ASSERT_EQUAL_FATAL(oo_collect(&subject, &evidence, &err), 0);
	return evidence;
}

static const struct oo_evidence_lookup *find_lookup(const struct oo_evidence *evidence,
						    const char *name)
{
	for (size_t i = 0; i < evidence->n_lookups; i++) {
		if (oo_text_equal(evidence->lookups[i].name, name)) {
			return &evidence->lookups[i];
		}
	}
	return NULL;
}

static void test_a_node_is_seen_by_what_it_answers(void)
{
	struct node node = {.docservice = ANSWER("4\r\n\r\ntrue"),
			    .proxy = ANSWER("5\r\n\r\nfalse")};
	node_start(&node);
	struct oo_evidence *evidence = collect(&node, "http://no-such-host.invalid/");
	const struct oo_exchange *exchanges = evidence->exchanges;
	CU_ASSERT_STRING_EQUAL(exchanges[OO_EXCHANGE_DIRECT_HEALTH].body, "true");
	CU_ASSERT_STRING_EQUAL(exchanges[OO_EXCHANGE_PROXY_HEALTH].body, "false");
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_PROXY_STATIC].status, 200);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_DIRECT_INACTIVE].status, 200);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_DIRECT_TLS].reason, OO_CHECK_REASON_TLS);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_PROXY_EDITOR].status, 200); /* no upgrade */
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_PROXY_COMMAND].status, 200);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_USER].reason, OO_CHECK_REASON_NAME_NOT_RESOLVED);
	/* nobody asked */
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_VIP].look, OO_LOOK_NONE);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_UPSTREAM].look, OO_LOOK_NONE);
	CU_ASSERT_EQUAL(exchanges[OO_EXCHANGE_PROXY_TLS].look, OO_LOOK_NONE);
	CU_ASSERT_EQUAL(evidence->listeners_look, OO_LOOK_SEEN);
	CU_ASSERT_EQUAL(evidence->agent.look, OO_LOOK_ABSENT);
	CU_ASSERT_EQUAL(evidence->host.look, OO_LOOK_SEEN);
	CU_ASSERT(evidence->host.memory_total_bytes > evidence->host.memory_available_bytes);
	const struct oo_evidence_lookup *lookup = find_lookup(evidence, "no-such-host.invalid");
	CU_ASSERT_PTR_NOT_NULL_FATAL(lookup);
	CU_ASSERT_STRING_EQUAL(lookup->asked_by, "URL");
	CU_ASSERT(lookup->look == OO_LOOK_ABSENT || lookup->look == OO_LOOK_LATE);
	CU_ASSERT(lookup->error[0] != '\0');
	bool found = false;
	for (size_t i = 0; i < evidence->n_listeners; i++) {
		const struct oo_listener *listener = &evidence->listeners[i];
		if (listener->at.port == node.ports[0]) {
			found = true;
			CU_ASSERT_EQUAL(listener->pid, node.pid);
			CU_ASSERT_STRING_EQUAL(listener->process, "test_collect_ga");
		}
	}
	CU_ASSERT(found);
	free(evidence);
	node_stop(&node);
}

static void test_a_node_that_is_silent_is_not_waited_for(void)
{
	struct node node = {.docservice = {.end = PEER_END_KEEP}, .proxy = {.end = PEER_END_KEEP}};
	node_start(&node);
	struct oo_evidence *evidence = collect(&node, NULL);
	CU_ASSERT_EQUAL(evidence->exchanges[OO_EXCHANGE_DIRECT_INDEX].reason,
			OO_CHECK_REASON_SILENT);
	CU_ASSERT_EQUAL(evidence->exchanges[OO_EXCHANGE_PROXY_HEALTH].reason,
			OO_CHECK_REASON_SILENT);
	CU_ASSERT_EQUAL(evidence->exchanges[OO_EXCHANGE_DIRECT_TLS].reason, OO_CHECK_REASON_SILENT);
	CU_ASSERT(evidence->took_ms < OO_COLLECT_MS + 200);
	free(evidence);
	node_stop(&node);
}

/* pread(2), with 64 bits for the offset: the linker takes __real_f for f and f for __wrap_f. */
static bool hangs; /* whoever reads a log */
ssize_t __real_pread64(int fd, void *data, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *data, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *data, size_t n, off_t at)
{
	while (hangs) {
		pause();
	}
	return __real_pread64(fd, data, n, at);
}

static void test_a_file_system_that_does_not_answer_costs_its_files_alone(void)
{
	struct node node = {.docservice = ANSWER("4\r\n\r\ntrue"),
			    .proxy = ANSWER("4\r\n\r\ntrue")};
	char directory[] = "/tmp/ooha-gather-XXXXXX", folder[64], path[80];
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(folder, sizeof(folder), "%s/docservice", directory);
	snprintf(path, sizeof(path), "%s/out.log", folder);
	CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0700), 0);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	log_directory = directory;
	node_start(&node);
	hangs = true;
	struct oo_evidence *evidence = collect(&node, NULL);
	hangs = false;
	log_directory = NULL;
	CU_ASSERT_STRING_EQUAL(evidence->exchanges[OO_EXCHANGE_DIRECT_HEALTH].body, "true");
	CU_ASSERT_EQUAL(evidence->logs_look[OO_LOG_SOURCE_DOCSERVICE], OO_LOOK_LATE);
	CU_ASSERT(evidence->took_ms < OO_COLLECT_MS + 200);
	free(evidence);
	node_stop(&node);
	unlink(path);
	rmdir(folder);
	rmdir(directory);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_url_is_split_into_where_and_what),
		TEST(any_address_is_listened_on_but_of_the_other_family),
		TEST(the_agents_word_on_a_vip_is_taken),
		TEST(a_node_is_seen_by_what_it_answers),
		TEST(a_node_that_is_silent_is_not_waited_for),
		TEST(a_file_system_that_does_not_answer_costs_its_files_alone),
	};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests("gather", tests, OO_LENGTH(tests));
}
