/*
 * source_http_ws_send.c - the first messages of a WebSocket source, and those that are in files.
 *
 * A file is read by the loop's worker before each time it is sent, so what it holds may be renewed, and
 * a file system that hangs delays no other stream. Only a regular file of limited length is read. No
 * failure tells a byte of it, and the bytes are wiped after use. It suspends while a file is read.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_utf8.h"
#include "codec_ws.h"
#include "loop_file.h"
#include "loop_work.h"
#include "source_http_ws.h"

enum { FILE_BYTES_MAX = 64 * 1024 };

struct reading {
    const struct wr_disk *disk;
    const char *path;
    const char *problem; /* static; NULL: none */
    int number;          /* errno; 0: none */
    size_t len;
    char text[FILE_BYTES_MAX + 1]; /* the extra byte detects a longer file */
};

static void read_open(struct reading *r, int fd)
{
    struct stat info;
    ssize_t n = 1;
    if (r->disk->stat(fd, &info) < 0) {
        r->number = errno;
        return;
    }
    if (!S_ISREG(info.st_mode)) {
        r->problem = "it is not a regular file";
        return;
    }
    while (n > 0 && r->len < sizeof r->text) {
        n = r->disk->read(fd, r->text + r->len, sizeof r->text - r->len, -1);
        r->len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        r->number = errno;
    } else if (r->len > FILE_BYTES_MAX) {
        r->problem = "it is longer than 64 KiB";
    }
}

static void read_file(void *arg)
{
    struct reading *r = arg;
    int fd = r->disk->open(AT_FDCWD, r->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        r->number = errno;
        return;
    }
    read_open(r, fd);
    (void)r->disk->close(fd);
}

static int send_file(struct wr_http_source *source, const char *path, unsigned opcode)
{
    struct weir_loop *loop = source->gen.loop;
    struct reading *r = wr_zalloc(sizeof *r);
    int rc = r != NULL ? 0 : WEIR_ENOMEM;
    if (r != NULL) {
        r->disk = loop->disk;
        r->path = path;
        wr_work_wait_in(loop, &wr_lane_files, "a message's file", read_file, r);
        while (r->len > 0 && (r->text[r->len - 1] == '\n' || r->text[r->len - 1] == '\r')) {
            r->len--;
        }
        if (opcode == WR_WS_TEXT && wr_utf8_valid_bytes(r->text, r->len) < r->len) {
            r->problem = "it is not UTF-8: to send it, write `binary`";
        }
    }
    if (rc == 0 && (r->number != 0 || r->problem != NULL)) {
        rc = wr_gen_fail(&source->gen, WEIR_EIO, r->number, -1, "cannot send the file '%.200s': %s",
                         path, r->problem != NULL ? r->problem : strerror(r->number));
    } else if (rc == 0) {
        rc = wr_http_ws_send(&source->http, opcode, r->text, r->len);
    }
    if (r != NULL) {
        memset(r->text, 0, sizeof r->text); /* it may hold a secret */
    }
    wr_free(r);
    return rc;
}

int wr_http_source_send_first(struct wr_http_source *source)
{
    const struct wr_http_ws *ws = source->ws;
    unsigned opcode = ws->binary ? WR_WS_BINARY : WR_WS_TEXT;
    int rc = 0;
    for (size_t i = 0; i < ws->messages_count && rc == 0; i++) {
        const char *text = ws->messages[i];
        bool file = ws->from_files && text[0] == '@' && text[1] != '@';
        text += ws->from_files && text[0] == '@';
        rc = file ? send_file(source, text, opcode)
                  : wr_http_ws_send(&source->http, opcode, text, strlen(text));
    }
    return rc < 0 && source->gen.failure == NULL
               ? wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for the first message")
               : rc;
}
