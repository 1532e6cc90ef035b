/* Reading nginx's configuration: what is in force where, and what is said of what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "documentserver/proxy.h"
#include "place.h"

static struct oo_proxy_config proxy;

static void read_main(const char *text)
{
	place_write("nginx.conf", text);
	CU_ASSERT_EQUAL_FATAL(oo_proxy_read(place_path("nginx.conf"), &proxy), 0);
}

static void check_error(const char *expected)
{
	char whole[4 * OO_TEXT_LENGTH];
	(void)snprintf(whole, sizeof(whole), "%s%s", expected[0] == '\0' ? "" : place_path(""),
		       expected);
	CU_ASSERT_STRING_EQUAL(proxy.error, whole);
}

static const struct oo_proxy_pass *pass_of(const char *location)
{
	for (size_t i = 0; i < proxy.n_passes; i++) {
		if (strcmp(proxy.passes[i].location, location) == 0) {
			return &proxy.passes[i];
		}
	}
	CU_FAIL_FATAL("no such pass");
	abort();
}

/* In the manner of the package's own files, on top of Debian's nginx.conf. */
static void write_package(void)
{
	place_write("nginx.conf", "user www-data;\n"
				  "error_log /var/log/nginx/error.log;\n"
				  "include modules-enabled/*.conf;\n"
				  "events {\n\tworker_connections 768;\n\t# multi_accept on;\n}\n"
				  "http {\n"
				  "\tinclude mime.types;\n"
				  "\tinclude conf.d/*.conf;\n"
				  "\tinclude sites-enabled/*;\n"
				  "}\n");
	place_write("mime.types", "types {\n    text/html   html htm;\n}\n");
	place_write("conf.d/ds.conf", "include includes/http-common.conf;\n"
				      "server {\n"
				      "  listen 0.0.0.0:80;\n"
				      "  listen [::]:80 default_server;\n"
				      "  server_tokens off;\n"
				      "  set $secure_link_secret verysecretstring;\n"
				      "  include includes/ds-*.conf;\n"
				      "}\n");
	place_write("includes/http-common.conf",
		    "upstream docservice {\n"
		    "  server localhost:8000 max_fails=0 fail_timeout=0s;\n"
		    "}\n"
		    "map $http_upgrade $proxy_connection {\n  default upgrade;\n  \"\" close;\n}\n"
		    "map $http_x_forwarded_proto $the_scheme {\n"
		    "  default $http_x_forwarded_proto;\n  \"\" $scheme;\n}\n"
		    "proxy_set_header Host $http_host;\n"
		    "proxy_set_header Upgrade $http_upgrade;\n"
		    "proxy_set_header Connection $proxy_connection;\n"
		    "proxy_set_header X-Forwarded-Host $the_host;\n"
		    "proxy_set_header X-Forwarded-Proto $the_scheme;\n");
	place_write("includes/ds-common.conf",
		    "error_log /var/log/onlyoffice/documentserver/nginx.error.log;\n"
		    "client_max_body_size 100m;\n"
		    "underscores_in_headers on;\n");
	place_write("includes/ds-docservice.conf",
		    "rewrite ^/$ $the_scheme://$the_host/welcome/ redirect;\n"
		    "location ~ "
		    "^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?\\/(web-apps|sdkjs)(\\/.*)$ {\n"
		    "  expires 365d;\n  alias /var/www/$2$3;\n}\n"
		    "location ~* ^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?\\/(info)(\\/.*)$ {\n"
		    "  allow 127.0.0.1;\n  deny all;\n  proxy_pass http://docservice/$2$3;\n}\n"
		    "location / {\n  proxy_pass http://docservice;\n}\n"
		    "location ~ ^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?(\\/doc\\/.*) {\n"
		    "  proxy_pass http://docservice$2$is_args$args;\n"
		    "  proxy_http_version 1.1;\n}\n");
}

static void test_package_is_read_as_nginx_does(void)
{
	write_package();
	CU_ASSERT_EQUAL_FATAL(oo_proxy_read(place_path("nginx.conf"), &proxy), 0);
	CU_ASSERT_EQUAL(proxy.look, OO_LOOK_SEEN);
	check_error("");
	CU_ASSERT_STRING_EQUAL(proxy.path, place_path("nginx.conf"));
	CU_ASSERT_EQUAL(proxy.worker_connections, 768);
	CU_ASSERT_EQUAL_FATAL(proxy.n_listens, 1);
	CU_ASSERT_STRING_EQUAL(proxy.listens[0].host, "");
	CU_ASSERT_EQUAL(proxy.listens[0].port, 80);
	CU_ASSERT_FALSE(proxy.has_tls_listen);
	CU_ASSERT_EQUAL_FATAL(proxy.n_error_logs, 2);
	CU_ASSERT_STRING_EQUAL(proxy.error_logs[1],
			       "/var/log/onlyoffice/documentserver/nginx.error.log");
	CU_ASSERT_EQUAL(proxy.n_passes, 3);
	CU_ASSERT_TRUE(proxy.changed_at_s > 1600000000);

	const struct oo_proxy_pass *pass = pass_of("/");
	CU_ASSERT_STRING_EQUAL(pass->file, place_path("includes/ds-docservice.conf"));
	CU_ASSERT_EQUAL(pass->line, 12);
	CU_ASSERT_STRING_EQUAL(pass->target, "http://docservice");
	CU_ASSERT_STRING_EQUAL(pass->upstream, "docservice");
	CU_ASSERT_EQUAL_FATAL(pass->n_peers, 1);
	CU_ASSERT_STRING_EQUAL(pass->peers[0].host, "localhost");
	CU_ASSERT_EQUAL(pass->peers[0].port, 8000);
	CU_ASSERT(pass->connect_timeout_ms == 60000 && pass->read_timeout_ms == 60000);
	CU_ASSERT_EQUAL(pass->buffer_bytes, 4096);
	CU_ASSERT_EQUAL(pass->body_max_bytes, 100 << 20);
	CU_ASSERT_TRUE(pass->upgrades);
	CU_ASSERT_FALSE(pass->http11 || pass->tls || pass->is_variable || pass->redirects_to_https);
	CU_ASSERT_STRING_EQUAL(pass->host_header, "$http_host");
	CU_ASSERT_STRING_EQUAL(pass->proto_header, "$the_scheme");
	CU_ASSERT_STRING_EQUAL(pass->forwarded_host_header, "$the_host");
}

static void test_what_the_editor_asks_for_reaches_the_document_server(void)
{
	size_t n = 0;
	write_package();
	/* another site on the same machine, which passes everything as well */
	place_write("sites-enabled/shop",
		    "server { listen 8081; location / { proxy_pass http://127.0.0.1:3000; } }\n");
	CU_ASSERT_EQUAL_FATAL(oo_proxy_read(place_path("nginx.conf"), &proxy), 0);
	CU_ASSERT_EQUAL(proxy.n_passes, 4);
	for (size_t i = 0; i < proxy.n_passes; i++) {
		const struct oo_proxy_pass *pass = &proxy.passes[i];
		bool expected = strcmp(pass->upstream, "docservice") == 0 &&
				strstr(pass->location, "info") == NULL;
		CU_ASSERT_EQUAL(pass->reaches_docservice, expected);
		n += pass->is_variable;
	}
	CU_ASSERT_EQUAL(n, 2);
	place_write("sites-enabled/shop", NULL);
}

static void test_plain_proxy_reaches_it_by_its_only_location(void)
{
	read_main("http { server { location / { proxy_pass http://10.0.0.5:8000/; } } }");
	CU_ASSERT_EQUAL_FATAL(proxy.n_passes, 1);
	CU_ASSERT_TRUE(proxy.passes[0].reaches_docservice);
	CU_ASSERT_STRING_EQUAL(proxy.passes[0].peers[0].host, "10.0.0.5");
	CU_ASSERT_EQUAL(proxy.n_listens, 1); /* nginx's own: *:80 */
	CU_ASSERT_EQUAL(proxy.listens[0].port, 80);
	CU_ASSERT_EQUAL(proxy.worker_connections, 512);
	CU_ASSERT_STRING_EQUAL(proxy.error_logs[0], "/var/log/nginx/error.log");
}

static void test_named_location_is_reached_by_what_falls_back_to_it(void)
{
	read_main("http { server {\n"
		  "  location / { try_files $uri @ds; }\n"
		  "  location @ds { proxy_pass http://[::1]:8000; }\n"
		  "  location @other { proxy_pass http://[::1]:8001; }\n"
		  "} }");
	CU_ASSERT_TRUE(pass_of("@ds")->reaches_docservice);
	CU_ASSERT_STRING_EQUAL(pass_of("@ds")->peers[0].host, "::1");
	CU_ASSERT_FALSE(pass_of("@other")->reaches_docservice);
}

static void test_values_are_inherited_level_by_level(void)
{
	read_main("http {\n"
		  "  proxy_read_timeout 1m30s; proxy_connect_timeout 500ms;\n"
		  "  client_max_body_size 0; proxy_buffer_size 16k;\n"
		  "  proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade;\n"
		  "  proxy_set_header Connection \"upgrade\";\n"
		  "  server {\n"
		  "    proxy_connect_timeout 7;\n"
		  "    location /a { proxy_pass http://h:1; }\n"
		  "    location /b { proxy_read_timeout 5s; proxy_http_version 1.1;\n"
		  "      proxy_set_header X-Forwarded-Proto https;\n"
		  "      location /b/c { proxy_pass https://h; }\n"
		  "      if ($arg_x) { proxy_pass http://h:2; }\n"
		  "    }\n"
		  "  }\n"
		  "}\n");
	const struct oo_proxy_pass *a = pass_of("/a"), *c = pass_of("/b/c"), *b = pass_of("/b");
	CU_ASSERT_EQUAL(a->read_timeout_ms, 90000);
	CU_ASSERT_EQUAL(a->connect_timeout_ms, 7000);
	CU_ASSERT_EQUAL(a->body_max_bytes, 0);
	CU_ASSERT_EQUAL(a->buffer_bytes, 16384);
	CU_ASSERT_TRUE(a->upgrades);
	CU_ASSERT_FALSE(a->http11);
	CU_ASSERT_STRING_EQUAL(a->host_header, "$host");
	/* a level that sets one header inherits none */
	CU_ASSERT_EQUAL(c->read_timeout_ms, 5000);
	CU_ASSERT_TRUE(c->tls);
	CU_ASSERT_EQUAL(c->peers[0].port, 443);
	CU_ASSERT_TRUE(c->http11);
	CU_ASSERT_FALSE(c->upgrades);
	CU_ASSERT_STRING_EQUAL(c->host_header, "");
	CU_ASSERT_STRING_EQUAL(c->proto_header, "https");
	CU_ASSERT_STRING_EQUAL(c->forwarded_host_header, "");
	CU_ASSERT_STRING_EQUAL(b->target, "http://h:2");
	CU_ASSERT_EQUAL(b->read_timeout_ms, 5000);
}

static void test_connection_close_does_not_upgrade(void)
{
	read_main(
		"http { server { location / { proxy_pass http://h;\n"
		"proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection close; } } }");
	CU_ASSERT_FALSE(proxy.passes[0].upgrades);
}

static void test_targets(void)
{
	static const struct {
		const char *target;
		bool tls, is_variable;
		const char *upstream, *host;
		uint16_t port;
	} cases[] = {
		{"http://h", false, false, "", "h", 80},
		{"https://h/x", true, false, "", "h", 443},
		{"http://h:81/x:9", false, false, "", "h", 81},
		{"http://[2001:db8::1]:81", false, false, "", "2001:db8::1", 81},
		{"http://up/x", false, false, "up", "10.0.0.1", 8000},
		{"http://up$request_uri", false, true, "up", "10.0.0.1", 8000},
		{"http://h:81$request_uri", false, true, "", "h", 81},
		{"http://h/$1", false, true, "", "h", 80},
		{"http://h$1", false, true, "", NULL, 0},
		{"$backend", false, true, "", NULL, 0},
		{"http://$host:80", false, true, "", NULL, 0},
		{"http://unix:/run/x.sock", false, false, "", NULL, 0},
		{"http://h:0", false, false, "", NULL, 0},
		{"http://h:65536", false, false, "", NULL, 0},
		{"http://", false, false, "", NULL, 0},
		{"http://[::1", false, false, "", NULL, 0},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text),
			       "http { upstream up { server 10.0.0.1:8000; server 10.0.0.2 down;\n"
			       "server unix:/x; server 10.0.0.3 backup; }\n"
			       "server { location / { proxy_pass %s; } } }",
			       cases[i].target);
		read_main(text);
		CU_ASSERT_EQUAL_FATAL(proxy.n_passes, 1);
		const struct oo_proxy_pass *pass = &proxy.passes[0];
		CU_ASSERT_STRING_EQUAL(pass->target, cases[i].target);
		CU_ASSERT_EQUAL(pass->tls, cases[i].tls);
		CU_ASSERT_EQUAL(pass->is_variable, cases[i].is_variable);
		CU_ASSERT_STRING_EQUAL(pass->upstream, cases[i].upstream);
		CU_ASSERT_EQUAL(pass->n_peers,
				cases[i].upstream[0] != '\0' ? 2 : cases[i].host != NULL);
		if (cases[i].host != NULL) {
			CU_ASSERT_STRING_EQUAL(pass->peers[0].host, cases[i].host);
			CU_ASSERT_EQUAL(pass->peers[0].port, cases[i].port);
		}
	}
}

static void test_listens(void)
{
	read_main(
		"http { server { listen 80; listen *:80; listen 127.0.0.1:8080; listen 10.0.0.1;\n"
		"listen unix:/run/x; listen 443 ssl http2; listen [::]:443 ssl; listen name:8443 "
		"quic;\n"
		"} }\nstream { server { listen 5432; } }\n");
	static const struct {
		const char *host;
		uint16_t port;
		bool tls;
	} expected[] = {{"", 80, false},
			{"127.0.0.1", 8080, false},
			{"10.0.0.1", 80, false},
			{"", 443, true},
			{"name", 8443, true}};
	CU_ASSERT_EQUAL_FATAL(proxy.n_listens, OO_LENGTH(expected));
	for (size_t i = 0; i < OO_LENGTH(expected); i++) {
		CU_ASSERT_STRING_EQUAL(proxy.listens[i].host, expected[i].host);
		CU_ASSERT_EQUAL(proxy.listens[i].port, expected[i].port);
		CU_ASSERT_EQUAL(proxy.listens_tls[i], expected[i].tls);
	}
	CU_ASSERT_TRUE(proxy.has_tls_listen);
	CU_ASSERT_EQUAL(proxy.tls_port, 443);
	read_main("http { server { listen 80; } }");
	CU_ASSERT_FALSE(proxy.has_tls_listen);
	read_main("http { server { ssl on; listen 444; } }");
	CU_ASSERT_TRUE(proxy.listens_tls[0]);
}

static void test_redirects_to_https_are_seen(void)
{
	static const struct {
		const char *server, *location;
		bool expected;
	} cases[] = {
		{"return 301 https://$host$request_uri;", "", true},
		{"return https://x;", "", true},
		{"rewrite ^ https://$host$request_uri? permanent;", "", true},
		{"if ($scheme = http) { return 308 https://$host$request_uri; }", "", true},
		{"", "if ($http_x_forwarded_proto != \"https\") { return 301 https://$host$uri; }",
		 true},
		{"return 403 https://x;", "", false},
		{"rewrite ^/$ $the_scheme://$host/welcome/ redirect;", "", false},
		{"rewrite ^/x /y;", "return 301 http://x;", false},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text),
			       "http { server { %s location / { %s proxy_pass http://h; } } }",
			       cases[i].server, cases[i].location);
		read_main(text);
		CU_ASSERT_EQUAL(pass_of("/")->redirects_to_https, cases[i].expected);
	}
}

static void test_certificates_go_with_their_keys(void)
{
	char expected[512];
	read_main(
		"http { ssl_certificate a.pem; ssl_certificate_key a.key;\n"
		"server { ssl_certificate /e/rsa.pem; ssl_certificate /e/ec.pem;\n"
		"ssl_certificate_key /e/rsa.key; ssl_certificate_key /e/ec.key;\n"
		"error_log x.log warn; error_log stderr; error_log syslog:server=unix:/dev/log; }\n"
		"server { ssl_certificate /e/rsa.pem; ssl_certificate_key /e/rsa.key; }\n"
		"server { ssl_certificate $name.pem; ssl_certificate data:$x; }\n"
		"server { ssl_certificate /e/alone.pem; } }");
	CU_ASSERT_EQUAL_FATAL(proxy.n_certificates, 4);
	(void)snprintf(expected, sizeof(expected), "%s", place_path("a.key"));
	CU_ASSERT_STRING_EQUAL(proxy.keys[0], expected);
	CU_ASSERT_STRING_EQUAL(proxy.certificates[1], "/e/rsa.pem");
	CU_ASSERT_STRING_EQUAL(proxy.keys[1], "/e/rsa.key");
	CU_ASSERT_STRING_EQUAL(proxy.certificates[2], "/e/ec.pem");
	CU_ASSERT_STRING_EQUAL(proxy.keys[2], "/e/ec.key");
	CU_ASSERT_STRING_EQUAL(proxy.keys[3], "");
	CU_ASSERT_EQUAL_FATAL(proxy.n_error_logs, 1);
	CU_ASSERT_STRING_EQUAL(proxy.error_logs[0], "/usr/share/nginx/x.log");
}

static void test_quotes_escapes_and_comments(void)
{
	read_main("# http { }\nhttp{server{# comment; }\n"
		  "server_name\t'a b' c;location ~ \"^/x{2,3}\\.y$\" {proxy_pass \"http://h:1\";}\n"
		  "location /${v}/ { proxy_pass http://h:2; } location /\"q { proxy_pass "
		  "http://h:3; }\n"
		  "location \"/a\\\"b\\\\\" { proxy_pass http://h:4; } if ($a = \"b\") { } }}");
	check_error("");
	CU_ASSERT_STRING_EQUAL(proxy.passes[0].server_name, "a b");
	CU_ASSERT_STRING_EQUAL(proxy.passes[0].location, "~ ^/x{2,3}\\.y$");
	CU_ASSERT_STRING_EQUAL(proxy.passes[1].location, "/${v}/");
	CU_ASSERT_STRING_EQUAL(proxy.passes[2].location, "/\"q");
	CU_ASSERT_STRING_EQUAL(proxy.passes[3].location, "/a\"b\\");
}

static void test_bad_files_say_where(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"http {\n  server {\n",
		 "nginx.conf:3: unexpected end of file, expecting \"}\" of line 2"},
		{"user www", "nginx.conf:1: unexpected end of file, expecting \";\" or \"}\""},
		{"http { }\n}\n", "nginx.conf:2: unexpected \"}\""},
		{"http {\n listen 80 }", "nginx.conf:2: unexpected \"}\", expecting \";\""},
		{";", "nginx.conf:1: unexpected \";\""},
		{"\n{", "nginx.conf:2: unexpected \"{\""},
		{"a 'b'c;", "nginx.conf:1: unexpected \"c\" after a quote"},
		{"a 'b", "nginx.conf:1: unexpected end of file, expecting \";\" or \"}\""},
		{"a b\\", "nginx.conf:1: unexpected end of file, expecting \";\" or \"}\""},
		{"a \"b\\", "nginx.conf:1: unexpected end of file, expecting \";\" or \"}\""},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		read_main(cases[i].text);
		check_error(cases[i].error);
		CU_ASSERT_EQUAL(proxy.look, OO_LOOK_SEEN);
	}
}

static void test_what_was_read_before_an_error_is_kept(void)
{
	read_main("http { server { listen 81; location / { proxy_pass http://h; }\n oops }");
	check_error("nginx.conf:2: unexpected \"}\", expecting \";\"");
	CU_ASSERT_EQUAL(proxy.n_passes, 1);
	CU_ASSERT_EQUAL(proxy.listens[0].port, 81);
}

static void test_includes_that_fail_are_said_and_passed_over(void)
{
	char expected[OO_TEXT_LENGTH * 2];
	place_write("self.conf", "include self.conf;\nworker_processes 1;\n");
	read_main("include none/*.conf;\ninclude gone.conf;\nhttp { server { listen 82; } }");
	(void)snprintf(expected, sizeof(expected), "nginx.conf:2: %s: No such file or directory",
		       place_path("gone.conf"));
	check_error(expected);
	CU_ASSERT_EQUAL(proxy.look, OO_LOOK_SEEN);
	CU_ASSERT_EQUAL(proxy.listens[0].port, 82);
	read_main("include self.conf;\nhttp { server { listen 83; } }");
	check_error("self.conf:1: the file includes itself");
	CU_ASSERT_EQUAL(proxy.listens[0].port, 83);
	place_write("open.conf", "server {\n");
	read_main("http { include open.conf; }");
	check_error("open.conf:2: unexpected end of file, expecting \"}\" of line 1");
	place_write("pipe.conf", NULL);
	CU_ASSERT_EQUAL_FATAL(mkfifo(place_path("pipe.conf"), 0600), 0);
	read_main("include pipe.conf;\nhttp { server { listen 84; } }");
	CU_ASSERT_EQUAL(proxy.listens[0].port, 84);
}

static void test_unreadable_include_makes_the_look_denied(void)
{
	place_write("secret.conf", "server { listen 85; }\n");
	CU_ASSERT_EQUAL_FATAL(chmod(place_path("secret.conf"), 0), 0);
	if (geteuid() == 0) { /* root reads it anyway: so as somebody else */
		CU_ASSERT_EQUAL_FATAL(chmod(place_path(""), 0755), 0);
		place_write("nginx.conf", "http { include secret.conf; server { listen 86; } }");
		CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
		CU_ASSERT_EQUAL(oo_proxy_read(place_path("nginx.conf"), &proxy), 0);
		CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	} else {
		read_main("http { include secret.conf; server { listen 86; } }");
	}
	CU_ASSERT_EQUAL(proxy.look, OO_LOOK_DENIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(proxy.error, "secret.conf: Permission denied"));
	CU_ASSERT_EQUAL(proxy.listens[0].port, 86);
}

static void test_main_file_that_is_not_there_is_absent(void)
{
	CU_ASSERT_EQUAL(oo_proxy_read(place_path("nowhere.conf"), &proxy), 0);
	CU_ASSERT_EQUAL(proxy.look, OO_LOOK_ABSENT);
	check_error("nowhere.conf: No such file or directory");
	CU_ASSERT_EQUAL(oo_proxy_read(place_path(""), &proxy), 0);
	CU_ASSERT_EQUAL(proxy.look, OO_LOOK_FAILED);
}

static void test_limits_hold(void)
{
	char *text = malloc(1 << 20);
	char *at = text + sprintf(text, "http { server {\n");
	for (int i = 0; i < 200; i++) {
		at += sprintf(at, "location /%d { proxy_pass http://h:%d; } listen %d; ", i, i + 1,
			      i + 1);
		at += sprintf(at, "error_log /l/%d; ssl_certificate /c/%d;\n", i, i);
	}
	(void)sprintf(at, "} }");
	read_main(text);
	CU_ASSERT(proxy.n_passes == OO_PROXY_PASSES && proxy.n_listens == OO_PROXY_LISTENS);
	CU_ASSERT(proxy.n_error_logs == OO_PROXY_LOGS && proxy.n_certificates == OO_PROXY_LOGS);
	CU_ASSERT_STRING_EQUAL(proxy.error, "too many proxy_pass: the rest is left out");

	at = text;
	for (int i = 0; i < 40; i++) {
		at += sprintf(at, "a {");
	}
	read_main(text);
	check_error("nginx.conf:1: too many blocks and includes in each other");
	at = text + sprintf(text, "a ");
	memset(at, 'x', 70000);
	strcpy(at + 70000, ";");
	read_main(text);
	check_error("nginx.conf:1: a statement of more than 65536 bytes");
	for (size_t i = 0; i < 2 * 70000; i++) {
		text[i] = i % 2 == 0 ? 'a' : ';';
	}
	text[2 * 70000] = '\0';
	read_main(text);
	check_error("nginx.conf:1: too many directives: the rest is not read");
	free(text);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(package_is_read_as_nginx_does),
		TEST(what_the_editor_asks_for_reaches_the_document_server),
		TEST(plain_proxy_reaches_it_by_its_only_location),
		TEST(named_location_is_reached_by_what_falls_back_to_it),
		TEST(values_are_inherited_level_by_level),
		TEST(connection_close_does_not_upgrade),
		TEST(targets),
		TEST(listens),
		TEST(redirects_to_https_are_seen),
		TEST(certificates_go_with_their_keys),
		TEST(quotes_escapes_and_comments),
		TEST(bad_files_say_where),
		TEST(what_was_read_before_an_error_is_kept),
		TEST(includes_that_fail_are_said_and_passed_over),
		TEST(unreadable_include_makes_the_look_denied),
		TEST(main_file_that_is_not_there_is_absent),
		TEST(limits_hold),
	};
	(void)place_make();
	int r = run_tests("proxy", tests, OO_LENGTH(tests));
	place_remove();
	return r;
}
