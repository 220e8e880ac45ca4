/*
 * support_far_sources.c - the far ends of sources, and how each source of the language is opened in a
 * test.
 *
 * A far end that has to act while the test pulls is a task of the play's scope `far`. Its calls are
 * not made to fail in a sweep where that would prove nothing about the source.
 */
#include "support_suites.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_fault.h"
#include "codec_ws_handshake.h"
#include "http.h"
#include "loop_tls.h"
#include "support_port.h"
#include "support_program.h"

enum { SEND_PIECES = 64 };

void wr_far_pair(int ends[2])
{
    int small = 16 * 1024;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (int i = 0; i < 2; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
}

int wr_far_listen_tcp(int *fd)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    int segment_bytes = 1400, buffer_bytes = 4096;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(*fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
    setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)(const void *)&where, len), 0);
    ck_assert_int_eq(listen(*fd, 64), 0);
    getsockname(*fd, (struct sockaddr *)(void *)&where, &len);
    return ntohs(where.sin_port);
}

int wr_far_accept(weir_loop *loop, int listener)
{
    weir_error error;
    int fd, rc = 0;
    wr_fault_pause(true);
    struct wr_transport *waiting = wr_fd_transport(loop, listener, WR_FD_BORROW, &error);
    wr_fault_pause(false);
    ck_assert_ptr_nonnull(waiting);
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0 && rc == 0) {
        rc = waiting->ops->wait(waiting, WR_READABLE, -1, "a connection", NULL);
    }
    waiting->ops->free(waiting);
    return fd;
}

struct sender {
    struct wr_source_play *play;
    struct wr_transport *transport;
};

/* An end that must be sent may find no room, and goes out while its sender reads on: for as long as
 * the source can be expected to make room. */
static void end_politely(struct wr_transport *to)
{
    char byte;
    to->ops->shut(to);
    for (int i = 0; strcmp(to->ops->kind, "tls") == 0 && i < 500 &&
                    to->ops->read(to, &byte, 1) == WR_AGAIN && wr_pause(to->loop, NULL) == 0;
         i++) {}
}

/* Send all that is played. False: the source has gone, or the far end is canceled. */
static bool send_all(struct wr_source_play *play, struct wr_transport *to)
{
    uint64_t total = (uint64_t)play->len * play->times;
    char *bytes;
    memcpy(&bytes, &play->bytes, sizeof bytes);
    int rc = 0;
    while (play->sent < total && rc == 0) {
        /* Many repetitions a call: a sweep runs this some thousand times. */
        struct iovec iov[SEND_PIECES];
        size_t at = (size_t)(play->sent % play->len);
        uint64_t left = (total - play->sent + at) / play->len;
        int count = (int)WR_MIN(left, (uint64_t)SEND_PIECES);
        for (int i = 0; i < count; i++) {
            iov[i] = (struct iovec){bytes, play->len};
        }
        iov[0] = (struct iovec){bytes + at, play->len - at};
        int64_t n = to->ops->write(to, iov, count);
        rc = n == WR_AGAIN ? to->ops->wait(to, WR_WRITABLE, -1, "the source", NULL)
             : n < 0       ? -1
                           : 0;
        play->sent += n > 0 ? (uint64_t)n : 0;
    }
    return rc == 0;
}

static int send_main(weir_scope *scope, void *args)
{
    struct sender *sender = args;
    struct wr_source_play *play = sender->play;
    struct wr_transport *to = sender->transport;
    bool all = send_all(play, to);
    if (all && play->then == WR_FAR_IS_SILENT) {
        (void)!weir_sleep(scope, 3600 * 1000);
    } else if (all) {
        end_politely(to);
    }
    to->ops->free(to);
    return 0;
}

void wr_far_send(struct wr_source_play *play, int fd)
{
    wr_fault_pause(true);
    weir_error error;
    play->sent = 0;
    wr_far_send_to(play, wr_fd_transport(play->loop, fd, WR_FD_OWN, &error));
    wr_fault_pause(false);
}

static int accept_main(weir_scope *scope, void *args)
{
    struct wr_source_play *play;
    int fd;
    memcpy(&play, args, sizeof play);
    (void)scope;
    while ((fd = wr_far_accept(play->loop, play->fd)) >= 0) {
        wr_far_send(play, fd);
    }
    return 0;
}

static void serve(struct wr_source_play *play)
{
    wr_fault_pause(true);
    weir_spawn(play->far, "accept", accept_main, &play, sizeof play);
    wr_fault_pause(false);
}

const char *wr_far_serve(struct wr_source_play *play)
{
    const char *address = wr_far_listen(&play->folder, &play->fd);
    serve(play);
    return address;
}

void wr_far_send_to(struct wr_source_play *play, struct wr_transport *to)
{
    struct sender sender = {play, to};
    ck_assert_ptr_nonnull(to);
    wr_fault_pause(true);
    weir_spawn(play->far, "far end", send_main, &sender, sizeof sender);
    wr_fault_pause(false);
}

/* ---- each source of the language */

static char text[512];

static void close_fd(struct wr_source_play *play)
{
    close(play->fd);
}

static const char *stdin_text(struct wr_source_play *play)
{
    int ends[2];
    close(play->fd);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    play->fd = ends[0];
    wr_far_send(play, ends[1]);
    return "-";
}

static const char *file_text(struct wr_source_play *play)
{
    const char *path = wr_folder_path(&play->folder, "in");
    FILE *file = access(path, F_OK) != 0 ? fopen(path, "w") : NULL;
    for (size_t i = 0; file != NULL && i < play->times; i++) {
        ck_assert_uint_eq(fwrite(play->bytes, 1, play->len, file), play->len);
    }
    if (file != NULL) {
        fclose(file);
    }
    snprintf(text, sizeof text, "%s", path);
    return text;
}

static const char *replay_text(struct wr_source_play *play)
{
    char path[sizeof text];
    snprintf(path, sizeof path, "%s", file_text(play));
    snprintf(text, sizeof text, "replay %.400s any speed=max", path);
    return text;
}

static const char *tail_text(struct wr_source_play *play)
{
    char path[sizeof text];
    snprintf(path, sizeof path, "%s", file_text(play));
    snprintf(text, sizeof text, "tail %.400s from=start", path);
    return text;
}

/* The program prints what is played; it has ended before. */
static void play_program(void *ctx, struct wr_program *program)
{
    wr_far_send(ctx, fcntl(program->ends[1], F_DUPFD_CLOEXEC, 3));
    wr_program_ends(program, 0, 0);
}

static const char *exec_text(struct wr_source_play *play)
{
    signal(SIGPIPE, SIG_IGN);
    play->loop->programs = &wr_programs_played;
    wr_program_begins = play_program;
    wr_program_ctx = play;
    return "exec \"a program\"";
}

/* From then on the play has an entry of a journal for each line, without its end. */
static void play_entries(struct wr_source_play *play)
{
    static char entries[512];
    size_t len = 0;
    int number = 0;
    for (const char *line = play->bytes, *end = line + play->len; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t whole = (size_t)((lf != NULL ? lf : end) - line), cut = whole;
        cut -= cut > 0 && line[cut - 1] == '\r';
        len += (size_t)snprintf(entries + len, sizeof entries - len,
                                "__CURSOR=%d\nMESSAGE=%.*s\n\n", ++number, (int)cut, line);
        ck_assert_uint_lt(len, sizeof entries);
        line += whole + (lf != NULL);
    }
    play->bytes = entries;
    play->len = len;
}

/* The program prints what is played, from an entry on; it has ended before. */
static void play_journalctl(void *ctx, struct wr_program *program)
{
    struct wr_source_play *play = ctx;
    char cursor[32];
    snprintf(cursor, sizeof cursor, "__CURSOR=%d\n", program->after);
    const char *entry = program->after > 0 && play->times == 1 ? strstr(play->bytes, cursor) : NULL;
    if (entry != NULL) {
        entry = strstr(entry, "\n\n") + 2;
        play->len -= (size_t)(entry - play->bytes);
        play->bytes = entry;
    }
    play_program(play, program);
}

static const char *journal_text(struct wr_source_play *play)
{
    if (play->loop->programs != &wr_programs_played) {
        signal(SIGPIPE, SIG_IGN);
        play->loop->programs = &wr_programs_played;
        play_entries(play);
    }
    wr_program_begins = play_journalctl;
    wr_program_ctx = play;
    return "journal since=@0";
}

static const char *unix_text(struct wr_source_play *play)
{
    if (play->fd < 0) {
        snprintf(text, sizeof text, "%s", wr_far_serve(play));
    }
    return text;
}

static const char *tcp_text(struct wr_source_play *play)
{
    if (play->fd < 0) {
        snprintf(text, sizeof text, "tcp://127.0.0.1:%d", wr_far_listen_tcp(&play->fd));
        serve(play);
    }
    return text;
}

static const char *tls_text(struct wr_source_play *play)
{
    struct wr_far_tls far_end = {.play = play, .cert_file = wr_far_certify("IP:127.0.0.1", 2)};
    snprintf(text, sizeof text, "%s cacert=%s", wr_far_serve_tls(play->far, far_end),
             wr_far_ca_file());
    return text;
}

static void end_tls(struct wr_source_play *play)
{
    (void)play;
    wr_far_uncertify();
}

enum { REQUEST_MAX = 4096 };

/* Read the head of a request into `head`. False: there is none. */
static bool read_request(struct wr_transport *from, char head[REQUEST_MAX])
{
    size_t len = 0;
    int64_t n;
    do {
        wr_fault_pause(true);
        n = from->ops->read(from, head + len, REQUEST_MAX - 1 - len);
        wr_fault_pause(false);
        len += n > 0 ? (size_t)n : 0;
        head[len] = '\0';
        if (n == WR_AGAIN && from->ops->wait(from, WR_READABLE, -1, "a request", NULL) != 0) {
            n = WEIR_ECANCELED;
        }
    } while ((n > 0 || n == WR_AGAIN) && strstr(head, "\r\n\r\n") == NULL);
    return n > 0;
}

/* Send a whole text, which is short. */
static void put(struct wr_transport *to, const char *data, size_t len)
{
    struct iovec iov = {(char *)(uintptr_t)data, len};
    wr_fault_pause(true);
    ck_assert_int_eq(to->ops->write(to, &iov, 1), (int64_t)len);
    wr_fault_pause(false);
}

/* Answer it: what is played, from the byte on that it asks for. A far end that is silent at the end
 * owes a byte. */
static void answer(struct wr_source_play *play, struct wr_transport *to, const char *request)
{
    char head[256], range[96] = "";
    const char *asked = strstr(request, "Range: bytes=");
    int64_t from = asked != NULL ? strtol(asked + 13, NULL, 10) : 0;
    long long total = (long long)(play->len * play->times);
    if (from > 0) {
        snprintf(range, sizeof range, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)from,
                 total - 1, total);
    }
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nETag: \"1\"\r\n%sConnection: close\r\nContent-Length: %lld\r\n\r\n",
             from > 0 ? "206 Partial Content" : "200 OK", range,
             total - (long long)from + (play->then == WR_FAR_IS_SILENT));
    put(to, head, strlen(head));
    play->sent = (uint64_t)from;
    wr_far_send_to(play, to);
}

/* A server: what it does with a request, whose connection it takes over. */
struct server {
    struct wr_source_play *play;
    void (*answer)(struct wr_source_play *play, struct wr_transport *to, const char *request);
};

static int server_main(weir_scope *scope, void *args)
{
    const struct server *server = args;
    struct wr_source_play *play = server->play;
    char request[REQUEST_MAX];
    weir_error error;
    int fd;
    (void)scope;
    while ((fd = wr_far_accept(play->loop, play->fd)) >= 0) {
        wr_fault_pause(true);
        struct wr_transport *to = wr_fd_transport(play->loop, fd, WR_FD_OWN, &error);
        wr_fault_pause(false);
        if (read_request(to, request)) {
            server->answer(play, to, request);
        } else {
            to->ops->free(to);
        }
    }
    return 0;
}

static void start_server(struct server server, const char *scheme)
{
    snprintf(text, sizeof text, "%s://127.0.0.1:%d/feed", scheme,
             wr_far_listen_tcp(&server.play->fd));
    wr_fault_pause(true);
    weir_spawn(server.play->far, scheme, server_main, &server, sizeof server);
    wr_fault_pause(false);
}

static const char *http_text(struct wr_source_play *play)
{
    if (play->fd < 0) {
        wr_test_no_proxy();
        start_server((struct server){play, answer}, "http");
    }
    return text;
}

static const char *poll_text(struct wr_source_play *play)
{
    static char poll[640];
    snprintf(poll, sizeof poll, "poll %s every 1h", http_text(play));
    return poll;
}

/* Send the frames and, at the end, a close frame; then wait until the source closes. */
static int ws_send_main(weir_scope *scope, void *args)
{
    struct sender *sender = args;
    struct wr_transport *to = sender->transport;
    char frame[WR_WS_CONTROL_FRAME_MAX];
    struct iovec iov = {frame, wr_ws_write_close(frame, WR_WS_NORMAL, "", NULL)};
    bool open = send_all(sender->play, to);
    int64_t n = WR_AGAIN;
    (void)scope;
    while (open && sender->play->then == WR_FAR_ENDS && n == WR_AGAIN) {
        n = to->ops->write(to, &iov, 1);
        open = n == WR_AGAIN ? to->ops->wait(to, WR_WRITABLE, -1, "the source", NULL) == 0 : n > 0;
    }
    while (open && to->ops->read(to, frame, sizeof frame) == WR_AGAIN) {
        open = to->ops->wait(to, WR_READABLE, -1, "a close frame", NULL) == 0;
    }
    to->ops->free(to);
    return 0;
}

static void answer_ws(struct wr_source_play *play, struct wr_transport *to, const char *request)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char head[256], accept[WR_WS_ACCEPT_CHARS + 1];
    const char *key = strstr(request, name);
    struct sender sender = {play, to};
    ck_assert_ptr_nonnull(key);
    wr_fault_pause(true);
    ck_assert_int_eq(
        wr_ws_write_accept((struct wr_text){key + sizeof name - 1, WR_WS_NONCE_CHARS}, accept), 0);
    wr_fault_pause(false);
    snprintf(head, sizeof head,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    put(to, head, strlen(head));
    play->sent = 0;
    wr_fault_pause(true);
    weir_spawn(play->far, "far end", ws_send_main, &sender, sizeof sender);
    wr_fault_pause(false);
}

/* From then on the play has a text frame for each line, without its end. */
static void play_frames(struct wr_source_play *play)
{
    static char frames[256];
    size_t len = 0;
    for (const char *line = play->bytes, *end = line + play->len; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t whole = (size_t)((lf != NULL ? lf : end) - line), cut = whole;
        cut -= cut > 0 && line[cut - 1] == '\r';
        ck_assert_uint_le(len + WR_WS_HEAD_MAX + cut, sizeof frames);
        len += wr_ws_write_head(frames + len, WR_WS_FIN | WR_WS_TEXT, cut, NULL);
        memcpy(frames + len, line, cut);
        len += cut;
        line += whole + (lf != NULL);
    }
    play->bytes = frames;
    play->len = len;
}

static const char *ws_text(struct wr_source_play *play)
{
    if (play->fd < 0) {
        play_frames(play);
        start_server((struct server){play, answer_ws}, "ws");
    }
    return text;
}

struct udp_sender {
    struct wr_source_play *play;
    int fd;             /* connected to the source's address */
    unsigned turn;      /* another one begins: it ends */
    const char *before; /* of each line */
};
static unsigned udp_turn;

/* Send each line as a datagram; again, if it was refused: the source has not bound its socket yet. */
static int udp_send_main(weir_scope *scope, void *args)
{
    const struct udp_sender *sender = args;
    const struct wr_source_play *play = sender->play;
    const char *line = play->bytes, *end = line + play->len;
    int tries = 1000; /* it may have failed */
    (void)scope;
    while (line < end && wr_pause(play->loop, NULL) == 0 && sender->turn == udp_turn &&
           tries-- > 0) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((lf != NULL ? lf : end) - line);
        int refused = 0;
        socklen_t refused_len = sizeof refused;
        struct iovec parts[2] = {{(void *)(uintptr_t)sender->before, strlen(sender->before)},
                                 {(void *)(uintptr_t)line, len}};
        ssize_t n = writev(sender->fd, parts, 2);
        getsockopt(sender->fd, SOL_SOCKET, SO_ERROR, &refused, &refused_len);
        if (n == (ssize_t)(parts[0].iov_len + len) && refused == 0) {
            line += len + (lf != NULL);
        }
    }
    close(sender->fd);
    return 0;
}

/* The next call sends once more, to the same port. */
static const char *datagrams_text(struct wr_source_play *play, const char *source,
                                  const char *before)
{
    static struct sockaddr_in where;
    struct udp_sender sender = {.play = play,
                                .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                                .turn = ++udp_turn,
                                .before = before};
    if (play->fd < 0) {
        where = wr_free_port();
        play->fd = 0;
        snprintf(text, sizeof text, "%s127.0.0.1:%d", source, ntohs(where.sin_port));
    }
    ck_assert_int_eq(
        connect(sender.fd, (const struct sockaddr *)(const void *)&where, sizeof where), 0);
    wr_fault_pause(true);
    weir_spawn(play->far, "udp", udp_send_main, &sender, sizeof sender);
    wr_fault_pause(false);
    return text;
}

static const char *udp_text(struct wr_source_play *play)
{
    return datagrams_text(play, "udp://", "");
}

static const char *syslog_listen_text(struct wr_source_play *play)
{
    return datagrams_text(play, "syslog-listen ", "<13>1 - - - - - - ");
}

/* ---- sources that listen: the far end connects */

struct caller {
    struct wr_source_play *play;
    struct wr_tls *tls;    /* NULL: plain */
    struct sockaddr_in at; /* of TCP ... */
    char path[108];        /* ... or this one */
    unsigned turn;         /* another one begins: it ends */
};
static unsigned caller_turn;

/* A connection; NULL: nobody listens, or it has failed. */
static struct wr_transport *call_source(const struct caller *caller)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    bool is_local = caller->path[0] != '\0';
    const struct sockaddr *at = is_local ? (const struct sockaddr *)(const void *)&local
                                         : (const struct sockaddr *)(const void *)&caller->at;
    memcpy(local.sun_path, caller->path, sizeof local.sun_path);
    weir_error error;
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* nothing is held back */
    if (connect(fd, at, is_local ? sizeof local : sizeof caller->at) < 0) {
        close(fd);
        return NULL;
    }
    wr_fault_pause(true);
    struct wr_transport *to = wr_fd_transport(caller->play->loop, fd, WR_FD_OWN, &error);
    wr_fault_pause(false);
    return caller->tls != NULL
               ? wr_tls_start(caller->tls, to, "127.0.0.1", "the source", -1, NULL, &error)
               : to;
}

/* Send all, and wait until the source closes. False: it has not read all. */
static bool tell_source(struct wr_source_play *play, struct wr_transport *to)
{
    char byte;
    int64_t n = WR_AGAIN;
    int rc = 0;
    play->sent = 0;
    bool all = send_all(play, to);
    if (all && play->then == WR_FAR_ENDS) {
        to->ops->shut(to);
    }
    while (all && rc == 0 && (n = to->ops->read(to, &byte, 1)) == WR_AGAIN) {
        rc = to->ops->wait(to, WR_READABLE, -1, "the source to close", NULL);
    }
    return n == 0 || rc < 0;
}

/* Connect until the source has read all, or some times after it has closed the connection. */
static int call_main(weir_scope *scope, void *args)
{
    const struct caller *caller = args;
    bool told = false, listened = false;
    int left = 20;
    (void)scope;
    while (!told && left > 0 && wr_pause(caller->play->loop, NULL) == 0 &&
           caller->turn == caller_turn) {
        struct wr_transport *to = call_source(caller);
        left -= listened;
        if (to != NULL) {
            listened = true;
            told = tell_source(caller->play, to);
            to->ops->free(to);
        }
    }
    wr_tls_unref(caller->tls);
    return 0;
}

static void begin_calls(struct wr_source_play *play, struct caller *caller)
{
    caller->play = play;
    caller->turn = ++caller_turn;
    wr_fault_pause(true);
    weir_spawn(play->far, "caller", call_main, caller, sizeof *caller);
    wr_fault_pause(false);
}

/* A port that was free a moment ago; the same one for all calls of a play. */
static void find_port(struct wr_source_play *play, struct sockaddr_in *at)
{
    static struct sockaddr_in where;
    socklen_t len = sizeof where;
    if (play->fd < 0) {
        where =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        play->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(play->fd, (const struct sockaddr *)(const void *)&where, len), 0);
        getsockname(play->fd, (struct sockaddr *)(void *)&where, &len);
        close(play->fd);
        play->fd = 0;
    }
    *at = where;
}

static const char *tcp_listen_text(struct wr_source_play *play)
{
    struct caller caller = {.play = play};
    find_port(play, &caller.at);
    snprintf(text, sizeof text, "tcp-listen 127.0.0.1:%d", ntohs(caller.at.sin_port));
    begin_calls(play, &caller);
    return text;
}

static const char *tls_listen_text(struct wr_source_play *play)
{
    static const struct wr_tls_options any = {.trust_anybody = true};
    struct caller caller = {.play = play};
    weir_error error;
    find_port(play, &caller.at);
    snprintf(text, sizeof text, "tls-listen 127.0.0.1:%d cert=%s", ntohs(caller.at.sin_port),
             wr_far_certify("IP:127.0.0.1", 1));
    wr_fault_pause(true);
    caller.tls = wr_tls_new(play->loop, WR_TLS_CLIENT, &any, &error);
    wr_fault_pause(false);
    ck_assert_ptr_nonnull(caller.tls);
    begin_calls(play, &caller);
    return text;
}

static void end_listen_tls(struct wr_source_play *play)
{
    (void)play;
    wr_far_uncertify();
}

static const char *unix_listen_text(struct wr_source_play *play)
{
    struct caller caller = {.play = play};
    snprintf(caller.path, sizeof caller.path, "%s", wr_folder_path(&play->folder, "listen"));
    snprintf(text, sizeof text, "unix-listen %s", caller.path);
    begin_calls(play, &caller);
    return text;
}

/* What a connection over loopback may have under way: its receiver's buffer grows by itself. */
enum { TCP_BYTES = 6 * 1024 * 1024 };

static const struct wr_source_kit kits[] = {
    {.name = "stdin",
     .text = stdin_text,
     .end = close_fd,
     .waits = true,
     .kernel_bytes = 64 * 1024},
    {.name = "file", .text = file_text},
    {.name = "replay", .text = replay_text},
    {.name = "tail", .text = tail_text, .waits = true, .endless = true},
    {.name = "exec", .text = exec_text, .waits = true, .kernel_bytes = 64 * 1024},
    {.name = "journal",
     .text = journal_text,
     .messages = true,
     .own_limit = true,
     .waits = true,
     .endless = true,
     .kernel_bytes = 64 * 1024},
    {.name = "http",
     .text = http_text,
     .end = close_fd,
     .waits = true,
     .kernel_bytes = TCP_BYTES,
     /* what may be unread, the block that is read from and the one that is filled */
     .blocks = WR_HTTP_MOST_BYTES / WR_BLOCK_BYTES + 2},
    {.name = "poll",
     .text = poll_text,
     .end = close_fd,
     .waits = true,
     .endless = true,
     .kernel_bytes = TCP_BYTES,
     .blocks = WR_HTTP_MOST_BYTES / WR_BLOCK_BYTES + 2},
    {.name = "tcp", .text = tcp_text, .end = close_fd, .waits = true, .kernel_bytes = TCP_BYTES},
    {.name = "tls", .text = tls_text, .end = end_tls, .waits = true, .kernel_bytes = TCP_BYTES},
    {.name = "unix", .text = unix_text, .end = close_fd, .waits = true, .kernel_bytes = 256 * 1024},
    {.name = "tcp-listen",
     .text = tcp_listen_text,
     .swept_elsewhere = true,
     .waits = true,
     .endless = true,
     .kernel_bytes = TCP_BYTES},
    {.name = "tls-listen",
     .text = tls_listen_text,
     .swept_elsewhere = true,
     .end = end_listen_tls,
     .waits = true,
     .endless = true,
     .kernel_bytes = TCP_BYTES},
    {.name = "unix-listen",
     .text = unix_listen_text,
     .swept_elsewhere = true,
     .waits = true,
     .endless = true,
     .kernel_bytes = 256 * 1024},
    {.name = "udp",
     .text = udp_text,
     .messages = true,
     .waits = true,
     .endless = true,
     .lossy = true},
    {.name = "syslog-listen",
     .text = syslog_listen_text,
     .as_sent = "text \"\\(.message)\"",
     .swept_elsewhere = true,
     .messages = true,
     .waits = true,
     .endless = true,
     .lossy = true,
     .blocks = 4},
    {.name = "ws",
     .text = ws_text,
     .end = close_fd,
     .messages = true,
     .waits = true,
     .kernel_bytes = TCP_BYTES,
     .blocks = WR_HTTP_MOST_BYTES / WR_BLOCK_BYTES + 2},
};

/* What stands in the example of a component that needs no far end: what the example prints is known.
 * NULL: there is no such example. */
static const char *source_of_example(const weir_component *component)
{
    static char texts[64][128];
    static size_t count;
    const char *bar = strchr(component->example, '|');
    size_t len = bar != NULL ? (size_t)(bar - component->example) : strlen(component->example);
    if (component->prints == NULL || count == 64 || len >= sizeof texts[0]) {
        return NULL;
    }
    memcpy(texts[count], component->example, len);
    return texts[count++];
}

const struct wr_source_kit *wr_source_kit_of(const weir_component *component)
{
    static struct wr_source_kit own[64];
    static size_t count;
    for (size_t i = 0; i < sizeof kits / sizeof kits[0]; i++) {
        if (strcmp(kits[i].name, component->name) == 0) {
            return &kits[i];
        }
    }
    const char *example = source_of_example(component);
    if (example == NULL) {
        return NULL;
    }
    own[count] = (struct wr_source_kit){.name = component->name, .example = example};
    return &own[count++];
}
