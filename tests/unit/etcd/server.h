#ifndef OO_TEST_ETCD_SERVER_H
#define OO_TEST_ETCD_SERVER_H
/* Real etcd servers on loopback, in a directory of their own, gone with the test. */
#include <stdbool.h>
#include <sys/types.h>

#define MEMBERS_MAX 3

struct cluster {
	char directory[64];
	int n;
	struct member {
		pid_t pid; /* 0: not running */
		int client_port, peer_port;
		char url[64];
	} members[MEMBERS_MAX];
	const char *const *extra; /* options for every member, ended by NULL; or NULL */
	bool tls;                 /* server.crt and server.key of directory */
	bool config_file;         /* started with --config-file: the gateway is off in 3.4 */
};

/* Whether etcd is installed; says loudly when not. */
bool server_is_there(void);

/* Makes the directory and free ports. */
void cluster_init(struct cluster *cluster, int n);
/* Starts every member and waits until each answers over HTTP(S). */
void cluster_start(struct cluster *cluster);
void member_start(struct cluster *cluster, int i);
void member_signal(struct cluster *cluster, int i, int signal_number);
/* Kills it and waits until it is gone. */
void member_kill(struct cluster *cluster, int i);
/* Kills what runs, removes the directory. */
void cluster_done(struct cluster *cluster);

/* Runs a shell command in the cluster's directory; U is the first member's URL. 0: it succeeded. */
int cluster_shell(const struct cluster *cluster, const char *command);

#endif
