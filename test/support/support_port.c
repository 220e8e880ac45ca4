/*
 * support_port.c - a port for a test (support_port.h).
 */
#include "support_port.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* Can the address be bound by a socket of this type? */
static bool is_free(const struct sockaddr_in *at, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool free_now = bind(fd, (const struct sockaddr *)(const void *)at, sizeof *at) == 0;
    close(fd);
    return free_now;
}

struct sockaddr_in wr_free_port(void)
{
    enum { FIRST = 10000, PORTS = 20000 };
    static unsigned drawn;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    drawn += drawn == 0 ? (unsigned)getpid() * 7919u : 0;
    do {
        drawn = drawn * 1664525u + 1013904223u;
        at.sin_port = htons((uint16_t)(FIRST + (drawn >> 8) % PORTS));
    } while (!is_free(&at, SOCK_DGRAM) || !is_free(&at, SOCK_STREAM));
    return at;
}
