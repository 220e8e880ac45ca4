/*
 * weir_main.c - the command: a thin client of libweir. weir_flags.c reads the flags, weir_text.c
 * the pipeline, weir_run.c runs it, weir_look.c only looks at it, weir_demo.c is the demo server,
 * weir_torture.c is the torture test, and weir_help.c prints help.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

static void tell_module(void *ctx, const weir_error *error)
{
    (void)ctx;
    fprintf(stderr, "weir: %s\n", error->message);
}

/* of: "sources", "stages", "sinks"; NULL: all. */
static int list_components(const char *of)
{
    static const char *const kinds[] = {"source", "stage", "sink"};
    const weir_component *component;
    (void)weir_modules_load(tell_module, NULL);
    for (int32_t kind = WEIR_KIND_SOURCE; kind <= WEIR_KIND_SINK; kind++) {
        for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
            if (component->kind != kind ||
                (of != NULL && strncmp(of, kinds[kind], strlen(kinds[kind])) != 0)) {
                continue;
            }
            char help[4096];
            weir_component_help(component, help, sizeof help);
            printf("%-7s %.*s\n        %s\n", kinds[kind], (int)strcspn(help, "\n"), help,
                   component->help);
        }
    }
    return EXIT_FINISHED;
}

/* If a standard descriptor is closed (weir ... >&-), a descriptor of the loop would get its number.
 * To prevent that, it is opened in the wrong direction, so that using it fails as if closed. */
static void hold_standard_fds(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
        }
    }
}

int main(int argc, char **argv)
{
    static struct flags flags;
    hold_standard_fds();
    int rc = flags_read(argc, argv, &flags);
    if (rc != 0) {
        return rc;
    }
    if (flags.action != ACTION_RUN && flags.action != ACTION_DEMO) {
        signal(SIGPIPE, SIG_IGN); /* a reader of printed text may leave: weir list | head -1 */
    }
    switch (flags.action) {
    case ACTION_HELP: help_all(); return EXIT_FINISHED;
    case ACTION_VERSION: printf("weir %s\n", weir_version()); return EXIT_FINISHED;
    case ACTION_LIST: return list_components(flags.word);
    case ACTION_WORD: return help_word(flags.word);
    case ACTION_CHECK:
        return flags.shatter != NULL ? shatter_pipeline(&flags) : check_pipeline(&flags);
    case ACTION_EXPLAIN: return explain_pipeline(&flags);
    case ACTION_GRAPH: return graph_pipeline(&flags);
    case ACTION_FORMAT: return format_pipeline(&flags);
    case ACTION_COMPLETION: return print_completion(flags.word);
    case ACTION_MANUAL: return print_manual(flags.word);
    case ACTION_TEST: return test_cases(&flags);
    case ACTION_INIT: return init_project(flags.word);
    case ACTION_STATE: return run_state(&flags);
    case ACTION_DEMO: return flags.torture ? run_torture(&flags, argv[0]) : run_demo(&flags);
    default: return run_pipeline(&flags);
    }
}
