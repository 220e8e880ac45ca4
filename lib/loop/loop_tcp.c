/*
 * loop_tcp.c - what the kernel counts of a TCP connection.
 *
 * A file of its own: the C library's tcp_info, which others get with its headers, ends before the
 * counts. Suspends nothing.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "loop_tcp.h"

uint64_t wr_tcp_bytes_read(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0}; /* as it stays with a kernel that is older */
    socklen_t len = sizeof info;
    unsigned unread = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
        ioctl(fd, FIONREAD, &unread) < 0 || info.tcpi_bytes_received < unread) {
        return 0;
    }
    return info.tcpi_bytes_received - unread;
}
