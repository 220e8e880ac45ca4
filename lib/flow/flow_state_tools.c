/*
 * flow_state_tools.c - records for tools: reading, changing and removing the record of a state.
 *
 * There is no loop: the calls block. Reading takes no lock, since a record is replaced as a whole.
 * Changing or removing a record takes the lock that a pipeline holds while it runs.
 */
#include <weir/state.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_state_file.h"

static const char origin[] = "state", suffix[] = ".weir", suffix_old[] = ".weir.old";

/* The object that weir_record_read returns. */
struct read_record {
    weir_record base;
    struct wr_record record;
};

static int fail_io(weir_error *error, const char *folder, int number)
{
    return wr_error_set(error, WEIR_EIO, number, origin, "open the folder '%s': %s", folder,
                        strerror(number));
}

static int begin(struct wr_state_place *place, const char *folder, const char *name,
                 weir_error *error)
{
    *place = (struct wr_state_place){
        .disk = &wr_disk_real, .folder = (char *)(uintptr_t)folder, .folder_fd = -1, .lock_fd = -1};
    int rc = wr_state_name(place, name, error);
    if (rc < 0) {
        return rc;
    }
    place->folder_fd = place->disk->open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    return place->folder_fd >= 0 ? 0 : fail_io(error, folder, errno);
}

/* 0, or a negative code: WEIR_EIO with ENOENT if there is no record. */
static int load(const struct wr_state_place *place, struct wr_record *record, weir_error *error)
{
    int rc = wr_state_load(place, record, error);
    return rc > 0    ? 0
           : rc == 0 ? wr_error_set(error, WEIR_EIO, ENOENT, origin,
                                    "there is no state '%s' in '%s'", place->name, place->folder)
                     : rc;
}

/* Moves *record into the result, whose texts point into it. NULL: no memory; *record is unchanged.
 */
static weir_record *give(struct wr_record *record)
{
    size_t sources_len = record->sources_count * sizeof(weir_record_source);
    struct read_record *read =
        wr_zalloc(sizeof *read + sources_len + record->sinks_count * sizeof(weir_record_sink));
    if (read == NULL) {
        return NULL;
    }
    weir_record_source *sources = (weir_record_source *)(void *)(read + 1);
    weir_record_sink *sinks = (weir_record_sink *)(void *)((char *)sources + sources_len);
    for (size_t i = 0; i < record->sources_count; i++) {
        const struct wr_record_source *from = &record->sources[i];
        sources[i] = (weir_record_source){.name = from->name,
                                          .position = from->position,
                                          .items = from->items,
                                          .finished = from->finished};
    }
    for (size_t i = 0; i < record->sinks_count; i++) {
        sinks[i] =
            (weir_record_sink){.name = record->sinks[i].name, .length = record->sinks[i].length};
    }
    read->base = (weir_record){.struct_size = sizeof read->base,
                               .name = record->name,
                               .text = record->text,
                               .saved_ms = record->saved_ms,
                               .sources = sources,
                               .sources_count = record->sources_count,
                               .sinks = sinks,
                               .sinks_count = record->sinks_count};
    read->record = *record;
    *record = (struct wr_record){.bytes = NULL};
    return &read->base;
}

weir_record *weir_record_read(const char *folder, const char *name, weir_error *error)
{
    WR_GIVEN(folder);
    WR_GIVEN(name);
    struct wr_state_place place;
    struct wr_record record = {.bytes = NULL};
    weir_record *given = NULL;
    weir_error local;
    error = error != NULL ? error : &local;
    if (begin(&place, folder, name, error) < 0) {
        return NULL;
    }
    if (load(&place, &record, error) == 0 && (given = give(&record)) == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, origin, "no memory for a record");
    }
    wr_record_free(&record);
    wr_state_unlock(&place);
    return given;
}

void weir_record_free(weir_record *record)
{
    if (record != NULL) {
        struct read_record *read = WR_OWNER(record, struct read_record, base);
        wr_record_free(&read->record);
        wr_free(read);
    }
}

/* Store a changed record. */
static int store(const struct wr_state_place *place, const struct wr_record *record,
                 weir_error *error)
{
    struct wr_growing text = {.data = NULL};
    const char *step = "write";
    wr_record_write(&text, record);
    int number = text.failed ? ENOMEM : wr_state_store(place, &text, &step);
    wr_growing_free(&text);
    return number == 0
               ? 0
               : wr_error_set(error, number == ENOMEM ? WEIR_ENOMEM : WEIR_EIO, number, origin,
                              "%s '%s.weir': %s", step, place->name, strerror(number));
}

/* Drop the earlier moment: it does not fit a position that was set by hand. */
static void forget_before(struct wr_record *record)
{
    for (size_t i = 0; i < record->sources_count; i++) {
        record->sources[i].before = NULL;
    }
    for (size_t i = 0; i < record->sinks_count; i++) {
        record->sinks[i].before = -1;
    }
}

int weir_record_set(const char *folder, const char *name, size_t source, const char *position,
                    weir_error *error)
{
    WR_GIVEN(folder);
    WR_GIVEN(name);
    WR_GIVEN(position);
    struct wr_state_place place;
    struct wr_record record = {.bytes = NULL};
    weir_error local;
    error = error != NULL ? error : &local;
    int rc = begin(&place, folder, name, error);
    if (rc < 0) {
        return rc;
    }
    wr_state_unlock(&place);
    rc = wr_state_lock(&place, error);
    if (rc == 0) {
        rc = load(&place, &record, error);
    }
    if (rc == 0 && source >= record.sources_count) {
        rc = wr_error_set(error, WEIR_EINVAL, 0, origin, "the state '%s' has %zu source%s", name,
                          record.sources_count, record.sources_count == 1 ? "" : "s");
    }
    if (rc == 0) {
        record.sources[source].position = position;
        record.sources[source].finished = false;
        forget_before(&record);
        rc = store(&place, &record, error);
    }
    wr_record_free(&record);
    wr_state_unlock(&place);
    return rc;
}

int weir_record_remove(const char *folder, const char *name, weir_error *error)
{
    WR_GIVEN(folder);
    WR_GIVEN(name);
    struct wr_state_place place;
    weir_error local;
    error = error != NULL ? error : &local;
    int rc = begin(&place, folder, name, error);
    if (rc < 0) {
        return error->detail == ENOENT ? (wr_error_clear(error), 0) : rc;
    }
    wr_state_unlock(&place);
    rc = wr_state_lock(&place, error);
    if (rc == 0) {
        wr_state_remove(&place);
        wr_state_unlock(&place);
    }
    return rc;
}

/* ---- the names in a folder */

struct names {
    char **all;
    size_t count, cap;
};

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* 0 or WEIR_ENOMEM. */
static int add_name(struct names *names, const char *file, size_t suffix_len)
{
    char *name = wr_strdup(file);
    if (name == NULL || !wr_grow(&names->all, sizeof *names->all, names->count, &names->cap)) {
        wr_free(name);
        return WEIR_ENOMEM;
    }
    name[strlen(name) - suffix_len] = '\0';
    names->all[names->count++] = name;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        wr_free(names->all[i]);
    }
    wr_free(names->all);
}

/* Also lists previous records: between the two renames of a save only the previous one exists. */
static int read_names(struct names *names, const char *folder, weir_error *error)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return fail_io(error, folder, errno);
    }
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir)) != NULL;) {
        size_t len = ends_with(entry->d_name, suffix_old) ? sizeof suffix_old - 1
                     : ends_with(entry->d_name, suffix)   ? sizeof suffix - 1
                                                          : 0;
        if (len > 0 && entry->d_name[0] != '.') {
            rc = add_name(names, entry->d_name, len);
        }
    }
    closedir(dir);
    if (rc < 0) {
        return wr_error_set(error, rc, 0, origin, "no memory for the names of records");
    }
    if (names->count > 1) {
        qsort(names->all, names->count, sizeof *names->all, by_name);
    }
    return 0;
}

int weir_record_each(const char *folder, bool (*fn)(void *ctx, const char *name), void *ctx,
                     weir_error *error)
{
    WR_GIVEN(folder);
    WR_GIVEN(fn);
    struct names names = {.all = NULL};
    weir_error local;
    error = error != NULL ? error : &local;
    wr_error_clear(error);
    int rc = read_names(&names, folder, error);
    bool more = rc == 0;
    for (size_t i = 0; i < names.count && more; i++) {
        bool again = i > 0 && strcmp(names.all[i], names.all[i - 1]) == 0;
        more = again || fn(ctx, names.all[i]);
    }
    free_names(&names);
    return rc;
}
