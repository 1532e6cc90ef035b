/* What a verification says of certificates, which are made here. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "collect/ask.h"

#define DAY_S (24 * 60 * 60)

struct wanted {
	const char *name;
	long from_s, until_s; /* from now on */
	X509 *issuer;         /* NULL: itself */
	EVP_PKEY *issuer_key;
	bool is_authority;
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
	CU_ASSERT_EQUAL(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *make(const struct wanted *wanted, EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	char names[64];
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), wanted->from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), wanted->until_s);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wanted->name,
				   -1, -1, 0);
	X509_set_issuer_name(certificate,
			     wanted->issuer != NULL ? X509_get_subject_name(wanted->issuer) : name);
	if (wanted->is_authority) {
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		snprintf(names, sizeof(names), "DNS:%s,IP:192.0.2.7", wanted->name);
		add_extension(certificate, NID_subject_alt_name, names);
	}
	EVP_PKEY *signer = wanted->issuer_key != NULL ? wanted->issuer_key : key;
	CU_ASSERT(X509_sign(certificate, signer, EVP_sha256()) > 0);
	return certificate;
}

/* As libcurl hands it over. */
static struct oo_exchange judge(X509 *const *certificates, int n, const char *name)
{
	struct curl_slist *lists[4] = {NULL};
	struct curl_certinfo chain = {.num_of_certs = n, .certinfo = lists};
	struct oo_exchange exchange = {0};
	for (int i = 0; i < n; i++) {
		char *pem = NULL, text[8192];
		BIO *bio = BIO_new(BIO_s_mem());
		PEM_write_bio_X509(bio, certificates[i]);
		int length = (int)BIO_get_mem_data(bio, &pem);
		snprintf(text, sizeof(text), "Cert:%.*s", length, pem);
		lists[i] = curl_slist_append(curl_slist_append(NULL, "Version:2"), text);
		BIO_free(bio);
	}
	oo_ask_judge_chain(&chain, name, &exchange);
	for (int i = 0; i < n; i++) {
		curl_slist_free_all(lists[i]);
	}
	return exchange;
}

static EVP_PKEY *root_key, *middle_key, *leaf_key;
static X509 *root, *middle;
static char trusted[] = "/tmp/oo-chain-XXXXXX";

static void set_up(void)
{
	root_key = EVP_EC_gen("P-256");
	middle_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	root = make(&(struct wanted){.name = "root", .until_s = DAY_S, .is_authority = true},
		    root_key);
	middle = make(&(struct wanted){.name = "middle",
				       .until_s = DAY_S,
				       .issuer = root,
				       .issuer_key = root_key,
				       .is_authority = true},
		      middle_key);
	snprintf(trusted, sizeof(trusted), "/tmp/oo-chain-XXXXXX");
	FILE *file = fdopen(mkstemp(trusted), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	PEM_write_X509(file, root);
	fclose(file);
	setenv("SSL_CERT_FILE", trusted, 1);
}

static void tear_down(void)
{
	unlink(trusted);
	X509_free(middle);
	X509_free(root);
	EVP_PKEY_free(leaf_key);
	EVP_PKEY_free(middle_key);
	EVP_PKEY_free(root_key);
}

static struct wanted leaf_of(long from_s, long until_s)
{
	return (struct wanted){.name = "docs.example.com",
			       .from_s = from_s,
			       .until_s = until_s,
			       .issuer = middle,
			       .issuer_key = middle_key};
}

static void expect(const struct wanted *wanted, bool whole, const char *name, enum oo_trust trust)
{
	X509 *leaf = make(wanted, leaf_key);
	X509 *const chain[] = {leaf, middle};
	struct oo_exchange seen = judge(chain, whole ? 2 : 1, name);
	CU_ASSERT_EQUAL(seen.trust, trust);
	if (seen.trust != trust) {
		printf("\ntrust %d, not %d\n", seen.trust, trust);
	}
	X509_free(leaf);
}

static void test_a_chain_is_good_for_its_names_and_its_time(void)
{
	struct wanted wanted = leaf_of(-60, 30 * DAY_S + 60);
	expect(&wanted, true, "docs.example.com", OO_TRUST_GOOD);
	expect(&wanted, true, "192.0.2.7", OO_TRUST_GOOD);
	expect(&wanted, true, NULL, OO_TRUST_GOOD);
	expect(&wanted, true, "other.example.com", OO_TRUST_OTHER_NAME);
	expect(&wanted, true, "192.0.2.8", OO_TRUST_OTHER_NAME);
	wanted = leaf_of(-2 * DAY_S, -60);
	expect(&wanted, true, "docs.example.com", OO_TRUST_EXPIRED);
	wanted = leaf_of(60, DAY_S);
	expect(&wanted, true, "docs.example.com", OO_TRUST_NOT_YET);
}

static void test_a_chain_without_its_middle_is_told_from_a_lone_certificate(void)
{
	struct wanted wanted = leaf_of(-60, DAY_S);
	expect(&wanted, false, "docs.example.com", OO_TRUST_CHAIN);
	wanted.issuer = NULL;
	wanted.issuer_key = NULL;
	expect(&wanted, false, "docs.example.com", OO_TRUST_SELF_SIGNED);
}

/* It is what a person has to do something about first, whoever has signed it. */
static void test_an_expired_certificate_is_expired_whoever_signed_it(void)
{
	struct wanted wanted = leaf_of(-2 * DAY_S, -DAY_S - 60);
	expect(&wanted, false, "other.example.com", OO_TRUST_EXPIRED);
	X509 *leaf = make(&wanted, leaf_key);
	struct oo_exchange seen = judge(&leaf, 1, NULL);
	CU_ASSERT_EQUAL(seen.certificate_days_left, -1);
	CU_ASSERT_STRING_EQUAL(seen.certificate,
			       "docs.example.com, for docs.example.com, by middle");
	X509_free(leaf);
}

static void test_nothing_is_said_of_what_is_no_certificate(void)
{
	struct curl_slist *list = curl_slist_append(NULL, "Cert:-----BEGIN CERTIFICATE-----\nx\n");
	struct curl_slist *lists[] = {list};
	struct curl_certinfo chain = {.num_of_certs = 1, .certinfo = lists};
	struct oo_exchange exchange = {0};
	oo_ask_judge_chain(&chain, NULL, &exchange);
	CU_ASSERT_EQUAL(exchange.trust, OO_TRUST_UNKNOWN);
	chain.num_of_certs = 0;
	oo_ask_judge_chain(&chain, NULL, &exchange);
	CU_ASSERT_EQUAL(exchange.trust, OO_TRUST_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(exchange.certificate, "");
	curl_slist_free_all(list);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_chain_is_good_for_its_names_and_its_time),
		TEST(a_chain_without_its_middle_is_told_from_a_lone_certificate),
		TEST(an_expired_certificate_is_expired_whoever_signed_it),
		TEST(nothing_is_said_of_what_is_no_certificate),
	};
	return run_tests_in("chain", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
