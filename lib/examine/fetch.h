#ifndef OO_FETCH_H
#define OO_FETCH_H
/* One GET of an etcd member's plain pages, with the configuration's certificates. Private to the module. */
#include "base/text.h"
#include "examine/work.h"

struct oo_fetch {
	struct oo_work *work;
	CURL *easy; /* owned */
	bool is_running;
	struct oo_buffer body;
	void (*done)(struct oo_fetch *fetch, CURLcode code);
	void *user;
};

/* Starts url + path; done runs from the loop, once, while the work is still held. In place; end it. */
void oo_fetch_start(struct oo_fetch *fetch, struct oo_work *work, const char *url,
		    const char *path);
void oo_fetch_end(struct oo_fetch *fetch);

/* 200? */
bool oo_fetch_is_good(const struct oo_fetch *fetch, CURLcode code);
/* What it says of the way there; error: its words. */
enum oo_reach oo_fetch_reach(const struct oo_fetch *fetch, CURLcode code,
			     char error[static OO_FACTS_TEXT]);

#endif
