/*
 * peer_server.c - the far end of the benchmarks: a small server on a free loopback port.
 *
 *   peer_server file PATH            each TCP connection gets the file, then the end of the stream
 *   peer_server idle                 TCP: one line, then nothing; the connection stays open
 *   peer_server idle-http            the same as an HTTP answer without an end (chunked)
 *   peer_server ticks COUNT MS       HTTP, chunked: COUNT lines, one every MS milliseconds, each of
 *                                    them the time of its sending (CLOCK_MONOTONIC, nanoseconds)
 *   peer_server flood BYTES          HTTP with a Content-Length: lines of 174 bytes
 *
 * The first line on stdout is the port. Each connection is served by a thread with a small stack,
 * except for the idle ones, which are served one after another: their peers send a request at once
 * or none at all. The server runs until it is killed.
 */
#define _GNU_SOURCE /* accept4, sendfile */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_LEN = 174, FLOOD_LINES = 256 };

enum mode { MODE_FILE, MODE_IDLE, MODE_IDLE_HTTP, MODE_TICKS, MODE_FLOOD };

static enum mode mode;
static const char *path;
static long long bytes_to_send;
static long ticks_count, ticks_ms;

static bool send_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Read up to the empty line that ends a request's head. */
static bool read_request(int fd)
{
    char head[4096];
    size_t len = 0;
    while (len < sizeof head - 1) {
        ssize_t n = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        head[len] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL) {
            return true;
        }
    }
    return false;
}

static void serve_file(int fd)
{
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) < 0) {
        perror(path);
        exit(1);
    }
    off_t at = 0;
    while (at < st.st_size && sendfile(fd, file, &at, 1 << 20) > 0) {}
    close(file);
}

static const char chunked[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n";

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void serve_ticks(int fd)
{
    if (!read_request(fd) || !send_all(fd, chunked, sizeof chunked - 1)) {
        return;
    }
    int64_t next = now_ns();
    for (long i = 0; i < ticks_count; i++) {
        next += ticks_ms * 1000000;
        struct timespec until = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        char chunk[64];
        int len = snprintf(chunk, sizeof chunk, "14\r\n%019" PRId64 "\n\r\n", now_ns());
        if (len < 0 || !send_all(fd, chunk, (size_t)len)) {
            return;
        }
    }
    send_all(fd, "0\r\n\r\n", 5);
}

static void serve_flood(int fd)
{
    static char lines[FLOOD_LINES * LINE_LEN];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char head[128];
    pthread_mutex_lock(&lock);
    memset(lines, 'x', sizeof lines);
    for (size_t i = 1; i <= FLOOD_LINES; i++) {
        lines[i * LINE_LEN - 1] = '\n';
    }
    pthread_mutex_unlock(&lock);
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n",
                       bytes_to_send);
    if (!read_request(fd) || len < 0 || !send_all(fd, head, (size_t)len)) {
        return;
    }
    long long left = bytes_to_send;
    while (left > 0) {
        size_t n = left < (long long)sizeof lines ? (size_t)left : sizeof lines;
        if (!send_all(fd, lines, n)) {
            return;
        }
        left -= (long long)n;
    }
}

/* True: the connection stays open. */
static bool serve_idle(int fd)
{
    static const char chunk[] = "6\r\nhello\n\r\n";
    if (mode == MODE_IDLE) {
        return send_all(fd, "hello\n", 6);
    }
    return read_request(fd) && send_all(fd, chunked, sizeof chunked - 1) &&
           send_all(fd, chunk, sizeof chunk - 1);
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    if (mode == MODE_FILE) {
        serve_file(fd);
    } else if (mode == MODE_TICKS) {
        serve_ticks(fd);
    } else {
        serve_flood(fd);
    }
    close(fd);
    return NULL;
}

static void accept_all(int listener)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    for (;;) {
        pthread_t thread;
        int one = 1;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            perror("peer_server: accept");
            exit(1);
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (mode == MODE_IDLE || mode == MODE_IDLE_HTTP) {
            if (!serve_idle(fd)) {
                close(fd);
            }
        } else if (pthread_create(&thread, &attr, serve, (void *)(intptr_t)fd) != 0) {
            close(fd);
        }
    }
}

static bool read_arguments(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (argc == 3 && strcmp(word, "file") == 0) {
        mode = MODE_FILE;
        path = argv[2];
    } else if (argc == 2 && strcmp(word, "idle") == 0) {
        mode = MODE_IDLE;
    } else if (argc == 2 && strcmp(word, "idle-http") == 0) {
        mode = MODE_IDLE_HTTP;
    } else if (argc == 4 && strcmp(word, "ticks") == 0) {
        mode = MODE_TICKS;
        ticks_count = atol(argv[2]);
        ticks_ms = atol(argv[3]);
    } else if (argc == 3 && strcmp(word, "flood") == 0) {
        mode = MODE_FLOOD;
        bytes_to_send = atoll(argv[2]);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct rlimit files;
    if (!read_arguments(argc, argv)) {
        fprintf(stderr, "usage: peer_server file PATH|idle|idle-http|ticks COUNT MS|flood BYTES\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) < 0) {
        perror("peer_server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    accept_all(listener);
    return 0;
}
