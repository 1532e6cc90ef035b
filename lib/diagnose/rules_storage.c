/* Where documents are kept while they are worked on. Its health check hides all of these. */
#include "diagnose/rule.h"

#include "base/text.h"

struct means {
	enum oo_check_reason reason;
	enum oo_fault cause;
	const char *what;
	const char *before, *after; /* what to do; the path is between them */
};

static const struct means causes[] = {
	{OO_CHECK_REASON_MISSING, OO_FAULT_STORAGE_MISSING, "storage missing",
	 "mount it, or: install -d -o ds -g ds ", ""},
	{OO_CHECK_REASON_DENIED, OO_FAULT_STORAGE_DENIED, "storage not for the Document Server",
	 "chown -R ds:ds ", ""},
	{OO_CHECK_REASON_READ_ONLY, OO_FAULT_STORAGE_READ_ONLY, "storage read only",
	 "find out why (dmesg | tail), then: mount -o remount,rw $(findmnt -no TARGET -T ", ")"},
	{OO_CHECK_REASON_FULL, OO_FAULT_STORAGE_FULL, "storage full",
	 "free space or inodes; du -xsh ", "/* | sort -h"},
	{OO_CHECK_REASON_HUNG, OO_FAULT_STORAGE_HUNG, "storage hung", "findmnt -T ",
	 "; look at the server that it is mounted from"},
	{OO_CHECK_REASON_STORAGE, OO_FAULT_STORAGE_HUNG, "storage fails",
	 "dmesg | tail; findmnt -T ", "; mount it again"},
};

/* A user without rights sees "denied" where the Document Server's own user would not. */
static bool is_believed(const struct oo_rules *rules, const struct oo_disk *disk)
{
	return disk->result.reason != OO_CHECK_REASON_DENIED || rules->seen->is_root ||
	       oo_seen_line(rules->seen, OO_LOG_MEANING_STORAGE) != NULL;
}

static void say(struct oo_rules *rules, const struct oo_disk *disk, const struct means *means)
{
	/* the check's own limit is 5 %: with more than nothing left it still works */
	bool is_nearly = disk->result.reason == OO_CHECK_REASON_FULL && disk->free_percent > 0 &&
			 disk->free_inodes_percent != 0;
	struct oo_finding *finding =
		oo_rule_say(rules, means->cause, OO_CONFIDENCE_CERTAIN, "%s%s: %s: %s",
			    is_nearly ? "almost " : "", means->what, disk->path, disk->result.seen);
	finding->weight = is_nearly ? OO_WEIGHT_WARNING : finding->weight;
	oo_rule_ground(finding, "%s: %s", disk->path, disk->result.seen);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_STORAGE);
	if (oo_seen_true(oo_seen_proxied(rules->seen))) {
		oo_rule_ground(finding, "/healthcheck says true: it does not tell of the storage");
	}
	oo_rule_remedy(finding, "%s%s%s", means->before, disk->path, means->after);
	if (disk->result.reason == OO_CHECK_REASON_HUNG) {
		oo_rule_explain(rules, OO_EXCHANGE_BIT(DIRECT_HEALTH));
		oo_rule_explain_behind_proxy(rules);
	}
}

static void storage(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	for (size_t i = 0; i < seen->n_disks; i++) {
		const struct oo_disk *disk = &seen->disks[i];
		for (size_t j = 0; j < OO_LENGTH(causes); j++) {
			if (oo_text_equal(disk->what, "storage") &&
			    disk->result.reason == causes[j].reason && is_believed(rules, disk)) {
				say(rules, disk, &causes[j]);
			}
		}
	}
}

/* Where the storage itself could not be looked at, the Document Server's word is there. */
static void storage_by_its_word(struct oo_rules *rules)
{
	const struct oo_log_line *line = oo_seen_line(rules->seen, OO_LOG_MEANING_STORAGE);
	for (size_t i = 0; i < rules->seen->n_disks; i++) {
		if (oo_text_equal(rules->seen->disks[i].what, "storage") &&
		    rules->seen->disks[i].result.state != OO_CHECK_STATE_UNKNOWN) {
			return;
		}
	}
	if (line == NULL) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_STORAGE_DENIED, OO_CONFIDENCE_LIKELY,
			    "storage not writable, as the Document Server says");
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_STORAGE);
	oo_rule_remedy(finding, "ls -ld, df -h and findmnt -T of the path that the line names");
}

static const struct oo_rule table[] = {
	{0, storage},
	{0, storage_by_its_word},
};
const struct oo_rule_table oo_rules_storage = OO_RULE_TABLE(table);
