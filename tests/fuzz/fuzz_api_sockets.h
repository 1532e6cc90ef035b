#ifndef FUZZ_API_SOCKETS_H
#define FUZZ_API_SOCKETS_H
#include <stdint.h>
#include <sys/socket.h>

#define FUZZ_API_FD 1000000

extern struct sockaddr_storage fuzz_api_bound; /* by the last bind(2) */
extern uint8_t fuzz_api_who;                   /* the peer, as in the input */

#endif
