/*
 * plan_open.c - from a plan to generators and a sink, through the public makers.
 *
 * First everything that may be refused or run out of memory (do the options fit the text, the
 * copies of paths and headers), then the makers in the order of the text, which cannot fail: a
 * failed maker is an object that fails. So on a failure nothing has been made. No maker connects or
 * suspends; the first pull does. Several files are one generator with a body, which delegates to
 * one file after another; between two files it waits for nothing of its own.
 */
#include "plan_text.h"

#include <string.h>
#include <sys/stat.h>
#include <weir/queue.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "base_error.h"
#include "flow_gen.h"
#include "flow_sink.h"

/* The files that stand for the source: the arguments of their generator's body. */
struct files {
    char **paths; /* one allocation with the texts */
    size_t count;
    int stdin_fd;
    weir_lines_options lines;
};

/* A plan being opened. */
struct wr_plan_opening {
    weir_scope *scope;
    weir_plan_options options;
    weir_http_options http;
    weir_lines_options lines;
    struct files files;
    const char *
        *headers; /* those of the options and the one for `user`, one allocation; NULL: no user */
    weir_gen *gen;
    weir_sink *sink;
};

static int end_line(const weir_item *in, weir_item *out, void *args)
{
    (void)args;
    out->flags = in->flags & ~(uint32_t)WEIR_ITEM_NO_EOL;
    return 0;
}

static weir_gen *open_file(weir_scope *scope, const char *path, int stdin_fd,
                           const weir_lines_options *lines)
{
    return strcmp(path, "-") == 0 ? weir_fd_lines(scope, stdin_fd, lines)
                                  : weir_file_lines(scope, path, lines);
}

/* One file after another. A last line without a line end gets one, unless it is the last of all:
 * the next file's first line is not glued to it. */
static int read_files(weir_gen *self, weir_gen *up, void *args)
{
    const struct files *files = args;
    (void)up;
    for (size_t i = 0; i < files->count; i++) {
        weir_gen *file =
            open_file(weir_gen_scope(self), files->paths[i], files->stdin_fd, &files->lines);
        if (i + 1 < files->count) {
            file = weir_map(file, files->paths[i], end_line, NULL, 0);
        }
        if (!weir_yield_from(self, file, NULL)) {
            return 0;
        }
    }
    return 0;
}

static void drop_files(void *args)
{
    wr_free(((struct files *)args)->paths);
}

void wr_plan_build_http(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_http_lines(opening->scope, stage->values[0].text, &opening->http);
}

static void build_socket(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    weir_socket_options options = {.struct_size = sizeof options,
                                   .connect_ms = opening->http.connect_ms,
                                   .stall_ms = opening->http.idle_ms,
                                   .line_bytes_max = opening->lines.line_bytes_max,
                                   .overlong = opening->lines.overlong};
    opening->gen = weir_socket_lines(opening->scope, stage->values[0].text, &options);
}

void wr_plan_build_tcp(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    build_socket(opening, stage);
}

void wr_plan_build_unix(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    build_socket(opening, stage);
}

void wr_plan_build_file(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_file_lines(opening->scope, stage->values[0].text, &opening->lines);
}

void wr_plan_build_stdin(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    (void)stage;
    opening->gen = weir_fd_lines(opening->scope, opening->options.stdin_fd, &opening->lines);
}

void wr_plan_build_gen(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_count(opening->scope, stage->values[0].number, stage->values[0].last);
}

void wr_plan_build_head(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_head(opening->gen, (uint64_t)stage->values[0].number);
}

void wr_plan_build_skip(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_skip(opening->gen, (uint64_t)stage->values[0].number);
}

void wr_plan_build_queue(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    static const int32_t policies[] = {WEIR_BLOCK, WEIR_DROP_OLDEST, WEIR_DROP_NEWEST, WEIR_LATEST,
                                       WEIR_FULL_FAILS};
    weir_queue_options options = {.struct_size = sizeof options,
                                  .name = "queue",
                                  .items_max =
                                      stage->values[0].given ? stage->values[0].number : 1024,
                                  .bytes_max = stage->values[1].number, /* 0: the default, 1 MiB */
                                  .when_full = policies[stage->values[2].number]};
    opening->gen = weir_buffer(opening->gen, &options);
}

void wr_plan_build_batch(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    weir_batch_options options = {.struct_size = sizeof options,
                                  .items_max = stage->values[0].number,
                                  .bytes_max =
                                      stage->values[1].number, /* 0: the defaults, 1 MiB and 1 s */
                                  .wait_ms = stage->values[2].number};
    opening->gen = weir_batch(opening->gen, &options);
}

void wr_plan_build_grep(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    opening->gen = weir_grep(opening->gen, stage->values[0].text);
}

void wr_plan_build_lines(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    /* Every source of this version gives lines, and the limits were given to it when it was made.
     */
    (void)opening;
    (void)stage;
}

void wr_plan_build_stdout(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    (void)stage;
    opening->sink = weir_fd_sink(opening->scope, opening->options.stdout_fd);
    weir_sink_keep_state(opening->sink, opening->options.state);
}

void wr_plan_build_to_file(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    weir_file_options options = {.struct_size = sizeof options, .state = opening->options.state};
    opening->sink = weir_file_sink(opening->scope, stage->values[0].text, &options);
}

static void build_socket_sink(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    /* No limit to a stall: a peer that does not take is the brake. */
    weir_socket_options options = {.struct_size = sizeof options,
                                   .connect_ms = opening->http.connect_ms};
    opening->sink = weir_socket_sink(opening->scope, stage->values[0].text, &options);
    weir_sink_keep_state(opening->sink, opening->options.state);
}

void wr_plan_build_to_tcp(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    build_socket_sink(opening, stage);
}

void wr_plan_build_to_unix(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    build_socket_sink(opening, stage);
}

void wr_plan_build_null(struct wr_plan_opening *opening, const struct wr_plan_stage *stage)
{
    (void)stage;
    opening->sink = weir_null_sink(opening->scope);
    weir_sink_keep_state(opening->sink, opening->options.state);
}

/* The `lines` that sets the limits of the source; NULL: none does. */
static const struct wr_plan_stage *find_limits(const weir_plan *plan)
{
    WR_ASSERT(plan != NULL, "no plan to open");
    for (size_t i = 0; i < plan->stages_count; i++) {
        const struct wr_plan_stage *stage = &plan->stages[i];
        if (strcmp(stage->word->name, "lines") == 0 &&
            (stage->values[0].given || stage->values[1].given)) {
            return stage;
        }
    }
    return NULL;
}

/* Take over options of another version of this struct: what is there, and zero for the rest. */
static void copy_options(void *to, size_t to_size, const void *from, size_t from_size)
{
    memset(to, 0, to_size);
    if (from != NULL) {
        memcpy(to, from, WR_MIN(from_size, to_size));
    }
    memcpy(to, &to_size, sizeof to_size); /* struct_size comes first */
}

static void take_options(struct wr_plan_opening *opening, const weir_plan *plan,
                         const weir_plan_options *options)
{
    weir_plan_options *mine = &opening->options;
    const struct wr_plan_stage *limits = find_limits(plan);
    copy_options(mine, sizeof *mine, options, options != NULL ? options->struct_size : 0);
    copy_options(&opening->http, sizeof opening->http, mine->http,
                 mine->http != NULL ? mine->http->struct_size : 0);
    mine->stdout_fd = mine->stdout_fd == 0 ? 1 : mine->stdout_fd;
    opening->lines =
        (weir_lines_options){.struct_size = sizeof opening->lines, .state = mine->state};
    if (mine->state != NULL) {
        opening->http.state = mine->state;
    }
    if (limits != NULL) {
        static const int32_t policies[] = {WEIR_LONG_SKIP, WEIR_LONG_CUT, WEIR_LONG_FAILS};
        opening->lines.line_bytes_max = limits->values[0].number; /* 0: the default, 1 MiB */
        opening->lines.overlong = policies[limits->values[1].number];
        opening->http.line_bytes_max = opening->lines.line_bytes_max;
        opening->http.overlong = opening->lines.overlong;
    }
    if (mine->strict != 0 && opening->lines.overlong == WEIR_LONG_SKIP) {
        opening->lines.overlong = opening->http.overlong = WEIR_LONG_FAILS;
    }
}

static int copy_files(struct wr_plan_opening *opening)
{
    const weir_plan_options *options = &opening->options;
    size_t pointers = options->files_count * sizeof(char *);
    size_t bytes = pointers;
    for (size_t i = 0; i < options->files_count; i++) {
        bytes += strlen(options->files[i]) + 1;
    }
    opening->files =
        (struct files){wr_alloc(bytes), options->files_count, options->stdin_fd, opening->lines};
    if (opening->files.paths == NULL) {
        return WEIR_ENOMEM;
    }
    char *text = (char *)opening->files.paths + pointers;
    for (size_t i = 0; i < options->files_count; i++) {
        size_t len = strlen(options->files[i]) + 1;
        opening->files.paths[i] = memcpy(text, options->files[i], len);
        text += len;
    }
    return 0;
}

static char *put_base64(char *to, const char *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < len ? (unsigned char)text[i + j] : 0u);
        }
        for (size_t j = 0; j < 4; j++) {
            *to++ = i + j <= len ? digits[group >> (18 - 6 * j) & 63u] : '=';
        }
    }
    *to = '\0';
    return to;
}

/* The headers of the options and, behind them, the one that says who the user is. */
static int add_user(struct wr_plan_opening *opening)
{
    static const char basic[] = "Authorization: Basic ";
    weir_http_options *http = &opening->http;
    size_t len = strlen(opening->options.user);
    size_t pointers = (http->headers_count + 1) * sizeof *opening->headers;
    opening->headers = wr_alloc(pointers + sizeof basic + (len + 2) / 3 * 4);
    if (opening->headers == NULL) {
        return WEIR_ENOMEM;
    }
    char *header = (char *)opening->headers + pointers;
    memcpy(header, basic, sizeof basic);
    (void)put_base64(header + sizeof basic - 1, opening->options.user, len);
    for (size_t i = 0; i < http->headers_count; i++) {
        opening->headers[i] = http->headers[i];
    }
    opening->headers[http->headers_count++] = header;
    http->headers = opening->headers;
    return 0;
}

static int refuse(weir_error *error, const char *what)
{
    return wr_error_set(error, WEIR_EINVAL, 0, "pipeline", "%s", what);
}

/* ---- a sink that is the source */

/* The regular file behind a path, or behind a descriptor when path is NULL or "-", if it holds
 * anything. What cannot be looked at is told by whoever opens it. */
static bool look_at(const char *path, int fd, struct stat *info)
{
    bool named = path != NULL && strcmp(path, "-") != 0;
    return (named ? stat(path, info) : fstat(fd, info)) == 0 && S_ISREG(info->st_mode) &&
           info->st_size > 0;
}

/* Is what is read also what is written? It would be read as long as it is written, until the disk
 * is full. */
static int refuse_circle(const struct wr_plan_opening *opening, const weir_plan *plan,
                         weir_error *error)
{
    const weir_plan_options *options = &opening->options;
    const struct wr_plan_stage *last = &plan->stages[plan->stages_count - 1];
    const struct wr_plan_stage *first = &plan->stages[0];
    const char *source = weir_plan_source(plan);
    struct stat in, out;
    bool to_file = last->word->kind == WEIR_PLAN_SINK && strcmp(last->word->name, "file") == 0;
    bool to_stdout = last->word->kind != WEIR_PLAN_SINK || strcmp(last->word->name, "stdout") == 0;
    if ((!to_file && !to_stdout) ||
        !look_at(to_file ? last->values[0].text : NULL, options->stdout_fd, &out)) {
        return 0;
    }
    if (source != NULL && strcmp(source, "file") != 0 && strcmp(source, "stdin") != 0) {
        return 0;
    }
    for (size_t i = 0; i < WR_MAX(options->files_count, (size_t)1); i++) {
        const char *path = options->files_count > 0                        ? options->files[i]
                           : source != NULL && strcmp(source, "file") == 0 ? first->values[0].text
                                                                           : NULL;
        if (look_at(path, options->stdin_fd, &in) && in.st_dev == out.st_dev &&
            in.st_ino == out.st_ino) {
            return wr_error_set(error, WEIR_EINVAL, 0, "pipeline",
                                "%s is the source and the sink: it would be read for as long as "
                                "it is written",
                                path != NULL && strcmp(path, "-") != 0 ? path : "standard input");
        }
    }
    return 0;
}

/* What may be refused or run out of memory. */
static int prepare(struct wr_plan_opening *opening, const weir_plan *plan, weir_error *error)
{
    const weir_plan_options *options = &opening->options;
    const char *source = weir_plan_source(plan);
    int rc = 0;
    if (options->files_count > 0 && source != NULL) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, "pipeline",
            "the text has a source already, '%s': files stand for the source of a text without one",
            plan->stages[0].text);
    }
    if (options->files_count > 1 && options->state != NULL) {
        return refuse(error,
                      "a state follows one source: several files and a state do not go together");
    }
    if (options->files_count > 0) {
        rc = copy_files(opening);
    }
    if (rc == 0 && options->user != NULL && source != NULL && strcmp(source, "http") == 0) {
        rc = add_user(opening);
    }
    return rc == 0 ? 0 : wr_error_set(error, rc, 0, "pipeline", "out of memory");
}

/* Where the text has no source. */
static void make_source(struct wr_plan_opening *opening)
{
    struct files *files = &opening->files;
    if (files->count == 0) {
        wr_plan_build_stdin(opening, NULL);
    } else if (files->count == 1) {
        opening->gen = open_file(opening->scope, files->paths[0], files->stdin_fd, &opening->lines);
    } else {
        weir_gen_options options = {
            .struct_size = sizeof options, .name = "files", .drop = drop_files};
        opening->gen = weir_gen_new(opening->scope, read_files, files, sizeof *files, &options);
        files->paths = NULL; /* the generator's now */
    }
}

static void make_all(struct wr_plan_opening *opening, const weir_plan *plan)
{
    if (opening->gen == NULL && !weir_plan_has_source(plan)) {
        make_source(opening);
    }
    for (size_t i = 0; i < plan->stages_count; i++) {
        plan->stages[i].word->build(opening, &plan->stages[i]);
    }
}

int weir_plan_open(const weir_plan *plan, weir_scope *scope, const weir_plan_options *options,
                   weir_gen **gen, weir_sink **sink, weir_error *error)
{
    struct wr_plan_opening opening = {.scope = scope};
    wr_scope_given(scope, "weir_plan_open");
    WR_ASSERT(options == NULL || options->struct_size > 0, "options without struct_size");
    wr_error_clear(error);
    *gen = NULL;
    if (sink != NULL) {
        *sink = NULL;
    } else if (weir_plan_has_sink(plan)) {
        return refuse(error, "the text ends with a sink, and only a generator is asked for");
    }
    take_options(&opening, plan, options);
    int rc = prepare(&opening, plan, error);
    if (rc == 0 && sink != NULL) {
        rc = refuse_circle(&opening, plan, error);
    }
    if (rc == 0) {
        make_all(&opening, plan);
        if (sink != NULL && opening.sink == NULL) {
            wr_plan_build_stdout(&opening, NULL);
        }
        *gen = opening.gen;
        if (sink != NULL) {
            *sink = opening.sink;
        }
    }
    wr_free(opening.headers);
    wr_free(opening.files.paths);
    return rc;
}

/* The body of a stage that only fails, and so ends what it was given. */
static int fail(weir_gen *self, weir_gen *up, void *args)
{
    const weir_error *why = args;
    (void)up;
    return weir_fail(self, why->code, "%s", why->message);
}

weir_gen *weir_parse(weir_scope *scope, weir_gen *up, const char *text)
{
    weir_error error;
    struct wr_plan_opening opening = {.scope = scope, .gen = up};
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    if (plan != NULL && weir_plan_has_sink(plan)) {
        (void)refuse(&error, "the text ends with a sink, and only a generator is asked for");
    } else if (plan != NULL && up != NULL && weir_plan_has_source(plan)) {
        (void)refuse(&error, "the text has a source already");
    } else if (plan != NULL && up != NULL && find_limits(plan) != NULL) {
        (void)refuse(&error,
                     "lines: its arguments are limits of the source, which is not made here");
    }
    if (error.code != 0 && up == NULL) {
        opening.gen = wr_gen_failed(scope, &error);
    } else if (error.code != 0) {
        weir_gen_options options = {.struct_size = sizeof options, .name = "pipeline"};
        opening.gen = weir_stage(up, fail, &error, sizeof error, &options);
    } else {
        take_options(&opening, plan, NULL);
        make_all(&opening, plan);
    }
    weir_plan_free(plan);
    return opening.gen;
}
