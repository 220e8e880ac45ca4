/*
 * program.c - a C program that uses the shared objects which the command loads as modules, by the
 * makers that they export.   program COUNT TEXT PATH
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outside.h"

/* Put the address of `name` in `file` into *maker. */
static void look_up(const char *file, const char *name, void *maker)
{
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    void *found = object != NULL ? dlsym(object, name) : NULL;
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    memcpy(maker, &found, sizeof found);
}

int main(int argc, char **argv)
{
    weir_gen *(*grep)(weir_gen *, const char *);
    weir_gen *(*ticks)(weir_scope *, int64_t, int64_t);
    weir_sink *(*courier)(weir_scope *, const char *);
    if (argc != 4) {
        return 2;
    }
    look_up("./grep.so", "outside_grep", &grep);
    look_up("./ticks.so", "outside_ticks", &ticks);
    look_up("./courier.so", "outside_courier", &courier);

    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error, scope_error;
    weir_ledger ledger;
    weir_gen *gen = grep(ticks(scope, 1, strtoll(argv[1], NULL, 10)), argv[2]);
    int rc = weir_pump(gen, courier(scope, argv[3]), &error);
    weir_scope_ledger(scope, &ledger);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    printf("%llu in, %llu delivered, %llu filtered\n", (unsigned long long)ledger.in,
           (unsigned long long)ledger.delivered, (unsigned long long)ledger.filtered);
    rc = rc < 0 ? rc : weir_scope_wait(scope, &scope_error);
    weir_loop_free(loop);
    return rc < 0;
}
