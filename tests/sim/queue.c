/* The heap of what is to happen. */
#include "sim.h"

#include <stdlib.h>

void sim_queue_init(struct sim_queue *queue)
{
	queue->capacity = 1024;
	queue->heap = malloc(queue->capacity * sizeof(queue->heap[0]));
	sim_queue_clear(queue);
}

void sim_queue_done(struct sim_queue *queue)
{
	free(queue->heap);
	queue->heap = NULL;
}

void sim_queue_clear(struct sim_queue *queue)
{
	queue->n = 0;
	queue->order = 0;
}

static bool is_before(const struct sim_event *one, const struct sim_event *other)
{
	return one->at != other->at ? one->at < other->at : one->order < other->order;
}

void sim_push(struct sim *sim, int64_t at, struct sim_event event)
{
	struct sim_queue *queue = &sim->queue;

	if (queue->n == queue->capacity) {
		queue->capacity *= 2;
		queue->heap = realloc(queue->heap, queue->capacity * sizeof(queue->heap[0]));
		if (queue->heap == NULL) {
			abort();
		}
	}
	event.at = at > sim->now ? at : sim->now;
	event.order = queue->order++;
	size_t i = queue->n++;
	while (i > 0 && is_before(&event, &queue->heap[(i - 1) / 2])) {
		queue->heap[i] = queue->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	queue->heap[i] = event;
}

bool sim_pop(struct sim *sim, struct sim_event *ret_event)
{
	struct sim_queue *queue = &sim->queue;

	if (queue->n == 0) {
		return false;
	}
	*ret_event = queue->heap[0];
	struct sim_event last = queue->heap[--queue->n];
	size_t i = 0;
	for (size_t child = 1; child < queue->n; child = 2 * i + 1) {
		if (child + 1 < queue->n &&
		    is_before(&queue->heap[child + 1], &queue->heap[child])) {
			child++;
		}
		if (!is_before(&queue->heap[child], &last)) {
			break;
		}
		queue->heap[i] = queue->heap[child];
		i = child;
	}
	queue->heap[i] = last;
	return true;
}
