/* What nginx and the Document Server are told by their files. */
#include <stdio.h>

#include "base/text.h"
#include "collect/gather.h"

#define SETTINGS "/etc/onlyoffice/documentserver"

static const char *find_directory(const struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	return config != NULL && config->documentserver.config_directory != NULL
		       ? config->documentserver.config_directory
		       : SETTINGS;
}

static void read_settings(struct oo_gather *gather)
{
	const struct oo_settings *settings = &gather->settings;
	struct oo_document_server *server = &gather->evidence->documentserver;
	char path[OO_TEXT_LENGTH * 2];

	oo_settings_read(find_directory(gather), &gather->settings);
	(void)snprintf(path, sizeof(path), "%s/local.json", find_directory(gather));
	OO_GATHER_SAY(server->config_path, path);
	OO_GATHER_SAY(server->config_error, settings->error);
	server->config_look = settings->look;
	server->jwt_in = settings->jwt_in;
	server->ip_filter = settings->ip_filter;
	server->secret_look = settings->look == OO_LOOK_SEEN && settings->jwt_secret[0] == '\0'
				      ? OO_LOOK_ABSENT
				      : settings->look;
}

static void *start(struct oo_gather *gather)
{
	if (oo_proxy_read(gather->proxy_config, &gather->evidence->proxy) < 0) {
		gather->evidence->proxy.look = OO_LOOK_FAILED; /* for want of memory */
	}
	read_settings(gather);
	return NULL;
}

const struct oo_collector oo_collect_configuration = {.start = start};
