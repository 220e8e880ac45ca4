/*
 * support_folder.c - a folder of the test's own.
 */
#include "support_suites.h"

#include <dirent.h>
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

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char inner[512];
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(inner, sizeof inner, "%.200s/%.255s", path, entry->d_name);
            remove_all(inner);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)remove(path);
}

/* The name is the runner's, not the test's: what a test that was ended midway has left behind is
 * removed by the next. */
void wr_folder_make(struct wr_folder *folder)
{
    static int made;
    snprintf(folder->path, sizeof folder->path, "/tmp/weir-%.24s-%d-%d",
             program_invocation_short_name, (int)getppid(), made++);
    remove_all(folder->path);
    ck_assert_int_eq(mkdir(folder->path, 0700), 0);
}

void wr_folder_remove(struct wr_folder *folder)
{
    if (folder->path[0] != '\0') {
        remove_all(folder->path);
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
