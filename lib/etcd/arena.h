#ifndef OO_ETCD_ARENA_H
#define OO_ETCD_ARENA_H
/* Memory of one decoded answer: taken piece by piece, freed as a whole. */
#include <stddef.h>

struct oo_etcd_arena {
	struct oo_etcd_block *blocks; /* owned */
};

/* Zeroed, aligned for anything. Returns NULL when there is no memory. An empty arena is {0}. */
void *oo_etcd_arena_take(struct oo_etcd_arena *arena, size_t size);
void oo_etcd_arena_done(struct oo_etcd_arena *arena);

#endif
