/*
 * support_disk.h - a disk in memory that can do what a real one does once in a year.
 *
 * There is one a process. It writes short, is full, fails a sync, stops at the k-th call (then all
 * calls fail), and loses power: of what was not synced some is there afterwards, chosen by the seed,
 * and in no order. A file's bytes and length are safe after a sync of the file, names after a sync
 * of their folder. A sync of a file that fails gives up what it was to write, as Linux does:
 * the next one succeeds without it. Names are in a journal, and the next sync writes them.
 */
#ifndef WR_SUPPORT_DISK_H
#define WR_SUPPORT_DISK_H

#include "loop_file.h"

extern const struct wr_disk wr_test_disk;

/* Begin with an empty disk. */
void wr_disk_make(uint64_t seed);
void wr_disk_free(void);
/* A file that is safe, with its folder. */
void wr_disk_put(const char *path, const char *bytes, size_t len);
/* Rename a file, by another process, of which it is safe at once. */
void wr_disk_move(const char *from, const char *to);
/* As stat says it; 0: there is no such file. */
int wr_disk_inode(const char *path);
/* What a reader sees; NULL: there is no such file. Terminated, and lent until it changes. */
const char *wr_disk_get(const char *path, size_t *len);
/* What is there after a loss of power, at least. */
const char *wr_disk_get_safe(const char *path);
/* The machine stops before the (count + 1)-th call from now on. */
void wr_disk_stop_after(uint64_t count);
/* Calls so far, since wr_disk_stop_after. */
uint64_t wr_disk_calls(void);
/* And it goes on, with nothing open: only the process had ended. */
void wr_disk_go_on(void);
/* And it starts again, with what is safe and some of the rest. */
void wr_disk_lose_power(void);
/* A write takes a part of what it is given. */
void wr_disk_write_short(bool on);
/* So many bytes may still be written; UINT64_MAX: no limit. */
void wr_disk_room(uint64_t bytes);
/* The (count + 1)-th sync from now on fails. */
void wr_disk_fail_sync_after(uint64_t count);

#endif
