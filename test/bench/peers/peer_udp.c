/*
 * peer_udp.c - datagrams of 200 bytes, a syslog message each: a sender, and a bare receiver.
 *
 *   peer_udp recv              receive at a free port of loopback, which is printed, until SIGTERM; then
 *                              print {"datagrams": N, "dropped": N}
 *   peer_udp send PORT N RATE  send N of them, RATE a second (0: as fast as possible)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, BYTES = 200, ROOM = 2048 };

static volatile sig_atomic_t over;

static void on_signal(int number)
{
    (void)number;
    over = 1;
}

static int receive(void)
{
    static char rooms[BATCH][ROOM];
    static struct mmsghdr messages[BATCH];
    static struct iovec parts[BATCH];
    static struct sockaddr_in peers[BATCH];
    struct sigaction action = {.sa_handler = on_signal};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = 4 * 1024 * 1024;
    long long count = 0;
    sigaction(SIGTERM, &action, NULL);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    if (bind(fd, (struct sockaddr *)&at, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
        perror("bind");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    while (!over) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){rooms[i], ROOM};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                                  .msg_iovlen = 1,
                                                  .msg_name = &peers[i],
                                                  .msg_namelen = sizeof peers[i]};
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        count += n > 0 ? n : 0;
    }
    uint32_t info[SK_MEMINFO_VARS] = {0};
    len = sizeof info;
    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
    printf("{\"datagrams\": %lld, \"dropped\": %u}\n", count, info[SK_MEMINFO_DROPS]);
    return 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_all(int port, long count, double rate)
{
    static const char message[] =
        "<165>1 2026-03-01T15:26:51.123Z web-3 nginx 1234 ID47 [demo@32473 number=\"123456\" "
        "tenant=\"t-4\"] upstream timed out while reading the response header, client: 192.0.2.17, "
        "server: api, request: 17 of 20 ..........";
    static struct mmsghdr messages[BATCH];
    struct iovec part = {(void *)(uintptr_t)message, BYTES};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        perror("connect");
        return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    }
    double began_s = now_s();
    for (long sent = 0; sent < count;) {
        long due = rate > 0 ? (long)((now_s() - began_s) * rate) : count;
        long n = (due < count ? due : count) - sent;
        if (n <= 0) {
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
            continue;
        }
        int done = sendmmsg(fd, messages, n < BATCH ? (unsigned)n : BATCH, 0);
        sent += done > 0 ? done : 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "recv") == 0) {
        return receive();
    }
    if (argc == 5 && strcmp(argv[1], "send") == 0) {
        return send_all(atoi(argv[2]), atol(argv[3]), atof(argv[4]));
    }
    fprintf(stderr, "usage: peer_udp recv | peer_udp send PORT N RATE\n");
    return 2;
}
