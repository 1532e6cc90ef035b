#ifndef OO_CLEANUP_H
#define OO_CLEANUP_H
/*
 * Scope cleanup: a local that owns is declared OO_AUTO(function) and initialised where declared;
 * ownership leaves the scope only through oo_take_*.
 */
#include <stddef.h>

/* function is called with the address of the variable when the scope ends. */
#define OO_AUTO(function) __attribute__((cleanup(function)))

/* The structure that holds member at pointer. */
#define oo_container_of(pointer, type, member)                                                     \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define OO_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* For OO_AUTO: closes *fd unless it is negative. errno is kept. */
void oo_close(int *fd);
/* For OO_AUTO: frees the pointer that pointer_address points to (any object pointer's address). */
void oo_free(void *pointer_address);

/* Takes ownership out of *fd: returns it and leaves -1. */
static inline int oo_take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* Takes ownership out of a pointer variable: yields it and leaves NULL. */
#define oo_take_ptr(variable)                                                                      \
	(__extension__({                                                                           \
		__typeof__(variable) oo_taken = (variable);                                        \
		(variable) = NULL;                                                                 \
		oo_taken;                                                                          \
	}))

#endif
