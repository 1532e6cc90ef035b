#include "examine/pages.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define HEARTBEAT_DEFAULT_MS 100
#define ELECTION_DEFAULT_MS 1000
#define PEER "etcd_network_peer_round_trip_time_seconds"
#define NAME_LENGTH 128
#define PREFIX "ETCD_"

/* The number of the line that begins with name; -1: there is none. */
static double find_number(const char *text, const char *name)
{
	const size_t length = strlen(name);
	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, name, length) == 0 && line[length] == ' ') {
			return strtod(line + length + 1, NULL);
		}
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return -1;
}

/* Buckets count all that took no longer than their edge: the first with that share of all in it. */
static int64_t find_quantile_us(const char *text, const char *bucket, double count, double share)
{
	const size_t length = strlen(bucket);
	for (const char *line = strstr(text, bucket); line != NULL; line = strstr(line, bucket)) {
		char *end;
		double edge_s = strtod(line + length, &end);
		line = end;
		const char *number = strchr(end, ' ');
		if (number != NULL && strtod(number, NULL) >= count * share) {
			return edge_s >= 0 && edge_s < 60 ? (int64_t)(edge_s * 1e6) : 60000000;
		}
	}
	return 0;
}

/* What it has measured to the peer that is farthest: the mean, but no more than half of its samples
 * exceed, as one stall weighs on a mean for hours. Each sample is smoothed already. */
static int64_t find_peer_us(const char *text)
{
	static const char sum[] = PEER "_sum{To=\"";
	int64_t most_us = 0;
	for (const char *line = strstr(text, sum); line != NULL; line = strstr(line, sum)) {
		char name[NAME_LENGTH];
		line += strlen(sum);
		const int length = (int)strcspn(line, "\"\n");
		snprintf(name, sizeof(name), PEER "_sum{To=\"%.*s\"}", length, line);
		const double sum_s = find_number(text, name);
		snprintf(name, sizeof(name), PEER "_count{To=\"%.*s\"}", length, line);
		const double count = find_number(text, name), mean_us = sum_s / count * 1e6;
		if (sum_s <= 0 || mean_us <= (double)most_us || mean_us >= 6e7) {
			continue;
		}
		snprintf(name, sizeof(name), PEER "_bucket{To=\"%.*s\",le=\"", length, line);
		const int64_t median_us = find_quantile_us(text, name, count, 0.5);
		if (median_us == 0 || median_us > mean_us) {
			most_us = (int64_t)mean_us;
		} else if (median_us > most_us) {
			most_us = median_us;
		}
	}
	return most_us;
}

void oo_pages_read(const char *text, struct oo_etcd_endpoint_facts *endpoint)
{
	double quota = find_number(text, "etcd_server_quota_backend_bytes");
	double count = find_number(text, "etcd_disk_wal_fsync_duration_seconds_count");
	if (quota >= 0 && quota < 1e18) {
		endpoint->quota_bytes = (int64_t)quota;
	}
	if (count > 0 && count < 1e18) {
		endpoint->fsync_count = (int64_t)count;
		endpoint->fsync_us = find_quantile_us(
			text, "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"", count, 0.99);
	}
	endpoint->peer_us = find_peer_us(text);
}

/* The value of option words[i], "--name=value" or "--name value"; NULL: it is another. */
static const char *value_of(const char *const *words, size_t n, size_t i, const char *name)
{
	const char *word = words[i] + strspn(words[i], "-");
	const size_t length = strlen(name);
	if (word == words[i] || strncmp(word, name, length) != 0) {
		return NULL;
	}
	if (word[length] == '=') {
		return word + length + 1;
	}
	return word[length] != '\0'                  ? NULL
	       : i + 1 < n && words[i + 1][0] != '-' ? words[i + 1]
						     : "";
}

void oo_pages_read_options(const char *const *words, size_t n,
			   struct oo_etcd_endpoint_facts *endpoint)
{
	bool has_file = false;
	endpoint->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
	endpoint->election_ms = ELECTION_DEFAULT_MS;
	for (size_t i = 1; i < n; i++) {
		const char *vote = value_of(words, n, i, "pre-vote");
		const char *retention = value_of(words, n, i, "auto-compaction-retention");
		const char *heartbeat = value_of(words, n, i, "heartbeat-interval");
		const char *election = value_of(words, n, i, "election-timeout");
		has_file = has_file || value_of(words, n, i, "config-file") != NULL;
		if (vote != NULL) {
			endpoint->has_pre_vote = !oo_text_equal(vote, "false");
		}
		if (retention != NULL) {
			endpoint->compacts = strtod(retention, NULL) > 0;
		}
		if (heartbeat != NULL) {
			endpoint->heartbeat_ms = strtol(heartbeat, NULL, 10);
		}
		if (election != NULL) {
			endpoint->election_ms = strtol(election, NULL, 10);
		}
	}
	endpoint->options_look = n > 1 && !has_file ? OO_LOOK_SEEN : OO_LOOK_NONE;
}

/* "ETCD_PRE_VOTE=true" -> "--pre-vote=true", in its place */
static const char *make_option(char *entry)
{
	char *word = entry + strlen(PREFIX) - 2;
	word[0] = word[1] = '-';
	for (char *c = word + 2; *c != '\0' && *c != '='; c++) {
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	}
	return word;
}

/* Not the end of another place's: "110.0.1.11:2379", "10.0.1.11:23790". */
static bool names_place(const char *urls, const char *at)
{
	for (const char *found = strstr(urls, at); found != NULL; found = strstr(found + 1, at)) {
		char next = found[strlen(at)];
		if (found > urls && (found[-1] == '/' || found[-1] == '[') &&
		    !isdigit((unsigned char)next)) {
			return true;
		}
	}
	return false;
}

size_t oo_pages_parse_environment(char *text, size_t length, const char *at, const char **words,
				  size_t most)
{
	size_t n = 0;
	bool is_it = false;
	words[n++] = "etcd";
	for (char *entry = text; entry < text + length && n < most;) {
		char *next = entry + strlen(entry) + 1;
		if (strncmp(entry, PREFIX, strlen(PREFIX)) == 0) {
			is_it = is_it ||
				(strstr(entry, "_CLIENT_URLS=") != NULL && names_place(entry, at));
			words[n++] = make_option(entry);
		}
		entry = next;
	}
	return is_it ? n : 0;
}
