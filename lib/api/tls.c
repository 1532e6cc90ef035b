#include "api/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int read_file(const char *path, char text[static OO_TLS_FILE_BYTES_MAX + 1],
		     struct oo_err *err)
{
	struct stat status;
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return oo_fail(err, errno, "%s", path);
	}
	if (!S_ISREG(status.st_mode) || status.st_size > OO_TLS_FILE_BYTES_MAX) {
		return oo_fail_text(err, EINVAL, "%s: no file of at most %d bytes", path,
				    OO_TLS_FILE_BYTES_MAX);
	}
	ssize_t n = read(fd, text, OO_TLS_FILE_BYTES_MAX);
	if (n < 0) {
		return oo_fail(err, errno, "%s", path);
	}
	text[n] = '\0';
	return 0;
}

/* There is nobody to ask for the password of a key. */
static int no_password(char *buffer, int size, int for_writing, void *user)
{
	(void)buffer;
	(void)size;
	(void)for_writing;
	(void)user;
	return -1;
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* One that has expired is shown nevertheless: to keep the VIP without it would be worse. */
static int check(const struct oo_api_tls *tls, const struct oo_tls_texts *texts, struct oo_err *err)
{
	OO_AUTO(free_bio) BIO *certificate_bio = BIO_new_mem_buf(texts->certificate, -1);
	OO_AUTO(free_bio) BIO *key_bio = BIO_new_mem_buf(texts->key, -1);
	if (certificate_bio == NULL || key_bio == NULL) {
		return oo_fail(err, ENOMEM, "certificate");
	}
	OO_AUTO(free_certificate)
	X509 *certificate = PEM_read_bio_X509(certificate_bio, NULL, no_password, NULL);
	if (certificate == NULL) {
		return oo_fail_text(err, EINVAL, "%s: no certificate is in it (PEM)",
				    tls->cert_file);
	}
	OO_AUTO(free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
	if (key == NULL) {
		return oo_fail_text(err, EINVAL, "%s: no key is in it (PEM) that needs no password",
				    tls->key_file);
	}
	if (X509_check_private_key(certificate, key) != 1) {
		return oo_fail_text(err, EINVAL, "%s: not the key of the certificate in %s",
				    tls->key_file, tls->cert_file);
	}
	return 0;
}

void oo_tls_wipe(struct oo_tls_texts **texts)
{
	if (*texts != NULL) {
		explicit_bzero(*texts, sizeof(**texts));
		free(*texts);
	}
}

int oo_tls_read(const struct oo_api_tls *tls, struct oo_tls_texts **ret_texts, struct oo_err *err)
{
	OO_AUTO(oo_tls_wipe) struct oo_tls_texts *texts = malloc(sizeof(*texts));
	if (texts == NULL) {
		return oo_fail(err, ENOMEM, "certificate");
	}
	int r = read_file(tls->cert_file, texts->certificate, err);
	r = r < 0 ? r : read_file(tls->key_file, texts->key, err);
	r = r < 0 ? r : check(tls, texts, err);
	ERR_clear_error(); /* or it is taken for that of the next call */
	if (r < 0) {
		oo_err_wrap(err, "the API's TLS");
		return r;
	}
	*ret_texts = oo_take_ptr(texts);
	return 0;
}
