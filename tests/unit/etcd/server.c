#include "server.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define START_MS 20000
#define POLL_MS 20
#define ARGUMENTS_MAX 64

bool server_is_there(void)
{
	bool there = system("command -v etcd >/dev/null && command -v etcdctl >/dev/null && "
			    "command -v openssl >/dev/null && command -v curl >/dev/null") == 0;
	if (!there) {
		fprintf(stderr, "\n*** SKIPPED: NOTHING WAS TESTED AGAINST A REAL ETCD ***\n"
				"*** install etcd-server, etcd-client, openssl and curl ***\n");
	}
	return there;
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&here, &length) == 0);
	return ntohs(here.sin_port);
}

void cluster_init(struct cluster *cluster, int n)
{
	*cluster = (struct cluster){.directory = "/tmp/ooha-etcd-XXXXXX", .n = n};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(cluster->directory));
	for (int i = 0; i < n; i++) {
		struct member *member = &cluster->members[i];
		member->client_port = free_port();
		member->peer_port = free_port();
	}
}

static void write_config(const struct cluster *cluster, int i, const char *peers)
{
	const struct member *member = &cluster->members[i];
	char path[128];
	snprintf(path, sizeof(path), "%s/config.yaml", cluster->directory);
	FILE *file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file,
		"name: n%d\ndata-dir: %s/n%d\nlisten-client-urls: %s\nadvertise-client-urls: %s\n"
		"listen-peer-urls: http://127.0.0.1:%d\n"
		"initial-advertise-peer-urls: http://127.0.0.1:%d\ninitial-cluster: %s\n",
		i, cluster->directory, i, member->url, member->url, member->peer_port,
		member->peer_port, peers);
	fclose(file);
}

/* In the child: becomes etcd. Memory from asprintf is left to exec. */
static void become_etcd(const struct cluster *cluster, int i, const char *peers)
{
	const struct member *member = &cluster->members[i];
	char *arguments[ARGUMENTS_MAX] = {(char *)"etcd"};
	int n = 1;
	char text[8][256];
	int t = 0;
	if (cluster->config_file) {
		snprintf(text[t], sizeof(text[t]), "--config-file=%s/config.yaml",
			 cluster->directory);
		arguments[n++] = text[t++];
	} else {
		snprintf(text[0], sizeof(text[0]), "--name=n%d", i);
		snprintf(text[1], sizeof(text[1]), "--data-dir=%s/n%d", cluster->directory, i);
		snprintf(text[2], sizeof(text[2]), "--listen-client-urls=%s", member->url);
		snprintf(text[3], sizeof(text[3]), "--advertise-client-urls=%s", member->url);
		snprintf(text[4], sizeof(text[4]), "--listen-peer-urls=http://127.0.0.1:%d",
			 member->peer_port);
		snprintf(text[5], sizeof(text[5]),
			 "--initial-advertise-peer-urls=http://127.0.0.1:%d", member->peer_port);
		snprintf(text[6], sizeof(text[6]), "--initial-cluster=%s", peers);
		for (t = 0; t < 7; t++) {
			arguments[n++] = text[t];
		}
	}
	for (int k = 0; cluster->extra != NULL && cluster->extra[k] != NULL; k++) {
		arguments[n++] = (char *)cluster->extra[k];
	}
	arguments[n] = NULL;
	execvp("etcd", arguments);
	_exit(127);
}

void member_start(struct cluster *cluster, int i)
{
	struct member *member = &cluster->members[i];
	char peers[256] = "", log[128];
	for (int k = 0; k < cluster->n; k++) {
		size_t length = strlen(peers);
		snprintf(peers + length, sizeof(peers) - length, "%sn%d=http://127.0.0.1:%d",
			 k > 0 ? "," : "", k, cluster->members[k].peer_port);
	}
	snprintf(member->url, sizeof(member->url), "http%s://127.0.0.1:%d", cluster->tls ? "s" : "",
		 member->client_port);
	snprintf(log, sizeof(log), "%s/n%d.log", cluster->directory, i);
	if (cluster->config_file) {
		write_config(cluster, i, peers);
	}
	pid_t parent = getpid();
	member->pid = fork();
	CU_ASSERT_FATAL(member->pid >= 0);
	if (member->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (getppid() != parent || fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
			_exit(126);
		}
		become_etcd(cluster, i, peers);
	}
}

int cluster_shell(const struct cluster *cluster, const char *command)
{
	char line[2048];
	snprintf(line, sizeof(line),
		 "cd %s && export ETCDCTL_API=3 U=%s && { %s ; } >>shell.log 2>&1",
		 cluster->directory, cluster->members[0].url, command);
	return system(line);
}

/* Until the member's linearizable reads work: it knows a leader then. */
static void wait_for(const struct cluster *cluster, int i)
{
	char command[512];
	snprintf(command, sizeof(command),
		 "curl -sk --cert client.crt --key client.key -m 1 -o n%d.health %s/health || "
		 "curl -sk -m 1 -o n%d.health %s/health; grep -q true n%d.health",
		 i, cluster->members[i].url, i, cluster->members[i].url, i);
	int64_t until = oo_clock_now() + START_MS;
	while (cluster_shell(cluster, command) != 0) {
		CU_ASSERT_TRUE_FATAL(oo_clock_now() < until);
		poll(NULL, 0, POLL_MS);
	}
}

void cluster_start(struct cluster *cluster)
{
	for (int i = 0; i < cluster->n; i++) {
		member_start(cluster, i);
	}
	for (int i = 0; i < cluster->n; i++) {
		wait_for(cluster, i);
	}
}

void member_signal(struct cluster *cluster, int i, int signal_number)
{
	CU_ASSERT_FATAL(cluster->members[i].pid > 0);
	CU_ASSERT_EQUAL(kill(cluster->members[i].pid, signal_number), 0);
}

void member_kill(struct cluster *cluster, int i)
{
	if (cluster->members[i].pid > 0) {
		kill(cluster->members[i].pid, SIGKILL);
		while (waitpid(cluster->members[i].pid, NULL, 0) < 0 && errno == EINTR) {
		}
		cluster->members[i].pid = 0;
	}
}

void cluster_done(struct cluster *cluster)
{
	for (int i = 0; i < cluster->n; i++) {
		member_kill(cluster, i);
	}
	CU_ASSERT_EQUAL(cluster_shell(cluster, "rm -rf -- \"$PWD\""), 0);
}
