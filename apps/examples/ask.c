/*
 * ask.c - requests and answers over one connection:  ask ADDRESS REQUEST...
 *
 * A weir_socket has two ends: a sink for requests and a source for answers. Each request is one
 * line, and so is its answer. After the last request the program ends its side, and prints what the
 * peer still sends.
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

static int report(const weir_error *error)
{
    fprintf(stderr, "%s: %s\n", error->origin, error->message);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: ask tcp://HOST:PORT|tls://HOST:PORT|unix:PATH REQUEST...\n");
        return 2;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_socket_options both = {.struct_size = sizeof both,
                                .socket = weir_socket_new(root, argv[1], NULL)};
    weir_sink *requests = weir_socket_sink(root, NULL, &both);
    weir_gen *answers = weir_socket_lines(root, NULL, &both);
    weir_error error;
    weir_scope_obey_signals(root);

    for (int i = 2; i < argc; i++) {
        weir_item request = weir_bytes(argv[i], strlen(argv[i])), answer;
        if (!weir_put(requests, &request) || !weir_next(answers, &answer)) {
            break;
        }
        printf("%s -> %.*s\n", argv[i], (int)answer.len, answer.data);
    }
    fflush(stdout);
    int failed = weir_sink_finish(requests, &error) < 0 ? report(&error) : 0;
    if (weir_pump(answers, weir_fd_sink(root, 1), &error) < 0) {
        failed = report(&error);
    }
    weir_loop_free(loop);
    return failed;
}
