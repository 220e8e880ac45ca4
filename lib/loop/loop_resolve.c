/*
 * loop_resolve.c - names go to getaddrinfo on libuv's pool.
 *
 * A lookup cannot be stopped. If the task is canceled or times out, it leaves the record of the lookup
 * behind, and the record frees itself when the answer comes.
 */
#include "loop_resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"

/* Without a free file descriptor the resolver cannot read its files: it reports an unknown name. */
static bool no_descriptor_left(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    int number = errno;
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 && number == EMFILE;
}

struct lookup {
    uv_getaddrinfo_t request;
    struct wr_task *task;
    struct addrinfo *found;
    int status;
    bool over, abandoned;
};

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = WR_OWNER(request, struct lookup, request);
    lookup->status = status;
    lookup->found = found;
    lookup->over = true;
    if (lookup->abandoned) {
        uv_freeaddrinfo(found);
        wr_free(lookup);
    } else {
        wr_wake(lookup->task, 0);
    }
}

static bool lookup_over(void *arg)
{
    return ((const struct lookup *)arg)->over;
}

int wr_resolve(struct weir_loop *loop, const char *host, const char *port, int socktype,
               int64_t limit_ms, struct wr_object *of, struct addrinfo **found, int *detail)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = socktype};
    struct lookup *lookup = wr_zalloc(sizeof *lookup);
    *found = NULL;
    *detail = 0;
    if (lookup == NULL) {
        return WEIR_ENOMEM;
    }
    lookup->task = wr_task_now(loop, "a name lookup");
    int rc = wr_fault("uv_getaddrinfo")
                 ? UV_ENOMEM
                 : uv_getaddrinfo(loop->uv, &lookup->request, on_lookup, host, port, &hints);
    if (rc < 0) {
        wr_free(lookup);
        *detail = rc;
        return WEIR_ERESOLVE;
    }
    loop->fds_waited++;
    rc = wr_wait_until(loop, lookup_over, lookup, limit_ms, "a name lookup", of);
    loop->fds_waited--;
    if (!lookup->over) {
        lookup->abandoned = true;
        (void)uv_cancel((uv_req_t *)&lookup->request);
        return rc;
    }
    if (rc == 0 && lookup->status < 0) {
        bool full = no_descriptor_left();
        rc = full ? WEIR_EIO : WEIR_ERESOLVE;
        *detail = full ? EMFILE : lookup->status;
    }
    if (rc == 0) {
        *found = lookup->found;
    } else {
        uv_freeaddrinfo(lookup->found);
    }
    wr_free(lookup);
    return rc;
}
