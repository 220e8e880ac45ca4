/*
 * metrics_dump.c - weir_dump: writes all that weir_walk visits to a descriptor.
 *
 * It does not allocate, so that a program can call it at any time, also when memory is short. For
 * each parked task it also writes the calls of its stack, innermost first, each as module and
 * offset. `addr2line -e MODULE OFFSET` takes these, wherever the module was loaded. Frame pointers
 * link a body to its resumer, so the list shows the whole chain of bodies.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base_print.h"
#include "metrics_walk.h"

enum { FRAMES_MAX = 24, DEPTH_MAX = 32 };

static void line(int fd, const char *format, ...) WEIR_PRINTF(2, 3);

static void line(int fd, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text - 1, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text - 1 ? (size_t)n : sizeof text - 2;
    text[len++] = '\n';
    for (size_t at = 0; at < len;) {
        ssize_t wrote = write(fd, text + at, len - at);
        if (wrote <= 0) {
            return;
        }
        at += (size_t)wrote;
    }
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Read a frame record with a system call, which fails on unreadable memory instead of crashing:
 * code built without frame pointers leaves any value in that register. */
static bool read_record(uintptr_t address, uintptr_t record[2])
{
    struct iovec to = {.iov_base = record, .iov_len = 2 * sizeof *record};
    struct iovec from = {.iov_base = (void *)address,
                         .iov_len = to.iov_len}; // NOLINT(performance-no-int-to-ptr)
    return address % sizeof *record == 0 &&
           process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)to.iov_len;
}

/* The address shown is the return address minus one, because the call may be the last instruction
 * of its function. In an executable that is linked to a fixed address, addr2line needs the address
 * itself as the offset. */
static void dump_call(int fd, uintptr_t address)
{
    Dl_info module;
    address--;
    if (dladdr((const void *)address, &module) == 0 ||
        module.dli_fname == NULL) { // NOLINT(performance-no-int-to-ptr)
        line(fd, "    at %#lx", (unsigned long)address);
        return;
    }
    const char *slash = strrchr(module.dli_fname, '/');
    uintptr_t base = (uintptr_t)module.dli_fbase;
    bool fixed = ((const ElfW(Ehdr) *)module.dli_fbase)->e_type == ET_EXEC;
    line(fd, "    at %s+%#lx", slash != NULL ? slash + 1 : module.dli_fname,
         (unsigned long)(fixed ? address : address - base));
}

static void dump_stack(int fd, const struct wr_task *task)
{
    if (task->state != WR_TASK_PARKED || task->leaf->co.sp == NULL) {
        return;
    }
    /* The switch saves six registers, the frame pointer last. That makes a frame record. */
    uintptr_t record[2] = {(uintptr_t)task->leaf->co.sp + 5 * sizeof(uintptr_t), 0};
    for (int i = 0; i < FRAMES_MAX && read_record(record[0], record) && record[1] != 0; i++) {
        dump_call(fd, record[1]);
    }
}
#else
static void dump_stack(int fd, const struct wr_task *task)
{
    (void)fd;
    (void)task;
}
#endif

/* ", 12 in, 10 out, 2 filtered, 4096 bytes, 3 waits of 1.250 s": only counts that are not 0. */
static void add_counts(struct wr_print *to, const weir_node *node)
{
    const struct {
        uint64_t n;
        const char *what;
    } counts[] = {{node->items_in, "in"},         {node->items_out, "out"},
                  {node->filtered, "filtered"},   {node->rejected, "rejected"},
                  {node->dropped, "dropped"},     {node->bytes, "bytes"},
                  {node->held_items, "held now"}, {node->waits, "waits"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].n > 0) {
            wr_printf(to, ", %" PRIu64 " %s", counts[i].n, counts[i].what);
        }
    }
    if (node->waited_ns >= 1000000) {
        wr_printf(to, " of %.3f s", (double)node->waited_ns / 1e9);
    }
}

static bool dump_node(void *arg, const weir_node *node)
{
    const struct wr_seen *seen = WR_OWNER((uintptr_t)node, struct wr_seen, node);
    int fd = *(int *)arg, indent = (int)WR_MIN(node->depth, (uint32_t)DEPTH_MAX) * 2;
    const char *kind = node->kind == WEIR_NODE_GENERATOR ? "generator"
                       : node->kind == WEIR_NODE_SINK    ? "sink"
                                                         : node->type;
    const char *colon = node->why[0] == '\0' ? "" : seen->own_words ? ": " : " ";
    if (seen->task != NULL && node->state == WEIR_NODE_WAITS) {
        line(fd, "%*s%s '%s'%s%s, %.3f s", indent, "", kind, node->name, colon, node->why,
             (double)node->waiting_ns / 1e9);
        dump_stack(fd, seen->task);
    } else {
        char counts[320];
        struct wr_print print;
        wr_print_to(&print, counts, sizeof counts);
        add_counts(&print, node);
        line(fd, "%*s%s '%s'%s%s%s", indent, "", kind, node->name, colon, node->why, counts);
    }
    return true;
}

void weir_dump(const weir_loop *loop, int fd)
{
    wr_loop_given(loop, "weir_dump");
    size_t tasks = wr_tasks_seen(loop->root);
    line(fd, "weir: %zu task%s, budget %lld of %lld bytes (peak %lld), %llu rounds of the loop",
         tasks, tasks == 1 ? "" : "s", (long long)loop->budget.used, (long long)loop->budget.limit,
         (long long)loop->budget.peak, (unsigned long long)loop->turns);
    if (wr_nothing_moves(loop)) {
        line(fd, "%s", WR_NOTHING_MOVES);
    }
    weir_walk(loop, dump_node, &fd);
}
