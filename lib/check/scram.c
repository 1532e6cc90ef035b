#include "check/scram.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NONCE_BYTES 18

int oo_check_scram_begin(struct oo_check_scram *scram, char message[static OO_CHECK_SCRAM_LENGTH])
{
	unsigned char random[NONCE_BYTES];
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
		return -EIO;
	}
	(void)EVP_EncodeBlock((unsigned char *)scram->nonce, random, sizeof(random));
	snprintf(message, OO_CHECK_SCRAM_LENGTH, "n,,n=,r=%s", scram->nonce);
	return 0;
}

struct challenge {
	char nonce[128], salt[128];
	int iterations;
};

/* r=<nonce>,s=<salt>,i=<iterations> */
static int read_challenge(const struct oo_check_scram *scram, const char *text,
			  struct challenge *ret_challenge)
{
	struct challenge challenge;
	if (sscanf(text, "r=%127[^,],s=%127[^,],i=%d", challenge.nonce, challenge.salt,
		   &challenge.iterations) != 3 ||
	    strncmp(challenge.nonce, scram->nonce, strlen(scram->nonce)) != 0 ||
	    challenge.iterations <= 0) {
		return -EPROTO;
	}
	*ret_challenge = challenge;
	return challenge.iterations > OO_CHECK_SCRAM_ITERATIONS ? -E2BIG : 0;
}

static int derive_key(struct oo_check_scram *scram, const char *password,
		      const struct challenge *challenge)
{
	unsigned char salt[sizeof(challenge->salt)];
	if (scram->iterations == challenge->iterations &&
	    oo_text_equal(scram->salt, challenge->salt) &&
	    oo_text_equal(scram->password, password)) {
		return 0;
	}
	size_t length = strlen(challenge->salt);
	int n = EVP_DecodeBlock(salt, (const unsigned char *)challenge->salt, (int)length);
	for (size_t i = length; i > 0 && challenge->salt[i - 1] == '='; i--) {
		n--; /* padding is decoded as zeros */
	}
	if (n <= 0) {
		return -EPROTO;
	}
	scram->iterations = 0; /* nothing is kept of a failure */
	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, n, challenge->iterations,
			      EVP_sha256(), sizeof(scram->key), scram->key) != 1 ||
	    oo_text_copy(scram->password, sizeof(scram->password), password) < 0) {
		return -EIO;
	}
	oo_text_clip(scram->salt, sizeof(scram->salt), challenge->salt);
	scram->iterations = challenge->iterations;
	return 0;
}

static int hmac(const unsigned char key[static OO_CHECK_SCRAM_KEY], const char *text,
		unsigned char digest[static OO_CHECK_SCRAM_KEY])
{
	return HMAC(EVP_sha256(), key, OO_CHECK_SCRAM_KEY, (const unsigned char *)text,
		    strlen(text), digest, NULL) != NULL
		       ? 0
		       : -EIO;
}

int oo_check_scram_answer(struct oo_check_scram *scram, const char *password, const char *challenge,
			  char message[static OO_CHECK_SCRAM_LENGTH])
{
	struct challenge parts;
	char bare[160], whole[2 * OO_CHECK_SCRAM_LENGTH], proof[64];
	unsigned char client[OO_CHECK_SCRAM_KEY], stored[OO_CHECK_SCRAM_KEY];
	unsigned char signature[OO_CHECK_SCRAM_KEY];
	int r = read_challenge(scram, challenge, &parts);
	if (r == 0) {
		r = derive_key(scram, password, &parts);
	}
	if (r < 0) {
		return r;
	}
	snprintf(bare, sizeof(bare), "c=biws,r=%s", parts.nonce);
	int n = snprintf(whole, sizeof(whole), "n=,r=%s,%s,%s", scram->nonce, challenge, bare);
	if (n < 0 || (size_t)n >= sizeof(whole)) {
		return -EMSGSIZE;
	}
	if (hmac(scram->key, "Client Key", client) < 0 ||
	    EVP_Digest(client, sizeof(client), stored, NULL, EVP_sha256(), NULL) != 1 ||
	    hmac(stored, whole, signature) < 0) {
		return -EIO;
	}
	for (size_t i = 0; i < sizeof(client); i++) {
		client[i] ^= signature[i];
	}
	(void)EVP_EncodeBlock((unsigned char *)proof, client, sizeof(client));
	snprintf(message, OO_CHECK_SCRAM_LENGTH, "%s,p=%s", bare, proof);
	return 0;
}

static int md5(const void *one, size_t one_length, const void *other, size_t other_length,
	       char hex[static 33])
{
	unsigned char digest[16];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good = context != NULL && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
		   EVP_DigestUpdate(context, one, one_length) == 1 &&
		   EVP_DigestUpdate(context, other, other_length) == 1 &&
		   EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	for (size_t i = 0; good && i < sizeof(digest); i++) {
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	}
	return good ? 0 : -EIO;
}

int oo_check_md5_answer(const char *user, const char *password, const unsigned char salt[static 4],
			char answer[static OO_CHECK_MD5_LENGTH])
{
	char inner[33], outer[33];
	int r = md5(password, strlen(password), user, strlen(user), inner);
	if (r == 0) {
		r = md5(inner, 32, salt, 4, outer);
	}
	if (r == 0) {
		snprintf(answer, OO_CHECK_MD5_LENGTH, "md5%s", outer);
	}
	return r;
}
