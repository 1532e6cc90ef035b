#include "journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"

#define LINE_LENGTH 2048
#define FIELD_LENGTH 160

/* docs/journal.md and systemd/ooha.catalog have the same. */
static const struct {
	const char *id; /* as sd_journal_send(3) wants it */
	const char *name;
} messages[] = {
	[AGENT_MESSAGE_STARTED] = {"a6f527152823458883b2b6b02aa5aeaa", "started"},
	[AGENT_MESSAGE_STOPPING] = {"a2fcb3a178e74e8cb039d89f4d4e3904", "stopping"},
	[AGENT_MESSAGE_STOPPED] = {"ef51917279ca47c0a367bd07d1239c4b", "stopped"},
	[AGENT_MESSAGE_RELOADED] = {"94211dc8f56e43f28067487cc2fc4f89", "reloaded"},
	[AGENT_MESSAGE_NOT_RELOADED] = {"ba8e1760fee34f0fb323beebdf64fa46", "not_reloaded"},
	[AGENT_MESSAGE_ROLE] = {"eb2fb05dace44b1db02e660aade8370b", "role"},
	[AGENT_MESSAGE_ADDRESS_UP] = {"5d92b55d24324c99997e8fbbf116b899", "address_up"},
	[AGENT_MESSAGE_ADDRESS_DOWN] = {"7b1c7d4205a147ff921066b817dc0877", "address_down"},
	[AGENT_MESSAGE_ADDRESS_FAILED] = {"52edaeabf9404617a620ca5c9a513b29", "address_failed"},
	[AGENT_MESSAGE_ADDRESS_IN_USE] = {"7771240846fa473a9dbc72f6fff11387", "address_in_use"},
	[AGENT_MESSAGE_ADDRESS_FREE] = {"509c9e7db1a6497fbe15c525a78b220b", "address_free"},
	[AGENT_MESSAGE_ADDRESS_REMOVED] = {"3da5499db2e740379262e3f0a0e4eea9", "address_removed"},
	[AGENT_MESSAGE_CONFLICT] = {"68ffb448f73a454b95bc631bbc47a990", "conflict"},
	[AGENT_MESSAGE_LINK] = {"728c12f62c75425fa9bc89f5b1a90b92", "link"},
	[AGENT_MESSAGE_CHECK] = {"eabc81a6fefc401b9ae4bb78af118fb6", "check"},
	[AGENT_MESSAGE_DEGRADED] = {"556f704fedce4ba0bded3c0439e0d3a0", "degraded"},
	[AGENT_MESSAGE_NOBODY_HOLDS] = {"8b276fa5d16f4c0d864bd2cd65f0d21e", "nobody_holds"},
	[AGENT_MESSAGE_NO_STANDBY] = {"99cf81c32ea9425eb2c4f9527f8da458", "no_standby"},
	[AGENT_MESSAGE_ETCD_TROUBLE] = {"0fe58a4bd67947ba9f8adb7434a1bf02", "etcd_trouble"},
	[AGENT_MESSAGE_ETCD_BACK] = {"6e7067d8db1a4501b2b32232f8c3a8df", "etcd_back"},
	[AGENT_MESSAGE_ETCD_ASKED] = {"5c4e4b2ac67748d3b1d4ef584182fea7", "etcd_asked"},
	[AGENT_MESSAGE_NAME_TAKEN] = {"7135749630a145f1a5fae56ef6806882", "name_taken"},
	[AGENT_MESSAGE_DIAGNOSIS] = {"915aaaf4fd46482194601b47f0054a4f", "diagnosis"},
	[AGENT_MESSAGE_REPAIR] = {"335167b2bb9940c1b4a5d8915d10606d", "repair"},
	[AGENT_MESSAGE_FENCE] = {"e7e1554c7f644be9a86fd620e588b4dd", "fence"},
	[AGENT_MESSAGE_NEIGHBOUR] = {"1e6fdb36dc7b4a9db02ac07303275fea", "neighbour"},
	[AGENT_MESSAGE_TENURE] = {"71233ce406704eb19efbaab209b5f4f3", "tenure"},
	[AGENT_MESSAGE_HOOK] = {"ff8faf09495c49808a3f87ea3ebc576e", "hook"},
	[AGENT_MESSAGE_HOOKS] = {"e94aa95ec5b74e2b9027551d6cada39c", "hooks"},
	[AGENT_MESSAGE_UNFIT] = {"54108cbcc76d41ecbc40a77821efe160", "unfit"},
	[AGENT_MESSAGE_PAUSE] = {"80c7df5d55df4830bd3ca8b5276d9186", "pause"},
	[AGENT_MESSAGE_DRAIN] = {"690a445ad2d1476ebea603d90ca3be6f", "drain"},
	[AGENT_MESSAGE_SWITCHOVER] = {"2274d3c8714945fb991674fda9451e2d", "switchover"},
	[AGENT_MESSAGE_ASKED] = {"6c2a02f6c7004289bea8262dd3e365fc", "asked"},
	[AGENT_MESSAGE_DAMPED] = {"040a8da59f1e45dbafde0eecbe95e53a", "damped"},
	[AGENT_MESSAGE_PROVIDER] = {"42241a73e54745a2b059adf6c41b31d8", "provider"},
};

struct fields {
	char texts[OO_LOG_FIELDS_MAX][FIELD_LENGTH];
	const char *list[OO_LOG_FIELDS_MAX + 1];
	size_t n;
};

static void add(struct fields *fields, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0' && fields->n < OO_LOG_FIELDS_MAX) {
		char *text = fields->texts[fields->n];
		(void)!snprintf(text, FIELD_LENGTH, "%s=%s", name, value); /* names are short */
		fields->list[fields->n++] = text;
	}
}

void agent_say_line(const char *file, enum oo_log_level level, const struct agent_said *said,
		    const char *format, ...)
{
	struct fields fields = {.n = 0};
	char line[LINE_LENGTH], epoch[24] = "";
	va_list arguments;

	if (level == OO_LOG_DEBUG && !oo_log_wants(level)) { /* others may be listened to */
		return;
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (said->epoch != 0) {
		snprintf(epoch, sizeof(epoch), "%" PRIu64, said->epoch);
	}
	add(&fields, "MESSAGE_ID", messages[said->message].id);
	add(&fields, "OOHA_MESSAGE", messages[said->message].name);
	add(&fields, "OOHA_GROUP", said->group);
	add(&fields, "OOHA_CAUSE", said->cause);
	add(&fields, "OOHA_EPOCH", epoch);
	add(&fields, "OOHA_PEER", said->peer);
	add(&fields, "OOHA_CHECK", said->check);
	add(&fields, "OOHA_BY", said->by);
	oo_log_line(file, level, fields.list, "%s", line);
}
