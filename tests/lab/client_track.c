#include "client_track.h"

#include <string.h>

void client_track_good(struct client_track *track, const char *node, int64_t now_us)
{
	char name[TOOL_NAME_LENGTH];
	tool_name_copy(name, node);
	const int64_t gap_us = now_us - track->last_good_us;
	if (track->n_good++ == 0) {
		tool_line(now_us, "\"kind\":\"%s\",\"event\":\"first\",\"node\":\"%s\"",
			  track->kind, name);
	} else {
		const bool same = strcmp(name, track->node) == 0;
		if (!same || gap_us > track->gap_us) {
			tool_line(now_us,
				  "\"kind\":\"%s\",\"event\":\"%s\",\"start_us\":%lld,"
				  "\"gap_us\":%lld,\"from\":\"%s\",\"to\":\"%s\"",
				  track->kind, same ? "gap" : "switch",
				  (long long)track->last_good_us, (long long)gap_us, track->node,
				  name);
		}
		track->longest_us = gap_us > track->longest_us ? gap_us : track->longest_us;
	}
	memcpy(track->node, name, sizeof(name));
	track->bad[0] = '\0';
	track->last_good_us = now_us;
}

void client_track_bad(struct client_track *track, const char *what, int64_t now_us)
{
	track->n_bad++;
	if (strcmp(what, track->bad) != 0) {
		tool_name_copy(track->bad, what);
		tool_line(now_us, "\"kind\":\"%s\",\"event\":\"bad\",\"what\":\"%s\"", track->kind,
			  track->bad);
	}
}

void client_track_end(const struct client_track *track, int64_t now_us)
{
	tool_line(now_us,
		  "\"kind\":\"%s\",\"event\":\"end\",\"asked\":%lu,\"good\":%lu,\"bad\":%lu,"
		  "\"longest_us\":%lld,\"node\":\"%s\",\"start_us\":%lld,\"open_us\":%lld",
		  track->kind, track->n_asked, track->n_good, track->n_bad,
		  (long long)track->longest_us, track->node, (long long)track->last_good_us,
		  track->n_good > 0 ? (long long)(now_us - track->last_good_us) : -1LL);
}
