/*
 * producer.c - a thread that makes lines, like the thread of a client library:  producer COUNT
 *
 * The thread writes a line, wakes the source, and waits until the line has been taken: the source's
 * reader sets the pace, and no line is copied.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

struct producer {
    weir_waker waker;
    sem_t room;       /* for a line */
    char line[32];    /* owned by the thread; while `full`, by the source */
    atomic_bool full; /* there is a line */
    atomic_bool over, stop;
    long count;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (long i = 1; sem_wait(&p->room) == 0 && i <= p->count && !atomic_load(&p->stop); i++) {
        snprintf(p->line, sizeof p->line, "line %ld", i);
        atomic_store(&p->full, true);
        weir_wake_remote(&p->waker);
    }
    atomic_store(&p->over, true);
    weir_wake_remote(&p->waker);
    return NULL;
}

WEIR_SOURCE(lines, struct producer *)
{
    struct producer *p = *args;
    pthread_t thread;
    int rc = 0;
    sem_init(&p->room, 0, 1);
    weir_waker_init(&p->waker, weir_gen_scope(self));
    if (pthread_create(&thread, NULL, produce, p) != 0) {
        weir_waker_fini(&p->waker);
        return weir_fail(self, WEIR_ENOMEM, "no thread");
    }
    while (rc == 0 && !atomic_load(&p->over)) {
        if (atomic_exchange(&p->full, false)) {
            weir_item line = weir_bytes(p->line, strlen(p->line));
            rc = weir_yield(self, &line) ? 0 : WEIR_ECLOSED;
            sem_post(&p->room);
        } else {
            rc = weir_park(&p->waker, WEIR_NONE, "its thread");
        }
    }
    atomic_store(&p->stop, true);
    sem_post(&p->room);
    pthread_join(thread, NULL); /* after this the thread cannot use the waker */
    weir_waker_fini(&p->waker);
    return rc;
}

int main(int argc, char **argv)
{
    struct producer producer = {.count = argc > 1 ? strtol(argv[1], NULL, 10) : 10};
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_scope_obey_signals(root);
    if (weir_pump(lines(root, &producer), weir_fd_sink(root, 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
