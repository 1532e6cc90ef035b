#ifndef OO_TEST_VIPS_KERNEL_H
#define OO_TEST_VIPS_KERNEL_H
/*
 * What stands below and beside the VIPs of a group in their tests: a kernel that has addresses, a guard
 * and announcers that remember what they were told, no strangers, and a story that counts.
 */
#include "agent.h"
#include "net/address.h"
#include "net/route.h"

#define KERNEL_VIPS_MAX 4
#define KERNEL_TRACE 100
#define KERNEL_LINKS_MAX 2
#define KERNEL_LO 9 /* the index of lo, which is always there */

struct kernel {
	struct {
		struct oo_address address;
		int ifindex;
	} has[KERNEL_VIPS_MAX];
	size_t n;
	bool exists[KERNEL_LINKS_MAX]; /* eth0, eth1: index 1, 2 */
	int refuses_family;            /* to add it, -EACCES; 0: none */
	int refuses_removal;           /* 0, or the errno */
	unsigned n_dumps, n_removals, n_closed;
	size_t n_announced[KERNEL_LINKS_MAX]; /* addresses; 0: silent */
	unsigned n_ups;                       /* told to the story */
	unsigned n_told;                      /* the core */
	unsigned n_inherited;                 /* parts that are held, from before a reload */
	struct oo_route routes[KERNEL_VIPS_MAX];
	size_t n_routes;
	bool refuses_routes;      /* -EPERM */
	unsigned n_route_changes; /* that a routing daemon would hear of */
	char trace[KERNEL_TRACE]; /* "route fence reset address ": what was taken away, as it was */
};
extern struct kernel kernel;

/* Takes address off its interface, as somebody else would. */
void kernel_take(const char *text);
bool kernel_has(const char *text);
/* Of that metric; 0: of any. */
bool kernel_has_route(const char *text, uint32_t metric);
/* Removes all routes, as somebody else would. */
void kernel_take_routes(void);

#endif
