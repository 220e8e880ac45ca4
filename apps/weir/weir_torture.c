/*
 * weir_torture.c - `weir demo --torture`: 30 seconds, offline. A child process streams numbered
 * lines of mixed length from a flaky source into a file, with --state. It is killed with SIGKILL
 * again and again: half of the kills at a seeded fault point (just before a write, fsync, rename or
 * ftruncate), half at a random moment. At the end the file must have the sha256 of the lines that
 * the line generator makes directly.
 *
 * The server stays in this process, so it counts the bytes that are read again. After each kill the
 * state's record and the file's length show where the child was. A run that was too easy proves
 * nothing and is reported as void: fewer than KILLS_MIN kills between start and end, fewer than
 * TRUNCATIONS_MIN restarts that cut the file, or fewer than RECONNECTS_MIN reconnects within a run.
 * The test covers process death, not power loss. The exit code is 0 only if the file is right after
 * a run that was hard enough.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"
#include "weir_run.h"

enum {
    KILLS_MIN = 20,
    TRUNCATIONS_MIN = 5,
    RECONNECTS_MIN = 5,
    KILLING_MS = 22000, /* after that the child may finish */
    FINISH_MS = 60000,  /* a child that takes longer hangs */
    LINES = 200000,     /* about 200 MB: more than fits into KILLING_MS */
    DROP_BYTES = 400000 /* the server drops the connection after about this many */
};

struct torture {
    struct say say;
    weir_loop *loop;
    const char *program;
    char folder[64], state[96], file[96], log[96], text[320];
    uint64_t random, seed;
    struct demo_file lines;
    struct demo_control control;
    uint64_t size; /* of the whole file */
    unsigned starts, kills, point_kills, kills_inside, truncations;
    uint64_t cut_bytes;
    bool broken; /* the child ended by itself with a failure */
};

static uint64_t draw(struct torture *torture, uint64_t below)
{
    uint64_t x = torture->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    torture->random = x;
    return (x >> 11) % below;
}

/* ---- what is on the disk */

struct promise {
    const struct torture *torture;
    uint64_t position, length;
};

static bool read_promise(void *ctx, const char *name)
{
    struct promise *promise = ctx;
    weir_record *record = weir_record_read(promise->torture->state, name, NULL);
    unsigned long long offset;
    if (record != NULL && record->sources_count == 1 &&
        sscanf(record->sources[0].position, "offset %llu", &offset) == 1) {
        promise->position = offset;
        promise->length = record->sinks_count == 1 && record->sinks[0].length > 0
                              ? (uint64_t)record->sinks[0].length
                              : 0;
    }
    weir_record_free(record);
    return true;
}

/* The position and length in the newest record of the state's folder; 0, 0 if there is none. */
static void read_record(const struct torture *torture, uint64_t *position, uint64_t *length)
{
    struct promise promise = {.torture = torture};
    (void)!weir_record_each(torture->state, read_promise, &promise, NULL);
    *position = promise.position;
    *length = promise.length;
}

static uint64_t file_length(const struct torture *torture)
{
    struct stat st;
    return stat(torture->file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The number of reconnects that the children have logged. */
static unsigned count_reconnects(const struct torture *torture)
{
    char line[2048];
    unsigned count = 0;
    FILE *file = fopen(torture->log, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, "; retry ") != NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

static void hex(const unsigned char *bytes, char text[65])
{
    for (int i = 0; i < 32; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static bool hash_file(const struct torture *torture, char text[65])
{
    unsigned char bytes[65536], digest[32];
    unsigned len = 0;
    FILE *file = fopen(torture->file, "r");
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = file != NULL && hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t n; ok && (n = fread(bytes, 1, sizeof bytes, file)) > 0;) {
        ok = EVP_DigestUpdate(hash, bytes, n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(hash, digest, &len) == 1;
    if (ok) {
        hex(digest, text);
    }
    EVP_MD_CTX_free(hash);
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

static bool hash_lines(const struct torture *torture, char text[65])
{
    static char line[DEMO_LINE_MAX + 8];
    unsigned char digest[32];
    unsigned len = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (int64_t i = 1; ok && i <= LINES; i++) {
        size_t n = demo_line(&torture->lines, i, line);
        line[n++] = '\n';
        ok = EVP_DigestUpdate(hash, line, n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(hash, digest, &len) == 1;
    if (ok) {
        hex(digest, text);
    }
    EVP_MD_CTX_free(hash);
    return ok;
}

/* ---- the child */

/* fault: "name:n" for WEIR_FAULT_KILL, or NULL. */
static pid_t start_child(struct torture *torture, const char *fault)
{
    torture->starts++;
    pid_t child = fork();
    if (child != 0) {
        return child;
    }
    int log = open(torture->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log >= 0) {
        dup2(log, 2);
    }
    if (fault != NULL) {
        setenv("WEIR_FAULT_KILL", fault, 1);
    } else {
        unsetenv("WEIR_FAULT_KILL");
    }
    execl("/proc/self/exe", torture->program, "--retry", "inf", "--state", torture->state,
          torture->text, (char *)NULL);
    _exit(127);
}

/* Wait until the child has ended. After limit_ms, kill it. True: it ended itself, see *status. */
static bool watch_child(struct torture *torture, pid_t child, int64_t limit_ms, int *status)
{
    int64_t until_ms = say_now_ms() + limit_ms;
    while (waitpid(child, status, WNOHANG) == 0) {
        if (say_now_ms() >= until_ms) {
            kill(child, SIGKILL);
            waitpid(child, status, 0);
            return false;
        }
        (void)!weir_sleep(weir_root(torture->loop), 5);
    }
    return true;
}

static void note_kill(struct torture *torture, bool at_point)
{
    uint64_t position, length;
    read_record(torture, &position, &length);
    torture->kills++;
    torture->point_kills += at_point;
    torture->kills_inside += position > 0 && position < torture->size;
    uint64_t real = file_length(torture);
    if (real > length && position > 0) {
        torture->truncations++;
        torture->cut_bytes += real - length;
    }
}

/* Run a child until it ends or is killed. False: it ended by itself, and none is to be started. */
static bool one_life(struct torture *torture)
{
    static const struct {
        const char *name;
        uint64_t times;
    } points[] = {{"write", 16}, {"fsync", 5}, {"rename", 4}, {"ftruncate", 1}};
    char fault[32];
    bool at_point = torture->point_kills * 2 <= torture->kills;
    if (at_point) {
        size_t which = (size_t)draw(torture, sizeof points / sizeof points[0]);
        snprintf(fault, sizeof fault, "%s:%" PRIu64, points[which].name,
                 1 + draw(torture, points[which].times));
    }
    int status = 0;
    pid_t child = start_child(torture, at_point ? fault : NULL);
    int64_t limit_ms = at_point ? 1500 : 30 + (int64_t)draw(torture, 600);
    bool ended = watch_child(torture, child, limit_ms, &status);
    if (!ended || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        note_kill(torture, ended);
        return true;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        say_line(&torture->say, "the child ended with status %d; its messages are in %s", status,
                 torture->log);
        torture->broken = true;
    }
    return false;
}

static void show_progress(const struct torture *torture, int64_t began_ms)
{
    uint64_t position, length;
    read_record(torture, &position, &length);
    printf("\r%5.1f s  %3u kills (%u at a fault point)  %3u truncations  %5.1f %% safe ",
           (double)(say_now_ms() - began_ms) / 1000.0, torture->kills, torture->point_kills,
           torture->truncations, 100.0 * (double)position / (double)torture->size);
    fflush(stdout);
}

static int verdict(struct torture *torture, int64_t began_ms)
{
    char expected[65] = "?", found[65] = "?";
    unsigned reconnects = count_reconnects(torture);
    uint64_t served = torture->control.served;
    bool same =
        hash_lines(torture, expected) && hash_file(torture, found) && strcmp(expected, found) == 0;
    printf("\n%u kills with SIGKILL, %u of them at a fault point, %u with 0 < position < end\n",
           torture->kills, torture->point_kills, torture->kills_inside);
    printf("%u restarts cut the file, %" PRIu64 " bytes in all; %u reconnects; %" PRIu64
           " bytes re-read\n",
           torture->truncations, torture->cut_bytes, reconnects,
           served > torture->size ? served - torture->size : 0);
    printf("file    %" PRIu64 " bytes  sha256 %s\nlines   %" PRIu64
           " bytes  sha256 %s\nseed    %" PRIu64 ", %.1f s\n",
           file_length(torture), found, torture->size, expected, torture->seed,
           (double)(say_now_ms() - began_ms) / 1000.0);
    if (torture->broken || !same) {
        printf("TORTURE: FAILED, the file is %s\n",
               same ? "right, but a child failed" : "different from the lines");
        printf("files kept in: %s\n", torture->folder);
        return EXIT_FAILED;
    }
    if (torture->kills_inside < KILLS_MIN || torture->truncations < TRUNCATIONS_MIN ||
        reconnects < RECONNECTS_MIN) {
        printf("TORTURE: VOID, the run was too easy to prove anything (needed at least %d kills "
               "inside, %d "
               "truncations, %d reconnects)\n",
               KILLS_MIN, TRUNCATIONS_MIN, RECONNECTS_MIN);
        return EXIT_FAILED;
    }
    printf("TORTURE: PASSED, the same sha256 (this proves process death, not power loss)\n");
    return EXIT_FINISHED;
}

static int torture_run(struct torture *torture)
{
    int64_t began_ms = say_now_ms();
    bool alive = true;
    while (alive && say_now_ms() - began_ms < KILLING_MS) {
        alive = one_life(torture);
        show_progress(torture, began_ms);
    }
    if (alive) {
        int status = 0;
        torture->control.calm = true;
        if (!watch_child(torture, start_child(torture, NULL), FINISH_MS, &status)) {
            say_line(&torture->say, "the last child did not finish within %d s", FINISH_MS / 1000);
            torture->broken = true;
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            say_line(&torture->say, "the last child ended with status %d", status);
            torture->broken = true;
        }
    }
    return verdict(torture, began_ms);
}

static void remove_folder(const struct torture *torture)
{
    DIR *folder = opendir(torture->state);
    struct dirent *entry;
    char path[512];
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", torture->state, entry->d_name);
        unlink(path);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    rmdir(torture->state);
    unlink(torture->file);
    unlink(torture->log);
    rmdir(torture->folder);
}

static bool prepare(struct torture *torture, int port)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(torture->folder, sizeof torture->folder, "%.40s/weir-torture-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(torture->folder) == NULL) {
        say_line(&torture->say, "cannot make a folder in %s: %s", tmp != NULL ? tmp : "/tmp",
                 strerror(errno));
        return false;
    }
    snprintf(torture->state, sizeof torture->state, "%s/state", torture->folder);
    snprintf(torture->file, sizeof torture->file, "%s/lines", torture->folder);
    snprintf(torture->log, sizeof torture->log, "%s/messages", torture->folder);
    snprintf(torture->text, sizeof torture->text,
             "http://127.0.0.1:%d/flaky?n=%d&size=0&every=%d | queue 1000 | file %s", port, LINES,
             DROP_BYTES, torture->file);
    if (!demo_file_init(&torture->lines, 1, LINES, 0)) {
        return false;
    }
    torture->size = (uint64_t)demo_offset(&torture->lines, LINES + 1);
    return true;
}

int run_torture(const struct flags *flags, const char *argv0)
{
    struct torture torture = {.program = argv0, .seed = flags->seed};
    weir_error error;
    say_init(&torture.say, flags);
    if (torture.seed == 0) {
        torture.seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    }
    torture.random = torture.seed * 2685821657736338717u | 1;
    torture.loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .blocked_ms = WEIR_NONE));
    weir_scope *scope = torture.loop != NULL ? weir_scope_new(weir_root(torture.loop), NULL) : NULL;
    struct weir_server *server =
        scope != NULL ? demo_start(scope, "127.0.0.1:0", &torture.control, &error) : NULL;
    int code = EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (server == NULL) {
        say_line(&torture.say, "the demo server does not start: %s",
                 scope != NULL ? error.message : "out of memory");
    } else if (prepare(&torture, weir_server_port(server))) {
        printf("weir demo --torture: %d lines, %" PRIu64
               " bytes, from a source that breaks, into a file, killed for %d s\n",
               LINES, torture.size, KILLING_MS / 1000);
        code = torture_run(&torture);
        if (code == EXIT_FINISHED) {
            remove_folder(&torture);
        }
    }
    if (scope != NULL) {
        weir_scope_cancel(scope);
        (void)!weir_scope_wait(scope, &error);
    }
    weir_loop_free(torture.loop);
    demo_fini(&torture.control);
    return code;
}
