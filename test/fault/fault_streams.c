/*
 * fault_streams.c - many short streams in one process: fault_streams URL COUNT
 *
 * Each is opened, read to its end and closed, in a scope of its own; every tenth is closed after its
 * first line. From a tenth of them on the resident memory may grow by a mebibyte, and at the end there
 * are as many descriptors as then.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/weir.h>

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

/* The number of lines that were read; -1: it has failed. */
static long read_stream(weir_loop *loop, const char *url, long most)
{
    weir_error error;
    weir_item line;
    long count = 0;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *lines = weir_http_lines(scope, url, NULL);
    while (count < most && weir_next(lines, &line)) {
        count++;
    }
    int rc = weir_finish(lines, &error);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    int ended = weir_scope_wait(scope, &error);
    return rc < 0 || ended < 0 ? -1 : count;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: fault_streams URL COUNT\n");
        return 2;
    }
    long count = atol(argv[2]), lines = 0, first_kib = 0;
    int first_fds = 0;
    weir_loop *loop = weir_loop_new(NULL);
    for (long i = 1; i <= count; i++) {
        long got = read_stream(loop, argv[1], i % 10 == 0 ? 1 : 1000);
        if (got <= 0) {
            fprintf(stderr, "stream %ld gave nothing\n", i);
            return 1;
        }
        lines += got;
        if (i == count / 10) {
            first_kib = resident_kib();
            first_fds = descriptors();
        }
    }
    long grown_kib = resident_kib() - first_kib;
    int grown_fds = descriptors() - first_fds;
    weir_loop_free(loop);
    printf(
        "%ld short streams, %ld lines: from the first tenth on %ld KiB and %d descriptors more\n",
        count, lines, grown_kib, grown_fds);
    return grown_kib > 1024 || grown_fds != 0;
}
