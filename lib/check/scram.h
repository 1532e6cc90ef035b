#ifndef OO_CHECK_SCRAM_H
#define OO_CHECK_SCRAM_H
/*
 * A password proved without being sent: SCRAM-SHA-256 (RFC 5802, 7677) as PostgreSQL uses it, by
 * libcrypto. Passwords are taken as they are (no SASLprep: that of ASCII is itself). Private to the
 * module.
 */
#include <stddef.h>

#define OO_CHECK_SCRAM_LENGTH 512 /* of a message */
#define OO_CHECK_SCRAM_KEY 32
/* PostgreSQL's default is 4096; what costs more than some 10 ms would hold the loop up. */
#define OO_CHECK_SCRAM_ITERATIONS 32768

struct oo_check_scram {
	char nonce[25];
	/* What the password becomes is costly, and the same as long as salt and password are. */
	char salt[128], password[1024];
	int iterations;
	unsigned char key[OO_CHECK_SCRAM_KEY];
};

/* Writes the client's first message. Returns 0 or -EIO. */
int oo_check_scram_begin(struct oo_check_scram *scram, char message[static OO_CHECK_SCRAM_LENGTH]);
/*
 * Writes the client's final message.
 * challenge  the server's first, NUL-terminated.
 * Returns 0, -EPROTO (not such a message), -EMSGSIZE, -E2BIG (too many iterations) or -EIO.
 */
int oo_check_scram_answer(struct oo_check_scram *scram, const char *password, const char *challenge,
			  char message[static OO_CHECK_SCRAM_LENGTH]);

/* "md5" and the digest of the digest of password and user, with the salt (PostgreSQL, 55.3). */
#define OO_CHECK_MD5_LENGTH 36
int oo_check_md5_answer(const char *user, const char *password, const unsigned char salt[static 4],
			char answer[static OO_CHECK_MD5_LENGTH]);

#endif
