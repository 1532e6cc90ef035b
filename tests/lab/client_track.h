#ifndef OO_CLIENT_TRACK_H
#define OO_CLIENT_TRACK_H
/*
 * What a client makes of the answers to one kind of question: gaps between good answers, and
 * changes of the node that gives them. Lines:
 *   {"kind":K,"event":"first","node":N}
 *   {"kind":K,"event":"gap"|"switch","start_us":T,"gap_us":D,"from":N1,"to":N2}
 *                               from the last good answer (T) to the next (t_us); a switch is
 *                               reported however short the gap
 *   {"kind":K,"event":"bad","what":W}            the first of a run of answers of that sort
 *   {"kind":K,"event":"end","asked":N,"good":N,"bad":N,"longest_us":D,"node":N,
 *    "start_us":T,"open_us":D}                   open: since the last good answer (T) until the end
 */
#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

struct client_track {
	const char *kind;
	int64_t gap_us; /* shorter gaps are not worth a line */
	int64_t last_good_us;
	int64_t longest_us;
	char node[TOOL_NAME_LENGTH];
	char bad[TOOL_NAME_LENGTH]; /* of the current run; empty: the last answer was good */
	unsigned long n_asked;
	unsigned long n_good;
	unsigned long n_bad;
};

void client_track_good(struct client_track *track, const char *node, int64_t now_us);
void client_track_bad(struct client_track *track, const char *what, int64_t now_us);
void client_track_end(const struct client_track *track, int64_t now_us);

#endif
