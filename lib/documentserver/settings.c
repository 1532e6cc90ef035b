#include "documentserver/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "documentserver/broker_url.h"

#define FILE_BYTES (1024 * 1024)
#define PORT_MAX 65535

/* The last counts most. */
static const char *const names[] = {"default.json", "production-linux.json", "local.json"};

struct layers {
	struct json_object *roots[OO_LENGTH(names)]; /* owned; NULL: not there, or unreadable */
};

#define SERVICE "services.CoAuthoring."

static const struct {
	const char *path;
	size_t offset, size;
	const char *package; /* where it is not set */
} texts[] = {
#define TEXT(path, member, package)                                                                \
	{                                                                                          \
		path, offsetof(struct oo_settings, member),                                        \
			sizeof(((struct oo_settings *)0)->member), package                         \
	}
	TEXT(SERVICE "sql.type", database_type, "postgres"),
	TEXT(SERVICE "sql.dbHost", database.host, "localhost"),
	TEXT(SERVICE "sql.dbName", database_name, "onlyoffice"),
	TEXT(SERVICE "sql.dbUser", database_user, "onlyoffice"),
	TEXT(SERVICE "sql.dbPass", database_password, "onlyoffice"),
	TEXT("queue.type", queue_type, "rabbitmq"),
	TEXT("rabbitmq.queueconverttask.name", converter_queue, "ds.converttask6"),
	TEXT(SERVICE "redis.host", cache.host, "127.0.0.1"),
	TEXT("storage.fs.folderPath", storage,
	     "/var/lib/onlyoffice/documentserver/App_Data/cache/files"),
	TEXT(SERVICE "token.inbox.header", jwt_header, "Authorization"),
	TEXT(SERVICE "secret.inbox.string", jwt_secret, "secret"),
#undef TEXT
};

static const struct {
	const char *path;
	size_t offset;
	uint16_t package;
} ports[] = {
	{SERVICE "server.port", offsetof(struct oo_settings, port), 8000},
	{SERVICE "sql.dbPort", offsetof(struct oo_settings, database.port), 5432},
	{SERVICE "redis.port", offsetof(struct oo_settings, cache.port), 6379},
};

/* ---- Files ---- */

/* The first thing that is wrong stays. line 0: none. */
static void complain(struct oo_settings *settings, const char *name, int line, const char *what)
{
	char text[OO_TEXT_LENGTH * 2];
	if (settings->error[0] != '\0') {
		return;
	}
	if (line > 0) {
		(void)snprintf(text, sizeof(text), "%s:%d: %s", name, line, what);
	} else {
		(void)snprintf(text, sizeof(text), "%s: %s", name, what);
	}
	oo_text_clip(settings->error, sizeof(settings->error), text);
}

static int load(const char *path, struct oo_buffer *text)
{
	/* NONBLOCK: a pipe of that name must not hold us up */
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char part[4096];
	int r = 0;
	ssize_t n;
	if (fd < 0 || fstat(fd, &status) < 0) {
		return -errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	}
	while (r == 0 && (n = read(fd, part, sizeof(part))) != 0) {
		r = n < 0 ? -errno : oo_buffer_add(text, part, (size_t)n);
	}
	explicit_bzero(part, sizeof(part));
	return r == -EMSGSIZE ? -EFBIG : r;
}

static int line_at(const struct oo_buffer *text, size_t offset)
{
	int line = 1;
	for (size_t i = 0; i < offset && i < text->length; i++) {
		line += text->data[i] == '\n';
	}
	return line;
}

/* Where anything but space, or a comment, stands behind the object; text->length: nowhere. */
static size_t find_rest(const struct oo_buffer *text, size_t end)
{
	end += strspn(text->data + end, " \t\r\n");
	return text->data[end] == '/' ? text->length : end;
}

/* Comments and a comma before a closing bracket are taken, as node-config takes them. */
static struct json_object *parse(struct oo_settings *settings, const char *name,
				 const struct oo_buffer *text)
{
	struct json_tokener *tokener = json_tokener_new();
	if (tokener == NULL) {
		return NULL;
	}
	/* the NUL behind the text is given as well: it ends a number or a text that stands alone */
	struct json_object *root =
		json_tokener_parse_ex(tokener, text->data, (int)text->length + 1);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (error != json_tokener_success) {
		complain(settings, name, line_at(text, end), json_tokener_error_desc(error));
	} else if (!json_object_is_type(root, json_type_object)) {
		complain(settings, name, 1, "not an object");
	} else if (find_rest(text, end) < text->length) {
		complain(settings, name, line_at(text, find_rest(text, end)),
			 "unexpected character");
	} else {
		return root;
	}
	json_object_put(root);
	return NULL;
}

static void read_file(struct oo_settings *settings, const char *directory, const char *name,
		      struct json_object **ret_root)
{
	char path[OO_TEXT_LENGTH * 2];
	struct oo_buffer text;
	oo_buffer_init(&text, FILE_BYTES);
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);

	int r = load(path, &text);
	if (r == 0 && text.length == 0) {
		complain(settings, name, 1, "the file is empty");
		settings->look = OO_LOOK_FAILED;
	} else if (r == 0) {
		*ret_root = parse(settings, name, &text);
		settings->look = *ret_root == NULL ? OO_LOOK_FAILED : settings->look;
	} else if (r == -EACCES || r == -EPERM) {
		settings->look = OO_LOOK_DENIED;
		complain(settings, name, 0, strerror(-r));
	} else if (r != -ENOENT) {
		settings->look = OO_LOOK_FAILED;
		complain(settings, name, 0, strerror(-r));
	}
	if (text.data != NULL) {
		explicit_bzero(text.data, text.length);
	}
	oo_buffer_done(&text);
}

/* ---- Values ---- */

/* The value at "a.b.c", of the last file that has one; NULL: none has. */
static struct json_object *find(const struct layers *layers, const char *path)
{
	for (size_t i = OO_LENGTH(names); i-- > 0;) {
		struct json_object *at = layers->roots[i];
		const char *key = path;
		while (at != NULL && *key != '\0') {
			char name[OO_NAME_LENGTH];
			size_t length = strcspn(key, ".");
			(void)snprintf(name, sizeof(name), "%.*s", (int)length, key);
			key += length + (key[length] == '.');
			if (!json_object_is_type(at, json_type_object) ||
			    !json_object_object_get_ex(at, name, &at)) {
				at = NULL;
			}
		}
		if (at != NULL) {
			return at;
		}
	}
	return NULL;
}

static bool is_true(const struct layers *layers, const char *path)
{
	struct json_object *value = find(layers, path);
	return value != NULL && json_object_get_boolean(value);
}

/* An empty text stands for "as the package has it", as in default.json's own storage path. */
static void read_texts(struct oo_settings *settings, const struct layers *layers)
{
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		struct json_object *value = find(layers, texts[i].path);
		const char *text = json_object_is_type(value, json_type_string)
					   ? json_object_get_string(value)
					   : "";
		char *target = (char *)settings + texts[i].offset;
		if (oo_text_copy(target, texts[i].size, text[0] != '\0' ? text : texts[i].package) <
		    0) {
			complain(settings, texts[i].path, 0, "the value is too long");
		}
	}
}

/* A port may be written as a text. */
static void read_ports(struct oo_settings *settings, const struct layers *layers)
{
	for (size_t i = 0; i < OO_LENGTH(ports); i++) {
		struct json_object *value = find(layers, ports[i].path);
		int64_t port = value != NULL ? json_object_get_int64(value) : ports[i].package;
		if (port < 1 || port > PORT_MAX) {
			complain(settings, ports[i].path, 0, "no port; one of 1 to 65535 is right");
			port = ports[i].package;
		}
		*(uint16_t *)(void *)((char *)settings + ports[i].offset) = (uint16_t)port;
	}
}

static void read_broker(struct oo_settings *settings, const struct layers *layers)
{
	struct json_object *value = find(layers, "rabbitmq.url");
	const char *url = json_object_is_type(value, json_type_string)
				  ? json_object_get_string(value)
				  : "amqp://guest:guest@localhost:5672";
	if (oo_broker_url_parse(url, settings) < 0) {
		/* the URL itself has the password in it */
		complain(settings, "rabbitmq.url", 0,
			 "no broker's URL; amqp://USER:PASSWORD@HOST:PORT/VHOST is right");
	}
}

/* The commercial editions keep what editors share in Redis; the community edition in memory. */
static bool keeps_in_cache(const struct layers *layers)
{
	static const char *const keys[] = {SERVICE "server.editorDataStorage",
					   SERVICE "server.editorStatStorage"};
	for (size_t i = 0; i < OO_LENGTH(keys); i++) {
		struct json_object *value = find(layers, keys[i]);
		if (json_object_is_type(value, json_type_string) &&
		    strcasestr(json_object_get_string(value), "redis") != NULL) {
			return true;
		}
	}
	return false;
}

void oo_settings_read(const char *directory, struct oo_settings *ret_settings)
{
	struct layers layers = {{NULL}};
	bool has_any = false;

	*ret_settings = (struct oo_settings){.look = OO_LOOK_SEEN};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		read_file(ret_settings, directory, names[i], &layers.roots[i]);
		has_any = has_any || layers.roots[i] != NULL;
	}
	read_texts(ret_settings, &layers);
	read_ports(ret_settings, &layers);
	read_broker(ret_settings, &layers);
	ret_settings->uses_cache = keeps_in_cache(&layers);
	ret_settings->jwt_in = is_true(&layers, SERVICE "token.enable.request.inbox");
	ret_settings->ip_filter = is_true(&layers, SERVICE "ipfilter.useforrequest");
	if (!has_any && ret_settings->look == OO_LOOK_SEEN) {
		ret_settings->look = OO_LOOK_ABSENT;
	}
	if (ret_settings->look == OO_LOOK_DENIED) { /* what we have may be what it replaces */
		explicit_bzero(ret_settings->jwt_secret, sizeof(ret_settings->jwt_secret));
	}
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		json_object_put(layers.roots[i]);
	}
}
