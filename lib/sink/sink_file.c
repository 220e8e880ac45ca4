/*
 * sink_file.c - lines appended to a file.
 *
 * The file is opened at the first put, or when the sink is finished without a put. So an upstream
 * that fails at once leaves no empty file. A path that is not a regular file (a fifo, a terminal, a
 * device) can make its writer wait, so it is written as a stream, like the fd sink's. A fifo
 * without a reader is opened again until it has one; when the reader leaves, that is a failure.
 *
 * After weir_loop_reopen_files it opens its file again (sink_file_again.c), and so that receipts settle
 * only when their bytes are on the disk, it is synced there (weir_file_options.durable).
 *
 * A regular file with a state is first brought to the length in the state's record
 * (sink_file_fit.c). The record is saved once before the first byte. After each flush that left
 * nothing, the new length goes to the state. Writes go to the page cache and do not wait; the state
 * syncs the file, on the worker.
 *
 * With a state only this sink may write the file: its length is checked before each commit, and a
 * file that another process cuts or writes to is a failure. Without a state that is a warning at
 * the end.
 *
 * `length` is the end of the file, as far as this sink has written. `good` is the part of it that
 * ends between two items. They differ only after an incomplete write, and then the failure reports
 * both. With a state the next run cuts the file; without one the report tells the user how much of
 * the file is complete.
 */
#include <weir/module.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "flow_state.h"
#include "loop_file.h"
#include "sink_file_parts.h"

enum { FIFO_RETRY_MS = 50 };

int wr_sink_file_io(struct wr_sink_file *file, const char *what, int number)
{
    return wr_sink_set_error(&file->stream.sink, WEIR_EIO, number, "%s '%s': %s", what, file->path,
                             strerror(number));
}

int wr_sink_file_pass(struct wr_sink_file *file, const weir_error *error)
{
    return wr_sink_set_error(&file->stream.sink, error->code, error->detail, "%s", error->message);
}

/* Wait before the fifo is opened again: a reader may have opened it in the meantime. */
static int wait_for_reader(struct wr_sink_file *file)
{
    struct weir_sink *sink = &file->stream.sink;
    file->fifo_wait = true;
    int rc = wr_sleep(sink->loop, FIFO_RETRY_MS, "a reader of the fifo", &sink->object);
    file->fifo_wait = false;
    return rc;
}

/* Never blocks the loop: a fifo without a reader is ENXIO. So is a socket, for which a retry does
 * not help. */
int wr_sink_file_open_path(struct wr_sink_file *file, int64_t stored)
{
    struct stat info;
    int create = stored > 0 ? 0 : O_CREAT; /* a file to continue is not created */
    for (;;) {
        file->fd = wr_sink_file_disk(file)->open(
            AT_FDCWD, file->path, O_WRONLY | O_APPEND | create | O_NOCTTY | O_NONBLOCK, 0666);
        int number = errno;
        if (file->fd >= 0) {
            return 0;
        }
        if (number == ENOENT && stored > 0) {
            return wr_sink_set_error(&file->stream.sink, WEIR_ECHANGED, 0,
                                     "'%s' is not there, but %lld bytes were written to it by the "
                                     "last run: restore it, or reset the state to start over",
                                     file->path, (long long)stored);
        }
        if (number != ENXIO || wr_sink_file_disk(file)->stat_path(file->path, &info) < 0 ||
            !S_ISFIFO(info.st_mode)) {
            return wr_sink_file_io(file, "open", number);
        }
        int rc = wait_for_reader(file);
        if (rc < 0) {
            return wr_sink_set_error(&file->stream.sink, rc, 0, "the fifo '%s' has no reader: %s",
                                     file->path, wr_code_text(rc));
        }
    }
}

static struct wr_transport *stream_open(struct wr_stream_sink *stream, weir_error *error)
{
    struct wr_sink_file *file = wr_sink_file_of(&stream->sink);
    int fd = file->fd;
    file->fd = -1;
    return wr_fd_transport(stream->sink.loop, fd, WR_FD_OWN, error);
}

/* The length in a state counts one writer's bytes: the next start would cut off the lines of a
 * second writer. On a file system without locks the file is used without one. */
int wr_sink_file_lock(struct wr_sink_file *file)
{
    return wr_sink_file_disk(file)->lock(file->fd) < 0 && errno == EWOULDBLOCK
               ? wr_sink_set_error(&file->stream.sink, WEIR_EINVAL, 0,
                                   "'%s' is already being written by a run with another state: one "
                                   "file, one state",
                                   file->path)
               : 0;
}

static int promised(mode_t mode, const char **why)
{
    if (!S_ISREG(mode)) {
        return wr_stream_promise(S_ISFIFO(mode) ? WR_FAR_LOCAL : WR_FAR_KNOWS_NOTHING, why);
    }
    *why = "the file's length and the positions are saved together";
    return WEIR_EXACTLY_ONCE;
}

int wr_sink_file_open(struct wr_sink_file *file, const weir_item *items, size_t count)
{
    weir_error error;
    struct stat info;
    if (file->state != NULL &&
        wr_state_attach_sink(file->state, file->path, &file->kept, &error) < 0) {
        return wr_sink_file_pass(file, &error);
    }
    int rc = wr_sink_file_open_path(file, file->kept != NULL ? file->kept->stored : -1);
    if (rc < 0) {
        return rc;
    }
    if (wr_sink_file_disk(file)->stat(file->fd, &info) < 0) {
        return wr_sink_file_io(file, "stat", errno);
    }
    file->streams = !S_ISREG(info.st_mode);
    if (file->streams && file->durable) {
        return wr_sink_set_error(&file->stream.sink, WEIR_EINVAL, 0,
                                 "'%s' is no regular file, so it cannot be synced", file->path);
    }
    if (file->streams) {
        file->stream.gather.out = wr_stream_out;
    } else {
        file->length = info.st_size;
        rc = file->kept != NULL ? wr_sink_file_lock(file) : 0;
        if (rc == 0 && file->kept != NULL) {
            rc = wr_sink_file_fit(file, items, count);
        }
        file->good = file->length;
        rc = rc == 0 ? wr_sink_file_beside(file) : rc;
    }
    if (rc == 0 && file->kept != NULL) {
        const char *why;
        int word = promised(info.st_mode, &why);
        wr_state_promise(file->kept, word, why);
        if (file->streams) {
            wr_stream_settles(&file->stream, file->kept);
        } else {
            wr_state_sink_file(file->kept, file->fd, file->path);
        }
        rc = wr_state_begin(file->kept, file->length, &error);
        rc = rc < 0 ? wr_sink_file_pass(file, &error) : 0;
    }
    file->begun = rc == 0;
    return rc;
}

static int write_failed(struct wr_sink_file *file, int number)
{
    if (file->good != file->length) {
        return wr_sink_set_error(&file->stream.sink, WEIR_EIO, number,
                                 "write '%s': %s; the first %lld bytes are complete, the next %lld "
                                 "are of an incomplete write",
                                 file->path, strerror(number), (long long)file->good,
                                 (long long)(file->length - file->good));
    }
    return wr_sink_set_error(&file->stream.sink, WEIR_EIO, number,
                             "write '%s': %s; the first %lld bytes are complete", file->path,
                             strerror(number), (long long)file->good);
}

static int file_out(struct weir_sink *sink, struct iovec *iov, int count)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    while (count > 0) {
        ssize_t n = wr_sink_file_disk(file)->write(file->fd, iov, count);
        if (n < 0) {
            return write_failed(file, errno);
        }
        file->length += n;
        wr_sink_wrote(sink, (size_t)n);
        int done = wr_iov_skip(iov, count, (size_t)n);
        iov += done;
        count -= done;
    }
    file->good = file->length;
    return 0;
}

/* Check that no other process has cut the file, written to it or removed it since it was opened.
 * If one has, a state cannot rely on its length. */
static int only_ours(struct wr_sink_file *file)
{
    struct stat info;
    if (wr_sink_file_disk(file)->stat(file->fd, &info) < 0) {
        return wr_sink_file_io(file, "stat", errno);
    }
    if (info.st_nlink == 0) {
        return wr_sink_set_error(&file->stream.sink, WEIR_ECHANGED, 0,
                                 "'%s' was removed while it was written: its %lld bytes are gone; "
                                 "start over with another state",
                                 file->path, (long long)file->length);
    }
    return info.st_size == file->length
               ? 0
               : wr_sink_set_error(&file->stream.sink, WEIR_ECHANGED, 0,
                                   "'%s' has %lld bytes, but %lld were written to it: another "
                                   "process has truncated it or writes to it; restore it, or "
                                   "start over with another state",
                                   file->path, (long long)info.st_size, (long long)file->length);
}

/* Does only this sink write the file, because the next run may cut it? */
static bool is_own(const struct wr_sink_file *file)
{
    return file->state != NULL && wr_state_cuts(file->state);
}

/* Another process may change a file that is never cut by this sink, for example to rotate a log.
 * The loss is logged. */
static void tell_loss(const struct wr_sink_file *file)
{
    struct stat info;
    if (is_own(file) || file->renews || file->fd < 0 ||
        wr_sink_file_disk(file)->stat(file->fd, &info) < 0) {
        return;
    }
    struct wr_log *log = &file->stream.sink.loop->log;
    if (info.st_nlink == 0) {
        wr_log(log, WR_LOG_WARNING, file->stream.sink.name,
               "'%s' was removed while it was written: its %lld bytes are gone", file->path,
               (long long)info.st_size);
    } else if (info.st_size < file->length) {
        wr_log(
            log, WR_LOG_WARNING, file->stream.sink.name,
            "'%s' was truncated by another process while it was written: it has %lld bytes of %lld",
            file->path, (long long)info.st_size, (long long)file->length);
    }
}

int wr_sink_file_flush(struct weir_sink *sink)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    if (file->stream.gather.busy) {
        return 1;
    }
    file->finishing = true;
    if (file->streams) {
        return wr_stream_flush(sink);
    }
    struct iovec iov = wr_gather_buffered(&file->stream.gather);
    int rc = iov.iov_len > 0 ? file_out(sink, &iov, 1) : 0;
    wr_gather_fini(&file->stream.gather);
    return rc == 0 && file->begun && !file->renews && is_own(file) ? only_ours(file) : rc;
}

int wr_sink_file_close_fd(struct wr_sink_file *file)
{
    int fd = file->fd;
    file->fd = -1;
    return fd >= 0 && wr_sink_file_disk(file)->close(fd) < 0 ? wr_sink_file_io(file, "close", errno)
                                                             : 0;
}

static int file_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    weir_error error;
    /* While this put waits, the flush before the poll must not commit: its items are not written. */
    file->stream.gather.busy = true;
    int rc = file->renews || (file->state == NULL && file->reopenings != sink->loop->reopenings)
                 ? wr_sink_file_again(file, items, count)
                 : 0;
    if (rc == 0 && file->state != NULL && !file->streams &&
        wr_state_before_put(file->state, items, count, &error) < 0) {
        rc = wr_sink_file_pass(file, &error);
    }
    rc = rc < 0 || file->begun ? rc : wr_sink_file_open(file, items, count);
    file->stream.gather.busy = false;
    if (rc == 0 && file->streams) {
        return wr_stream_put_many(sink, items, count);
    }
    rc = rc < 0 ? rc : wr_gather_put(&file->stream.gather, items, count);
    if (rc == 0) {
        wr_sink_dirty(sink);
    }
    return rc;
}

static int file_wait(struct weir_sink *sink)
{
    return wr_sink_file_of(sink)->streams ? wr_stream_wait(sink) : 0;
}

static void file_committed(struct weir_sink *sink)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    if (file->state != NULL && file->begun) {
        wr_state_committed(file->kept, file->good);
    }
    if (file->beside != NULL) {
        file->beside->length = file->good;
    }
    if (WR_UNLIKELY(file->reopenings != sink->loop->reopenings) && file->state != NULL) {
        wr_sink_file_renew(file);
    }
}

static void file_close(struct weir_sink *sink, const weir_error *failure)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    weir_error error;
    if (failure == NULL && !file->begun && file->finishing &&
        wr_sink_file_open(file, NULL, 0) == 0) {
        file_committed(sink);
    }
    if (file->kept != NULL) {
        int rc = file->begun ? wr_state_save(file->state, &error) : 0;
        if (rc < 0) {
            wr_sink_file_pass(file, &error);
        }
        /* Also after a failure: the saves of other sinks would sync a closed file. */
        if (wr_state_sink_closes(file->kept, &error) < 0 && rc == 0) {
            wr_sink_file_pass(file, &error);
        }
    }
    wr_sink_file_leave(file);
    tell_loss(file);
    (void)wr_sink_file_close_fd(file);
    wr_stream_close(sink, failure);
    wr_free(file->path);
}

static size_t file_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct wr_sink_file *file = wr_sink_file_of(sink);
    if (file->fifo_wait) {
        return wr_print_text(text, cap, "the fifo '%s' has no reader yet", file->path);
    }
    return file->streams ? wr_stream_why(sink, text, cap) : 0; /* a file never waits */
}

static const struct wr_sink_ops file_ops = {.kind = "file",
                                            .put_many = file_put_many,
                                            .flush = wr_sink_file_flush,
                                            .wait = file_wait,
                                            .release = wr_stream_release,
                                            .drain = wr_stream_drain,
                                            .close = file_close,
                                            .committed = file_committed,
                                            .why = file_why,
                                            .keeps_length = true};

/* A commit waits until the file is on the disk; receipts settle after that. */
static const struct wr_sink_ops durable_ops = {.kind = "file",
                                               .put_many = file_put_many,
                                               .flush = wr_sink_file_flush,
                                               .commit = wr_sink_file_sync,
                                               .close = file_close,
                                               .keeps_length = true};

weir_sink *weir_file_sink(weir_scope *scope, const char *path, const weir_file_options *options)
{
    weir_file_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    const struct wr_sink_ops *ops = o.durable != 0 && o.state == NULL ? &durable_ops : &file_ops;
    struct wr_sink_file *file = wr_stream_sink_alloc(scope, sizeof *file, ops, "file");
    if (file == NULL) {
        return wr_sink_made(NULL);
    }
    file->stream.gather.out = file_out;
    file->stream.open = stream_open;
    file->stream.watches = WR_WATCHES_HANGUP;
    file->fd = -1;
    file->reopenings = file->stream.sink.loop->reopenings;
    file->durable = o.durable != 0;
    file->state = o.state;
    wr_list_init(&file->reopener.link);
    if (file->state != NULL) {
        wr_sink_file_watch(file);
    }
    file->path = wr_strdup(path);
    file->stream.path = file->path;
    if (path == NULL) {
        wr_sink_set_error(&file->stream.sink, WEIR_EINVAL, 0, "a file sink needs a path");
    } else if (file->path == NULL) {
        wr_sink_set_error(&file->stream.sink, WEIR_ENOMEM, 0, "no memory for a path");
    } else if (file->state != NULL) {
        struct stat info;
        const char *why;
        bool there = wr_sink_file_disk(file)->stat_path(path, &info) == 0;
        int word = promised(there ? info.st_mode : (mode_t)S_IFREG, &why);
        wr_state_expect_sink(file->state, path, word, why);
    }
    return wr_sink_made(&file->stream.sink);
}

struct file_args {
    const char *path;
};

static weir_sink *file_write(const weir_opening *opening, const void *args)
{
    weir_file_options options = {
        .struct_size = sizeof options, .state = opening->state, .durable = opening->durable};
    return weir_file_sink(opening->scope, ((const struct file_args *)args)->path, &options);
}

static int file_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *path = ((const struct file_args *)args)->path;
    size_t scheme = strspn(path, "abcdefghijklmnopqrstuvwxyz");
    (void)opening;
    if (scheme == 0 || strncmp(path + scheme, "://", 3) != 0) {
        return 0;
    }
    (void)weir_mistake_at(mistake, "PATH", "this is an address, not a path");
    return weir_mistake_hint(mistake,
                             "to send there, write post URL, tcp HOST:PORT or tls HOST:PORT");
}

static const char *const file_schemes[] = {"/", NULL};
static const weir_arg file_args[] = {
    WEIR_ARG_PATH(struct file_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "created if it does not exist"),
};

const weir_component wr_component_file_sink = {
    .struct_size = sizeof wr_component_file_sink,
    .name = "file",
    .schemes = file_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_CUTS_BACK | WEIR_TRAIT_PIECES,
    .args = file_args,
    .args_count = sizeof file_args / sizeof file_args[0],
    .args_size = sizeof(struct file_args),
    .help =
        "Append to a file; with a state it is first truncated to the saved length, so that nothing "
        "is written twice.",
    .example = "gen 1..3 | file ./out.txt",
    .prints = "",
    .condition = "the output is a regular file",
    .durable = "its file is synced before a position is saved",
    .misplaced = "to read a file, write its path alone as the first part",
    .check = file_check,
    .open_sink = file_write,
};
