#ifndef OO_SETTINGS_H
#define OO_SETTINGS_H
/*
 * Reads a Document Server's own configuration: default.json, production-linux.json and local.json,
 * each over the one before, as node-config does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "documentserver/proxy.h"

#define OO_SETTINGS_SECRET_LENGTH 256

struct oo_settings {
	enum oo_look look;
	char error[OO_TEXT_LENGTH]; /* "FILE:LINE: what is wrong"; "" */
	uint16_t port;              /* services.CoAuthoring.server.port */
	char database_type
		[OO_NAME_LENGTH]; /* "postgres", "mysql", ...: services.CoAuthoring.sql.type */
	struct oo_endpoint_text database;
	char database_name[OO_NAME_LENGTH];
	char database_user[OO_NAME_LENGTH];
	char database_password[OO_SETTINGS_SECRET_LENGTH];
	char queue_type[OO_NAME_LENGTH]; /* "rabbitmq" or "activemq" */
	struct oo_endpoint_text broker;  /* of rabbitmq.url */
	bool broker_tls;
	char broker_user[OO_NAME_LENGTH];
	char broker_password[OO_SETTINGS_SECRET_LENGTH];
	char broker_vhost[OO_NAME_LENGTH];
	char converter_queue[OO_NAME_LENGTH]; /* "ds.converttask6" */
	bool uses_cache; /* a Redis is named: the community edition never asks it */
	struct oo_endpoint_text cache;
	char storage[OO_TEXT_LENGTH]; /* storage.fs.folderPath */
	bool jwt_in;                  /* token.enable.request.inbox */
	char jwt_header[OO_NAME_LENGTH];
	char jwt_secret
		[OO_SETTINGS_SECRET_LENGTH]; /* secret.inbox.string; "" where it is not readable */
	bool ip_filter;                      /* ipfilter.useforrequest */
};

/*
 * directory  "/etc/onlyoffice/documentserver". What is not set anywhere is as the package has it.
 * Never fails: look and error tell. The result holds secrets: wipe it (explicit_bzero(3)).
 */
void oo_settings_read(const char *directory, struct oo_settings *ret_settings);

#endif
