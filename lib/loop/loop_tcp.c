/*
 * loop_tcp.c - the kernel's counters of a TCP connection, and when it treats the peer as gone.
 *
 * A separate file, because the tcp_info in the C library's headers, which other files include, ends
 * before these counters. Nothing here suspends.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "loop_tcp.h"

enum { IDLE_S = 30, AGAIN_S = 10, TRIES = 3 };

uint64_t wr_tcp_bytes_read(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0}; /* stays 0 on an older kernel */
    socklen_t len = sizeof info;
    unsigned unread = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
        ioctl(fd, FIONREAD, &unread) < 0 || info.tcpi_bytes_received < unread) {
        return 0;
    }
    return info.tcpi_bytes_received - unread;
}

void wr_tcp_keep_alive(int fd)
{
    int on = 1, idle_s = IDLE_S, again_s = AGAIN_S, tries = TRIES;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &again_s, sizeof again_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

void wr_tcp_limit_silence(int fd)
{
    unsigned limit_ms = (IDLE_S + TRIES * AGAIN_S) * 1000;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

void wr_tcp_acknowledge(int fd)
{
    int at_once = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once);
}
