/* courier.c - see courier.h. */
#include "courier.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct courier {
    pthread_t thread;
    sem_t room, work;
    FILE *file;
    courier_done *done;
    void *ctx;
    char *lines[COURIER_WINDOW]; /* NULL: the end */
    size_t next_in, next_out;
};

static void *carry(void *arg)
{
    struct courier *courier = arg;
    for (;;) {
        sem_wait(&courier->work);
        char *line = courier->lines[courier->next_out++ % COURIER_WINDOW];
        if (line == NULL) {
            return NULL;
        }
        errno = 0;
        int written = fprintf(courier->file, "%s\n", line) >= 0 && fflush(courier->file) == 0;
        int error = written ? 0 : errno;
        free(line);
        sem_post(&courier->room);
        courier->done(courier->ctx, error);
    }
}

struct courier *courier_open(const char *path, courier_done *done, void *ctx)
{
    FILE *file = fopen(path, "w");
    struct courier *courier = file != NULL ? calloc(1, sizeof *courier) : NULL;
    if (courier != NULL) {
        *courier = (struct courier){.file = file, .done = done, .ctx = ctx};
        sem_init(&courier->room, 0, COURIER_WINDOW);
        sem_init(&courier->work, 0, 0);
        pthread_create(&courier->thread, NULL, carry, courier);
    }
    return courier;
}

int courier_send(struct courier *courier, const char *line, size_t len)
{
    if (sem_trywait(&courier->room) < 0) {
        return EAGAIN;
    }
    courier->lines[courier->next_in++ % COURIER_WINDOW] = strndup(line, len);
    sem_post(&courier->work);
    return 0;
}

void courier_close(struct courier *courier)
{
    sem_wait(&courier->room);
    courier->lines[courier->next_in % COURIER_WINDOW] = NULL;
    sem_post(&courier->work);
    pthread_join(courier->thread, NULL);
    fclose(courier->file);
    free(courier);
}
