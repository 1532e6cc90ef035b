/* The host: what lies below all others. */
#include "diagnose/rule.h"

#include <string.h>

#include "base/text.h"

#define MEMORY_PERCENT 2
#define LITTLE_PERCENT 10 /* with programs that wait for it */
#define PRESSURE_PERCENT 40

/* One name without an answer may be its own fault; none with an answer is the name service's. */
static void name_service_down(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_evidence_lookup *late = NULL;
	for (size_t i = 0; i < seen->n_lookups; i++) {
		const struct oo_evidence_lookup *lookup = &seen->lookups[i];
		bool is_asked =
			strspn(lookup->name, "0123456789.:abcdefABCDEF") != strlen(lookup->name) &&
			!oo_seen_is_loopback(lookup->name);
		if (is_asked && lookup->look == OO_LOOK_SEEN) {
			return;
		}
		late = is_asked && lookup->look == OO_LOOK_LATE ? lookup : late;
	}
	if (late == NULL) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_NAME_SERVICE_DOWN, OO_CONFIDENCE_LIKELY,
			    "name service down: no name server answers for %s", late->name);
	finding->weight = oo_seen_healthy(seen) ? OO_WEIGHT_PART : OO_WEIGHT_OUTAGE;
	oo_rule_ground(finding, "%s (%s): no answer in time %s", late->name, late->asked_by,
		       late->error);
	oo_rule_remedy(finding, "resolvectl status; cat /etc/resolv.conf; getent hosts %s",
		       late->name);
}

static void memory_exhausted(struct oo_rules *rules)
{
	const struct oo_host *host = &rules->seen->host;
	const struct oo_log_line *killed = oo_seen_line(rules->seen, OO_LOG_MEANING_OUT_OF_MEMORY);
	if (host->look != OO_LOOK_SEEN || host->memory_total_bytes == 0) {
		return;
	}
	uint64_t percent = host->memory_available_bytes * 100 / host->memory_total_bytes;
	bool is_pressed = host->memory_pressure_percent >= PRESSURE_PERCENT;
	if (percent > MEMORY_PERCENT && !(is_pressed && percent <= LITTLE_PERCENT)) {
		return;
	}
	bool is_sure = percent <= MEMORY_PERCENT && (is_pressed || killed != NULL);
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_MEMORY_EXHAUSTED,
		is_sure ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"memory exhausted: %d %% of it available, programs wait for memory %u %% of the "
		"time",
		(int)percent, host->memory_pressure_percent);
	oo_rule_ground(finding, "%llu MiB of %llu MiB available",
		       (unsigned long long)(host->memory_available_bytes >> 20),
		       (unsigned long long)(host->memory_total_bytes >> 20));
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_OUT_OF_MEMORY);
	oo_rule_remedy(finding, "ps aux --sort=-rss | head; give the node more memory");
}

/* The storage has rules of its own. What is as full as it is the same file system. */
static void disk_full(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	for (size_t i = 0; i < seen->n_disks; i++) {
		const struct oo_disk *disk = &seen->disks[i];
		if (oo_text_equal(disk->what, "storage") ||
		    disk->result.reason != OO_CHECK_REASON_FULL) {
			continue;
		}
		bool is_over = disk->free_percent == 0 || disk->free_inodes_percent == 0;
		struct oo_finding *finding = oo_rule_say(
			rules, OO_FAULT_DISK_FULL, OO_CONFIDENCE_CERTAIN, "disk full: %s at %s: %s",
			disk->what, disk->path, disk->result.seen);
		finding->weight = is_over ? OO_WEIGHT_PART : OO_WEIGHT_WARNING;
		oo_rule_ground(finding, "%s: %s", disk->path, disk->result.seen);
		oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_DISK_FULL);
		oo_rule_remedy(finding, "df -h %s; df -i %s; du -xsh %s/* | sort -h", disk->path,
			       disk->path, disk->path);
	}
}

/* The file system under logs or temporary files has turned read-only, as it does after errors. */
static void disk_read_only(struct oo_rules *rules)
{
	for (size_t i = 0; i < rules->seen->n_disks; i++) {
		const struct oo_disk *disk = &rules->seen->disks[i];
		if (oo_text_equal(disk->what, "storage") ||
		    disk->result.reason != OO_CHECK_REASON_READ_ONLY) {
			continue;
		}
		struct oo_finding *finding =
			oo_rule_say(rules, OO_FAULT_STORAGE_READ_ONLY, OO_CONFIDENCE_CERTAIN,
				    "read-only file system: %s at %s", disk->what, disk->path);
		finding->weight = OO_WEIGHT_PART;
		oo_rule_ground(finding, "%s: %s", disk->path, disk->result.seen);
		oo_rule_remedy(finding,
			       "find out why (dmesg | tail), then: mount -o remount,rw "
			       "$(findmnt -no TARGET -T %s)",
			       disk->path);
	}
}

/* All that this node asks of itself goes over lo, by whatever address of its own. */
static void loopback_down(struct oo_rules *rules)
{
	if (!rules->seen->host.loopback_down) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_LOOPBACK_DOWN, OO_CONFIDENCE_CERTAIN,
			    "loopback down: the programs of this node do not reach each other");
	oo_rule_ground(finding, "the interface lo is set down");
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_remedy(finding, "ip link set lo up; ip -br address show lo");
	oo_rule_explain(rules,
			OO_EXCHANGES_DIRECT | OO_EXCHANGES_PROXIED | OO_EXCHANGE_BIT(PROXY_STATIC));
}

static const struct oo_rule table[] = {
	{0, loopback_down}, {0, name_service_down}, {0, memory_exhausted},
	{0, disk_full},     {0, disk_read_only},
};
const struct oo_rule_table oo_rules_host = OO_RULE_TABLE(table);
