#include "check/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TOKEN_LIFE_S 300
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

int oo_check_secret_read(const char *path, char secret[static OO_CHECK_SECRET_LENGTH])
{
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return -errno;
	}
	ssize_t n = read(fd, secret, OO_CHECK_SECRET_LENGTH);
	if (n < 0 || n == OO_CHECK_SECRET_LENGTH) {
		explicit_bzero(secret, OO_CHECK_SECRET_LENGTH);
		return n < 0 ? -errno : -EFBIG;
	}
	while (n > 0 && (secret[n - 1] == '\n' || secret[n - 1] == '\r')) {
		n--;
	}
	secret[n] = '\0';
	return 0;
}

/* Base64 with the alphabet for URLs, without padding (RFC 7515, 2). text has room. */
static size_t encode(const void *data, size_t length, char *text)
{
	int n = EVP_EncodeBlock((unsigned char *)text, data, (int)length);
	while (n > 0 && text[n - 1] == '=') {
		n--;
	}
	for (int i = 0; i < n; i++) {
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	}
	text[n] = '\0';
	return (size_t)n;
}

int oo_check_token_write(const char *secret, const char *payload, int64_t now_s,
			 char token[static OO_CHECK_TOKEN_LENGTH])
{
	char claims[OO_CHECK_TOKEN_LENGTH / 2];
	unsigned char signature[EVP_MAX_MD_SIZE];
	unsigned int signature_length = 0;
	int n = snprintf(claims, sizeof(claims),
			 "{\"payload\":%s,\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", payload, now_s,
			 now_s + TOKEN_LIFE_S);
	if (n < 0 || (size_t)n >= sizeof(claims)) {
		return -EMSGSIZE;
	}
	size_t length = encode(HEADER, strlen(HEADER), token);
	token[length++] = '.';
	length += encode(claims, (size_t)n, token + length);
	if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token, length,
		 signature, &signature_length) == NULL) {
		return -EIO;
	}
	token[length++] = '.';
	(void)encode(signature, signature_length, token + length);
	return 0;
}
