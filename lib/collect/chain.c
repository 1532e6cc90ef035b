/* A server's certificates, held against the system's trust by our own hand. */
#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/ask.h"

#define CERTIFICATES_MAX 10 /* of a chain */

static void free_certificates(STACK_OF(X509) * *certificates)
{
	sk_X509_pop_free(*certificates, X509_free);
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_store(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void free_context(X509_STORE_CTX **context)
{
	X509_STORE_CTX_free(*context);
}

/* One of libcurl's lists of "Name:value" has the certificate itself in it. */
static X509 *read_certificate(const struct curl_slist *fields)
{
	static const char field[] = "Cert:";
	for (; fields != NULL; fields = fields->next) {
		if (strncmp(fields->data, field, sizeof(field) - 1) == 0) {
			OO_AUTO(free_bio)
			BIO *bio = BIO_new_mem_buf(fields->data + sizeof(field) - 1, -1);
			return bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
		}
	}
	return NULL;
}

static STACK_OF(X509) * read_chain(const struct curl_certinfo *chain)
{
	STACK_OF(X509) *certificates = sk_X509_new_null();
	for (int i = 0; certificates != NULL && i < chain->num_of_certs && i < CERTIFICATES_MAX;
	     i++) {
		OO_AUTO(free_certificate) X509 *certificate = read_certificate(chain->certinfo[i]);
		if (certificate != NULL && sk_X509_push(certificates, certificate) > 0) {
			(void)oo_take_ptr(certificate);
		}
	}
	return certificates;
}

static enum oo_trust trust_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return OO_TRUST_GOOD;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return OO_TRUST_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return OO_TRUST_NOT_YET;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return OO_TRUST_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return OO_TRUST_CHAIN;
	default:
		return OO_TRUST_OTHER;
	}
}

static enum oo_trust verify_chain(X509 *leaf, STACK_OF(X509) * certificates)
{
	OO_AUTO(free_store) X509_STORE *store = X509_STORE_new();
	OO_AUTO(free_context) X509_STORE_CTX *context = X509_STORE_CTX_new();
	if (store == NULL || context == NULL || X509_STORE_set_default_paths(store) != 1 ||
	    X509_STORE_CTX_init(context, store, leaf, certificates) != 1) {
		return OO_TRUST_UNKNOWN;
	}
	(void)X509_STORE_CTX_set_default(context, "ssl_server");
	(void)X509_verify_cert(context);
	return trust_of(X509_STORE_CTX_get_error(context));
}

static bool is_for(X509 *leaf, const char *name)
{
	struct in6_addr address;
	if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1) {
		return X509_check_ip_asc(leaf, name, 0) == 1;
	}
	return X509_check_host(leaf, name, 0, 0, NULL) == 1;
}

/* What a browser would complain of first: its dates and name come before who has signed it. */
static enum oo_trust judge(X509 *leaf, STACK_OF(X509) * certificates, const char *name)
{
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
		return OO_TRUST_EXPIRED;
	}
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
		return OO_TRUST_NOT_YET;
	}
	if (name != NULL && !is_for(leaf, name)) {
		return OO_TRUST_OTHER_NAME;
	}
	return verify_chain(leaf, certificates);
}

static int64_t days_left(const X509 *leaf)
{
	int days = 0, seconds = 0;
	(void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(leaf));
	return days;
}

static size_t add_names(const X509 *leaf, char *text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS && used < size) {
			int n = snprintf(text + used, size - used, "%s%.*s",
					 used == 0 ? ", for " : " ",
					 ASN1_STRING_length(name->d.dNSName),
					 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
			used += n > 0 ? (size_t)n : 0;
		}
	}
	GENERAL_NAMES_free(names);
	return used;
}

static void describe(const X509 *leaf, char *text, size_t size)
{
	char subject[OO_EVIDENCE_NAME] = "", issuer[OO_EVIDENCE_NAME] = "", names[128] = "";
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, subject,
					sizeof(subject));
	(void)X509_NAME_get_text_by_NID(X509_get_issuer_name(leaf), NID_commonName, issuer,
					sizeof(issuer));
	(void)add_names(leaf, names, sizeof(names));
	snprintf(text, size, "%s%s, by %s", subject, names, issuer);
}

void oo_ask_judge_chain(const struct curl_certinfo *chain, const char *name,
			struct oo_exchange *ret_exchange)
{
	OO_AUTO(free_certificates) STACK_OF(X509) *certificates = read_chain(chain);
	X509 *leaf = certificates != NULL ? sk_X509_value(certificates, 0) : NULL;
	if (leaf == NULL) {
		return;
	}
	ret_exchange->trust = judge(leaf, certificates, name);
	ret_exchange->certificate_days_left = days_left(leaf);
	describe(leaf, ret_exchange->certificate, sizeof(ret_exchange->certificate));
}
