#ifndef OO_BROKER_URL_H
#define OO_BROKER_URL_H
/* A RabbitMQ URI: https://www.rabbitmq.com/docs/uri-spec. Private to the module. */
#include "documentserver/settings.h"

/*
 * "amqp[s]://[USER:PASSWORD@]HOST[:PORT][/VHOST]", parts percent-encoded. Sets the broker's members,
 * with guest, guest, 5672 (5671 with TLS) and "/" for what is not there.
 * Returns 0, or -EINVAL: nothing but the defaults is set.
 */
int oo_broker_url_parse(const char *url, struct oo_settings *settings);

#endif
