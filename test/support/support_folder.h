/*
 * support_folder.h - a folder of the test's own, removed with all that is in it.
 */
#ifndef WR_SUPPORT_FOLDER_H
#define WR_SUPPORT_FOLDER_H

#include <stddef.h>

struct wr_folder {
    char path[64];
};
void wr_folder_make(struct wr_folder *folder);
void wr_folder_remove(struct wr_folder *folder);
/* Path of a file in it, in a static buffer that lives until the fourth next call. */
const char *wr_folder_path(const struct wr_folder *folder, const char *name);
void wr_folder_write(const struct wr_folder *folder, const char *name, const char *bytes,
                     size_t len);
/* Bytes read into a static buffer, terminated; NULL: there is no such file. */
const char *wr_folder_read(const struct wr_folder *folder, const char *name, size_t *len);

#endif
