/*
 * weir_main.c - the command: a thin client of libweir. Flags are read in weir_flags.c, a pipeline
 * runs in weir_run.c, the demo server and the torture test in weir_demo.c and weir_torture.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "weir_run.h"

static int list_words(void)
{
    static const char *const kinds[] = {"source", "stage", "sink"};
    for (size_t i = 0;; i++) {
        int kind = 0;
        const char *name = weir_word_name(i, &kind);
        if (name == NULL) {
            return EXIT_FINISHED;
        }
        char help[2048];
        weir_word_help(i, help, sizeof help);
        char *end = strchr(help, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        printf("%-7s %s\n", kinds[kind], help);
    }
}

static int help_word(const char *word)
{
    bool found = false; /* a source and a sink may have the same name */
    for (size_t i = 0; weir_word_name(i, NULL) != NULL; i++) {
        if (strcmp(weir_word_name(i, NULL), word) == 0) {
            char help[4096];
            weir_word_help(i, help, sizeof help);
            printf("%s%s\n", found ? "\n" : "", help);
            found = true;
        }
    }
    if (found) {
        return EXIT_FINISHED;
    }
    fprintf(stderr, "weir: there is no source, stage or sink '%s'; 'weir list' lists them\n", word);
    return EXIT_USAGE;
}

/* A standard descriptor that is closed (weir ... >&-) would become the number of the loop's own. It
 * is opened the wrong way round instead, so that using it fails as a closed one does. */
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
    switch (flags.action) {
    case ACTION_HELP: flags_help(); return EXIT_FINISHED;
    case ACTION_VERSION: printf("weir %s\n", weir_version()); return EXIT_FINISHED;
    case ACTION_LIST: return list_words();
    case ACTION_WORD: return help_word(flags.word);
    case ACTION_DEMO: return flags.torture ? run_torture(&flags, argv[0]) : run_demo(&flags);
    default: return run_pipeline(&flags);
    }
}
