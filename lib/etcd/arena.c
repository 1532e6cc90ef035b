#include "etcd/arena.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define ALIGNMENT _Alignof(max_align_t)
#define BLOCK_BYTES 2048

struct oo_etcd_block {
	struct oo_etcd_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

static struct oo_etcd_block *add_block(struct oo_etcd_arena *arena, size_t size)
{
	size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct oo_etcd_block *block = calloc(1, sizeof(*block) + room);
	if (block == NULL) {
		return NULL;
	}
	block->size = room;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *oo_etcd_arena_take(struct oo_etcd_arena *arena, size_t size)
{
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct oo_etcd_block *block = arena->blocks;
	if (block == NULL || size > block->size - block->used) {
		block = add_block(arena, size);
	}
	if (block == NULL) {
		return NULL;
	}
	void *taken = block->data + block->used;
	block->used += size;
	return taken;
}

void oo_etcd_arena_done(struct oo_etcd_arena *arena)
{
	while (arena->blocks != NULL) {
		struct oo_etcd_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
}
