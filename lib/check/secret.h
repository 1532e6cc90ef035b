#ifndef OO_CHECK_SECRET_H
#define OO_CHECK_SECRET_H
/* What is signed and proved with secrets from files. For the kinds, and for collect/. */
#include <stddef.h>
#include <stdint.h>

#define OO_CHECK_SECRET_LENGTH 1024
#define OO_CHECK_TOKEN_LENGTH 4096

/*
 * Reads a secret, without the newlines at its end. Read at each run, so that a new one is taken;
 * the caller wipes it (explicit_bzero(3)).
 * Returns 0, -EFBIG or -errno of reading.
 */
int oo_check_secret_read(const char *path, char secret[static OO_CHECK_SECRET_LENGTH]);

/*
 * Reads a password: all of the file, or, with a pointer (RFC 6901), the string there of a file of JSON,
 * such as the Document Server's own configuration; of a URL there, the password in it.
 * Returns as oo_check_secret_read; also -EBADMSG (not JSON), -ENOENT (nothing there) and -ENOMEM.
 */
int oo_check_password_read(const char *path, const char *pointer,
			   char password[static OO_CHECK_SECRET_LENGTH]);

/*
 * Writes a JSON Web Token signed with HS256 (RFC 7515, 7519): {"payload": <payload>, "iat", "exp"}.
 * payload  JSON.
 * now_s    seconds since the epoch; the token is good for a few minutes from then on.
 * Returns 0, -EMSGSIZE or -EIO when libcrypto refuses.
 */
int oo_check_token_write(const char *secret, const char *payload, int64_t now_s,
			 char token[static OO_CHECK_TOKEN_LENGTH]);

#endif
