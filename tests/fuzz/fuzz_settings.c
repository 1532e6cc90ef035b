/*
 * Whatever local.json is, reading it ends, what is not set is as the package has it, and what is
 * wrong is said without what is secret.
 */
#include <string.h>

#include "documentserver/settings.h"
#include "file.h"
#include "fuzz.h"

static void check_endpoint(const struct oo_endpoint_text *at)
{
	FUZZ_CHECK(memchr(at->host, '\0', sizeof(at->host)) != NULL && at->port != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct oo_settings settings;
	fuzz_file_set("/ooha/local.json", data, length);
	oo_settings_read("/ooha", &settings);
	FUZZ_CHECK(settings.look == OO_LOOK_SEEN || settings.look == OO_LOOK_FAILED);
	FUZZ_CHECK(settings.look == OO_LOOK_SEEN || settings.error[0] != '\0');
	FUZZ_CHECK(settings.port != 0);
	check_endpoint(&settings.database);
	check_endpoint(&settings.broker);
	check_endpoint(&settings.cache);
	FUZZ_CHECK(settings.broker.host[0] != '\0');
	FUZZ_CHECK(settings.storage[0] != '\0' || settings.error[0] != '\0');
	fuzz_file_done();
	return 0;
}
