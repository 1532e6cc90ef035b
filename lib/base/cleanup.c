#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void oo_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		(void)close(*fd); /* nothing can be done about a failed close of what we give up */
		errno = saved;
		*fd = -1;
	}
}

void oo_free(void *pointer_address)
{
	void *pointer;
	memcpy(&pointer, pointer_address, sizeof(pointer));
	free(pointer);
}
