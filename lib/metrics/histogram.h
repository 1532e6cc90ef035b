#ifndef OO_HISTOGRAM_H
#define OO_HISTOGRAM_H
/*
 * Durations, counted in classes that are the same everywhere: from 1 ms to 30 s, close to each other
 * where a hand-over and a renewal should be. Pure data: all zero is an empty one.
 */
#include <stdint.h>

#define OO_HISTOGRAM_BOUNDS 15

struct oo_histogram {
	uint64_t counts[OO_HISTOGRAM_BOUNDS + 1]; /* of each class alone; the last has no bound */
	int64_t sum_us;
};

/* The most that belongs to each class, us, ascending. */
extern const int64_t oo_histogram_bounds_us[OO_HISTOGRAM_BOUNDS];

/* Counts one; less than nothing, which no clock of ours measures, counts as nothing. */
void oo_histogram_note(struct oo_histogram *histogram, int64_t took_us);

#endif
