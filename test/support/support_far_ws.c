/*
 * support_far_ws.c - the far end of a WebSocket sink: a task shakes hands, then the test takes what has
 * come. It gives each message with a LF, answers pings as far as it is read, and answers a close frame.
 */
#include "support_far_ws.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "codec_ws_handshake.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "loop_wait.h"

static struct {
    struct wr_sink_play *play;
    struct wr_ws reader;
    bool open, mute;
    char in[4096];
    size_t at, len;
} far_end;

/* False: it has gone. */
static bool read_head(struct weir_loop *loop, int fd)
{
    while (wr_ws_head_bytes(far_end.in, far_end.len) == 0) {
        ssize_t n =
            recv(fd, far_end.in + far_end.len, sizeof far_end.in - far_end.len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN) || (n < 0 && wr_pause(loop, NULL) < 0)) {
            return false;
        }
        far_end.len += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool wr_far_ws_opens(struct weir_loop *loop, int fd)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char head[256], accept[WR_WS_ACCEPT_CHARS + 1];
    far_end.at = far_end.len = 0;
    if (!read_head(loop, fd)) {
        return false;
    }
    far_end.in[far_end.len] = '\0';
    const char *key = strstr(far_end.in, name);
    wr_fault_pause(true);
    ck_assert_ptr_nonnull(key);
    ck_assert_int_eq(
        wr_ws_write_accept((struct wr_text){key + sizeof name - 1, WR_WS_NONCE_CHARS}, accept), 0);
    wr_fault_pause(false);
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       accept);
    far_end.at = wr_ws_head_bytes(far_end.in, far_end.len);
    wr_ws_init(&far_end.reader, WR_WS_SERVER, NULL, UINT64_MAX, false);
    far_end.open = send(fd, head, (size_t)len, MSG_NOSIGNAL) == len;
    return far_end.open;
}

static int serve_main(weir_scope *scope, void *args)
{
    (void)args;
    int fd = wr_far_accept(scope->loop, far_end.play->fd);
    if (fd >= 0) {
        (void)wr_far_ws_opens(scope->loop, fd);
        far_end.play->far = fd;
    }
    return 0;
}

const char *wr_far_listen_ws(struct wr_sink_play *play)
{
    static char url[64];
    far_end.play = play;
    far_end.open = far_end.mute = false;
    wr_fault_pause(true);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/in", wr_far_listen_tcp(&play->fd));
    weir_spawn(weir_root(play->loop), "server", serve_main, NULL, 0);
    wr_fault_pause(false);
    return url;
}

void wr_far_ws_is_mute(bool mute)
{
    far_end.mute = mute;
}

void wr_far_ws_sends(int fd, const char *data, size_t len)
{
    (void)!send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Answer a control frame. */
static void answer(int fd)
{
    char frame[WR_WS_CONTROL_FRAME_MAX];
    const struct wr_ws *ws = &far_end.reader;
    size_t len = 0;
    if (ws->opcode == WR_WS_PING && !far_end.mute) {
        len = wr_ws_write_control(frame, WR_WS_PONG, ws->control, ws->control_len, NULL);
    } else if (ws->opcode == WR_WS_CLOSE) {
        len = wr_ws_write_close(frame, ws->closes, "", NULL);
    }
    wr_far_ws_sends(fd, frame, len);
}

size_t wr_far_take_ws(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    size_t len = 0, used, made;
    *end = false;
    if (!far_end.open || play->far < 0) {
        return 0;
    }
    while (len + 1 < cap) {
        if (far_end.at == far_end.len) {
            ssize_t n = recv(play->far, far_end.in, sizeof far_end.in, MSG_DONTWAIT);
            *end = n == 0 || (n < 0 && errno != EAGAIN);
            if (n <= 0) {
                break;
            }
            far_end.at = 0;
            far_end.len = (size_t)n;
        }
        int got = wr_ws_read(&far_end.reader, far_end.in + far_end.at, far_end.len - far_end.at,
                             &used, to + len, cap - len - 1, &made);
        far_end.at += used;
        len += made;
        MUST(got >= 0);
        if (got == WR_WS_MESSAGE) {
            to[len++] = '\n';
        } else if (got == WR_WS_CONTROL) {
            answer(play->far);
            *end = far_end.reader.closed;
            if (*end) {
                shutdown(play->far, SHUT_WR);
                break;
            }
        }
    }
    return len;
}
