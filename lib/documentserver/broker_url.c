#include "documentserver/broker_url.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "documentserver/nginx_value.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(const char *text, size_t length, char *target, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (c == '%') {
			int high = length - i > 2 ? hex(text[i + 1]) : -1;
			int low = high >= 0 ? hex(text[i + 2]) : -1;
			c = (char)(high * 16 + low);
			if (high < 0 || low < 0 || c == '\0') {
				return -EINVAL;
			}
			i += 2;
		}
		if (n + 1 >= size) {
			return -EINVAL;
		}
		target[n++] = c;
	}
	target[n] = '\0';
	return 0;
}

/* What stands before the @. */
static int parse_user(const char *text, size_t length, struct oo_settings *made)
{
	const char *colon = memchr(text, ':', length);
	size_t user_length = colon != NULL ? (size_t)(colon - text) : length;
	if (decode(text, user_length, made->broker_user, sizeof(made->broker_user)) < 0) {
		return -EINVAL;
	}
	return colon == NULL ? 0
			     : decode(colon + 1, length - user_length - 1, made->broker_password,
				      sizeof(made->broker_password));
}

static int parse(const char *url, struct oo_settings *made)
{
	char endpoint[OO_NAME_LENGTH + 16];
	made->broker_tls = strncasecmp(url, "amqps://", 8) == 0;
	if (!made->broker_tls && strncasecmp(url, "amqp://", 7) != 0) {
		return -EINVAL;
	}
	url += made->broker_tls ? 8 : 7;
	size_t length = strcspn(url, "/?");
	const char *at = memrchr(url, '@', length);
	if (at != NULL && parse_user(url, (size_t)(at - url), made) < 0) {
		return -EINVAL;
	}
	const char *host = at != NULL ? at + 1 : url, *rest = url + length;
	size_t host_length = (size_t)(rest - host);
	if (host_length >= sizeof(endpoint)) {
		return -EINVAL;
	}
	memcpy(endpoint, host, host_length);
	endpoint[host_length] = '\0';
	if (oo_nginx_endpoint(endpoint, made->broker_tls ? 5671 : 5672, &made->broker) < 0) {
		return -EINVAL;
	}
	if (*rest == '/' && rest[1] != '\0' && rest[1] != '?') { /* amqplib: "/" alone is "/" */
		return decode(rest + 1, strcspn(rest + 1, "?"), made->broker_vhost,
			      sizeof(made->broker_vhost));
	}
	return 0;
}

int oo_broker_url_parse(const char *url, struct oo_settings *settings)
{
	static const struct oo_settings package = {.broker = {"localhost", 5672},
						   .broker_user = "guest",
						   .broker_password = "guest",
						   .broker_vhost = "/"};
	struct oo_settings made = package;
	int r = parse(url, &made);
	const struct oo_settings *from = r == 0 ? &made : &package;
	settings->broker = from->broker;
	settings->broker_tls = from->broker_tls;
	memcpy(settings->broker_user, from->broker_user, sizeof(made.broker_user));
	memcpy(settings->broker_password, from->broker_password, sizeof(made.broker_password));
	memcpy(settings->broker_vhost, from->broker_vhost, sizeof(made.broker_vhost));
	explicit_bzero(&made, sizeof(made));
	return r;
}
