#ifndef OO_TEST_ETCD_FAKE_H
#define OO_TEST_ETCD_FAKE_H
/* A member by script, on the test's own loop: says what a real one says too rarely to wait for. */
#include <stdarg.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#define FAKE_REPLY_MAX 8192

struct fake;
struct connection;

/* What to answer: one of the helpers below, or NULL to stay silent. */
typedef const char *fake_fn(struct fake *fake);

struct fake {
	char url[64];
	fake_fn *reply;
	unsigned requests; /* that came in whole */
	unsigned watches, logins;
	/* the last request */
	char path[64], head[2048], body[2048];
	char text[FAKE_REPLY_MAX];
	struct connection *stream; /* of the last watch; NULL: closed */
	struct connection *last;   /* of the last request; NULL: closed */
	struct connection *held;   /* a last one that the test has put aside; NULL: closed */
	int fd;
	sd_event_source *source;
	struct connection *connections;
};

void fake_open(struct fake *fake, fake_fn *reply);
void fake_close(struct fake *fake);

/* A whole HTTP answer with that status and body. */
const char *fake_say(struct fake *fake, int status, const char *body);
/* etcd's own: 200 with a header; more is "" or begins with a comma. */
const char *fake_ok(struct fake *fake, const char *more);
/* A refusal of etcd's. */
const char *fake_refuse(struct fake *fake, int code, const char *text);
/* Takes the request and closes the connection. */
extern const char fake_hang_up[];
/* The head of a watch's answer; what follows is pushed. */
extern const char fake_stream[];

/* Sends text as it is, on the connection of the last request; gone is gone. */
void fake_send(struct fake *fake, const char *text);
/* On the one put aside. */
void fake_send_held(struct fake *fake, const char *text);
/* Sends bytes as one chunk of the last watch's stream. */
void fake_push(struct fake *fake, const char *bytes);
/* Ends the stream as HTTP wants it. */
void fake_finish(struct fake *fake);

#endif
