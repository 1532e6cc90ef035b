#ifndef PEER_H
#define PEER_H
/* A server on 127.0.0.1 that does as it is told, on the test's own loop. */
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#define PEER_REQUEST_LENGTH 4096

enum peer_end {
	PEER_END_CLOSE,
	PEER_END_KEEP, /* says no more, but keeps the connection */
	PEER_END_RESET,
};

struct peer_script {
	const char *answer; /* NULL: none */
	size_t length;      /* 0: strlen(answer) */
	bool unasked;       /* does not wait for a request */
	enum peer_end end;
};

struct peer;

struct peer *peer_new(sd_event *event, struct peer_script script);
void peer_free(struct peer *peer);
int peer_port(const struct peer *peer);
/* Connections ever accepted, and those of them still open. */
int peer_accepted(const struct peer *peer);
int peer_open(const struct peer *peer);
/* The last request, as it came. */
const char *peer_request(const struct peer *peer);

/* A port of 127.0.0.1 that refuses: bound, but nobody listens. The fd keeps it so. */
int peer_refusing(int *ret_port);

#endif
