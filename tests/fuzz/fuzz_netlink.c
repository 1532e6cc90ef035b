/*
 * What the kernel says of the fence's tables. The first byte says what is read (h: which VIPs are held,
 * f: the fingerprint, c: the outcome of a batch) and with that how the rest comes in: as datagrams, each
 * after its length (two bytes), as messages handed to the reader one by one, in room to the byte (H, F), or
 * with a bait behind them (B): libmnl itself is not compiled anew, and reads on unseen.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "net/fence_kernel.h"
#include "net/fence_read.h"

#define NAME "ooha_c"

/* A key's attribute with the VIP in it, which a reader comes upon only past the end. */
static const uint8_t bait[] = {8, 0, 1, 0, 10, 0, 0, 100};

static struct fuzz_input answers;
static bool by_message, baited;

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *requests, const void *data, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *requests, void *buffer, size_t size);
int __real_oo_fence_kernel_dump(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump,
				struct oo_err *err);
int __wrap_oo_fence_kernel_dump(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump,
				struct oo_err *err);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *requests, const void *data, size_t size)
{
	(void)requests;
	FUZZ_CHECK(((const struct nlmsghdr *)data)->nlmsg_len <= size);
	return (ssize_t)size;
}

static size_t take_length(void)
{
	size_t length = (size_t)fuzz_take_byte(&answers) << 8;
	length |= fuzz_take_byte(&answers);
	return length < answers.length ? length : answers.length;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *requests, void *buffer, size_t size)
{
	(void)requests;
	if (answers.length == 0) {
		errno = EAGAIN;
		return -1;
	}
	size_t length = take_length();
	FUZZ_CHECK(length <= size);
	memcpy(buffer, answers.data, length);
	answers.data += length;
	answers.length -= length;
	return (ssize_t)length;
}

/* The kernel's messages are whole, and padded; what is in them is anything. */
static void hand_over(const struct oo_fence_dump *dump, size_t length)
{
	const uint16_t type = NFNL_SUBSYS_NFTABLES << 8 | (dump->type - 1); /* GET to NEW */
	struct nlmsghdr *header =
		calloc(1, MNL_ALIGN(NLMSG_HDRLEN + length) + (baited ? sizeof(bait) : 0));
	FUZZ_CHECK(header != NULL);
	*header = (struct nlmsghdr){.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + length),
				    .nlmsg_type = type};
	memcpy((char *)header + NLMSG_HDRLEN, answers.data, length);
	if (baited) {
		memcpy((char *)header + MNL_ALIGN(header->nlmsg_len), bait, sizeof(bait));
	}
	(void)dump->handle(header, dump->user);
	free(header);
}

int __wrap_oo_fence_kernel_dump(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump,
				struct oo_err *err)
{
	if (!by_message) {
		return __real_oo_fence_kernel_dump(kernel, dump, err);
	}
	dump->restart(dump->user);
	const struct fuzz_input all = answers;
	while (answers.length > 0) {
		size_t length = take_length();
		hand_over(dump, length);
		answers.data += length;
		answers.length -= length;
	}
	answers = all;
	return 0;
}

static void check_result(int r, const struct oo_err *err)
{
	FUZZ_CHECK(r <= 0);
	if (r < 0 && r != -ENOENT) {
		fuzz_check_text(err->text, sizeof(err->text));
	}
}

static void read_held(struct oo_fence_kernel *kernel)
{
	struct oo_err err = {""};
	struct oo_fence_vip vips[] = {
		{.address = {.family = AF_INET, .bytes = {10, 0, 0, 100}, .prefix = 24}},
		{.address = {.family = AF_INET6, .bytes = {0xfd, [15] = 1}, .prefix = 64}}};
	const struct fuzz_input all = answers;
	int r = oo_fence_read_held(kernel, NAME, vips, OO_LENGTH(vips), &err);
	check_result(r, &err);
	for (size_t i = 0; i < OO_LENGTH(vips); i++) {
		FUZZ_CHECK(vips[i].left_ms >= 0);
	}
	/* what did not come is not held */
	FUZZ_CHECK(vips[0].left_ms == 0 || memmem(all.data, all.length, bait + 4, 4) != NULL);
}

static void read_fingerprint(struct oo_fence_kernel *kernel)
{
	struct oo_err err = {""};
	uint64_t first = 1, second = 2;
	const struct fuzz_input all = answers;
	uint32_t seq = kernel->seq;
	int r = oo_fence_read_fingerprint(kernel, NAME, &first, &err);
	check_result(r, &err);
	answers = all;
	kernel->seq = seq;
	FUZZ_CHECK(oo_fence_read_fingerprint(kernel, NAME, &second, &err) == r);
	FUZZ_CHECK(r < 0 ? first == 1 : first == second);
}

/* A batch as it is sent, so that a refusal is about one of its messages. */
static void commit(struct oo_fence_kernel *kernel, bool creates)
{
	static char bytes[1 << 18];
	const struct oo_fence_vip vip = {
		.address = {.family = AF_INET, .bytes = {10, 0, 0, 100}, .prefix = 24}};
	struct oo_err err = {""};
	struct oo_fence_batch batch = {.bytes = bytes, .capacity = sizeof(bytes), .name = NAME};
	FUZZ_CHECK(oo_fence_batch_capacity(1) <= sizeof(bytes));
	oo_fence_batch_begin(&batch, kernel->seq);
	oo_fence_batch_create_tables(&batch);
	oo_fence_batch_put_vips(&batch, &vip, 1);
	oo_fence_batch_end(&batch);
	check_result(creates ? oo_fence_kernel_create(kernel, &batch, &err)
			     : oo_fence_kernel_commit(kernel, &batch, &err),
		     &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct oo_fence_kernel kernel = {.seq = 1};
	answers = (struct fuzz_input){data, length};
	uint8_t which = fuzz_take_byte(&answers);
	baited = which == 'B';
	by_message = which == 'H' || which == 'F' || baited;
	switch (which) {
	case 'h':
	case 'H':
	case 'B':
		read_held(&kernel);
		break;
	case 'f':
	case 'F':
		read_fingerprint(&kernel);
		break;
	case 'c':
	case 'C':
		commit(&kernel, which == 'C');
		break;
	default:
		return -1;
	}
	return 0;
}
