/*
 * http_token.c - reads the bearer token's file on the loop's worker before each request. So a token
 * can be renewed, and a file system that hangs does not block other streams.
 *
 * A token is one piece of work. The task that pulls begins it, waits (http_attempt.c) and uses the
 * token. When the wait fails, the task abandons it, and it frees itself when its work is done.
 * Between begin and done only the worker touches the result. Only a regular file is read, because a
 * fifo might never end. No message contains a byte of the file, and the bytes are wiped after use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "http.h"
#include "loop_file.h"
#include "loop_work.h"

#define LINE_START "Authorization: Bearer "

enum { TOKEN_MAX = 16 * 1024 };

struct wr_http_token {
    struct wr_work work;
    const struct wr_disk *disk;
    struct wr_http *http; /* NULL: abandoned */
    bool done;
    int code, number; /* the failure; number: errno */
    const char *problem;
    char *path;
    char line[sizeof LINE_START + TOKEN_MAX + 1]; /* the extra byte detects a longer file */
};

static void refuse(struct wr_http_token *token, const char *problem)
{
    token->code = WEIR_EINVAL;
    token->problem = problem;
}

static void refuse_io(struct wr_http_token *token)
{
    token->code = WEIR_EIO;
    token->number = errno;
}

/* Returns the length; 0: a failure, which is set. */
static size_t read_all(struct wr_http_token *token, int fd, char *to, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t n = token->disk->read(fd, to + len, cap - len, -1);
        if (n < 0) {
            refuse_io(token);
            return 0;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    if (len == 0) {
        refuse(token, "is empty");
    }
    return len;
}

static void take(struct wr_http_token *token, int fd)
{
    char *text = token->line + sizeof LINE_START - 1;
    struct stat info;
    if (token->disk->stat(fd, &info) < 0) {
        refuse_io(token);
        return;
    }
    if (!S_ISREG(info.st_mode)) {
        refuse(token, "is not a regular file");
        return;
    }
    size_t len = read_all(token, fd, text, TOKEN_MAX + 1);
    if (len > TOKEN_MAX) {
        refuse(token, "is too long for a token (limit 16 KiB)");
        return;
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    bool good = true;
    for (size_t i = 0; i < len; i++) {
        good = good && text[i] > ' ' && text[i] < 0x7f;
    }
    text[len] = '\0';
    if (token->code == 0 && (len == 0 || !good)) {
        refuse(token, len == 0 ? "is empty" : "must contain only one token, on one line");
    }
}

static void token_run(struct wr_work *work)
{
    struct wr_http_token *token = WR_OWNER(work, struct wr_http_token, work);
    memcpy(token->line, LINE_START, sizeof LINE_START);
    int fd = token->disk->open(AT_FDCWD, token->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        refuse_io(token);
        return;
    }
    take(token, fd);
    (void)token->disk->close(fd);
}

static void token_done(struct wr_work *work)
{
    struct wr_http_token *token = WR_OWNER(work, struct wr_http_token, work);
    token->done = true;
    if (token->http == NULL) {
        wr_http_token_end(token);
    } else {
        wr_http_wake(token->http);
    }
}

struct wr_http_token *wr_http_token_begin(struct wr_http *http)
{
    struct wr_http_token *token = wr_alloc(sizeof *token);
    char *path = wr_strdup(http->bearer_file); /* the source may end before the worker is done */
    if (token == NULL || path == NULL) {
        wr_free(token);
        wr_free(path);
        return NULL;
    }
    memset(token, 0, sizeof *token);
    token->http = http;
    token->disk = http->loop->disk;
    token->path = path;
    token->work.lane = &wr_lane_files;
    token->work.run = token_run;
    token->work.done = token_done;
    wr_work_start(http->loop, &token->work);
    return token;
}

bool wr_http_token_done(const struct wr_http_token *token)
{
    return token->done;
}

int wr_http_token_failure(const struct wr_http_token *token, struct wr_http_failure *failure)
{
    if (token->code == WEIR_EIO) {
        wr_http_refuse(failure, token->code, token->number,
                       "the bearer token file '%.100s' cannot be read: %s", token->path,
                       strerror(token->number));
    } else if (token->code < 0) {
        wr_http_refuse(failure, token->code, 0, "the bearer token file '%.100s' %s", token->path,
                       token->problem);
    }
    return token->code;
}

const char *wr_http_token_line(const struct wr_http_token *token)
{
    return token->line;
}

void wr_http_token_end(struct wr_http_token *token)
{
    if (token == NULL) {
        return;
    }
    if (!token->done) {
        token->http = NULL; /* the worker uses it: token_done frees it */
        return;
    }
    memset(token->line, 0, sizeof token->line);
    wr_free(token->path);
    wr_free(token);
}
