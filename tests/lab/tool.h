#ifndef OO_TOOL_H
#define OO_TOOL_H
/*
 * What the lab's C tools share: a time line on standard output (JSON, one object a line, times
 * in CLOCK_BOOTTIME us), precise scheduling, addresses, and the descriptors their loops wait on.
 */
#include <netinet/in.h>
#include <stdint.h>

#define TOOL_NAME_LENGTH 64

struct tool_address {
	int family;              /* AF_INET or AF_INET6 */
	unsigned char bytes[16]; /* network order; the first 4 for AF_INET, the rest zero */
	char text[INET6_ADDRSTRLEN];
};

/* Reads a numeric address. Returns 0 or -EINVAL. */
int tool_address_parse(const char *text, struct tool_address *ret_address);

/*
 * Writes {"t_us":at_us,<format>} as one line at once, so that a reader sees whole lines only.
 * format  the inside of the object; strings in it need no escaping (see tool_name_copy).
 */
void tool_line(int64_t at_us, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Copies a name that came from outside, with whatever JSON or a terminal could trip over
 * replaced by '?', clipped to TOOL_NAME_LENGTH.
 */
void tool_name_copy(char target[static TOOL_NAME_LENGTH], const char *text);

/* Real-time priority and locked memory: a tool that is scheduled late measures itself. Where the
 * kernel refuses, the tool goes on as it is. */
void tool_precise(void);

/* Back to ordinary: to be called when the measuring is over, since what a sanitizer does at exit
 * would keep those from a processor who are still measured. */
void tool_ordinary(void);

/* A descriptor that is readable once SIGTERM or SIGINT came, which no longer kill. Or -errno. */
int tool_stop_fd(void);

/* A descriptor that is readable every interval_us, first at once. Or -errno. */
int tool_timer_fd(int64_t interval_us);

/* Clears a timer's readability. */
void tool_timer_read(int fd);

/* Reads a whole number within limits; otherwise says what was wrong with option and exits 2. */
long tool_number(const char *option, const char *text, long least, long most);

#endif
