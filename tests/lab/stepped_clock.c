/*
 * Loaded before a program (LD_PRELOAD), steps the wall clock of that program alone: what it is told of
 * CLOCK_REALTIME is off by the seconds that the file named in LAB_CLOCK_STEP holds, as an int64. The
 * file may change at any time. The clocks that no one can step stay what they are.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step_s;

__attribute__((constructor)) static void open_step(void)
{
	const char *path = getenv("LAB_CLOCK_STEP");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map =
		fd >= 0 ? mmap(NULL, sizeof(*step_s), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (map == MAP_FAILED) {
		abort(); /* a test that steps nothing would prove nothing */
	}
	step_s = map;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ret_now);
	if (r == 0 && step_s != NULL &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		ret_now->tv_sec += *step_s;
	}
	return r;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *ret_now)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_now != NULL) {
		*ret_now = now.tv_sec;
	}
	return now.tv_sec;
}
