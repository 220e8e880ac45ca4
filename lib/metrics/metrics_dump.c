/*
 * metrics_dump.c - weir_dump: every task and generator of a loop, written to a descriptor without
 * allocation, so that it can be asked for at any time, also when memory is short. For each parked
 * task: what it waits for, for how long, and the calls of its stack, innermost first, each as module
 * and offset, which `addr2line -e MODULE OFFSET` takes also when modules are loaded at other
 * addresses. Frame pointers link a body to its resumer, so the list runs through the whole chain of
 * bodies.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/metrics.h>

#include "flow_gen.h"

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

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {"ready", "running", "waits", "ended"};
    return state < 4 ? names[state] : "?";
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* A frame record, by a system call that fails where memory cannot be read: a caller built without
 * frame pointers leaves anything in their register. */
static bool read_record(uintptr_t address, uintptr_t record[2])
{
    struct iovec to = {.iov_base = record, .iov_len = 2 * sizeof *record};
    struct iovec from = {.iov_base = (void *)address,
                         .iov_len = to.iov_len}; // NOLINT(performance-no-int-to-ptr)
    return address % sizeof *record == 0 &&
           process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)to.iov_len;
}

/* The address of a call is taken for its return address less one: the call may be the last
 * instruction of its function. In an executable that is linked to a fixed address the offset is the
 * address itself, as addr2line wants it. */
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
    /* The switch saves six registers, the frame pointer last: a frame record of its own. */
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

static void dump_task(int fd, const struct weir_loop *loop, const struct wr_task *task)
{
    long long waited_ms = (long long)((loop->now_ns - task->parked_ns) / 1000000);
    if (task->state == WR_TASK_PARKED) {
        line(fd, "task '%s' waits for %s%s%s%s, %lld.%03lld s", task->name,
             task->why != NULL ? task->why : "?", task->why_of != NULL ? " (" : "",
             task->why_of != NULL ? task->why_of->name : "", task->why_of != NULL ? ")" : "",
             waited_ms / 1000, waited_ms % 1000);
    } else {
        line(fd, "task '%s' %s", task->name, state_name(task->state));
    }
    dump_stack(fd, task);
}

static void dump_scope(int fd, const struct weir_scope *scope, int depth)
{
    static const char *const states[] = {"", ", canceled", ", canceled and overdue"};
    line(fd, "%*sscope '%s': %zu tasks%s%s", depth * 2, "", scope->name, scope->live,
         states[scope->state], scope->stopping ? ", stopping" : "");
    for (const struct wr_list *node = scope->objects.next; node != &scope->objects;
         node = node->next) {
        const struct wr_object *object = WR_OWNER((uintptr_t)node, struct wr_object, link);
        char why[200] = "";
        if (object->ops->why != NULL) {
            (void)object->ops->why(object, why, sizeof why);
        }
        line(fd, "%*s%s '%s'%s%s", depth * 2 + 2, "", object->ops->kind, object->name,
             why[0] != '\0' ? ": " : "", why);
    }
    if (depth == DEPTH_MAX && !wr_list_empty(&scope->children)) {
        line(fd, "%*s... and scopes in it", depth * 2 + 2, "");
        return;
    }
    for (const struct wr_list *node = scope->children.next; node != &scope->children;
         node = node->next) {
        dump_scope(fd, WR_OWNER((uintptr_t)node, struct weir_scope, child_link), depth + 1);
    }
}

void weir_dump(const weir_loop *loop, int fd)
{
    wr_loop_given(loop, "weir_dump");
    line(fd, "weir: %zu tasks, budget %lld of %lld bytes (peak %lld), %llu turns",
         loop->tasks_count, (long long)loop->budget.used, (long long)loop->budget.limit,
         (long long)loop->budget.peak, (unsigned long long)loop->turns);
    if (wr_nothing_moves(loop)) {
        line(fd, "%s", WR_NOTHING_MOVES);
    }
    if (loop->owned) {
        dump_task(fd, loop, &loop->outer);
    }
    for (const struct wr_list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        dump_task(fd, loop, WR_OWNER((uintptr_t)node, struct wr_task, all_link));
    }
    dump_scope(fd, loop->root, 0);
}
