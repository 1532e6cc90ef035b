#include "standin_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/cleanup.h"

#define PATH_LENGTH 128

const char standin_modes[] =
	"true | false | hang | hang-healthcheck | refuse | status NNN | slow MS";

struct page {
	int status;
	const char *type;
	const char *body;
};

int standin_mode_parse(const char *text, struct standin_mode *ret_mode)
{
	static const struct {
		const char *name;
		enum standin_kind kind;
		int least, most; /* of the number; both 0: there is none */
	} modes[] = {
		{"true", STANDIN_KIND_TRUE, 0, 0},
		{"false", STANDIN_KIND_FALSE, 0, 0},
		{"hang", STANDIN_KIND_HANG, 0, 0},
		{"hang-healthcheck", STANDIN_KIND_HANG_HEALTHCHECK, 0, 0},
		{"refuse", STANDIN_KIND_REFUSE, 0, 0},
		{"status", STANDIN_KIND_STATUS, 200, 599},
		{"slow", STANDIN_KIND_SLOW, 1, 600000},
	};
	char word[32] = "";
	char rest[2] = "";
	int number = 0;
	int n = sscanf(text, "%31s %d %1s", word, &number, rest);
	for (size_t i = 0; i < OO_LENGTH(modes); i++) {
		const bool numbered = modes[i].most != 0;
		if (strcmp(word, modes[i].name) == 0 && n == (numbered ? 2 : 1) &&
		    number >= modes[i].least && number <= modes[i].most) {
			*ret_mode = (struct standin_mode){.kind = modes[i].kind, .number = number};
			return 0;
		}
	}
	return -EINVAL;
}

static void find_path(const char *request, char path[static PATH_LENGTH])
{
	path[0] = '\0';
	(void)sscanf(request, "%*7s %127[^ ?\r\n]", path);
}

int64_t standin_due(const struct standin_mode *mode, const char *request, int64_t asked_at_us)
{
	char path[PATH_LENGTH];
	switch (mode->kind) {
	case STANDIN_KIND_HANG:
		return OO_NEVER;
	case STANDIN_KIND_HANG_HEALTHCHECK:
		find_path(request, path);
		return strcmp(path, "/healthcheck") == 0 ? OO_NEVER : asked_at_us;
	case STANDIN_KIND_SLOW:
		return asked_at_us + (int64_t)mode->number * 1000;
	case STANDIN_KIND_TRUE:
	case STANDIN_KIND_FALSE:
	case STANDIN_KIND_REFUSE:
	case STANDIN_KIND_STATUS:
		return asked_at_us;
	}
	return asked_at_us;
}

bool standin_keeps(const char *request)
{
	return strstr(request, " HTTP/1.1\r\n") != NULL &&
	       strcasestr(request, "\r\nConnection: close") == NULL;
}

static struct page find_page(const struct standin_mode *mode, const char *request)
{
	static const char html[] = "text/html; charset=utf-8";
	static const char plain[] = "text/plain; charset=utf-8";
	static const char json[] = "application/json; charset=utf-8";
	char path[PATH_LENGTH];
	find_path(request, path);
	if (mode->kind == STANDIN_KIND_STATUS) {
		return (struct page){mode->number, html, "stand-in\n"};
	}
	if (strncmp(request, "GET ", 4) != 0 && strncmp(request, "HEAD ", 5) != 0) {
		return (struct page){404, html, "Not Found\n"};
	}
	if (strcmp(path, "/healthcheck") == 0) {
		return (struct page){200, plain,
				     mode->kind == STANDIN_KIND_FALSE ? "false" : "true"};
	}
	if (strcmp(path, "/index.html") == 0) {
		return (struct page){200, html,
				     "Server is functioning normally. Version: 9.3.0. Build: 1"};
	}
	if (strcmp(path, "/info/info.json") == 0) {
		return (struct page){
			200, json,
			"{\"serverInfo\":{\"buildVersion\":\"9.3.0\",\"buildNumber\":1},"
			"\"quota\":{\"edit\":{\"connectionsCount\":0}},"
			"\"licenseInfo\":{\"packageType\":0}}"};
	}
	if (strcmp(path, "/web-apps/apps/api/documents/api.js") == 0) {
		return (struct page){200, "text/javascript", "/* the proxy's own, really */\n"};
	}
	return (struct page){404, html, "Not Found\n"};
}

size_t standin_answer(const struct standin_mode *mode, const char *request, char *answer,
		      size_t size)
{
	const struct page page = find_page(mode, request);
	const bool head = strncmp(request, "HEAD ", 5) == 0;
	int length =
		snprintf(answer, size,
			 "HTTP/1.1 %d Stand-in\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			 "Connection: %s\r\n\r\n%s",
			 page.status, page.type, strlen(page.body),
			 standin_keeps(request) ? "keep-alive" : "close", head ? "" : page.body);
	return (size_t)length;
}
