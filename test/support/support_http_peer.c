/*
 * support_http_peer.c - the scripted HTTP peer: blocking sockets in a thread, so that the loop
 * under test is nobody's but its own and a virtual clock stays in the hands of the test.
 */
#include "support_http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support_check.h"

enum { REQUESTS_MAX = 16, HEAD_MAX = 8192 };

struct http_peer {
    const struct http_answer *answers;
    size_t count;
    int listener, port;
    atomic_int connection; /* -1: none */
    atomic_size_t requests;
    atomic_bool ending;
    bool joined;
    pthread_t thread;
    char url[256];
    char heads[REQUESTS_MAX][HEAD_MAX];
};

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static void read_head(int fd, char *head)
{
    size_t len = 0;
    while (len < HEAD_MAX - 1) {
        ssize_t got = recv(fd, head + len, 1, 0);
        if (got <= 0) {
            break;
        }
        len++;
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
            break;
        }
    }
    head[len] = '\0';
}

static void send_all(int fd, const struct http_answer *answer)
{
    size_t len = answer->len > 0 ? answer->len : strlen(answer->text);
    for (size_t at = 0; at < len;) {
        ssize_t sent =
            send(fd, answer->text + at, answer->byte_by_byte ? 1 : len - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        at += (size_t)sent;
    }
}

/* Has the client taken all that its kernel has received? A reset throws away the rest. */
static bool client_has_read(int fd)
{
    struct sockaddr_in here, there;
    socklen_t here_len = sizeof here, there_len = sizeof there;
    char line[256];
    unsigned local, remote, received;
    bool left = false;
    bool known = getsockname(fd, (struct sockaddr *)(void *)&here, &here_len) == 0 &&
                 getpeername(fd, (struct sockaddr *)(void *)&there, &there_len) == 0;
    FILE *table = fopen("/proc/net/tcp", "re");
    while (known && table != NULL && !left && fgets(line, sizeof line, table) != NULL) {
        left = sscanf(line, " %*d: %*x:%x %*x:%x 01 %*x:%x", &local, &remote, &received) == 3 &&
               local == ntohs(there.sin_port) && remote == ntohs(here.sin_port) && received > 0;
    }
    if (table != NULL) {
        fclose(table);
    }
    return !left;
}

static void serve(struct http_peer *peer, int fd, const struct http_answer *answer)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    size_t i = atomic_load(&peer->requests);
    read_head(fd, peer->heads[i < REQUESTS_MAX ? i : REQUESTS_MAX - 1]);
    atomic_store(&peer->requests, i + 1);
    send_all(fd, answer);
    if (answer->after == HTTP_RESET) {
        struct tcp_info info;
        socklen_t size = sizeof info;
        while (
            (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_unacked > 0) ||
            !client_has_read(fd)) {
            usleep(100);
        }
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    } else {
        char rest[256];
        if (answer->after == HTTP_CLOSE) {
            shutdown(fd, SHUT_WR);
        }
        while (recv(fd, rest, sizeof rest, 0) > 0) {}
    }
}

static void *run(void *arg)
{
    struct http_peer *peer = arg;
    for (size_t i = 0; i < peer->count && !atomic_load(&peer->ending); i++) {
        int fd = accept(peer->listener, NULL, NULL);
        if (fd < 0) {
            break;
        }
        atomic_store(&peer->connection, fd);
        if (!atomic_load(&peer->ending)) {
            serve(peer, fd, &peer->answers[i]);
        }
        atomic_store(&peer->connection, -1);
        close(fd);
    }
    shutdown(peer->listener, SHUT_RDWR);
    return NULL;
}

struct http_peer *http_peer_new(const struct http_answer *answers, size_t count)
{
    struct http_peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (peer == NULL) {
        give_up("calloc");
    }
    wr_test_no_proxy();
    peer->answers = answers;
    peer->count = count;
    atomic_store(&peer->connection, -1);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->listener < 0 ||
        bind(peer->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(peer->listener, 16) < 0 ||
        getsockname(peer->listener, (struct sockaddr *)&address, &len) < 0) {
        give_up("socket");
    }
    peer->port = ntohs(address.sin_port);
    if (pthread_create(&peer->thread, NULL, run, peer) != 0) {
        give_up("pthread_create");
    }
    return peer;
}

const char *http_peer_url(struct http_peer *peer, const char *path)
{
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%d%s", peer->port, path);
    return peer->url;
}

const char *http_peer_request(const struct http_peer *peer, size_t i)
{
    return i < REQUESTS_MAX ? peer->heads[i] : "";
}

size_t http_peer_requests(const struct http_peer *peer)
{
    return atomic_load(&peer->requests);
}

void http_peer_join(struct http_peer *peer)
{
    if (!peer->joined) {
        pthread_join(peer->thread, NULL);
        peer->joined = true;
    }
}

void http_peer_free(struct http_peer *peer)
{
    atomic_store(&peer->ending, true);
    shutdown(peer->listener, SHUT_RDWR);
    int fd = atomic_load(&peer->connection);
    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
    }
    http_peer_join(peer);
    close(peer->listener);
    free(peer);
}
