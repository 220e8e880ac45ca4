/*
 * exceptions.cc - a program that throws where its argument says; check_exceptions.sh looks at how it
 * ends.
 */
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <weir/weir.h>

namespace
{

struct guard {
    ~guard()
    {
        std::puts("unwound");
    }
};

WEIR_SOURCE(thrower)
{
    guard held;
    throw std::runtime_error("boom");
}

WEIR_STAGE(catcher)
{
    try {
        guard held;
        throw std::runtime_error("boom");
    } catch (const std::exception &e) {
        return weir_fail(self, WEIR_EUSER, "caught %s", e.what());
    }
}

WEIR_STAGE(reader)
{
    weir_item item;
    try {
        while (weir_next(up, &item) && weir_yield(self, &item)) {}
    } catch (...) {
        std::puts("crossed");
    }
    return 0;
}

int plain_body(weir_gen *, weir_gen *, void *)
{
    throw 5;
}

int throwing_task(weir_scope *, void *)
{
    throw std::runtime_error("boom");
}

} // namespace

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    weir_loop *loop = weir_loop_new(nullptr);
    weir_scope *root = weir_root(loop);
    weir_gen *gen = nullptr;
    weir_error error = WEIR_ZERO;
    weir_item item;
    if (std::strcmp(how, "source") == 0) {
        gen = reader(thrower(root));
    } else if (std::strcmp(how, "body") == 0) {
        weir_gen_options options = WEIR_ZERO;
        options.struct_size = sizeof options;
        options.name = "plain";
        gen = weir_gen_new(root, plain_body, nullptr, 0, &options);
    } else if (std::strcmp(how, "task") == 0) {
        weir_scope *scope = weir_scope_new(root, nullptr);
        weir_spawn(scope, "digger", throwing_task, nullptr, 0);
        return weir_scope_wait(scope, &error) < 0;
    } else {
        gen = catcher(weir_count(root, 1, 3));
    }
    try {
        (void)!weir_next(gen, &item);
    } catch (...) {
        std::puts("crossed");
    }
    int rc = weir_finish(gen, &error);
    std::puts(error.message);
    weir_loop_free(loop);
    return rc < 0;
}
