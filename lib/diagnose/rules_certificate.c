/* The certificate that browsers are shown, and the files that it comes from. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

#define SOON_DAYS 14

struct shown {
	enum oo_trust trust;
	enum oo_fault cause;
	const char *what;
	const char *remedy;
};

static const struct shown shown[] = {
	{OO_TRUST_EXPIRED, OO_FAULT_CERTIFICATE_EXPIRED, "certificate expired",
	 "renew it (certbot renew, documentserver-letsencrypt.sh), then: nginx -s reload"},
	{OO_TRUST_NOT_YET, OO_FAULT_CERTIFICATE_NOT_YET_VALID, "certificate not yet valid",
	 "look at this node's clock (timedatectl); otherwise wait, or take the one before"},
	{OO_TRUST_OTHER_NAME, OO_FAULT_CERTIFICATE_OTHER_NAME, "certificate for another name",
	 "get one that has the users' name, or give users the name that it has"},
	{OO_TRUST_CHAIN, OO_FAULT_CERTIFICATE_CHAIN, "certificate chain not trusted",
	 "put the intermediate certificates behind it in ssl_certificate's file (fullchain.pem), "
	 "then: nginx -s reload"},
	{OO_TRUST_SELF_SIGNED, OO_FAULT_CERTIFICATE_CHAIN, "certificate self-signed",
	 "browsers warn, integrations refuse it: get one of a known authority"},
	{OO_TRUST_OTHER, OO_FAULT_CERTIFICATE_CHAIN, "certificate not trusted",
	 "openssl s_client -connect HOST:443 -servername NAME says why"},
};

/* A file that is good while what is shown is not: nginx has not read it since. */
static const struct oo_certificate *good_file(const struct oo_rules *rules)
{
	const struct oo_certificate *good = NULL;
	for (size_t i = 0; i < rules->seen->n_certificates; i++) {
		const struct oo_certificate *file = &rules->seen->certificates[i];
		if (file->look == OO_LOOK_SEEN && file->days_left < 0) {
			return NULL;
		}
		good = file->look == OO_LOOK_SEEN ? file : good;
	}
	return good;
}

static void say(struct oo_rules *rules, enum oo_exchange_name name, const struct shown *one)
{
	const struct oo_exchange *exchange = &rules->seen->exchanges[name];
	bool is_expired = one->trust == OO_TRUST_EXPIRED;
	const struct oo_certificate *good = is_expired ? good_file(rules) : NULL;
	bool is_of_user = name == OO_EXCHANGE_USER;
	struct oo_finding *finding = oo_rule_say(
		rules, one->cause,
		is_of_user || one->cause != OO_FAULT_CERTIFICATE_CHAIN ? OO_CONFIDENCE_CERTAIN
								       : OO_CONFIDENCE_LIKELY,
		"%s: %s", one->what, exchange->certificate);
	if (is_of_user && one->trust != OO_TRUST_SELF_SIGNED) {
		finding->weight = OO_WEIGHT_OUTAGE;
	} else if (!is_of_user && one->trust == OO_TRUST_SELF_SIGNED) {
		finding->weight = OO_WEIGHT_WARNING; /* who uses one has told the browsers */
	}
	oo_rule_ground(finding, "%s shows it: %s, %lld days left", exchange->url,
		       exchange->certificate, (long long)exchange->certificate_days_left);
	if (good != NULL) {
		oo_rule_ground(finding, "%s is good for %lld days: nginx has not read it yet",
			       good->path, (long long)good->days_left);
		oo_rule_remedy(finding, "nginx -t && nginx -s reload");
		return;
	}
	oo_rule_remedy(finding, "%s", one->remedy);
}

static void trust(struct oo_rules *rules)
{
	static const enum oo_exchange_name names[] = {OO_EXCHANGE_USER, OO_EXCHANGE_PROXY_TLS,
						      OO_EXCHANGE_VIP};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		enum oo_trust trust = rules->seen->exchanges[names[i]].trust;
		for (size_t j = 0; j < OO_LENGTH(shown); j++) {
			/* by its address nobody but us asks for the proxy */
			bool is_moot = shown[j].trust == OO_TRUST_OTHER_NAME &&
				       names[i] != OO_EXCHANGE_USER;
			if (trust == shown[j].trust && !is_moot) {
				say(rules, names[i], &shown[j]);
			}
		}
	}
}

/* Files that were not seen in use: nothing was asked over TLS, or they are renewed in vain. */
static void files(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	bool was_shown = seen->exchanges[OO_EXCHANGE_PROXY_TLS].trust != OO_TRUST_UNKNOWN ||
			 seen->exchanges[OO_EXCHANGE_USER].trust != OO_TRUST_UNKNOWN;
	for (size_t i = 0; i < seen->n_certificates; i++) {
		const struct oo_certificate *file = &seen->certificates[i];
		if (file->look != OO_LOOK_SEEN || file->days_left >= 0 ||
		    oo_rule_has(rules, OO_FAULT_CERTIFICATE_EXPIRED)) {
			continue;
		}
		struct oo_finding *finding =
			oo_rule_say(rules, OO_FAULT_CERTIFICATE_EXPIRED,
				    was_shown ? OO_CONFIDENCE_POSSIBLE : OO_CONFIDENCE_CERTAIN,
				    "certificate expired %lld days ago: %s",
				    (long long)-file->days_left, file->path);
		oo_rule_ground(finding, "%s: %lld days left", file->path,
			       (long long)file->days_left);
		oo_rule_remedy(finding, "renew it (certbot renew, documentserver-letsencrypt.sh), "
					"then: nginx -s reload");
	}
}

static void foreign_key(struct oo_rules *rules)
{
	for (size_t i = 0; i < rules->seen->n_certificates; i++) {
		const struct oo_certificate *file = &rules->seen->certificates[i];
		if (file->look != OO_LOOK_SEEN || file->is_key_its_own ||
		    oo_rule_has(rules, OO_FAULT_PROXY_CONFIG_BROKEN)) {
			continue;
		}
		struct oo_finding *finding = oo_rule_say(
			rules, OO_FAULT_PROXY_CONFIG_BROKEN, OO_CONFIDENCE_CERTAIN,
			"proxy configuration broken: the key is not that of %s", file->path);
		if (oo_seen_is_running(&rules->seen->processes[OO_PROGRAM_PROXY])) {
			finding->weight = OO_WEIGHT_WARNING;
		}
		oo_rule_ground(finding, "%s and its ssl_certificate_key do not belong together",
			       file->path);
		oo_rule_remedy(finding,
			       "openssl x509 -in %s -noout -pubkey; compare with openssl "
			       "pkey -pubout; then: nginx -t && nginx -s reload",
			       file->path);
	}
}

static void expires_soon(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *tls = &seen->exchanges[OO_EXCHANGE_PROXY_TLS];
	int64_t days = SOON_DAYS;
	const char *which = NULL;
	if (tls->trust != OO_TRUST_UNKNOWN && tls->certificate_days_left >= 0 &&
	    tls->certificate_days_left < days) {
		days = tls->certificate_days_left;
		which = tls->certificate;
	}
	for (size_t i = 0; i < seen->n_certificates; i++) {
		const struct oo_certificate *file = &seen->certificates[i];
		if (file->look == OO_LOOK_SEEN && file->days_left >= 0 && file->days_left < days) {
			days = file->days_left;
			which = file->path;
		}
	}
	if (which == NULL || oo_rule_has(rules, OO_FAULT_CERTIFICATE_EXPIRED)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_CERTIFICATE_EXPIRES_SOON, OO_CONFIDENCE_CERTAIN,
			    "certificate expires in %lld days: %s", (long long)days, which);
	oo_rule_ground(finding, "%s: %lld days left", which, (long long)days);
	oo_rule_remedy(finding, "renew it, then: nginx -s reload; systemctl list-timers certbot*");
}

static const struct oo_rule table[] = {
	{0, trust},
	{0, files},
	{0, foreign_key},
	{0, expires_soon},
};
const struct oo_rule_table oo_rules_certificate = OO_RULE_TABLE(table);
