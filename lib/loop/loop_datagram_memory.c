/*
 * loop_datagram_memory.c - datagrams without a descriptor, for tests under a virtual clock.
 *
 * The buffer is a ring of `cap` datagrams. What comes while it is full is dropped and counted, as
 * the kernel does. A wait parks the task, and the next datagram wakes it. A try to send takes up to
 * three datagrams, or fails as the test has said.
 */
#define _GNU_SOURCE /* mmsghdr */
#include "loop_datagram.h"

#include <errno.h>
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"

struct held {
    union wr_peer from;
    socklen_t from_len;
    size_t len;
    char *data;
};

enum { FAILURES = 8, TAKEN_AT_ONCE = 3 };

struct memory {
    struct wr_datagrams base;
    int failures[FAILURES]; /* of the next tries to send */
    size_t failures_count;
    char *record;
    size_t record_cap, record_len;
    struct wr_task *reader;
    uint32_t dropped;
    size_t first, count, cap;
    struct held ring[];
};

static struct memory *memory_of(struct wr_datagrams *socket)
{
    return WR_OWNER(socket, struct memory, base);
}

static void hand_over(struct held *held, struct mmsghdr *message)
{
    struct msghdr *to = &message->msg_hdr;
    size_t taken = 0;
    for (size_t i = 0; i < to->msg_iovlen; i++) {
        size_t n = WR_MIN(held->len - taken, to->msg_iov[i].iov_len);
        if (n > 0) {
            memcpy(to->msg_iov[i].iov_base, held->data + taken, n);
        }
        taken += n;
    }
    to->msg_flags = taken < held->len ? MSG_TRUNC : 0;
    memcpy(to->msg_name, &held->from, held->from_len);
    to->msg_namelen = held->from_len;
    message->msg_len = (unsigned)held->len;
    wr_free(held->data);
    held->data = NULL;
}

static int memory_receive(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count)
{
    struct memory *memory = memory_of(socket);
    unsigned n = 0;
    if (wr_fault("recvmmsg")) {
        socket->detail = ENOMEM;
        return WEIR_EIO;
    }
    while (n < count && memory->count > 0) {
        hand_over(&memory->ring[memory->first], &messages[n++]);
        memory->first = (memory->first + 1) % memory->cap;
        memory->count--;
    }
    return n > 0 ? (int)n : WR_AGAIN;
}

static void put_record(struct memory *memory, const char *data, size_t len)
{
    size_t n = WR_MIN(len, memory->record_cap - memory->record_len);
    memcpy(memory->record + memory->record_len, data, n);
    memory->record_len += n;
}

static int memory_send(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count)
{
    struct memory *memory = memory_of(socket);
    if (memory->failures_count > 0 || wr_fault("sendmmsg")) {
        socket->detail = memory->failures_count > 0 ? memory->failures[0] : ENOMEM;
        memory->failures_count -= memory->failures_count > 0;
        memmove(memory->failures, memory->failures + 1, sizeof memory->failures - sizeof(int));
        return socket->detail == EAGAIN ? WR_AGAIN : WEIR_EIO;
    }
    unsigned taken = WR_MIN(count, (unsigned)TAKEN_AT_ONCE);
    for (unsigned i = 0; i < taken; i++) {
        const struct iovec *text = messages[i].msg_hdr.msg_iov;
        put_record(memory, text->iov_base, text->iov_len);
        put_record(memory, "|", 1);
    }
    put_record(memory, "", 1);
    memory->record_len -= memory->record_len > 0;
    return (int)taken;
}

static bool can_receive(void *arg)
{
    return ((const struct memory *)arg)->count > 0;
}

static int memory_wait(struct wr_datagrams *socket, int events, int64_t limit_ms, const char *why,
                       struct wr_object *of)
{
    struct memory *memory = memory_of(socket);
    if ((events & WR_WRITABLE) != 0) {
        return wr_pause(socket->loop, of);
    }
    memory->reader = wr_task_now(socket->loop, why);
    int rc = wr_wait_until(socket->loop, can_receive, memory, limit_ms, why, of);
    memory->reader = NULL;
    return rc;
}

static uint32_t memory_dropped(struct wr_datagrams *socket)
{
    return memory_of(socket)->dropped;
}

static size_t memory_waiting(struct wr_datagrams *socket)
{
    return memory_of(socket)->count;
}

static void memory_free(struct wr_datagrams *socket)
{
    struct memory *memory = memory_of(socket);
    for (size_t i = 0; i < memory->cap; i++) {
        wr_free(memory->ring[i].data);
    }
    wr_free(memory);
}

static const struct wr_datagrams_ops memory_ops = {.kind = "memory",
                                                   .receive = memory_receive,
                                                   .send = memory_send,
                                                   .wait = memory_wait,
                                                   .dropped = memory_dropped,
                                                   .waiting = memory_waiting,
                                                   .free = memory_free};

struct wr_datagrams *wr_datagram_memory(struct weir_loop *loop, size_t cap)
{
    struct memory *memory = wr_zalloc(sizeof *memory + cap * sizeof memory->ring[0]);
    if (memory == NULL) {
        return NULL;
    }
    memory->base.ops = &memory_ops;
    memory->base.loop = loop;
    memory->base.buffer_bytes = SIZE_MAX;
    (void)wr_peer_read("127.0.0.1:5514", &memory->base.local);
    memory->cap = cap;
    return &memory->base;
}

bool wr_datagram_memory_came(struct wr_datagrams *socket, const char *from, const void *data,
                             size_t len)
{
    struct memory *memory = memory_of(socket);
    struct held *held = &memory->ring[(memory->first + memory->count) % memory->cap];
    char *copy = memory->count < memory->cap ? wr_alloc(len + 1) : NULL;
    if (copy == NULL) {
        memory->dropped++;
        return false;
    }
    memcpy(copy, data, len);
    *held = (struct held){.len = len, .data = copy};
    held->from_len = wr_peer_read(from, &held->from);
    memory->count++;
    if (memory->reader != NULL) {
        wr_wake(memory->reader, 0);
    }
    return true;
}

void wr_datagram_memory_record(struct wr_datagrams *socket, char *to, size_t cap)
{
    struct memory *memory = memory_of(socket);
    memory->record = to;
    memory->record_cap = cap;
    to[0] = '\0';
}

void wr_datagram_memory_fails(struct wr_datagrams *socket, int number)
{
    struct memory *memory = memory_of(socket);
    WR_ASSERT(memory->failures_count < FAILURES, "too many failures in a script");
    memory->failures[memory->failures_count++] = number;
}
