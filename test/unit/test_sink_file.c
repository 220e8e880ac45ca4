/*
 * Lines to a file: the suite, appending, full disks. What a state adds is in test_flow_state.c.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_suites.h"

static weir_sink *make_file(struct wr_sink_play *play)
{
    return weir_file_sink(play->scope, wr_folder_path(&play->folder, "out"), NULL);
}

static size_t take_file(struct wr_sink_play *play, char *to, size_t cap, bool *end)
{
    FILE *file = fopen(wr_folder_path(&play->folder, "out"), "r");
    size_t n = 0;
    *end = true;
    if (file != NULL) {
        fseek(file, (long)play->far + 1, SEEK_SET);
        n = fread(to, 1, cap, file);
        play->far += (int)n; /* -1: nothing read so far */
        *end = n < cap;
        fclose(file);
    }
    return n;
}

static const struct wr_sink_kit file_kit = {.make = make_file, .take = take_file};

WR_SINK_SUITE(&file_kit);

struct fixture {
    weir_loop *loop;
    struct wr_folder folder;
};

static void begin(struct fixture *f)
{
    f->loop = test_loop();
    wr_folder_make(&f->folder);
}

static void end(struct fixture *f)
{
    weir_loop_free(f->loop);
    wr_folder_remove(&f->folder);
}

static int pump(struct fixture *f, weir_gen *gen, weir_error *error)
{
    return weir_pump(
        gen, weir_file_sink(weir_root(f->loop), wr_folder_path(&f->folder, "out"), NULL), error);
}

TEST(appends_to_what_is_there)
{
    struct fixture f;
    size_t len;
    begin(&f);
    wr_folder_write(&f.folder, "out", "old\n", 4);

    ck_assert_int_eq(pump(&f, wr_lines_of(weir_root(f.loop), "new\n"), NULL), 0);

    ck_assert_str_eq(wr_folder_read(&f.folder, "out", &len), "old\nnew\n");
    end(&f);
}

TEST(empty_stream_makes_an_empty_file)
{
    struct fixture f;
    size_t len;
    begin(&f);

    ck_assert_int_eq(pump(&f, wr_lines_of(weir_root(f.loop), ""), NULL), 0);

    ck_assert_ptr_nonnull(wr_folder_read(&f.folder, "out", &len));
    ck_assert_uint_eq(len, 0);
    end(&f);
}

TEST(unused_sink_makes_no_file)
{
    struct fixture f;
    size_t len;
    begin(&f);

    weir_sink_discard(weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL));

    MUST(wr_folder_read(&f.folder, "out", &len) == NULL);
    end(&f);
}

TEST(path_that_cannot_be_opened_is_told)
{
    struct fixture f;
    weir_error error;
    begin(&f);
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "no/out"), NULL);

    ck_assert_int_eq(weir_pump(wr_lines_of(weir_root(f.loop), "x\n"), sink, &error), WEIR_EIO);

    ck_assert_int_eq(error.detail, ENOENT);
    ck_assert_str_eq(error.origin, "file");
    end(&f);
}

/* The k-th call fails, a write as on a full disk: the failure names what is good, and that is what
 * is there. False: there are fewer calls. */
static bool fill_disk(uint64_t k, long long *good)
{
    struct fixture f;
    weir_error error;
    struct stat info;
    *good = -1;
    begin(&f);
    weir_gen *gen = weir_count(weir_root(f.loop), 1, 100000);
    weir_sink *sink = weir_file_sink(weir_root(f.loop), wr_folder_path(&f.folder, "out"), NULL);
    wr_fault_set(k, false);
    int rc = weir_pump(gen, sink, &error);
    const char *point = wr_fault_name();
    wr_fault_set(0, false);

    if (point != NULL && strcmp(point, "write") == 0) {
        ck_assert_int_eq(rc, WEIR_EIO);
        ck_assert_int_eq(error.detail, ENOSPC);
        const char *text = strstr(error.message, "its first ");
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(sscanf(text, "its first %lld bytes are good", good), 1);
        ck_assert_int_eq(stat(wr_folder_path(&f.folder, "out"), &info), 0);
        ck_assert_int_eq(info.st_size, *good);
    }
    end(&f);
    return point != NULL;
}

TEST(full_disk_names_the_good_bytes)
{
    long long good = 0, most = 0;
    for (uint64_t k = 1; !wr_test_sweeps() && fill_disk(k, &good); k++) {
        most = WR_MAX(most, good);
    }
    ck_assert(wr_test_sweeps() || most > 100000);
}

MAIN("sink/file")
