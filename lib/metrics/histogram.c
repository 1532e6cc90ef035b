#include "metrics/histogram.h"

const int64_t oo_histogram_bounds_us[OO_HISTOGRAM_BOUNDS] = {
	1000,   2500,   5000,    10000,   15000,   25000,    50000,    100000,
	250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

void oo_histogram_note(struct oo_histogram *histogram, int64_t took_us)
{
	unsigned i = 0;

	took_us = took_us < 0 ? 0 : took_us;
	while (i < OO_HISTOGRAM_BOUNDS && took_us > oo_histogram_bounds_us[i]) {
		i++;
	}
	histogram->counts[i]++;
	histogram->sum_us += took_us;
}
