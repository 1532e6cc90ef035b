/* Certificates, made here: how long they last, and whose key is whose. */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "collect/certificates.h"

static char certificate[4096], key[4096], other_key[4096], locked_key[4096];

static void take_text(BIO *bio, char *text)
{
	int n = BIO_read(bio, text, 4095);
	text[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

static void make_key(EVP_PKEY *pkey, const char *password, char *text)
{
	BIO *bio = BIO_new(BIO_s_mem());
	CU_ASSERT_EQUAL_FATAL(
		PEM_write_bio_PrivateKey(bio, pkey, password != NULL ? EVP_aes_128_cbc() : NULL,
					 (const unsigned char *)password,
					 password != NULL ? (int)strlen(password) : 0, NULL, NULL),
		1);
	take_text(bio, text);
}

/* Good for that many days from now on; negative: it was. */
static void make(int days)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	(void)X509_gmtime_adj(X509_getm_notBefore(x509), -400L * 86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(x509), days * 86400L + 60);
	(void)X509_set_pubkey(x509, pkey);
	CU_ASSERT_FATAL(X509_sign(x509, pkey, EVP_sha256()) > 0);
	CU_ASSERT_EQUAL_FATAL(PEM_write_bio_X509(bio, x509), 1);
	take_text(bio, certificate);
	make_key(pkey, NULL, key);
	make_key(pkey, "password", locked_key);
	make_key(other, NULL, other_key);
	X509_free(x509);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

static void test_days_left_are_whole_ones(void)
{
	static const int days[] = {90, 1, 0, -1, -30};
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		int64_t left = 777;
		make(days[i]);
		CU_ASSERT_TRUE(oo_certificate_days_left(certificate, strlen(certificate), &left));
		CU_ASSERT_EQUAL(left, days[i]);
	}
}

static void test_what_is_no_certificate_is_none(void)
{
	int64_t left = 777;
	CU_ASSERT_FALSE(oo_certificate_days_left("", 0, &left));
	CU_ASSERT_FALSE(oo_certificate_days_left("no certificate", 14, &left));
	CU_ASSERT_FALSE(oo_certificate_days_left("-----BEGIN CERTIFICATE-----\nAAAA\n", 33, &left));
	make(1);
	CU_ASSERT_FALSE(oo_certificate_days_left(certificate, strlen(certificate) / 2, &left));
	CU_ASSERT_EQUAL(left, 777);
}

static bool owns(const char *one)
{
	return oo_certificate_owns(certificate, strlen(certificate), one, strlen(one));
}

static void test_key_of_another_certificate_is_seen(void)
{
	make(10);
	CU_ASSERT_TRUE(owns(key));
	CU_ASSERT_FALSE(owns(other_key));
	CU_ASSERT_TRUE(owns(locked_key)); /* nobody can say; and nobody is asked for a password */
	CU_ASSERT_TRUE(owns("no key"));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(days_left_are_whole_ones),
		TEST(what_is_no_certificate_is_none),
		TEST(key_of_another_certificate_is_seen),
	};
	return run_tests("certificates", tests, OO_LENGTH(tests));
}
