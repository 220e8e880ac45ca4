/*
 * metrics_dump.c - weir_dump: every task and generator of a loop, written to a descriptor without
 * allocation, so that it can be asked for at any time, also when memory is short. For each parked
 * task: what it waits for, for how long, and the return addresses of its call stack, innermost
 * first; frame pointers link a body to its resumer, so the list runs through the whole chain of
 * bodies (for `addr2line -e PROGRAM` or a debugger).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
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
static bool readable(const struct wr_task *task, const uintptr_t *frame)
{
    /* A frame record lies on one of the loop's stacks, above where its fiber was left. */
    for (const struct wr_fiber *fiber = task->leaf; fiber != NULL; fiber = fiber->resumer) {
        const struct wr_stack *stack = fiber->co.stack;
        if (stack != NULL && (const char *)frame >= stack->bottom &&
            (const char *)(frame + 2) <= stack->top) {
            return ((uintptr_t)frame & 7) == 0;
        }
    }
    return false;
}

static void dump_stack(int fd, const struct wr_task *task)
{
    if (task->state != WR_TASK_PARKED || task->leaf->co.sp == NULL) {
        return;
    }
    /* The switch saves six registers, the frame pointer last: a frame record of its own. */
    const uintptr_t *frame = (const uintptr_t *)task->leaf->co.sp + 5;
    char text[FRAMES_MAX * 20 + 1];
    size_t len = 0;
    text[0] = '\0';
    for (int i = 0; i < FRAMES_MAX && readable(task, frame); i++) {
        int n = snprintf(text + len, sizeof text - len, " %#lx", (unsigned long)frame[1]);
        if (n < 0 || (size_t)n >= sizeof text - len) {
            break;
        }
        len += (size_t)n;
        frame = (const uintptr_t *)frame[0];
    }
    line(fd, "    stack:%s", text);
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
