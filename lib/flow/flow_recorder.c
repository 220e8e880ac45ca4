/*
 * flow_recorder.c - writes a recording.
 *
 * Records gather in a buffer. A hook before the loop's poll writes them, and so does a full buffer,
 * by plain writes into the page cache: a regular file takes them without a wait that is worth a
 * worker, and after a kill all that was received before the last poll is in the file. The first
 * write that fails ends the recording: the scope is stopped, and the end reports it.
 *
 * States: made, claimed (the header is written), failed. Nothing here suspends.
 */
#include "flow_recorder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_option.h"
#include "loop_file.h"
#include "loop_scope.h"

enum { BUFFER_BYTES = 256 * 1024 };

struct weir_recorder {
    struct weir_loop *loop;
    struct weir_scope *scope;
    struct wr_before_poll before_poll;
    char *path;
    int fd;
    int failed; /* errno; 0: none */
    size_t claims;
    int64_t began_ns, last_ns;
    weir_recorded counts;
    size_t len;
    char buffer[BUFFER_BYTES];
};

/* ---- writing */

static void write_out(struct weir_recorder *recorder)
{
    size_t at = 0;
    while (at < recorder->len && recorder->failed == 0) {
        const struct iovec part = {recorder->buffer + at, recorder->len - at};
        ssize_t n = recorder->loop->disk->write(recorder->fd, &part, 1);
        if (n <= 0) {
            recorder->failed = n < 0 ? errno : ENOSPC;
            weir_scope_stop(recorder->scope);
        }
        at += n > 0 ? (size_t)n : 0;
    }
    recorder->counts.file_bytes += at;
    recorder->len = 0;
}

static void before_poll(struct wr_before_poll *hook)
{
    write_out(WR_OWNER(hook, struct weir_recorder, before_poll));
}

static void put(struct weir_recorder *recorder, const void *data, size_t len)
{
    const char *from = data;
    while (len > 0) {
        size_t part = WR_MIN(len, sizeof recorder->buffer - recorder->len);
        memcpy(recorder->buffer + recorder->len, from, part);
        recorder->len += part;
        from += part;
        len -= part;
        if (recorder->len == sizeof recorder->buffer) {
            write_out(recorder);
        }
    }
    wr_before_poll_enrol(recorder->loop, &recorder->before_poll);
}

void wr_recorder_add(struct weir_recorder *recorder, enum wr_record_kind kind, const void *data,
                     size_t len)
{
    char head[WR_RECORD_HEAD_BYTES];
    int64_t now_ns = wr_now_ns(recorder->loop);
    if (recorder->began_ns < 0) {
        recorder->began_ns = now_ns;
    }
    recorder->last_ns = now_ns;
    recorder->counts.requests += kind == WR_RECORD_REQUEST;
    wr_recorded_write(head, kind, now_ns - recorder->began_ns, data, len);
    put(recorder, head, sizeof head);
    put(recorder, data, len);
}

void wr_recorder_data(struct weir_recorder *recorder, const void *data, size_t len)
{
    recorder->counts.bytes += len;
    recorder->counts.pieces++;
    for (size_t at = 0; at < len;) {
        size_t part = WR_MIN(len - at, (size_t)WR_RECORD_BYTES_MAX);
        wr_recorder_add(recorder, WR_RECORD_DATA, (const char *)data + at, part);
        at += part;
    }
}

void wr_recorder_failure(struct weir_recorder *recorder, enum wr_record_kind kind, int code,
                         int detail, bool retry, const char *text)
{
    char content[WR_RECORD_FAILURE_BYTES + 1024];
    const struct wr_recorded_failure failure = {.code = code, .detail = detail, .retry = retry};
    wr_recorded_failure_write(content, &failure);
    size_t len = WR_MIN(strlen(text), sizeof content - WR_RECORD_FAILURE_BYTES);
    memcpy(content + WR_RECORD_FAILURE_BYTES, text, len);
    wr_recorder_add(recorder, kind, content, WR_RECORD_FAILURE_BYTES + len);
}

struct weir_recorder *wr_recorder_claim(struct weir_loop *loop, const char *kind, const char *name,
                                        const char *address, bool raw)
{
    struct weir_recorder *recorder = loop->recorder;
    char header[2048];
    if (recorder == NULL || recorder->claims++ > 0) {
        return NULL;
    }
    int len = snprintf(header, sizeof header,
                       "version weir %d.%d\nsource %s\nname %.200s\naddress %.1500s\nraw %d\n"
                       "began %lld\n",
                       WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, kind, name, address, raw,
                       (long long)(loop->now_unix_ns / 1000000));
    wr_recorder_add(recorder, WR_RECORD_HEADER, header,
                    WR_MIN((size_t)WR_MAX(len, 0), sizeof header - 1));
    return recorder;
}

/* ---- the program's calls */

static void free_recorder(struct weir_recorder *recorder)
{
    wr_list_remove(&recorder->before_poll.link);
    if (recorder->fd >= 0) {
        (void)recorder->loop->disk->close(recorder->fd);
    }
    wr_free(recorder->path);
    wr_free(recorder);
}

weir_recorder *weir_recorder_new(weir_scope *scope, const char *path, weir_error *error)
{
    wr_scope_given(scope, "weir_recorder_new");
    WR_ASSERT(path != NULL, "the path is NULL");
    struct weir_loop *loop = scope->loop;
    if (loop->recorder != NULL) {
        wr_error_set(error, WEIR_EINVAL, 0, "record", "the loop already has a recorder");
        return NULL;
    }
    struct weir_recorder *recorder = wr_zalloc(sizeof *recorder);
    char *copy = wr_strdup(path);
    if (recorder == NULL || copy == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, "record", "no memory for a recorder");
        wr_free(recorder);
        wr_free(copy);
        return NULL;
    }
    recorder->loop = loop;
    recorder->scope = scope;
    recorder->path = copy;
    recorder->began_ns = -1;
    wr_before_poll_init(&recorder->before_poll, before_poll);
    recorder->fd = loop->disk->open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0600);
    if (recorder->fd < 0) {
        wr_error_set(error, WEIR_EIO, errno, "record", "open '%s': %s", path, strerror(errno));
        free_recorder(recorder);
        return NULL;
    }
    put(recorder, WR_RECORDING_MAGIC, WR_RECORDING_MAGIC_BYTES);
    loop->recorder = recorder;
    return recorder;
}

int weir_recorder_check(const weir_recorder *recorder, weir_error *error)
{
    WR_GIVEN(recorder);
    wr_loop_given(recorder->loop, "weir_recorder_check");
    wr_error_clear(error);
    if (recorder->claims == 1) {
        return 0;
    }
    return wr_error_set(error, WEIR_EINVAL, 0, "record", "%s",
                        recorder->claims == 0
                            ? "this source cannot be recorded; http, sockets, files and standard "
                              "input can"
                            : "there are several sources, and a recording holds one; record each "
                              "of them");
}

int weir_recorder_end(weir_recorder *recorder, const weir_error *ended, weir_recorded *recorded,
                      weir_error *error)
{
    WR_GIVEN(recorder);
    wr_loop_given(recorder->loop, "weir_recorder_end");
    const weir_error good = {.code = 0};
    const weir_error how = ended != NULL ? *ended : good;
    wr_recorder_failure(recorder, WR_RECORD_OVER, WR_MIN(how.code, 0), how.detail, false,
                        how.message);
    write_out(recorder);
    recorder->counts.ms = (recorder->last_ns - recorder->began_ns) / 1000000;
    if (recorded != NULL) {
        size_t size = recorded->struct_size;
        recorder->counts.struct_size = size;
        memcpy(recorded, &recorder->counts, WR_MIN(size, sizeof recorder->counts));
    }
    wr_error_clear(error);
    int rc = recorder->failed == 0
                 ? 0
                 : wr_error_set(error, WEIR_EIO, recorder->failed, "record", "write '%s': %s",
                                recorder->path, strerror(recorder->failed));
    recorder->loop->recorder = NULL;
    free_recorder(recorder);
    return rc;
}
