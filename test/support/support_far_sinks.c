/*
 * support_far_sinks.c - the far ends of sinks, and how each sink of the language is opened in a test.
 *
 * A far end is drained by hand: it takes what has come when the test says so.
 */
#include "support_suites.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "support_far_ws.h"
#include "support_program.h"

size_t wr_far_take(int fd, char *to, size_t cap, bool *end)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    ssize_t n = read(fd, to, cap);
    *end = n == 0 || (n < 0 && errno != EAGAIN);
    return n > 0 ? (size_t)n : 0;
}

const char *wr_far_listen(struct wr_folder *folder, int *fd)
{
    static char address[128];
    int small = 16 * 1024;
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path, sizeof where.sun_path, "%s/socket", folder->path);
    snprintf(address, sizeof address, "unix:%s/socket", folder->path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(*fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)(const void *)&where, sizeof where), 0);
    ck_assert_int_eq(listen(*fd, 8), 0);
    return address;
}

size_t wr_far_take_socket(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    *end = false;
    if (play->far < 0) {
        play->far = accept4(play->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    return play->far >= 0 ? wr_far_take(play->far, to, cap, end) : 0;
}

void wr_far_close(struct wr_sink_play *play)
{
    if (play->fd >= 0) {
        close(play->fd);
    }
    if (play->far >= 0) {
        close(play->far);
    }
}

/* ---- requests */

static char request[WR_SUITE_BIG_BYTES + 4096];
static size_t request_len;

const char *wr_far_listen_http(struct wr_sink_play *play)
{
    static char url[64];
    request_len = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hook", wr_far_listen_tcp(&play->fd));
    return url;
}

/* The body of a request that has come as a whole; NULL: it has not. */
static const char *whole_body(size_t *len)
{
    request[request_len] = '\0';
    const char *head = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
    if (head == NULL || length == NULL) {
        return NULL;
    }
    *len = strtoul(length + 16, NULL, 10);
    return (size_t)(head + 4 - request) + *len <= request_len ? head + 4 : NULL;
}

const char *wr_far_body(struct wr_sink_play *play, size_t *len)
{
    bool closed = false;
    size_t n;
    if (play->far < 0) {
        play->far = accept4(play->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        request_len = 0;
    }
    do {
        n = play->far < 0 ? 0
                          : wr_far_take(play->far, request + request_len,
                                        sizeof request - 1 - request_len, &closed);
        request_len += n;
    } while (n > 0);
    return play->far < 0 ? NULL : whole_body(len);
}

void wr_far_answer(struct wr_sink_play *play, const char *answer)
{
    ck_assert_int_eq(write(play->far, answer, strlen(answer)), (ssize_t)strlen(answer));
    request_len = 0;
}

size_t wr_far_take_post(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    size_t len;
    const char *body = wr_far_body(play, &len);
    *end = false;
    if (body == NULL || len > cap) {
        return 0;
    }
    memcpy(to, body, len);
    wr_far_answer(play, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    close(play->far);
    play->far = -1;
    return len;
}

/* ---- each sink of the language */

static char text[512];

static const char *stdout_text(struct wr_sink_play *play)
{
    int ends[2];
    if (play->fd < 0) {
        signal(SIGPIPE, SIG_IGN);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        play->far = ends[0];
        play->fd = ends[1];
    }
    return "stdout";
}

/* The descriptor stays the test's: it is the test that ends the stream. */
static size_t take_pipe(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    size_t n = wr_far_take(play->far, to, cap, end);
    if (n == 0 && wr_list_empty(&play->scope->objects)) {
        close(play->fd);
        play->fd = -1;
        n = wr_far_take(play->far, to, cap, end);
    }
    return n;
}

/* What the program reads is taken by the test; its status is 0. */
static void play_program(void *ctx, struct wr_program *program)
{
    struct wr_sink_play *play = ctx;
    play->far = fcntl(program->ends[0], F_DUPFD_CLOEXEC, 3);
    wr_program_ends(program, 0, 0);
}

static const char *exec_text(struct wr_sink_play *play)
{
    signal(SIGPIPE, SIG_IGN);
    play->loop->programs = &wr_programs_played;
    wr_program_begins = play_program;
    wr_program_ctx = play;
    return "exec \"a program\"";
}

static size_t take_exec(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    *end = false;
    return play->far >= 0 ? wr_far_take(play->far, to, cap, end) : 0;
}

static const char *file_text(struct wr_sink_play *play)
{
    snprintf(text, sizeof text, "file %s", wr_folder_path(&play->folder, "out"));
    return text;
}

static size_t take_file(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    FILE *file = fopen(wr_folder_path(&play->folder, "out"), "r");
    size_t n = 0;
    *end = true;
    if (file != NULL) {
        fseek(file, (long)play->far + 1, SEEK_SET);
        n = fread(to, 1, cap, file);
        play->far += (int)n; /* -1: nothing read so far */
        *end = n < cap;
        fclose(file);
    }
    return n;
}

static const char *dead_text(struct wr_sink_play *play)
{
    snprintf(text, sizeof text, "dead %s", wr_folder_path(&play->folder, "out"));
    return text;
}

/* The bodies, each with a line end: of objects without escapes. */
static size_t take_dead(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    char object[2048];
    size_t len = 0, n;
    while ((n = take_file(play, object, sizeof object - 1, end)) > 0) {
        object[n] = '\0';
        const char *body = strstr(object, "\"body\":\""), *over = strchr(object, '\n');
        size_t body_len = body != NULL ? strcspn(body + 8, "\"") : 0;
        if (over == NULL || len + body_len + 1 > cap) { /* half an object, or no room */
            play->far -= (int)n;
            *end = *end && over == NULL;
            break;
        }
        play->far -= (int)(object + n - (over + 1));
        ck_assert(body != NULL && body < over);
        memcpy(to + len, body + 8, body_len);
        to[len + body_len] = '\n';
        len += body_len + 1;
    }
    return len;
}

static const char *unix_text(struct wr_sink_play *play)
{
    if (play->fd < 0) {
        const char *address = wr_far_listen(&play->folder, &play->fd);
        snprintf(text, sizeof text, "unix %s once", address + strlen("unix:"));
    }
    return text;
}

static const char *tcp_text(struct wr_sink_play *play)
{
    if (play->fd < 0) {
        snprintf(text, sizeof text, "tcp 127.0.0.1:%d once", wr_far_listen_tcp(&play->fd));
    }
    return text;
}

/* A peer that answers the end with its own: what the kernel has acknowledged would take time. */
static size_t take_tcp(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    size_t n = wr_far_take_socket(play, to, cap, end);
    if (*end) {
        shutdown(play->far, SHUT_WR);
    }
    return n;
}

static const char *tls_text(struct wr_sink_play *play)
{
    if (play->fd < 0) {
        const char *address = wr_far_listen_tls(play, "IP:127.0.0.1", false);
        snprintf(text, sizeof text, "tls %s cacert=%s once", address + strlen("tls://"),
                 wr_far_ca_file());
    }
    return text;
}

static const char *ws_text(struct wr_sink_play *play)
{
    if (play->fd < 0) {
        snprintf(text, sizeof text, "ws %s once", wr_far_listen_ws(play));
    }
    return text;
}

static const char *post_text(struct wr_sink_play *play)
{
    if (play->fd < 0) {
        wr_test_no_proxy();
        snprintf(text, sizeof text, "post %s parallel=8", wr_far_listen_http(play));
    }
    return text;
}

static const char *null_text(struct wr_sink_play *play)
{
    (void)play;
    return "null";
}

/* Its datagrams are refused. */
static const char *udp_text(struct wr_sink_play *play)
{
    (void)play;
    return "udp 127.0.0.1:9";
}

#define SLOW(component, bytes) \
    .name = #component, .text = component##_text, .waits = true, .kernel_bytes = (bytes)
static const struct wr_sink_kit kits[] = {
    {SLOW(stdout, 64 * 1024), .take = take_pipe, .end = wr_far_close},
    {SLOW(exec, 64 * 1024), .take = take_exec, .end = wr_far_close},
    {.name = "file", .text = file_text, .take = take_file},
    {.name = "dead",
     .text = dead_text,
     .take = take_dead,
     .big_bytes = 64 * 1024,
     .few_bytes = 16 * 1024,
     .ends_lines = true,
     .loses_cr = true},
    {SLOW(unix, 256 * 1024), .take = wr_far_take_socket, .end = wr_far_close,
     .gone_code = WEIR_ELOST},
    {SLOW(tcp, 1024 * 1024), .take = take_tcp, .end = wr_far_close, .few_bytes = 512 * 1024,
     .gone_code = WEIR_ELOST},
    {SLOW(tls, 1024 * 1024), .take = wr_far_take_tls, .end = wr_far_end_tls,
     .few_bytes = 512 * 1024, .gone_code = WEIR_ELOST, .big_bytes = 1024 * 1024},
    {SLOW(post, 0), .take = wr_far_take_post, .end = wr_far_close, .ends_lines = true,
     .messages = true, .no_end = true, .big_bytes = 200 * 1000, .few_bytes = 20 * 1000,
     .gone_code = WEIR_ERESET},
    {SLOW(ws, 1024 * 1024), .take = wr_far_take_ws, .end = wr_far_close, .few_bytes = 512 * 1024,
     .ends_lines = true, .loses_cr = true, .big_bytes = 200 * 1000, .gone_code = WEIR_ELOST},
    {.name = "null", .text = null_text},
    {.name = "udp", .text = udp_text},
};

const struct wr_sink_kit *wr_sink_kit_of(const weir_component *component)
{
    for (size_t i = 0; i < sizeof kits / sizeof kits[0]; i++) {
        if (strcmp(kits[i].name, component->name) == 0) {
            return &kits[i];
        }
    }
    return NULL;
}
