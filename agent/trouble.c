#include "trouble.h"

#include <errno.h>

#include "base/text.h"

#define KIND_SILENT 1u  /* no member answers, or none can */
#define KIND_FOREIGN 2u /* what answers is no etcd */
#define KIND_REFUSED 4u /* etcd says no: rights, limits */
#define KIND_FULL 8u    /* etcd has no space left */

#define FORGET_MS 60000

static unsigned kind_of(int r)
{
	switch (-r) {
	case ETIMEDOUT:
	case ECONNREFUSED:
	case EAGAIN:
		return KIND_SILENT;
	case EPROTO:
		return KIND_FOREIGN;
	case ENOSPC:
		return KIND_FULL;
	default: /* errno is not an enum of ours */
		return KIND_REFUSED;
	}
}

bool agent_trouble_begin(struct agent_trouble *trouble, enum agent_affair affair, int r,
			 const struct oo_err *err, int64_t now)
{
	unsigned kind = kind_of(r);
	bool new = (trouble->said & kind) == 0;

	trouble->since = trouble->said == 0 ? now : trouble->since;
	trouble->said |= kind;
	trouble->kinds[affair] = kind;
	trouble->failed_at[affair] = now;
	oo_text_clip(trouble->texts[affair], sizeof(trouble->texts[affair]), err->text);
	return new;
}

/* Whether all trouble is over now, and was not before. */
static bool is_over(struct agent_trouble *trouble)
{
	bool over = trouble->said != 0;

	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		over = over && trouble->kinds[i] == 0;
	}
	trouble->said = over ? 0 : trouble->said;
	return over;
}

/* Whoever answers one affair answers the others, too, but may well refuse them. */
bool agent_trouble_end(struct agent_trouble *trouble, enum agent_affair affair, int64_t now)
{
	trouble->kinds[affair] = 0;
	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		bool refused = (trouble->kinds[i] & (KIND_REFUSED | KIND_FULL)) != 0;
		if (!refused || now - trouble->failed_at[i] > FORGET_MS) {
			trouble->kinds[i] = 0;
		}
	}
	return is_over(trouble);
}

bool agent_trouble_end_full(struct agent_trouble *trouble)
{
	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		trouble->kinds[i] &= ~KIND_FULL;
	}
	return is_over(trouble);
}

const char *agent_trouble_text(const struct agent_trouble *trouble)
{
	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		if (trouble->kinds[i] != 0) {
			return trouble->texts[i];
		}
	}
	return "";
}
