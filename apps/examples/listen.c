/*
 * listen.c - notifications from PostgreSQL, as lines, until Ctrl-C:  listen CONNINFO CHANNEL
 *
 * libpq blocks while it connects, so that is done on another thread. After that the program waits
 * for libpq's socket, and takes the notifications that have arrived.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct listening {
    const char *conninfo, *channel;
    PGconn *conn;
};

static void connect_and_listen(void *arg) /* not on the loop's thread: uses nothing of weir */
{
    struct listening *listening = arg;
    char command[128];
    listening->conn = PQconnectdb(listening->conninfo);
    if (PQstatus(listening->conn) == CONNECTION_OK) {
        snprintf(command, sizeof command, "LISTEN %s", listening->channel);
        PQclear(PQexec(listening->conn, command));
    }
}

WEIR_SOURCE(notifications, struct listening)
{
    weir_scope *scope = weir_gen_scope(self);
    int rc = weir_work(scope, connect_and_listen, args, NULL);
    if (rc == 0 && *PQerrorMessage(args->conn) != '\0') {
        rc = weir_fail(self, WEIR_ECONNECT, "%s", PQerrorMessage(args->conn));
    }
    while (rc >= 0) {
        PGnotify *note = PQnotifies(args->conn);
        if (note != NULL) {
            weir_item line = weir_bytes(note->extra, strlen(note->extra));
            rc = weir_yield(self, &line) ? 0 : WEIR_ECLOSED;
            PQfreemem(note);
            continue;
        }
        rc = weir_wait_fd(scope, PQsocket(args->conn), WEIR_READABLE, WEIR_NONE, "PostgreSQL");
        if (rc >= 0 && PQconsumeInput(args->conn) == 0) {
            rc = weir_fail(self, WEIR_ERESET, "%s", PQerrorMessage(args->conn));
        }
    }
    PQfinish(args->conn);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: listen CONNINFO CHANNEL\n");
        return 2;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_scope_obey_signals(root);
    weir_gen *lines = notifications(root, (struct listening){argv[1], argv[2], NULL});
    if (weir_pump(lines, weir_fd_sink(root, 1), &error) < 0) {
        fprintf(stderr, "%s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return error.code < 0;
}
