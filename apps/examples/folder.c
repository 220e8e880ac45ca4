/*
 * folder.c - the names of files written into a folder, as lines, until Ctrl-C:  folder PATH
 *
 * inotify gives several events in one read, and this source gives several items: as many as its
 * reader asks for, and the rest in the next call.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <weir/weir.h>

struct folder {
    int fd;
    size_t at, len; /* of the events that were read */
    _Alignas(struct inotify_event) char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
};

static size_t next_many(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct folder *folder = self;
    size_t n = 0;
    if (folder->at == folder->len) {
        int rc = weir_wait_fd(weir_gen_scope(gen), folder->fd, WEIR_READABLE, WEIR_NONE, "a file");
        ssize_t got = rc < 0 ? 0 : read(folder->fd, folder->events, sizeof folder->events);
        if (got <= 0) {
            weir_gen_error(gen, rc < 0 ? rc : WEIR_EIO, errno, "no events of the folder");
            return 0;
        }
        folder->at = 0;
        folder->len = (size_t)got;
    }
    for (; n < max && folder->at < folder->len; n++) {
        const char *at = folder->events + folder->at;
        const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
        items[n] = weir_bytes(event->name, strlen(event->name));
        folder->at += sizeof *event + event->len;
    }
    return weir_give(gen, items, n);
}

static void close_fd(weir_gen *gen, void *self)
{
    (void)gen;
    close(((const struct folder *)self)->fd);
}

static const weir_gen_ops folder_ops = {
    .struct_size = sizeof folder_ops, .name = "folder", .next_many = next_many, .close = close_fd};

int main(int argc, char **argv)
{
    static struct folder folder;
    folder.fd = inotify_init1(IN_CLOEXEC);
    if (argc != 2 || inotify_add_watch(folder.fd, argv[1], IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        fprintf(stderr, "usage: folder PATH (an existing folder)\n");
        return 2;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_scope_obey_signals(root);
    weir_gen *names = weir_source_new(root, &folder_ops, &folder, sizeof folder);
    if (weir_pump(names, weir_fd_sink(root, 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
