/*
 * sink_file_fit.c - brings a file that an earlier run has written to the length in the state's record.
 *
 * A longer file is cut if every source has proven where it goes on, or if its first items are the
 * first bytes that would be cut; otherwise it is appended to, behind an end of the last line. A
 * shorter one is a failure. Called once, before the first byte is written; nothing suspends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base_alloc.h"
#include "sink_file_parts.h"

enum { COMPARED = 64 * 1024 };

/* The first bytes that the items would write, as many as fit: the output of a separate gather. */
struct wr_first_bytes {
    struct wr_gather gather;
    char bytes[COMPARED];
    size_t len;
};

static int keep_bytes(struct weir_sink *sink, struct iovec *iov, int count)
{
    struct wr_first_bytes *first = wr_sink_file_of(sink)->first;
    for (int i = 0; i < count; i++) {
        size_t n = WR_MIN(iov[i].iov_len, sizeof first->bytes - first->len);
        memcpy(first->bytes + first->len, iov[i].iov_base, n);
        first->len += n;
    }
    return 0;
}

/* Read bytes of the file, which is open for writing only. Fewer at its end; -1: not readable. */
static ssize_t read_back(const struct wr_sink_file *file, int64_t at, char *to, size_t len)
{
    const struct wr_disk *disk = wr_sink_file_disk(file);
    int fd = disk->open(AT_FDCWD, file->path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    ssize_t n = fd >= 0 ? disk->read(fd, to, len, at) : -1;
    if (fd >= 0) {
        (void)disk->close(fd);
    }
    return n;
}

/* Are the bytes of the file at `at` the first bytes of the items, up to the shorter of the two? */
static bool is_same(struct wr_sink_file *file, int64_t at, const weir_item *items, size_t count)
{
    struct wr_first_bytes *first = wr_zalloc(sizeof *first);
    char *there = wr_alloc(COMPARED);
    bool same = false;
    if (first != NULL && there != NULL) {
        first->gather.sink = &file->stream.sink;
        first->gather.out = keep_bytes;
        file->first = first;
        bool gathered = wr_gather_put(&first->gather, items, count) == 0;
        size_t len = wr_gather_len(&first->gather);
        if (len > 0) {
            struct iovec rest = wr_gather_buffered(&first->gather);
            (void)keep_bytes(&file->stream.sink, &rest, 1);
        }
        wr_gather_fini(&first->gather);
        ssize_t n = read_back(file, at, there, COMPARED);
        same = gathered && n > 0 && first->len > 0 &&
               memcmp(there, first->bytes, WR_MIN((size_t)n, first->len)) == 0;
        file->first = NULL;
    }
    wr_free(there);
    wr_free(first);
    return same;
}

/* An earlier run may have left an incomplete line. End it, so that the next line is not joined to
 * it. */
static int end_line(struct wr_sink_file *file, const weir_item *items, size_t count)
{
    char last, end = '\n';
    struct iovec iov = {&end, 1};
    bool lines = count > 0 && (items[0].flags & WEIR_ITEM_BYTES) == 0;
    if (!lines || read_back(file, file->length - 1, &last, 1) != 1 || last == '\n') {
        return 0;
    }
    if (wr_sink_file_disk(file)->write(file->fd, &iov, 1) != 1) {
        return wr_sink_file_io(file, "write", errno);
    }
    file->length++;
    return 0;
}

/* The file is longer than the last run saved: that run died, or another process has appended. */
static int cut(struct wr_sink_file *file, int64_t stored, const weir_item *items, size_t count)
{
    struct wr_log *log = &file->stream.sink.loop->log;
    weir_error error;
    const char *who;
    int verdict = wr_state_may_cut(file->state, &who, &error);
    if (verdict < 0) {
        return wr_sink_file_pass(file, &error);
    }
    if (verdict == WR_CUT_NOT ||
        (verdict == WR_CUT_IF_SAME && !is_same(file, stored, items, count))) {
        wr_log(log, WR_LOG_WARNING, file->stream.sink.name,
               "'%s' has %lld bytes, but the last run saved only %lld. It is not truncated, "
               "because %s has not shown that it sends the rest again: a gap or repeats are "
               "possible",
               file->path, (long long)file->length, (long long)stored, who);
        return end_line(file, items, count);
    }
    if (wr_sink_file_disk(file)->cut(file->fd, stored) < 0) {
        return wr_sink_file_io(file, "truncate", errno);
    }
    wr_log(log, WR_LOG_WARNING, file->stream.sink.name,
           "'%s' had %lld bytes, but the last run saved only %lld: it is truncated to that length, "
           "and the rest is written again",
           file->path, (long long)file->length, (long long)stored);
    file->length = stored;
    return 0;
}

/* The state has no length of the file: write after what is there. */
static int go_on(struct wr_sink_file *file, const weir_item *items, size_t count)
{
    if (file->length == 0 || (count == 0 && file->kept->known)) {
        return 0; /* known, but no source was asked for anything: nothing is written */
    }
    wr_log(&file->stream.sink.loop->log, WR_LOG_WARNING, file->stream.sink.name,
           "'%s' already has %lld bytes, and none of them are in the state: this run appends to "
           "them",
           file->path, (long long)file->length);
    return end_line(file, items, count);
}

int wr_sink_file_fit(struct wr_sink_file *file, const weir_item *items, size_t count)
{
    int64_t stored = file->kept->stored;
    if (stored < 0) {
        return go_on(file, items, count);
    }
    if (stored == file->length) {
        return 0;
    }
    if (file->length < stored) {
        return wr_sink_set_error(&file->stream.sink, WEIR_ECHANGED, 0,
                                 "'%s' has %lld bytes, but %lld were written to it by the last "
                                 "run: restore it, or reset the state to start over",
                                 file->path, (long long)file->length, (long long)stored);
    }
    return cut(file, stored, items, count);
}
