/* Hooks, files with secrets, the Document Server's configuration and port, nginx's listeners. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/diag.h"
#include "documentserver/proxy.h"
#include "documentserver/settings.h"
#include "examine/work.h"
#include "hook/hook.h"

#define DOCUMENTSERVER "/etc/onlyoffice/documentserver"
#define PROXY_CONFIG "/etc/nginx/nginx.conf"

static void add(struct oo_file_list *list, const char *path, const char *error)
{
	if (list->n < OO_FACTS_PROBLEMS) {
		struct oo_file_facts *file = &list->items[list->n++];
		OO_WORK_SAY(file->path, path);
		OO_WORK_SAY(file->error, error);
	}
}

static void look_at_hooks(const struct oo_config_texts *paths, struct oo_host_facts *host)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct oo_err err;
		host->n_hooks++;
		if (oo_hooks_verify(&paths->items[i], 1, &err) < 0) {
			add(&host->hooks, paths->items[i], err.text);
		}
	}
}

/* What the configuration names itself is refused already when it is read (configuration-wrong). */
static void look_at_secret(const char *directory, struct oo_host_facts *host)
{
	struct stat status;
	char path[OO_FACTS_TEXT];
	snprintf(path, sizeof(path), "%s/local.json", directory);
	if (stat(path, &status) < 0) {
		return;
	}
	host->n_secrets++;
	if ((status.st_mode & S_IROTH) != 0) {
		add(&host->secrets, path,
		    "has the JWT secret and passwords, and everybody may read it");
	}
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", strlen("127.")) == 0 || oo_text_equal(host, "::1") ||
	       strncmp(host, "::ffff:127.", strlen("::ffff:127.")) == 0;
}

static void on_listener(void *user, const struct oo_diag_socket *socket)
{
	struct oo_documentserver_facts *server = user;
	if (socket->at.port == server->port && !is_loopback(socket->at.host)) {
		OO_WORK_SAY(server->listens_at, socket->at.host);
	}
}

static void look_at_documentserver(const struct oo_work *work,
				   struct oo_documentserver_facts *server)
{
	const char *directory = work->config->documentserver.config_directory;
	struct oo_settings settings;
	directory = directory != NULL ? directory : DOCUMENTSERVER;
	oo_settings_read(directory, &settings);
	server->look = settings.look;
	server->port = settings.port;
	server->secret_look = settings.jwt_secret[0] != '\0' ? OO_LOOK_SEEN
			      : settings.jwt_in              ? OO_LOOK_DENIED
							     : OO_LOOK_ABSENT;
	explicit_bzero(&settings, sizeof(settings));
	if (server->look == OO_LOOK_SEEN) {
		int r = oo_diag_list(1u << TCP_LISTEN, on_listener, server);
		server->listeners_look = r == 0 ? OO_LOOK_SEEN : OO_LOOK_FAILED;
		look_at_secret(directory, &work->facts->host);
	}
}

static void look_at_proxy(struct oo_work *work)
{
	const char *path = work->config->documentserver.proxy_config;
	OO_AUTO(oo_free) struct oo_proxy_config *proxy = malloc(sizeof(*proxy));
	if (proxy == NULL || oo_proxy_read(path != NULL ? path : PROXY_CONFIG, proxy) < 0) {
		return;
	}
	work->facts->documentserver.proxy_look = proxy->look;
	for (size_t i = 0; i < proxy->n_listens; i++) {
		for (size_t k = 0; k < work->facts->n_vips; k++) {
			struct oo_vip_facts *vip = &work->facts->vips[k];
			vip->is_bound_by_proxy =
				vip->is_bound_by_proxy ||
				oo_text_equal(proxy->listens[i].host, vip->address);
		}
	}
}

/* They run as hooks do. */
static void look_at_providers(struct oo_work *work)
{
	for (size_t i = 0; i < work->config->n_groups; i++) {
		const struct oo_config_group *group = &work->config->groups[i];
		for (size_t k = 0; k < group->n_vips; k++) {
			const struct oo_config_texts program = {
				.items = &group->vips[k].provider.run, .n = 1};
			if (group->vips[k].mode == OO_MODE_PROVIDER) {
				look_at_hooks(&program, &work->facts->host);
			}
		}
	}
}

static void *start(struct oo_work *work)
{
	const struct oo_config_hooks *hooks = &work->config->hooks;
	const struct oo_config_texts *const lists[] = {
		&hooks->pre_promote, &hooks->promoted,   &hooks->pre_demote, &hooks->demoted,
		&hooks->eligible,    &hooks->ineligible, &hooks->degraded,   &hooks->notify,
	};
	for (size_t i = 0; i < OO_LENGTH(lists); i++) {
		look_at_hooks(lists[i], &work->facts->host);
	}
	look_at_providers(work);
	look_at_documentserver(work, &work->facts->documentserver);
	look_at_proxy(work);
	return NULL;
}

const struct oo_examiner oo_examine_files = {.start = start};
