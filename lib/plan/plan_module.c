/*
 * plan_module.c - modules: shared objects that add components.
 *
 * A module is loaded when a text that names it is read. It is never unloaded: its objects may live
 * as long as the process. It must use the library of this process. A program that is linked with
 * the library as an archive does not export it. A module would then load a second copy of the
 * library, whose loops and objects are unknown to the first. This is detected before a module is
 * loaded. A module that was built with other headers is refused, with its name in the message. A
 * lock protects the list of loaded modules, since several threads may read texts. An unknown name
 * is looked up in the installed module of that name, then in all installed modules. So a text can
 * use every name in the list of components, and a guess at a mistyped name considers all of them.
 */
#include "plan_text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_error.h"

enum { PATH_BYTES_MAX = 1024, NAME_BYTES_MAX = sizeof(((struct dirent *)NULL)->d_name) };

struct loaded {
    const weir_module *module;
    struct loaded *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct loaded *all_loaded;

/* The program is not linked with the archive: modules find the library of this process. */
bool wr_plan_loads_modules(void)
{
    return dlsym(RTLD_DEFAULT, "weir_plan_read") == (void *)(uintptr_t)weir_plan_read;
}

/* Report that a module was built with other headers. Its layout holds their version. */
static int other_headers(struct wr_plan_error *error, struct wr_plan_span where, const char *path,
                         const weir_module *module)
{
    unsigned version = module->layout / 65536u;
    if (version != WEIR_LAYOUT / 65536u) {
        (void)wr_plan_fail(error, where,
                           "the module '%s' was built for weir %u.%u, this is weir %d.%d", path,
                           version / 1000, version % 1000, WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR);
    } else {
        (void)wr_plan_fail(error, where,
                           "the module '%s' was built with other headers of weir %d.%d (its ABI is "
                           "%u.%u, this one is %u.%u)",
                           path, WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, module->abi,
                           module->layout % 65536u, WEIR_ABI, WEIR_LAYOUT % 65536u);
    }
    return wr_plan_hint(error, "build it again with the headers of this version");
}

static int check_module(struct wr_plan_error *error, struct wr_plan_span where, const char *path,
                        const weir_module *module)
{
    if (module->abi != WEIR_ABI || module->layout != WEIR_LAYOUT ||
        module->struct_size != sizeof *module) {
        return other_headers(error, where, path, module);
    }
    for (size_t i = 0; module->components[i] != NULL; i++) {
        char why[200];
        struct wr_print out;
        wr_print_to(&out, why, sizeof why);
        if (!wr_plan_component_ok(module->components[i], &out)) {
            return wr_plan_fail(error, where, "the module '%s': component %zu is not valid: %s",
                                path, i + 1, why);
        }
    }
    return module->components[0] != NULL
               ? 0
               : wr_plan_fail(error, where, "the module '%s' has no components", path);
}

/* Add a module to the list, once. */
static int add(struct wr_plan_error *error, const weir_module *module)
{
    int rc = 0;
    pthread_mutex_lock(&lock);
    struct loaded *known = all_loaded;
    while (known != NULL && known->module != module) {
        known = known->next;
    }
    if (known == NULL) {
        struct loaded *more = wr_alloc(sizeof *more);
        if (more == NULL || wr_plan_components_add(module->components) != 0) {
            wr_free(more);
            rc = wr_plan_no_memory(error);
        } else {
            *more = (struct loaded){module, all_loaded};
            all_loaded = more;
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static const weir_module *load(struct wr_plan_error *error, struct wr_plan_span where,
                               const char *path)
{
    if (!wr_plan_loads_modules()) {
        (void)wr_plan_fail(error, where, "this program cannot load modules: '%s'", path);
        (void)wr_plan_hint(error,
                           "it is linked with the archive libweir.a; link it with libweir.so");
        return NULL;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        (void)wr_plan_fail(error, where, "the module '%s' cannot be loaded: %s", path, dlerror());
        return NULL;
    }
    const weir_module *module = dlsym(handle, "weir_module_export");
    if (module == NULL) {
        (void)wr_plan_fail(error, where, "'%s' is not a module of weir", path);
        (void)wr_plan_hint(error, "it exports no WEIR_MODULE(...)");
        return NULL;
    }
    return check_module(error, where, path, module) == 0 && add(error, module) == 0 ? module : NULL;
}

const weir_component *wr_plan_module_load(struct wr_plan_error *error, struct wr_plan_span where,
                                          const char *word, size_t len)
{
    char path[PATH_BYTES_MAX];
    const char *slash = memrchr(word, '/', len);
    const char *colon = memchr(slash, ':', len - (size_t)(slash - word));
    size_t path_len = colon != NULL ? (size_t)(colon - word) : len;
    size_t name_len = colon != NULL ? len - path_len - 1 : 0;
    if (path_len >= sizeof path) {
        (void)wr_plan_fail(error, where, "the path of the module is too long");
        return NULL;
    }
    memcpy(path, word, path_len);
    path[path_len] = '\0';
    const weir_module *module = load(error, where, path);
    if (module == NULL) {
        return NULL;
    }
    struct wr_print out;
    char names[256];
    wr_print_to(&out, names, sizeof names);
    for (size_t i = 0; module->components[i] != NULL; i++) {
        const weir_component *component = module->components[i];
        bool wanted = colon != NULL ? strlen(component->name) == name_len &&
                                          memcmp(component->name, colon + 1, name_len) == 0
                                    : module->components[1] == NULL;
        if (wanted) {
            return component;
        }
        wr_printf(&out, " %s:%s", path, component->name);
    }
    (void)wr_plan_fail(error, where,
                       colon != NULL ? "the module '%s' has no such component"
                                     : "the module '%s' has several components",
                       path);
    (void)wr_plan_hint(error, "one of%s", names);
    return NULL;
}

/* Make a path in the folder of installed modules, weir/ in the library's folder; false: there is no
 * such folder, or the path is too long. */
static bool installed(const char *name, size_t len, const char *suffix, char path[PATH_BYTES_MAX])
{
    Dl_info info;
    if (!wr_plan_loads_modules() || dladdr((void *)(uintptr_t)weir_plan_read, &info) == 0) {
        return false;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    int n = snprintf(path, PATH_BYTES_MAX, "%.*sweir/%.*s%s",
                     slash != NULL ? (int)(slash + 1 - info.dli_fname) : 0, info.dli_fname,
                     (int)len, name, suffix);
    return n > 0 && n < PATH_BYTES_MAX;
}

bool wr_plan_module_find(struct wr_plan_error *error, struct wr_plan_span where, const char *name,
                         size_t len)
{
    char path[PATH_BYTES_MAX];
    if (memchr(name, '/', len) == NULL && memchr(name, '.', len) == NULL &&
        installed(name, len, ".so", path) && access(path, R_OK) == 0) {
        return load(error, where, path) != NULL;
    }
    return weir_modules_load(NULL, NULL) > 0;
}

/* The first name of a module after `name`, in byte order, so that the list of components does not
 * depend on the order in the folder. */
static bool next_name(DIR *dir, char name[NAME_BYTES_MAX])
{
    const struct dirent *entry;
    char found[NAME_BYTES_MAX] = "";
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0 &&
            strcmp(entry->d_name, name) > 0 &&
            (found[0] == '\0' || strcmp(entry->d_name, found) < 0)) {
            memcpy(found, entry->d_name, len + 1);
        }
    }
    memcpy(name, found, sizeof found);
    return found[0] != '\0';
}

/* Not inlined, to keep its large error and path off the caller's stack. */
static __attribute__((noinline)) bool load_reported(
    const char *path, void (*failed)(void *ctx, const weir_error *error), void *ctx)
{
    struct wr_plan_error error = {.code = 0};
    bool loaded = load(&error, (struct wr_plan_span){0, 0}, path) != NULL;
    if (!loaded && failed != NULL) {
        weir_error reason;
        wr_plan_error_give(&error, path, NULL, &reason);
        failed(ctx, &reason);
    }
    return loaded;
}

size_t weir_modules_load(void (*failed)(void *ctx, const weir_error *error), void *ctx)
{
    char path[PATH_BYTES_MAX], name[NAME_BYTES_MAX] = "";
    size_t count = 0;
    DIR *dir = installed("", 0, "", path) ? opendir(path) : NULL;
    while (dir != NULL && next_name(dir, name)) {
        count += installed(name, strlen(name), "", path) && load_reported(path, failed, ctx);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}
