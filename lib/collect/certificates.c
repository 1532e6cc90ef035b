/* The certificates that nginx is told to show, and whether their keys are theirs. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/certificates.h"
#include "collect/gather.h"

#define FILE_BYTES 65536

/* Returns how much, or -errno. A key is in it: wipe it. */
static ssize_t load(const char *path, char text[static FILE_BYTES])
{
	struct stat status;
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return -errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return -EINVAL;
	}
	ssize_t n = read(fd, text, FILE_BYTES);
	return n < 0 ? -errno : n;
}

/* A key with a password of its own is not asked for it. */
static int no_password(char *buffer, int size, int for_writing, void *user)
{
	(void)buffer;
	(void)size;
	(void)for_writing;
	(void)user;
	return -1;
}

bool oo_certificate_owns(const char *certificate, size_t length, const char *key, size_t key_length)
{
	BIO *bio = BIO_new_mem_buf(certificate, (int)length);
	BIO *key_bio = BIO_new_mem_buf(key, (int)key_length);
	X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	EVP_PKEY *pkey =
		key_bio != NULL ? PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL) : NULL;
	bool fits = x509 == NULL || pkey == NULL || X509_check_private_key(x509, pkey) == 1;
	EVP_PKEY_free(pkey);
	X509_free(x509);
	BIO_free(key_bio);
	BIO_free(bio);
	ERR_clear_error();
	return fits;
}

bool oo_certificate_days_left(const char *certificate, size_t length, int64_t *ret_days)
{
	int days = 0, seconds = 0;
	BIO *bio = BIO_new_mem_buf(certificate, (int)length);
	X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	bool fine = x509 != NULL &&
		    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509)) == 1;
	X509_free(x509);
	BIO_free(bio);
	ERR_clear_error();
	if (fine) {
		*ret_days = days - (seconds < 0); /* a second too late is a day of less than 0 */
	}
	return fine;
}

static enum oo_look look_of(ssize_t r)
{
	return r == -EACCES || r == -EPERM ? OO_LOOK_DENIED
	       : r == -ENOENT              ? OO_LOOK_ABSENT
					   : OO_LOOK_FAILED;
}

static void look_at(struct oo_certificate *certificate, const char *key_path)
{
	char text[FILE_BYTES], key[FILE_BYTES];
	ssize_t n = load(certificate->path, text);
	ssize_t key_n = n > 0 && key_path[0] != '\0' ? load(key_path, key) : 0;
	certificate->is_key_its_own = true;
	if (n <= 0) {
		certificate->look = look_of(n);
	} else if (!oo_certificate_days_left(text, (size_t)n, &certificate->days_left)) {
		certificate->look = OO_LOOK_FAILED;
	} else {
		certificate->look = OO_LOOK_SEEN;
		certificate->is_key_its_own =
			key_n <= 0 || oo_certificate_owns(text, (size_t)n, key, (size_t)key_n);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text)); /* often the key is in the same file */
}

static void *start(struct oo_gather *gather)
{
	struct oo_evidence *evidence = gather->evidence;
	for (size_t i = 0;
	     i < evidence->proxy.n_certificates &&
	     evidence->n_certificates < OO_EVIDENCE_CERTIFICATES && !evidence->is_docker;
	     i++) {
		struct oo_certificate *certificate =
			&evidence->certificates[evidence->n_certificates++];
		OO_GATHER_SAY(certificate->path, evidence->proxy.certificates[i]);
		look_at(certificate, evidence->proxy.keys[i]);
	}
	return NULL;
}

const struct oo_collector oo_collect_certificates = {.start = start};
