#include "net/fence.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/fence_read.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ARM_TRIES_MAX 3
/* More than what is slow every time: a single stop of the agent must not use up a deadline. */
#define RESERVE_MAX_MS 200
#define REPORT_BYTES 65536
/* Reports of a ruleset of some thousand rules that somebody loads. */
#define REPORTS_BUFFER_BYTES (1024 * 1024)
#define TURN_DATAGRAMS_MAX 64 /* read in one turn of the loop */

/* Owned by whoever called oo_fence_new. */
struct oo_fence {
	char name[OO_FENCE_NAME_LENGTH];
	struct oo_fence_kernel kernel;
	struct mnl_socket *reports;  /* owned */
	sd_event_source *source;     /* owned */
	struct oo_fence_vip *vips;   /* owned; ordered by compare_vips */
	size_t n;                    /* of vips */
	struct oo_fence_batch batch; /* bytes owned: arming needs no memory */
	bool put_up;                 /* by the call that is under way */
	uint64_t fingerprint;        /* of the tables as they were put up */
	oo_fence_lost_fn *lost;
	void *user;
};

static int compare_vips(const void *one, const void *other)
{
	const struct oo_address *a = &((const struct oo_fence_vip *)one)->address;
	const struct oo_address *b = &((const struct oo_fence_vip *)other)->address;
	return a->family != b->family ? a->family - b->family
				      : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static struct oo_fence_vip *find_vip(const struct oo_fence *fence, const struct oo_address *address)
{
	const struct oo_fence_vip wanted = {.address = *address};
	return bsearch(&wanted, fence->vips, fence->n, sizeof(wanted), compare_vips);
}

static int refuse_vip(const struct oo_address *address, const char *why, struct oo_err *err)
{
	char text[OO_ADDRESS_LENGTH];
	return oo_fail_text(err, EINVAL, "%s %s", oo_address_format(address, text), why);
}

/* Sets what every VIP has left at the time at. Returns whether any has. */
static bool count_down(struct oo_fence *fence, int64_t at)
{
	bool any = false;
	for (size_t i = 0; i < fence->n; i++) {
		struct oo_fence_vip *vip = &fence->vips[i];
		/* at is rounded down, so what is left would be rounded up */
		vip->left_ms = vip->until > at ? vip->until - at - 1 : 0;
		if (vip->left_ms < OO_FENCE_LEAST_MS) {
			vip->left_ms = 0;
		}
		any |= vip->left_ms > 0;
	}
	return any;
}

/* whole: tables and all; else what is held alone. */
static int send_held(struct oo_fence *fence, bool whole, struct oo_err *err)
{
	oo_fence_batch_begin(&fence->batch, fence->kernel.seq);
	if (whole) {
		oo_fence_batch_delete_tables(&fence->batch);
		oo_fence_batch_create_tables(&fence->batch);
		oo_fence_batch_put_vips(&fence->batch, fence->vips, fence->n);
	} else {
		oo_fence_batch_flush_held(&fence->batch);
	}
	oo_fence_batch_put_held(&fence->batch, fence->vips, fence->n);
	oo_fence_batch_end(&fence->batch);
	return whole ? oo_fence_kernel_create(&fence->kernel, &fence->batch, err)
		     : oo_fence_kernel_commit(&fence->kernel, &fence->batch, err);
}

/* Puts the tables up. Somebody may change them before they are read: that is reported. */
static int put_up(struct oo_fence *fence, struct oo_err *err)
{
	int r = send_held(fence, true, err);
	fence->put_up |= r == 0;
	return r;
}

/* Tells what is held; puts the tables up when somebody has deleted them. */
static int tell_held(struct oo_fence *fence, struct oo_err *err)
{
	int r = send_held(fence, false, err);
	return r == -ENOENT ? put_up(fence, err) : r;
}

static int close_late(struct oo_fence *fence, struct oo_err *err)
{
	for (size_t i = 0; i < fence->n; i++) {
		fence->vips[i].until = 0;
		fence->vips[i].until_before = 0;
	}
	(void)count_down(fence, 0);
	int r = tell_held(fence, err);
	return r < 0 ? r
		     : oo_fail_text(err, ETIME,
				    "the fence could not be armed in time: it is closed");
}

/*
 * Brings the kernel to what vips say.
 * whole  puts the tables up too; else only when they are missing.
 */
static int arm(struct oo_fence *fence, bool whole, struct oo_err *err)
{
	int64_t reserve_ms = 0; /* for the way into the kernel */
	for (int i = 0; i < ARM_TRIES_MAX; i++) {
		const int64_t started_at = oo_clock_now();
		const bool any_held = count_down(fence, started_at + reserve_ms);
		int r = whole ? put_up(fence, err) : tell_held(fence, err);
		if (r < 0) {
			return r;
		}
		whole = false;
		const int64_t took_ms = oo_clock_now() - started_at;
		if (!any_held || took_ms <= reserve_ms + OO_FENCE_LATE_MS) {
			return 0;
		}
		reserve_ms = 2 * took_ms < RESERVE_MAX_MS ? 2 * took_ms : RESERVE_MAX_MS;
	}
	return close_late(fence, err);
}

/* As arm; a failure leaves vips as they were before the call, like the kernel. */
static int apply(struct oo_fence *fence, bool whole, struct oo_err *err)
{
	fence->put_up = false;
	int r = arm(fence, whole, err);
	for (size_t i = 0; i < fence->n; i++) {
		struct oo_fence_vip *vip = &fence->vips[i];
		if (r < 0) {
			vip->until = vip->until_before;
		}
		vip->until_before = vip->until;
	}
	/* without one it is taken for changed, and put up again */
	if (fence->put_up &&
	    oo_fence_read_fingerprint(&fence->kernel, fence->name, &fence->fingerprint, NULL) < 0) {
		fence->fingerprint = 0;
	}
	return r;
}

static int set_until(struct oo_fence *fence, const struct oo_address *list, size_t n, int64_t until,
		     struct oo_err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (find_vip(fence, &list[i]) == NULL) {
			return refuse_vip(&list[i], "is not one of the fence's addresses", err);
		}
	}
	for (size_t i = 0; i < n; i++) {
		find_vip(fence, &list[i])->until = until;
	}
	return apply(fence, false, err);
}

int oo_fence_open_until(struct oo_fence *fence, const struct oo_address *list, size_t n,
			int64_t until, struct oo_err *err)
{
	const bool worth_it = until - oo_clock_now() >= OO_FENCE_LEAST_MS;
	return set_until(fence, list, n, worth_it ? until : 0, err);
}

int oo_fence_close(struct oo_fence *fence, const struct oo_address *list, size_t n,
		   struct oo_err *err)
{
	return set_until(fence, list, n, 0, err);
}

int64_t oo_fence_until(const struct oo_fence *fence, const struct oo_address *vip)
{
	const struct oo_fence_vip *found = find_vip(fence, vip);
	return found != NULL ? found->until : 0;
}

int oo_fence_check(struct oo_fence *fence, bool *ret_intact, struct oo_err *err)
{
	uint64_t fingerprint = 0;
	int r = oo_fence_read_fingerprint(&fence->kernel, fence->name, &fingerprint, err);
	if (r < 0 && r != -ENOENT) {
		return r;
	}
	*ret_intact = r == 0 && fingerprint == fence->fingerprint;
	return 0;
}

int oo_fence_restore(struct oo_fence *fence, struct oo_err *err)
{
	return apply(fence, true, err);
}

static bool is_ours(const struct oo_fence *fence, const struct nlmsghdr *header)
{
	return oo_fence_is_of(header, OO_FENCE_INET, fence->name) ||
	       oo_fence_is_of(header, OO_FENCE_ARP, fence->name);
}

/* Returns whether one of the messages is about our tables. */
static bool read_report(const struct oo_fence *fence, const char *buffer, ssize_t got)
{
	int left = (int)got;
	for (const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
	     mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		if (is_ours(fence, header)) {
			return true;
		}
	}
	return false;
}

static int on_reports(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_fence *fence = user;
	char buffer[REPORT_BYTES];
	bool lost = false;
	ssize_t got = 0;
	(void)source;
	(void)fd;
	(void)events;
	for (int i = 0; got >= 0 && i < TURN_DATAGRAMS_MAX; i++) {
		got = mnl_socket_recvfrom(fence->reports, buffer, sizeof(buffer));
		lost |= got > 0 && read_report(fence, buffer, got);
	}
	/* ENOBUFS, netlink(7): the kernel had more to say than the socket holds. */
	if (got < 0 && errno != EAGAIN) {
		bool intact = false;
		lost |= oo_fence_check(fence, &intact, NULL) < 0 || !intact;
	}
	if (lost && fence->lost != NULL) {
		fence->lost(fence->user);
	}
	return 0;
}

/* What we change ourselves is not worth a wake-up, and must not be taken for somebody else's. */
static int ignore_own(struct oo_fence *fence)
{
	const uint32_t own = htonl(mnl_socket_get_portid(fence->kernel.requests));
	struct sock_filter code[] = {
		/* BPF reads in network order */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = {.len = OO_LENGTH(code), .filter = code};
	return setsockopt(mnl_socket_get_fd(fence->reports), SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter));
}

static int open_reports(struct oo_fence *fence, sd_event *event, struct oo_err *err)
{
	const int buffer_bytes = REPORTS_BUFFER_BYTES;
	fence->reports = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fence->reports == NULL || ignore_own(fence) < 0 ||
	    mnl_socket_bind(fence->reports, 1u << (NFNLGRP_NFTABLES - 1), MNL_SOCKET_AUTOPID) < 0) {
		int error_number = errno;
		return oo_fail(err, error_number, "nf_tables reports%s",
			       error_number == EPERM ? " (needs CAP_NET_ADMIN)" : "");
	}
	const int fd = mnl_socket_get_fd(fence->reports);
	/* Past net.core.rmem_max with CAP_NET_ADMIN, which the fence needs anyway. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
	int r = sd_event_add_io(event, &fence->source, fd, EPOLLIN, on_reports, fence);
	return r < 0 ? oo_fail(err, -r, "nf_tables reports on the loop") : 0;
}

static int copy_name(struct oo_fence *fence, const char *name, struct oo_err *err)
{
	const size_t length = strlen(name);
	if (length == 0 || strchr(LETTERS, name[0]) == NULL ||
	    strspn(name, LETTERS "0123456789_-.") != length ||
	    oo_text_copy(fence->name, sizeof(fence->name), name) < 0) {
		return oo_fail_text(err, EINVAL,
				    "\"%.*s\" cannot name a fence: give a letter, then at most %d "
				    "letters, digits, '_', '-' and '.'",
				    OO_FENCE_NAME_LENGTH, name, OO_FENCE_NAME_LENGTH - 2);
	}
	return 0;
}

static int copy_vips(struct oo_fence *fence, const struct oo_address *vips, size_t n,
		     struct oo_err *err)
{
	fence->batch.capacity = oo_fence_batch_capacity(n);
	fence->batch.bytes = calloc(1, fence->batch.capacity); /* libmnl leaves padding as it is */
	fence->vips = calloc(n + 1, sizeof(*fence->vips));     /* calloc(0) may be NULL */
	fence->n = n;
	if (fence->batch.bytes == NULL || fence->vips == NULL) {
		return oo_fail(err, ENOMEM, "fence");
	}
	for (size_t i = 0; i < n; i++) {
		fence->vips[i].address = vips[i];
	}
	qsort(fence->vips, n, sizeof(*fence->vips), compare_vips);
	for (size_t i = 1; i < n; i++) {
		if (compare_vips(&fence->vips[i - 1], &fence->vips[i]) == 0) {
			return refuse_vip(&fence->vips[i].address, "is given twice", err);
		}
	}
	return 0;
}

/* Takes over the deadlines that an earlier agent gave the kernel. */
static int keep_held(struct oo_fence *fence, struct oo_err *err)
{
	const int64_t read_at = oo_clock_now();
	int r = oo_fence_read_held(&fence->kernel, fence->name, fence->vips, fence->n, err);
	for (size_t i = 0; r == 0 && i < fence->n; i++) {
		struct oo_fence_vip *vip = &fence->vips[i];
		vip->until = vip->left_ms > 0 ? read_at + vip->left_ms : 0;
		vip->until_before = vip->until;
	}
	return r;
}

void oo_fence_free(struct oo_fence *fence, bool remove)
{
	if (fence == NULL) {
		return;
	}
	if (remove && fence->kernel.requests != NULL) {
		oo_fence_batch_begin(&fence->batch, fence->kernel.seq);
		oo_fence_batch_delete_tables(&fence->batch);
		oo_fence_batch_end(&fence->batch);
		/* what stays is closed, and the next agent's to replace */
		(void)oo_fence_kernel_commit(&fence->kernel, &fence->batch, NULL);
	}
	sd_event_source_disable_unref(fence->source);
	if (fence->reports != NULL) {
		(void)mnl_socket_close(fence->reports); /* nothing is left to be done about it */
	}
	oo_fence_kernel_close(&fence->kernel);
	free(fence->batch.bytes);
	free(fence->vips);
	free(fence);
}

static void free_fence(struct oo_fence **fence)
{
	oo_fence_free(*fence, false);
}

int oo_fence_new(sd_event *event, const struct oo_fence_options *options,
		 struct oo_fence **ret_fence, struct oo_err *err)
{
	OO_AUTO(free_fence) struct oo_fence *fence = calloc(1, sizeof(*fence));
	if (fence == NULL) {
		return oo_fail(err, ENOMEM, "fence");
	}
	fence->batch.name = fence->name;
	fence->lost = options->lost;
	fence->user = options->user;
	int r = copy_name(fence, options->name, err);
	if (r == 0) {
		r = copy_vips(fence, options->vips, options->n, err);
	}
	if (r == 0) {
		r = oo_fence_kernel_open(&fence->kernel, fence->batch.capacity, err);
	}
	if (r == 0) {
		r = open_reports(fence, event, err);
	}
	if (r == 0 && options->keep) {
		r = keep_held(fence, err);
	}
	if (r == 0) {
		r = apply(fence, true, err);
	}
	if (r < 0) {
		return r;
	}
	*ret_fence = oo_take_ptr(fence);
	return 0;
}
