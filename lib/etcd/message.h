#ifndef OO_ETCD_MESSAGE_H
#define OO_ETCD_MESSAGE_H
/* One message of a watch stream: bytes in, events out. */
#include "etcd/arena.h"
#include "etcd/etcd.h"
#include "etcd/failure.h"

struct oo_etcd_message {
	bool created;
	bool canceled;    /* compacted, or refused */
	int64_t revision; /* of the store; later than the events while the watch catches up */
	int64_t compact_revision; /* 0: not compacted */
	struct oo_etcd_event *events;
	size_t n_events;
	int64_t last_revision;          /* of the last event in it, also of one left out; 0: none */
	struct oo_etcd_failure failure; /* when canceled */
	struct oo_etcd_arena arena;
};

/*
 * Reads one message (what stands before a line feed, or at the end of the stream).
 * Returns 0, or a negative number with failure: etcd's in-stream error, or -EPROTO, -ENOMEM.
 */
int oo_etcd_message_decode(const char *text, size_t length, struct oo_etcd_message *ret_message,
			   struct oo_etcd_failure *failure);
void oo_etcd_message_done(struct oo_etcd_message *message);

/*
 * Leaves out the events before revision first: some releases send again what was told already, or
 * what precedes the start.
 */
void oo_etcd_message_trim(struct oo_etcd_message *message, int64_t first);

#endif
