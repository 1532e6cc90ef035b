#include "check/secret.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TOKEN_LIFE_S 300
#define JSON_MAX 262144
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

/* A URL's password, as it is meant; what is no URL is the password itself. */
static int copy_password(const char *text, char password[static OO_CHECK_SECRET_LENGTH])
{
	char *part = NULL;
	if (strstr(text, "://") == NULL) {
		if (strlen(text) >= OO_CHECK_SECRET_LENGTH) {
			return -EFBIG;
		}
		memcpy(password, text, strlen(text) + 1);
		return 0;
	}
	CURLU *url = curl_url();
	if (url == NULL) {
		return -ENOMEM;
	}
	int r = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
				curl_url_get(url, CURLUPART_PASSWORD, &part, CURLU_URLDECODE) !=
					CURLUE_OK ||
				strlen(part) >= OO_CHECK_SECRET_LENGTH
			? -ENOENT
			: 0;
	if (r == 0) {
		memcpy(password, part, strlen(part) + 1);
	}
	if (part != NULL) {
		explicit_bzero(part, strlen(part));
	}
	curl_free(part);
	curl_url_cleanup(url); /* libcurl wipes nothing: it is in our own memory alone */
	return r;
}

static int read_json(const char *path, char *text)
{
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, JSON_MAX);
	if (n < 0 || n == JSON_MAX) {
		return n < 0 ? -errno : -EFBIG;
	}
	text[n] = '\0';
	return 0;
}

int oo_check_password_read(const char *path, const char *pointer,
			   char password[static OO_CHECK_SECRET_LENGTH])
{
	if (pointer == NULL) {
		return oo_check_secret_read(path, password);
	}
	char *text = calloc(1, JSON_MAX);
	struct json_object *all = NULL, *one = NULL;
	int r = text == NULL ? -ENOMEM : read_json(path, text);
	if (r == 0) {
		all = json_tokener_parse(text);
		r = all == NULL                                 ? -EBADMSG
		    : json_pointer_get(all, pointer, &one) != 0 ? -ENOENT
		    : !json_object_is_type(one, json_type_string)
			    ? -ENOENT
			    : copy_password(json_object_get_string(one), password);
	}
	json_object_put(all);
	if (text != NULL) {
		explicit_bzero(text, JSON_MAX);
	}
	free(text);
	return r;
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
