/*
 * base_fault.c - the fault counter and its schedules.
 *
 * States: unarmed (the default; wr_fault does not call this file), armed by the environment before
 * main, or armed by a test with wr_fault_set. Once armed it stays armed: wr_fault_set(0) stops the
 * failures but the counting continues.
 *
 * A constructor reads the environment, so that points reached by other constructors count too and
 * no lock is needed. A set-user-id program ignores the environment. An invalid schedule aborts:
 * with a spelling mistake a test would arm nothing and would always pass.
 *
 * Called from any thread at any fallible call. The counters are atomic. Which of two threads
 * reaches the k-th point depends on how the threads are scheduled, so only single-threaded runs can
 * be repeated exactly.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* secure_getenv */
#endif
#include "base_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_error.h"

bool wr_fault_armed;

static atomic_uint_fast64_t fail_at; /* 0: none */
static atomic_bool fail_after_too;
static atomic_uint_fast64_t reached;
static atomic_uint_fast64_t fired;
static _Atomic(const char *) first_name;
static atomic_bool paused_now;

/* Written before main only. */
static const char *kill_name;
static size_t kill_name_len;
static uint64_t kill_at;
static atomic_uint_fast64_t kill_reached;

static uint64_t parse_count(const char *variable, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    WR_ASSERT(*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && n > 0,
              "%s: \"%s\" is not a number above 0", variable, text);
    return n;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *at = secure_getenv("WEIR_FAULT_AT");
    const char *from = secure_getenv("WEIR_FAULT_FROM");
    const char *kill_text = secure_getenv("WEIR_FAULT_KILL");
    if (at != NULL) {
        wr_fault_set(parse_count("WEIR_FAULT_AT", at), false);
    } else if (from != NULL) {
        wr_fault_set(parse_count("WEIR_FAULT_FROM", from), true);
    }
    if (kill_text != NULL) {
        const char *colon = strrchr(kill_text, ':');
        WR_ASSERT(colon != NULL && colon > kill_text, "WEIR_FAULT_KILL: \"%s\" is not name:n",
                  kill_text);
        kill_at = parse_count("WEIR_FAULT_KILL", colon + 1);
        kill_name = kill_text;
        kill_name_len = (size_t)(colon - kill_text);
        wr_fault_armed = true;
    }
}

static void kill_if_due(const char *point)
{
    if (strncmp(point, kill_name, kill_name_len) != 0 || point[kill_name_len] != '\0') {
        return;
    }
    if (atomic_fetch_add(&kill_reached, 1) + 1 == kill_at) {
        kill(getpid(), SIGKILL);
    }
}

bool wr_fault_slow(const char *point)
{
    if (atomic_load(&paused_now)) {
        return false;
    }
    if (kill_name != NULL) {
        kill_if_due(point);
    }
    uint64_t n = atomic_fetch_add(&reached, 1) + 1;
    uint64_t k = atomic_load(&fail_at);
    if (k == 0 || n < k || (n > k && !atomic_load(&fail_after_too))) {
        return false;
    }
    const char *none = NULL;
    atomic_compare_exchange_strong(&first_name, &none, point);
    atomic_fetch_add(&fired, 1);
    return true;
}

void wr_fault_set(uint64_t k, bool sticky)
{
    wr_fault_armed = true;
    atomic_store(&fail_at, k);
    atomic_store(&fail_after_too, sticky);
    atomic_store(&reached, 0);
    atomic_store(&fired, 0);
    atomic_store(&first_name, NULL);
}

uint64_t wr_fault_count(void)
{
    return atomic_load(&reached);
}

uint64_t wr_fault_fired(void)
{
    return atomic_load(&fired);
}

const char *wr_fault_name(void)
{
    return atomic_load(&first_name);
}

void wr_fault_pause(bool paused)
{
    atomic_store(&paused_now, paused);
}
