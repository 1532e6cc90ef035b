#include "digest.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define LINE_LENGTH 512

/* The first 64 bits of SHA-256; 0 without memory. */
static uint64_t hash(const char *line)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t number = 0;
	if (EVP_Digest(line, strlen(line), digest, NULL, EVP_sha256(), NULL) == 1) {
		memcpy(&number, digest, sizeof(number));
	}
	return number;
}

static void write_sum(uint64_t sum, char text[static AGENT_DIGEST_LENGTH])
{
	snprintf(text, AGENT_DIGEST_LENGTH, "%016" PRIx64, sum);
}

void agent_digest_groups(const struct oo_config *config, char text[static AGENT_DIGEST_LENGTH])
{
	uint64_t sum = 0;
	for (size_t g = 0; g < config->n_groups; g++) {
		const struct oo_config_group *group = &config->groups[g];
		char line[LINE_LENGTH];
		if (group->prefer_zone[0] != '\0') { /* two that differ would pass it to and fro */
			snprintf(line, sizeof(line), "%s prefers %s", group->name,
				 group->prefer_zone);
			sum += hash(line);
		}
		if (!oo_text_equal(group->zones, "any")) { /* all rank themselves by it */
			snprintf(line, sizeof(line), "%s zones %s", group->name, group->zones);
			sum += hash(line);
		}
		for (size_t i = 0; i < group->n_vips; i++) {
			const struct oo_config_vip *vip = &group->vips[i];
			const bool is_plain =
				vip->mode == OO_MODE_ARP; /* older agents know no other */
			snprintf(line, sizeof(line), "%s %s%s%s", group->name, vip->address,
				 is_plain ? "" : " ",
				 is_plain ? "" : oo_config_mode_name(vip->mode));
			sum += hash(line);
		}
	}
	write_sum(sum, text);
}

void agent_digest_checks(const struct oo_config *config, char text[static AGENT_DIGEST_LENGTH])
{
	uint64_t sum = 0;
	for (size_t i = 0; i < config->n_checks; i++) {
		const struct oo_config_check *check = &config->checks[i];
		const struct oo_check_spec *spec = &check->spec;
		char line[LINE_LENGTH];
		snprintf(line, sizeof(line),
			 "%s %s %" PRId64 " %" PRId64 " %" PRId64 " %d %d %d %d", spec->name,
			 oo_check_type_name(spec->type), spec->interval_ms, spec->timeout_ms,
			 spec->grace_ms, check->rise, check->fall, check->shared, check->optional);
		sum += hash(line);
		for (size_t g = 0; g < config->n_groups; g++) {
			if (config->groups[g].checks[i]) {
				snprintf(line, sizeof(line), "%s %s", config->groups[g].name,
					 spec->name);
				sum += hash(line);
			}
		}
	}
	write_sum(sum, text);
}

void agent_digest_secret(const char *cluster, const char *secret,
			 char text[static AGENT_DIGEST_SECRET_LENGTH])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	text[0] = '\0';
	if (secret[0] != '\0' &&
	    HMAC(EVP_sha256(), cluster, (int)strlen(cluster), (const unsigned char *)secret,
		 strlen(secret), digest, &length) != NULL) {
		snprintf(text, AGENT_DIGEST_SECRET_LENGTH, "%02x%02x", digest[0], digest[1]);
	}
	explicit_bzero(digest, sizeof(digest));
}
