#ifndef OO_RECORDS_H
#define OO_RECORDS_H
/*
 * The values of our keys in etcd, as JSON text and as structures: claim, beat, member, pause,
 * history (docs/design.md section 2 has the table). Pure. What comes from etcd is never trusted:
 * a value that is not ours to understand is a stranger's claim, and no member.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "core/core.h"

struct json_object;

/* Of what we write. Of what we read fields that we do not know are passed over. */
#define OO_RECORD_VERSION 1
#define OO_REASON_LENGTH 160
#define OO_MEMBER_GROUPS_MAX OO_CORE_GROUPS_MAX
/* Of the addresses that a member sees; what is more is left out. */
#define OO_MEMBER_SEES_MAX 16
/* Of the shared checks that are down on a member; what is more is left out. */
#define OO_MEMBER_FAILS_MAX 16
#define OO_SIGHT_ADDRESS_LENGTH 46
#define OO_SIGHT_MAC_LENGTH 18
#define OO_BY_LENGTH 128 /* of who did it: "root@node-a" */
#define OO_TIME_LENGTH 32
#define OO_RECORD_ORDER_MAX_MS 600000 /* for which an order may be valid */
/* The ttl of a claim that we believe; others are as if it said none. */
#define OO_RECORD_TTL_MIN_MS 500
#define OO_RECORD_TTL_MAX_MS 600000

/*
 * How long ago a holder decided to leave, and took its VIPs down, when it sent the claim that gives them
 * away; -1: it did not say.
 */
struct oo_claim_ages {
	int64_t left_ms, down_ms;
};

struct oo_claim_record {
	const char *node, *zone, *reason;
	int64_t acquired_at; /* wall ms */
	const struct oo_request *request;
	struct oo_claim_ages ages; /* of a claim that gives away */
};

/* What people want to know of a claim beyond what the core keeps. */
struct oo_claim_text {
	char by[OO_CORE_NAME_LENGTH]; /* who wrote it */
	char zone[OO_CORE_NAME_LENGTH];
	char acquired_at[OO_TIME_LENGTH];
	char reason[OO_REASON_LENGTH];
	char cause[24]; /* of one that gives away: why its writer left; else empty */
	struct oo_claim_ages ages;
};

/* Where a node's kernel would send packets for a VIP, as text. */
struct oo_sight {
	char address[OO_SIGHT_ADDRESS_LENGTH]; /* without prefix length */
	char mac[OO_SIGHT_MAC_LENGTH];         /* "02:00:00:00:00:17" */
};

struct oo_member {
	char node[OO_CORE_NAME_LENGTH], zone[OO_CORE_NAME_LENGTH];
	int priority;
	bool eligible;
	char reason[OO_REASON_LENGTH]; /* why not, else empty */
	char agent_version[32];
	char api[64];
	uint32_t groups;                     /* bit g: eligible for group g */
	uint16_t ailing[OO_CORE_GROUPS_MAX]; /* optional checks of group g that are down */
	uint32_t stranded; /* bit g: nothing but `fails` keeps it from being eligible for group g */
	char fails[OO_MEMBER_FAILS_MAX][OO_CORE_NAME_LENGTH]; /* shared checks, by name */
	size_t n_fails;
	struct oo_sight sees[OO_MEMBER_SEES_MAX];
	size_t n_sees;
	int64_t mod_revision;
};

/* Who paused the cluster or drained a node, when, and what for; by, if written by hand, may be anything. */
struct oo_decree {
	char by[OO_BY_LENGTH], at[OO_TIME_LENGTH], reason[OO_REASON_LENGTH];
};

/* What people want to know of an order beyond what the core keeps. */
struct oo_order_text {
	char by[OO_BY_LENGTH], at[OO_TIME_LENGTH];
};

/*
 * Writes the claim that request asks for into buffer, which is empty, and stays so after an error.
 * Returns 0, -ENOMEM or -EMSGSIZE (beyond buffer's limit).
 */
int oo_record_write_claim(const struct oo_claim_record *record, struct oo_buffer *buffer);
int oo_record_write_beat(uint64_t nonce, uint64_t beat, struct oo_buffer *buffer);

/*
 * Reads a leader key's value. Always fills ret_claim (but revision, which the caller knows): nonsense
 * becomes a claim of nobody we know, nonce 0, ttl 0. A value too long to keep has length 0 there. Of a
 * later version node, nonce and ttl are enough: a kind that we do not know is somebody's.
 */
void oo_record_read_claim(const char *value, size_t length, struct oo_claim *ret_claim);
void oo_record_read_claim_text(const struct oo_claim *claim, struct oo_claim_text *ret_text);
void oo_record_read_beat(const char *value, size_t length, struct oo_beat *ret_beat);

/*
 * Reads a member's value. groups: names of our groups, n_groups of them, for the eligibility bits.
 * Returns 0, or -EPROTO with what is wrong; the node's name is checked against the key's.
 */
int oo_record_read_member(const char *node, const char *value, const char *const *groups,
			  size_t n_groups, struct oo_member *ret_member, struct oo_err *err);

/*
 * Writes value, a record, into buffer with part (taken, on failure too) under name in it. All else stays,
 * also what a later version has put there. Returns 0, -EPROTO (no JSON object), -ENOMEM or -EMSGSIZE.
 */
int oo_record_add(const char *value, const char *name, struct json_object *part,
		  struct oo_buffer *buffer);

/*
 * Of the keys pause and drain/<node>. Reading, what is not there or wrong stays empty: their mere
 * presence pauses and drains. Writing, as oo_record_write_claim.
 */
void oo_record_read_decree(const char *value, struct oo_decree *ret_decree);
int oo_record_write_decree(const struct oo_decree *decree, struct oo_buffer *buffer);

/*
 * Of the key groups/<group>/request. lease: the etcd lease that the key is attached to, which is the
 * order's id. What makes no sense, or has another lease or none, is no order: id 0.
 */
void oo_record_read_order(const char *value, int64_t lease, struct oo_order *ret_order,
			  struct oo_order_text *ret_text);
int oo_record_write_order(const struct oo_order *order, const struct oo_order_text *text,
			  struct oo_buffer *buffer);

/* Wall time as RFC 3339 in UTC with ms: 2026-01-31T12:00:00.123Z */
void oo_record_time(int64_t wall_ms, char text[static 32]);

#endif
