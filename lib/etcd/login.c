#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "etcd/client.h"
#include "etcd/encode.h"

#define LOGIN_MS 5000      /* a login's own deadline: bcrypt takes its time, by design */
#define LOGIN_HEDGE_MS 600 /* and so a further member is not asked too soon */
#define RENEW_MS 120000 /* a simple token lives 300 s from its last use, a JWT by default 300 s */
#define REFUSED_PAUSE_MS 1000 /* a wrong password is not tried more often: each costs etcd 66 ms */
#define PASSWORD_MAX 1024

/* Reads the first line of the password file. */
static int read_password(const char *path, char password[static PASSWORD_MAX], struct oo_err *err)
{
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return oo_fail(err, errno, "password file %s", path);
	}
	ssize_t length = read(fd, password, PASSWORD_MAX - 1);
	if (length < 0) {
		return oo_fail(err, errno, "password file %s", path);
	}
	password[length] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	if (password[0] == '\0') {
		return oo_fail_text(err, EINVAL, "password file %s: the first line is empty", path);
	}
	return 0;
}

static void use_token(struct oo_etcd_login *login, char *token)
{
	free(login->token);
	login->token = token;
	login->generation++;
	login->renew_at = oo_clock_now() + RENEW_MS;
}

/* Whether a login that failed with r may work the next time, with nothing changed. */
static bool is_passing(int r)
{
	return r == -ECONNREFUSED || r == -EAGAIN || r == -ENOMEM || oo_etcd_is_unknown(r);
}

static void on_login(void *user, int r, const struct oo_etcd_answer *answer,
		     const struct oo_err *err)
{
	struct oo_etcd *etcd = user;
	struct oo_etcd_login *login = &etcd->login;
	login->running = NULL;
	if (r == 0) {
		const struct oo_etcd_decoded *decoded =
			oo_container_of(answer, const struct oo_etcd_decoded, answer);
		use_token(login, strdup(decoded->token)); /* NULL: whoever waits asks again */
	} else if (r == -EOPNOTSUPP) {
		login->needless = true;
		use_token(login, NULL);
	} else {
		bool refused = !is_passing(r);
		bool pause = refused || login->token != NULL;
		login->again_at = pause ? oo_clock_now() + REFUSED_PAUSE_MS : 0;
		login->r = refused ? -EACCES : r;
		login->err = *err;
	}
	bool logged_in = r == 0 || login->needless;
	oo_etcd_request_wake_all(etcd, logged_in);
	oo_etcd_watch_wake_all(etcd, logged_in);
}

static int start(struct oo_etcd *etcd, int64_t now)
{
	struct oo_etcd_login *login = &etcd->login;
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, OO_ETCD_REQUEST_BYTES_MAX);
	char password[PASSWORD_MAX];
	int r = read_password(login->password_file, password, &login->err);
	if (r < 0) {
		return r;
	}
	r = oo_etcd_encode_login(login->username, password, &body);
	const struct oo_etcd_ask ask = {
		.kind = OO_ETCD_KIND_LOGIN,
		.body = &body,
		.hedge_after_ms = LOGIN_HEDGE_MS,
	};
	const struct oo_etcd_call call = {
		.deadline = now + LOGIN_MS,
		.done = on_login,
		.user = etcd,
	};
	r = r < 0 ? r : oo_etcd_request_new(etcd, &ask, &call, &login->running);
	return r < 0 ? oo_fail(&login->err, -r, "login") : 0;
}

enum oo_etcd_login_state oo_etcd_login_ask(struct oo_etcd *etcd, int64_t now)
{
	struct oo_etcd_login *login = &etcd->login;
	bool good = login->username == NULL || login->needless ||
		    (login->token != NULL && now < login->renew_at);
	if (good) {
		return OO_ETCD_LOGIN_READY;
	}
	if (login->running == NULL && now >= login->again_at) {
		int r = start(etcd, now);
		if (r < 0) {
			login->r = is_passing(r) ? r : -EACCES; /* the file: our credentials */
			login->again_at = now + REFUSED_PAUSE_MS;
		}
	}
	if (login->token != NULL) { /* renewed beside the calls, which use the old one meanwhile */
		return OO_ETCD_LOGIN_READY;
	}
	return login->running != NULL ? OO_ETCD_LOGIN_WAIT : OO_ETCD_LOGIN_FAILED;
}

bool oo_etcd_login_refused(struct oo_etcd *etcd, unsigned generation)
{
	struct oo_etcd_login *login = &etcd->login;
	if (login->username == NULL) {
		return false;
	}
	if (generation == login->generation) {
		free(login->token);
		login->token = NULL;
		login->needless = false;
	}
	return true;
}

void oo_etcd_login_done(struct oo_etcd_login *login)
{
	free(login->username);
	free(login->password_file);
	free(login->token);
}
