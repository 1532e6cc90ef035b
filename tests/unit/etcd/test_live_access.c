/* Passwords, tokens and certificates, against a real etcd. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "loop.h"
#include "run.h"
#include "server.h"

#define LONG_MS 15000 /* for what must happen; a hundred times what it takes */

static const char turn_auth_on[] =
	"C=\"etcdctl --endpoints $U\"; $C user add root:pw && $C user grant-role root root && "
	"$C user add u:secret && $C role add r && $C role grant-permission r readwrite g/ --prefix "
	"&& $C user grant-role u r && $C auth enable && echo secret >pw && echo wrong >bad";

/* A new password makes the tokens of the old one void; the file has the new one by then. */
static const char lose_tokens[] =
	"echo renewed >pw && echo renewed | etcdctl --endpoints $U --user root:pw user passwd u "
	"--interactive=false";

static struct oo_etcd *login_client(const struct cluster *cluster, const char *file)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", cluster->directory, file);
	const char *const endpoints[] = {cluster->members[0].url};
	const struct oo_etcd_options options = {
		.endpoints = endpoints, .n_endpoints = 1, .username = "u", .password_file = path};
	struct oo_etcd *etcd = NULL;
	struct oo_err err = {.text = ""};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(loop_get(), &options, &etcd, &err), 0);
	return etcd;
}

static void test_tokens_are_fetched_and_fetched_again_when_lost(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, "echo secret >pw"), 0);
	struct oo_etcd *etcd = login_client(&cluster, "pw");
	client_put(etcd, "g/1", "v", &box); /* authentication is off yet: no obstacle */
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, turn_auth_on), 0);
	client_put(etcd, "g/1", "v", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	view_open(etcd, "g/", 0, &view);
	CU_ASSERT_TRUE(loop_until_count(&view.messages, 1, LONG_MS));
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, lose_tokens), 0);
	client_put(etcd, "g/1", "v2", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_TRUE(loop_until_count(&view.events, 1, LONG_MS)); /* it outlives its token */
	client_put(etcd, "other", "v", &box);
	CU_ASSERT_EQUAL(box.r, -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "etcdctl role grant-permission"));
	view_open(etcd, "other", 0, &view);
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -EACCES);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_watch_whose_token_was_lost_works_when_opened_again(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, turn_auth_on), 0);
	struct oo_etcd *etcd = login_client(&cluster, "pw");
	client_put(etcd, "g/1", "v", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, lose_tokens), 0);
	view_open(etcd, "g/", 0, &view); /* with the lost token */
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -EAGAIN);
	view_open(etcd, "g/", 0, &view);
	CU_ASSERT_TRUE(loop_until_count(&view.messages, 1, LONG_MS));
	CU_ASSERT_FALSE(view.ended);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_wrong_password_is_said_and_the_file_is_read_again(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, turn_auth_on), 0);
	struct oo_etcd *etcd = login_client(&cluster, "bad");
	client_put(etcd, "g/1", "v", &box);
	CU_ASSERT_EQUAL(box.r, -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "check etcd.username and etcd.password_file"));
	CU_ASSERT_PTR_NULL(strstr(box.err.text, "wrong")); /* the password itself */
	view_open(etcd, "g/", 0, &view);
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -EACCES);
	CU_ASSERT_EQUAL(cluster_shell(&cluster, "echo secret >bad"), 0);
	client_put_until(etcd, "g/1", "v", 0, &box);
	struct oo_etcd *stranger = client_new((const char *[]){cluster.members[0].url, NULL}, 0);
	client_put(stranger, "g/1", "v", &box);
	CU_ASSERT_EQUAL(box.r, -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "set etcd.username and etcd.password_file"));
	oo_etcd_free(stranger);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

/* One CA, and a certificate for server and client signed by it, without a CommonName. */
static const char make_certificates[] =
	"for ca in ca other; do openssl req -x509 -newkey ec -pkeyopt "
	"ec_paramgen_curve:prime256v1 -nodes -keyout $ca.key -out $ca.crt -days 2 -subj /O=$ca; "
	"done; for who in server client; do openssl req -newkey ec -pkeyopt "
	"ec_paramgen_curve:prime256v1 -nodes -keyout $who.key -out $who.csr -subj /O=$who && "
	"printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >ext && "
	"openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 "
	"-extfile ext -out $who.crt; done";

static void run_tls(const struct cluster *cluster, const char *ca, const char *cert,
		    struct box *box)
{
	char ca_file[128], cert_file[128], key_file[128];
	snprintf(ca_file, sizeof(ca_file), "%s/%s.crt", cluster->directory, ca);
	snprintf(cert_file, sizeof(cert_file), "%s/%s.crt", cluster->directory, cert);
	snprintf(key_file, sizeof(key_file), "%s/%s.key", cluster->directory, cert);
	const char *const endpoints[] = {cluster->members[0].url};
	const struct oo_etcd_options options = {.endpoints = endpoints,
						.n_endpoints = 1,
						.ca_file = ca_file,
						.cert_file = cert[0] != '\0' ? cert_file : NULL,
						.key_file = cert[0] != '\0' ? key_file : NULL};
	struct oo_etcd *etcd = NULL;
	struct oo_err err = {.text = ""};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(loop_get(), &options, &etcd, &err), 0);
	client_put(etcd, "k", "v", box);
	oo_etcd_free(etcd);
}

static void test_tls_works_with_the_right_ca_and_certificate_only(void)
{
	struct cluster cluster;
	struct box box;
	char options[4][160];
	const char *extra[5] = {0};
	cluster_init(&cluster, 1);
	CU_ASSERT_EQUAL_FATAL(cluster_shell(&cluster, make_certificates), 0);
	static const char *const names[] = {"--cert-file=%s/server.crt", "--key-file=%s/server.key",
					    "--trusted-ca-file=%s/ca.crt"};
	for (size_t i = 0; i < 3; i++) {
		char path[128];
		const char *slash = strrchr(names[i], '/');
		snprintf(path, sizeof(path), "%s%s", cluster.directory, slash);
		snprintf(options[i], sizeof(options[i]), "%.*s%s",
			 (int)(strchr(names[i], '=') + 1 - names[i]), names[i], path);
		extra[i] = options[i];
	}
	extra[3] = "--client-cert-auth";
	cluster.extra = extra;
	cluster.tls = true;
	cluster_start(&cluster);
	run_tls(&cluster, "ca", "client", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	run_tls(&cluster, "other", "client", &box);
	CU_ASSERT_EQUAL(box.r, -ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "certificate"));
	run_tls(&cluster, "ca", "", &box);
	CU_ASSERT_NOT_EQUAL(box.r, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "certificate"));
	cluster_done(&cluster);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_tokens_are_fetched_and_fetched_again_when_lost),
		OO_TEST(test_a_watch_whose_token_was_lost_works_when_opened_again),
		OO_TEST(test_a_wrong_password_is_said_and_the_file_is_read_again),
		OO_TEST(test_tls_works_with_the_right_ca_and_certificate_only),
	};
	if (!server_is_there()) {
		return 77; /* meson: skipped */
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int r = run_tests("etcd live access", tests, OO_LENGTH(tests));
	loop_free();
	curl_global_cleanup();
	return r;
}
