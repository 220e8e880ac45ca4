/*
 * weir_init.c - `weir init DIR`: a folder with a component of one's own, its test, a Makefile and a
 * CMakeLists.txt.
 *
 * The folder may exist, but none of the files: they are looked for before the first one is written,
 * and each is created with O_EXCL. The component has the name of the folder.
 */
#include "weir_init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir_run.h"

enum { NAME_LEN_MAX = 40, PATH_LEN_MAX = 4096 };

struct project {
    const char *folder;
    char name[NAME_LEN_MAX + 1];
    char id[NAME_LEN_MAX + 1]; /* the name as a word of C */
};

static const struct {
    const char *name; /* @ stands for the project's name */
    const char *const *lines;
} files[] = {
    {"@.c", project_component_c},
    {"@_test.c", project_component_test_c},
    {"@.cases", project_component_cases},
    {"Makefile", project_makefile},
    {"CMakeLists.txt", project_cmakelists_txt},
    {"README.md", project_readme_md},
};
enum { FILES = sizeof files / sizeof files[0] };

/* The last part of a path, without slashes at its end. False: it cannot name a component. */
static bool read_name(struct project *project, const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') {
        end--;
    }
    size_t from = end;
    while (from > 0 && folder[from - 1] != '/') {
        from--;
    }
    size_t len = end - from;
    const char *name = folder + from;
    if (len == 0 || len > NAME_LEN_MAX || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") < len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        project->name[i] = name[i];
        project->id[i] = name[i] == '-' ? '_' : name[i];
    }
    project->folder = folder;
    return true;
}

static bool make_path(const struct project *project, size_t file, char path[PATH_LEN_MAX])
{
    bool named = files[file].name[0] == '@';
    int len = snprintf(path, PATH_LEN_MAX, "%s/%s%s", project->folder, named ? project->name : "",
                       files[file].name + (named ? 1 : 0));
    return len > 0 && len < PATH_LEN_MAX;
}

/* One line of a template, with the names filled in. */
static void write_line(const struct project *project, const char *line, FILE *to)
{
    while (*line != '\0') {
        if (strncmp(line, "@NAME@", 6) == 0) {
            fputs(project->name, to);
            line += 6;
        } else if (strncmp(line, "@ID@", 4) == 0) {
            fputs(project->id, to);
            line += 4;
        } else {
            fputc(*line++, to);
        }
    }
}

static int write_file(const struct project *project, size_t file)
{
    char path[PATH_LEN_MAX];
    int fd = make_path(project, file, path)
                 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
                 : -1;
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (to == NULL) {
        fprintf(stderr, "weir: cannot write '%s': %s\n", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return EXIT_FAILED;
    }
    for (size_t i = 0; files[file].lines[i] != NULL; i++) {
        write_line(project, files[file].lines[i], to);
    }
    bool written = ferror(to) == 0;
    if (fclose(to) != 0 || !written) {
        fprintf(stderr, "weir: cannot write '%s': %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    printf("wrote %s\n", path);
    return 0;
}

/* Refuse to write over anything, and over components that exist. */
static int check(const struct project *project)
{
    char path[PATH_LEN_MAX];
    if (weir_component_find(project->name, 0) != NULL) {
        return flags_complain("there is a component '%s' already; take another name",
                              project->name);
    }
    for (size_t i = 0; i < FILES; i++) {
        if (!make_path(project, i, path)) {
            return flags_complain("the path of the folder is too long");
        }
        if (access(path, F_OK) == 0) {
            return flags_complain("'%s' exists; nothing was written", path);
        }
    }
    return 0;
}

int init_project(const char *folder)
{
    struct project project = {.folder = NULL};
    if (folder == NULL) {
        return flags_complain("init needs a folder; for example:  weir init mystage");
    }
    if (!read_name(&project, folder)) {
        return flags_complain("the folder's name becomes the component's: at most %d small "
                              "letters, digits, - and _, and a letter first",
                              (int)NAME_LEN_MAX);
    }
    int code = check(&project);
    if (code != 0) {
        return code;
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "weir: cannot make the folder '%s': %s\n", folder, strerror(errno));
        return EXIT_FAILED;
    }
    for (size_t i = 0; code == 0 && i < FILES; i++) {
        code = write_file(&project, i);
    }
    if (code == 0) {
        printf("\nNow:  cd %s && make test\nthen: make && weir 'gen 1..10 | ./%s.so'\n", folder,
               project.name);
    }
    return code;
}
