/*
 * sink_file.c - lines appended to a file.
 *
 * Opened at the first put, or when the sink is finished without one: an upstream that fails at once
 * leaves no empty file behind. With a state the file is brought to the length of the state's record
 * first, the record is saved once before the first byte, and after each flush that left nothing the
 * new length goes to the state. Writes go to the page cache and do not wait; the syncing is the
 * state's, on the worker.
 *
 * `length` is where the file ends, as far as this sink has written; `good` the part of it that ends
 * between two items. They differ only after a write that was cut short, and then the failure says
 * so: with a state the next run cuts the file, without one the reader knows how much of it to
 * trust.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "flow_state.h"
#include "sink_gather.h"

struct sink_file {
    struct weir_sink sink;
    struct wr_gather gather;
    weir_state *state; /* NULL: none */
    char *path;
    int fd;         /* -1: not open */
    bool finishing; /* a commit has come by: an empty stream makes an empty file */
    int64_t length, good;
};

static struct sink_file *file_of(struct weir_sink *sink)
{
    return WR_OWNER(sink, struct sink_file, sink);
}

static int fail_io(struct sink_file *file, const char *what, int number)
{
    return wr_sink_set_error(&file->sink, WEIR_EIO, number, "%s '%s': %s", what, file->path,
                             strerror(number));
}

static int pass_on(struct sink_file *file, const weir_error *error)
{
    return wr_sink_set_error(&file->sink, error->code, error->detail, "%s", error->message);
}

/* Bring the file to the length that the state knows. */
static int fit(struct sink_file *file, int64_t stored)
{
    if (stored < 0 || stored == file->length) {
        return 0;
    }
    if (file->length < stored) {
        return wr_sink_set_error(&file->sink, WEIR_ECHANGED, 0,
                                 "'%s' has %lld bytes, but %lld were written to it by the last run",
                                 file->path, (long long)file->length, (long long)stored);
    }
    if (wr_fault("ftruncate") ? (errno = EIO, true) : ftruncate(file->fd, stored) < 0) {
        return fail_io(file, "cut", errno);
    }
    file->length = stored;
    return 0;
}

static int open_file(struct sink_file *file)
{
    int64_t stored = -1;
    weir_error error;
    struct stat info;
    if (file->state != NULL && wr_state_attach_sink(file->state, &stored, &error) < 0) {
        return pass_on(file, &error);
    }
    file->fd = wr_fault("open")
                   ? (errno = EACCES, -1)
                   : open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file->fd < 0) {
        return fail_io(file, "open", errno);
    }
    if (wr_fault("fstat") ? (errno = EIO, true) : fstat(file->fd, &info) < 0) {
        return fail_io(file, "look at", errno);
    }
    file->length = S_ISREG(info.st_mode) ? info.st_size : 0;
    int rc = fit(file, stored);
    file->good = file->length;
    if (rc == 0 && file->state != NULL) {
        wr_state_sink_file(file->state, file->fd);
        rc = wr_state_begin(file->state, file->length, &error);
        rc = rc < 0 ? pass_on(file, &error) : 0;
    }
    return rc;
}

static int write_failed(struct sink_file *file, int number)
{
    if (file->good != file->length) {
        return wr_sink_set_error(
            &file->sink, WEIR_EIO, number,
            "write '%s': %s; its first %lld bytes are good, %lld behind them are cut short",
            file->path, strerror(number), (long long)file->good,
            (long long)(file->length - file->good));
    }
    return wr_sink_set_error(&file->sink, WEIR_EIO, number,
                             "write '%s': %s; its first %lld bytes are good", file->path,
                             strerror(number), (long long)file->good);
}

static int file_out(struct weir_sink *sink, struct iovec *iov, int count)
{
    struct sink_file *file = file_of(sink);
    while (count > 0) {
        ssize_t n = wr_fault("write") ? (errno = ENOSPC, -1) : writev(file->fd, iov, count);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return write_failed(file, errno);
        }
        file->length += n;
        sink->loop->stats.bytes_out += (uint64_t)n;
        int done = wr_iov_skip(iov, count, (size_t)n);
        iov += done;
        count -= done;
    }
    file->good = file->length;
    return 0;
}

static int file_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct sink_file *file = file_of(sink);
    int rc = file->fd < 0 ? open_file(file) : 0;
    rc = rc < 0 ? rc : wr_gather_put(&file->gather, items, count);
    if (rc == 0) {
        wr_sink_dirty(sink);
    }
    return rc;
}

static int file_flush(struct weir_sink *sink)
{
    struct sink_file *file = file_of(sink);
    if (file->gather.busy) {
        return 1;
    }
    file->finishing = true;
    size_t len = wr_gather_len(&file->gather);
    struct iovec iov = {len > 0 ? file->gather.buffer + file->gather.start : NULL, len};
    int rc = len > 0 ? file_out(sink, &iov, 1) : 0;
    wr_gather_fini(&file->gather);
    return rc;
}

static void file_committed(struct weir_sink *sink)
{
    struct sink_file *file = file_of(sink);
    if (file->state != NULL && file->fd >= 0) {
        wr_state_committed(file->state, file->good);
    }
}

static void file_close(struct weir_sink *sink, const weir_error *failure)
{
    struct sink_file *file = file_of(sink);
    weir_error error;
    if (failure == NULL && file->fd < 0 && file->finishing && open_file(file) == 0) {
        file_committed(sink);
    }
    if (file->state != NULL && file->fd >= 0) {
        if (wr_state_save(file->state, &error) < 0) {
            pass_on(file, &error);
        }
        wr_state_sink_file(file->state, -1);
    }
    if (file->fd >= 0) {
        /* Closed in any case; on some file systems only this tells that the disk was full. */
        int number = close(file->fd) < 0 ? errno : wr_fault("close") ? EIO : 0;
        if (number != 0) {
            fail_io(file, "close", number);
        }
    }
    wr_gather_fini(&file->gather);
    wr_free(file->path);
}

static size_t file_why(const struct weir_sink *sink, char *text, size_t cap)
{
    (void)sink;
    (void)text;
    (void)cap;
    return 0; /* a file takes what it is given */
}

static const struct wr_sink_ops file_ops = {.kind = "file",
                                            .put_many = file_put_many,
                                            .flush = file_flush,
                                            .close = file_close,
                                            .committed = file_committed,
                                            .why = file_why};

weir_sink *weir_file_sink(weir_scope *scope, const char *path, const weir_file_options *options)
{
    weir_file_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct sink_file *file = wr_sink_alloc(scope, sizeof *file, &file_ops, "file");
    if (file == NULL) {
        return wr_sink_made(NULL);
    }
    file->gather.sink = &file->sink;
    file->gather.out = file_out;
    file->fd = -1;
    file->state = o.state;
    file->path = wr_strdup(path);
    if (file->path == NULL) {
        wr_sink_set_error(&file->sink, WEIR_ENOMEM, 0, "no memory for a path");
    }
    return wr_sink_made(&file->sink);
}
