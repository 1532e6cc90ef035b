#ifndef OO_TEST_API_FIXTURE_H
#define OO_TEST_API_FIXTURE_H
/* An API of its own in a directory of its own, and clients on the same loop: plain sockets. */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "api/api.h"

#define WAIT_MS 20000
#define BUSY_MS 20
#define LARGE_BYTES (2 << 20) /* more than the buffers of a socket hold */

struct fixture {
	sd_event *event;
	struct oo_api *api;
	char directory[64];
	char socket_path[96];
	char listen[32];                         /* a TCP port that was free */
	const char *socket_group, *change_group; /* none; Debian's "daemon", which nobody is in */
	const struct oo_api_tls *tls;            /* none */
	int asked;                               /* how often a route's function ran */
	int changed;                             /* how often a change was asked for */
	char change[128];                        /* the last such, and its status */
};

/*
 * The routes: GET /v1/status, /large, /empty, /busy (BUSY_MS of CPU) on the socket; GET /leader (503) on both; GET and POST
 * /v1/pause, of which the POST is a change, and POST /v1/echo, which say what they were asked with.
 */
void fixture_start(struct fixture *fixture, bool tcp);
/* Makes the directory and the loop, and no API. */
void fixture_prepare(struct fixture *fixture);
int fixture_listen(struct fixture *fixture, const char *listen, struct oo_err *err);
void fixture_stop(struct fixture *fixture);

/* CPU time of this thread, us. */
int64_t work_us(void);

/* Connected, non-blocking. */
int dial_unix(const struct fixture *fixture);
int dial_tcp(const struct fixture *fixture);
void say(int fd, const char *text);

/* Runs the loop until the peer has closed fd; false when it has not after WAIT_MS. */
bool hear(struct fixture *fixture, int fd, struct oo_buffer *heard);
/* Runs the loop until text was heard; false when it was not, or when the peer closed before. */
bool hear_text(struct fixture *fixture, int fd, struct oo_buffer *heard, const char *text);
/* One request on a connection of its own, closed by the server; the whole answer, to be freed. */
char *ask(struct fixture *fixture, int fd, const char *request);

/* Runs the tests, verbosely. Returns main's result: nonzero on a failure, or when none ran. */
int run_suite(const char *name, CU_TestInfo *tests);

#endif
