/*
 * weir_state.c - `weir state`: shows saved positions, and changes them by hand.
 *
 * <weir/state.h> does the work; this file only prints. No pipeline runs. The record of a running
 * pipeline can be read but not changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir_run.h"

static int complain(const weir_error *error)
{
    fprintf(stderr, "weir: %s\n", error->message);
    return error->code == WEIR_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static int misused(const char *what)
{
    fprintf(stderr, "weir: %s; see 'weir help state'\n", what);
    return EXIT_USAGE;
}

static void print_time(int64_t unix_ms)
{
    char text[32];
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fputs(text, stdout);
}

/* State of a listing of records; `code` is the exit code of the last failure. */
struct listing {
    const char *folder;
    size_t count;
    int code;
};

static bool list_one(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    weir_error error;
    weir_record *record = weir_record_read(listing->folder, name, &error);
    listing->count++;
    if (record == NULL) {
        listing->code = complain(&error);
        return true;
    }
    printf("%-16s  ", name);
    print_time(record->saved_ms);
    printf("  %s\n", record->text != NULL ? record->text : "");
    weir_record_free(record);
    return true;
}

static bool show_one(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    weir_error error;
    weir_record *record = weir_record_read(listing->folder, name, &error);
    if (record == NULL) {
        listing->code = complain(&error);
        return true;
    }
    printf("%s%s\n", listing->count++ > 0 ? "\n" : "", name);
    if (record->text != NULL) {
        printf("  pipeline  %s\n", record->text);
    }
    fputs("  saved     ", stdout);
    print_time(record->saved_ms);
    putchar('\n');
    for (size_t i = 0; i < record->sources_count; i++) {
        const weir_record_source *source = &record->sources[i];
        printf("  source    %s: %" PRIu64 " items%s\n  position  %s\n", source->name, source->items,
               source->finished ? ", read to its end" : "", source->position);
    }
    for (size_t i = 0; i < record->sinks_count; i++) {
        const weir_record_sink *sink = &record->sinks[i];
        printf("  sink      %s", sink->name);
        if (sink->length > 0) {
            printf(": %" PRId64 " bytes", sink->length);
        }
        putchar('\n');
    }
    weir_record_free(record);
    return true;
}

static int each(const char *folder, bool (*fn)(void *ctx, const char *name))
{
    struct listing listing = {.folder = folder};
    weir_error error;
    int rc = weir_record_each(folder, fn, &listing, &error);
    return rc < 0 ? complain(&error) : listing.code;
}

/* The index of a source by its name; NULL if there is only one source. -1 after a message. */
static long find_source(const weir_record *record, const char *source)
{
    long found = -1;
    for (size_t i = 0; i < record->sources_count; i++) {
        if (source == NULL || strcmp(record->sources[i].name, source) == 0) {
            if (found >= 0) {
                fprintf(stderr, "weir: the state '%s' has several sources; which one?\n",
                        record->name);
                return -1;
            }
            found = (long)i;
        }
    }
    if (found < 0) {
        fprintf(stderr, "weir: the state '%s' has no source '%s'\n", record->name,
                source != NULL ? source : "");
    }
    return found;
}

static int set(const char *folder, const char *name, const char *source, const char *position)
{
    weir_error error;
    weir_record *record = weir_record_read(folder, name, &error);
    if (record == NULL) {
        return complain(&error);
    }
    long index = find_source(record, source);
    weir_record_free(record);
    if (index < 0) {
        return EXIT_USAGE;
    }
    return weir_record_set(folder, name, (size_t)index, position, &error) < 0 ? complain(&error)
                                                                              : EXIT_FINISHED;
}

static int reset(const char *folder, const char *name)
{
    weir_error error;
    weir_record *record = weir_record_read(folder, name, &error);
    if (record == NULL && error.code != WEIR_EINVAL) { /* a damaged record can be removed */
        return complain(&error);
    }
    weir_record_free(record);
    return weir_record_remove(folder, name, &error) < 0 ? complain(&error) : EXIT_FINISHED;
}

int run_state(const struct flags *flags)
{
    const char *folder = flags->state_folder;
    const char *const *words = flags->files;
    size_t count = flags->files_count;
    const char *verb = count > 0 ? words[0] : "";
    if (count == 0) {
        command_usage(ACTION_STATE);
        return EXIT_FINISHED;
    }
    if (folder == NULL) {
        return misused("--state DIR is missing");
    }
    if (strcmp(verb, "list") == 0 && count == 1) {
        return each(folder, list_one);
    }
    if (strcmp(verb, "show") == 0 && count == 1) {
        return each(folder, show_one);
    }
    if (strcmp(verb, "show") == 0 && count == 2) {
        struct listing listing = {.folder = folder};
        (void)show_one(&listing, words[1]);
        return listing.code;
    }
    if (strcmp(verb, "set") == 0 && (count == 3 || count == 4)) {
        return set(folder, words[1], count == 4 ? words[2] : NULL, words[count - 1]);
    }
    if (strcmp(verb, "reset") == 0 && count == 2) {
        return reset(folder, words[1]);
    }
    return misused("state takes: list, show [NAME], set NAME [SOURCE] POSITION, or reset NAME");
}
