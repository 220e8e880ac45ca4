/*
 * peer_recv.c - the floor for reading a TCP socket: a loop of recv() into one buffer that looks at
 * nothing. It connects to a port, or, with port 0, listens on one, which it prints, for one connection.
 * Prints the bytes.
 */
#define _GNU_SOURCE /* sockets */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The connection of the first who comes; -1: it has failed. */
static int accept_one(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, len) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &len) < 0) {
        return -1;
    }
    printf("%d\n", ntohs(address->sin_port));
    fflush(stdout);
    return accept(fd, NULL, NULL);
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -1 : fd;
}

int main(int argc, char **argv)
{
    static char buffer[128 * 1024]; /* as large as the blocks that weir receives into */
    struct sockaddr_in address = {.sin_family = AF_INET};
    long long bytes = 0;
    ssize_t n;
    if (argc != 2) {
        fprintf(stderr, "usage: peer_recv PORT\n");
        return 2;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    int fd = address.sin_port == 0 ? accept_one(&address) : connect_to(&address);
    if (fd < 0) {
        perror("peer_recv");
        return 1;
    }
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        bytes += n;
    }
    close(fd);
    printf("%lld\n", bytes);
    return n < 0;
}
