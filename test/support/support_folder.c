/*
 * support_folder.c - a folder of the test's own.
 */
#include "support_suites.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *wr_folder_path(const struct wr_folder *folder, const char *name)
{
    static char paths[4][160];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%.80s", folder->path, name);
    return path;
}

void wr_folder_make(struct wr_folder *folder)
{
    wr_temp_name(folder->path, sizeof folder->path, "folder");
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
}

void wr_folder_remove(struct wr_folder *folder)
{
    if (folder->path[0] != '\0') {
        wr_remove_all(folder->path);
    }
}

void wr_folder_write(const struct wr_folder *folder, const char *name, const char *bytes,
                     size_t len)
{
    FILE *file = fopen(wr_folder_path(folder, name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

const char *wr_folder_read(const struct wr_folder *folder, const char *name, size_t *len)
{
    static char bytes[256 * 1024];
    FILE *file = fopen(wr_folder_path(folder, name), "r");
    if (file == NULL) {
        return NULL;
    }
    *len = fread(bytes, 1, sizeof bytes - 1, file);
    bytes[*len] = '\0';
    fclose(file);
    return bytes;
}
