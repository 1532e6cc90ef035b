/* `repair:`: what may be restarted, and how often. */
#include "base/cleanup.h"
#include "file.h"

#define KNOWN                                                                                      \
	"known here: documentserver, converter, proxy, container_socket, attempts, window, "       \
	"backoff"
#define NOTHING                                                                                    \
	"names nothing that may be restarted; name it, as in documentserver: "                     \
	"ds-docservice.service, or leave repair out"
#define NOT_A_UNIT "not a unit; write its name with the suffix, as in nginx.service"
#define NOT_A_SERVICE "not a service; only units whose name ends in .service are restarted"
#define TOO_LATE                                                                                   \
	"backoff is not shorter than window; no second attempt would ever be counted with the "    \
	"first"

static void test_without_it_nothing_may_be_touched(void)
{
	struct oo_config *config = file_load(LEAST);
	CU_ASSERT_PTR_NULL(config->repair.documentserver.unit);
	CU_ASSERT_PTR_NULL(config->repair.documentserver.container);
	CU_ASSERT_PTR_NULL(config->repair.converter.unit);
	CU_ASSERT_PTR_NULL(config->repair.proxy.unit);
	oo_config_free(config);
}

static void test_what_is_named_may_be_touched_so_often(void)
{
	struct oo_config *config = file_load(LEAST "repair: {proxy: nginx.service}\n");
	CU_ASSERT_STRING_EQUAL(config->repair.proxy.unit, "nginx.service");
	CU_ASSERT_PTR_NULL(config->repair.proxy.container);
	CU_ASSERT_PTR_NULL(config->repair.documentserver.unit);
	CU_ASSERT_STRING_EQUAL(config->repair.container_socket, "/run/docker.sock");
	CU_ASSERT_EQUAL(config->repair.attempts, 3);
	CU_ASSERT_EQUAL(config->repair.window_ms, 3600000);
	CU_ASSERT_EQUAL(config->repair.backoff_ms, 30000);
	oo_config_free(config);
	config = file_load(LEAST "repair:\n  documentserver: {container: office}\n"
				 "  converter: ds-converter.service\n"
				 "  container_socket: /run/podman/podman.sock\n"
				 "  attempts: 1\n  window: 1m\n  backoff: 59s\n");
	CU_ASSERT_STRING_EQUAL(config->repair.documentserver.container, "office");
	CU_ASSERT_PTR_NULL(config->repair.documentserver.unit);
	CU_ASSERT_STRING_EQUAL(config->repair.converter.unit, "ds-converter.service");
	CU_ASSERT_STRING_EQUAL(config->repair.container_socket, "/run/podman/podman.sock");
	CU_ASSERT_EQUAL(config->repair.attempts, 1);
	CU_ASSERT_EQUAL(config->repair.window_ms, 60000);
	CU_ASSERT_EQUAL(config->repair.backoff_ms, 59000);
	oo_config_free(config);
}

/* In whichever order the two are. */
static void test_the_socket_of_the_document_servers_container_is_the_default(void)
{
	static const char *const texts[] = {
		LEAST "documentserver: {container_socket: /run/x}\nrepair: {proxy: a.service}\n",
		LEAST "repair: {proxy: a.service}\ndocumentserver: {container_socket: /run/x}\n"};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		struct oo_config *config = file_load(texts[i]);
		CU_ASSERT_STRING_EQUAL(config->repair.container_socket, "/run/x");
		oo_config_free(config);
	}
}

static void test_what_is_not_meant_so_is_refused(void)
{
	static const struct file_row rows[] = {
		{LEAST "repair: {}\n", "4: repair: " NOTHING},
		{LEAST "repair:\n  attempts: 5\n", "4: repair: " NOTHING},
		{LEAST "repair: yes\n",
		 "4: repair: 'yes': a single value where a mapping is expected; " KNOWN},
		{LEAST "repair:\n", "4: repair: no value; give one or leave it out"},
		{LEAST "repair: [nginx.service]\n",
		 "4: repair: a list where a mapping is expected; " KNOWN},
		{LEAST "repair: {database: postgresql.service}\n",
		 "4: repair.database: unknown key; " KNOWN},
		{LEAST "repair: {proxy: nginx}\n", "4: repair.proxy: 'nginx': " NOT_A_UNIT},
		{LEAST "repair: {proxy: 'a; b.service'}\n",
		 "4: repair.proxy: 'a; b.service': " NOT_A_UNIT},
		{LEAST "repair: {proxy: default.target}\n",
		 "4: repair.proxy: 'default.target': " NOT_A_SERVICE},
		{LEAST "repair: {proxy: .service}\n", "4: repair.proxy: '.service': " NOT_A_UNIT},
		{LEAST "repair: {proxy: [nginx.service]}\n",
		 "4: repair.proxy: a list where a single value is expected; write it without - , "
		 "[] and {}"},
		{LEAST "repair: {proxy: {}}\n",
		 "4: repair.proxy.container: missing; name the container"},
		{LEAST "repair: {proxy: {container: ../x}}\n",
		 "4: repair.proxy.container: '../x': not a name; use 1 to 63 of letters, digits, "
		 "'.', '_' and '-', a letter or digit first"},
		{LEAST "repair: {proxy: {unit: nginx.service}}\n",
		 "4: repair.proxy.unit: unknown key; known here: container"},
		{LEAST "repair: {proxy: nginx.service, container_socket: docker.sock}\n",
		 "4: repair.container_socket: not an absolute path; begin it with /"},
		{LEAST "repair: {proxy: nginx.service, attempts: 0}\n",
		 "4: repair.attempts: '0': out of range; 1 to 20 are possible"},
		{LEAST "repair: {proxy: nginx.service, attempts: 21}\n",
		 "4: repair.attempts: '21': out of range; 1 to 20 are possible"},
		{LEAST "repair: {proxy: nginx.service, window: 59s}\n",
		 "4: repair.window: '59s': out of range; 1m to 168h are possible"},
		{LEAST "repair: {proxy: nginx.service, backoff: 0s}\n",
		 "4: repair.backoff: '0s': out of range; 1s to 1h are possible"},
		{LEAST "repair: {proxy: nginx.service, backoff: 1h}\n",
		 "4: repair.backoff: '1h': " TOO_LATE},
		{LEAST "repair: {proxy: nginx.service, window: 1m, backoff: 1m}\n",
		 "4: repair.backoff: '1m': " TOO_LATE},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"without repair: nothing may be touched", test_without_it_nothing_may_be_touched},
		{"what is named may be touched so often",
		 test_what_is_named_may_be_touched_so_often},
		{"the socket of the document server's container is the default",
		 test_the_socket_of_the_document_servers_container_is_the_default},
		{"what is not meant so is refused", test_what_is_not_meant_so_is_refused},
		CU_TEST_INFO_NULL,
	};
	return file_run("config repair", tests);
}
