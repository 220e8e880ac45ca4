/*
 * semantics: prints the trace of one generator program, so that run_semantics.py can hold it
 * beside the trace of the same program in Python.
 *
 *     semantics NAME     runs one program in a loop of its own
 *     semantics --list   prints "topic name", one program a line
 *
 * One process runs one program: a program that crashes or hangs spoils its own trace only. Output
 * is line buffered, so that the last line before a crash is seen.
 */
#include "sem.h"

#include <string.h>

static const struct {
    const char *name;
    const struct sem_program *programs;
} topics[] = {
    {"seeds", sem_seeds},         {"basics", sem_basics},     {"send", sem_send},
    {"throw", sem_throw},         {"close", sem_close},       {"delegate", sem_delegate},
    {"recursion", sem_recursion}, {"pipeline", sem_pipeline}, {"contagion", sem_contagion},
    {"async", sem_async},
};

static void list(void)
{
    for (size_t i = 0; i < LEN(topics); i++) {
        for (const struct sem_program *p = topics[i].programs; p->name != NULL; p++) {
            printf("%s %s\n", topics[i].name, p->name);
        }
    }
}

static int run(const struct sem_program *program)
{
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) {
        fprintf(stderr, "semantics: no memory for a loop\n");
        return 1;
    }
    program->run(weir_root(loop));
    weir_loop_free(loop);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: semantics NAME | --list\n");
        return 2;
    }
    for (size_t i = 0; i < LEN(topics); i++) {
        for (const struct sem_program *p = topics[i].programs; p->name != NULL; p++) {
            if (strcmp(p->name, argv[1]) == 0) {
                return run(p);
            }
        }
    }
    fprintf(stderr, "semantics: no program is called %s\n", argv[1]);
    return 2;
}
