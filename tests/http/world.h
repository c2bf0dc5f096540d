/* world.h - a real server on a free port in this process, and a client that can be rude.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_HTTP_WORLD_H
#define MW_TESTS_HTTP_WORLD_H
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/zip.h"
#include "http/server.h"
#include "http/web.h"

const mw_web_file mw_web_files[] = {
    {"/index.html", "text/html; charset=utf-8", (const unsigned char *)"<h1>hi</h1>", 11},
    {"/app.js", "text/javascript; charset=utf-8", (const unsigned char *)"let a", 5},
};
const size_t mw_web_n = 2;

typedef struct world {
    mw_clock_manual clock;
    mw_host host;
    mw_ingest ingest;
    mw_server *server;
    const char *listen[1];
} world;

/* At 2026-11-23T09:00:00Z, in milliseconds. */
#define NOW_MS 1795424400000LL

static inline world *world_open(mw_server_options o)
{
    world *w = mw_zalloc(sizeof *w);
    mw_err err;
    mw_err_init(&err);
    mw_clock_manual_init(&w->clock, NOW_MS);
    w->host.clock = &w->clock.clock;
    w->host.registry = mw_registry_new(0);
    w->host.tsdb = mw_tsdb_open(&(mw_tsdb_options){.clock = w->host.clock}, &err);
    w->host.source = mw_tsdb_source(w->host.tsdb);
    w->host.promql = mw_promql_new(&(mw_promql_options){.clock = w->host.clock});
    w->host.logs = mw_logs_open(&(mw_logs_options){.clock = w->host.clock}, &err);
    w->host.traces = mw_traces_open(&(mw_traces_options){.clock = w->host.clock}, &err);
    w->host.data_dir = "/nowhere";
    w->ingest = (mw_ingest){.tsdb = w->host.tsdb,
                            .logs = w->host.logs,
                            .traces = w->host.traces,
                            .clock = w->host.clock};
    w->ingest.limits.body = 4 << 20;
    w->listen[0] = "127.0.0.1:0";
    o.listen = w->listen;
    o.n_listen = 1;
    if (!o.loops) o.loops = 2;
    mw_server_parts parts = {.host = &w->host, .ingest = &w->ingest};
    w->server = mw_server_new(&o, &parts, &err);
    if (!w->server) fail_msg("%s", err.msg);
    mw_server_start(w->server);
    mw_server_ready(w->server, true);
    return w;
}

static inline void world_close(world *w)
{
    mw_server_stop(w->server, 2000);
    mw_server_free(w->server);
    mw_traces_close(w->host.traces);
    mw_logs_close(w->host.logs);
    mw_promql_free(w->host.promql);
    mw_tsdb_close(w->host.tsdb);
    mw_registry_free(w->host.registry);
    mw_free(w->host.ops);
    mw_free(w);
}

static inline int world_set_up(void **state)
{
    *state = world_open((mw_server_options){0});
    return 0;
}

static inline int world_tear_down(void **state)
{
    world_close(*state);
    return 0;
}

/* A test that has a world of its own as its state. */
#define promise(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

/* -- the client ------------------------------------------------------------------------------ */

static inline int client_open(const world *w)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)mw_server_port(w->server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* False when the server has hung up meanwhile. */
static inline bool client_send(int fd, const void *p, size_t n)
{
    const char *at = p;
    for (ssize_t k; n; at += k, n -= (size_t)k)
        if ((k = send(fd, at, n, MSG_NOSIGNAL)) <= 0) return false;
    return true;
}

typedef struct answer {
    int status; /* 0: the connection ended without one */
    mw_buf head, body;
} answer;

static inline bool more_bytes(int fd, mw_buf *in)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 30000) <= 0) fail_msg("the server said nothing for 30 seconds");
    ssize_t n = recv(fd, mw_buf_room(in, 65536), 65536, 0);
    if (n > 0) in->n += (size_t)n;
    return n > 0;
}

static inline const char *find_text(const mw_buf *b, const char *text)
{
    if (!*text) return "";
    return b->n ? memmem(b->p, b->n, text, strlen(text)) : NULL;
}

static inline void undo_chunks(int fd, mw_buf *in, mw_buf *body)
{
    size_t at = 0;
    for (;;) {
        char *eol;
        while (!(eol = in->n > at ? memmem(in->p + at, in->n - at, "\r\n", 2) : NULL))
            if (!more_bytes(fd, in)) return;
        size_t size = strtoul(in->p + at, NULL, 16);
        size_t data = (size_t)(eol - in->p) + 2;
        while (in->n < data + size + 2)
            if (!more_bytes(fd, in)) return;
        mw_buf_add(body, in->p + data, size);
        at = data + size + 2;
        if (size) continue;
        memmove(in->p, in->p + at, in->n - at);
        in->n -= at;
        return;
    }
}

/* One answer off FD; IN keeps what came behind it, for pipelining. */
static inline answer client_read_from(int fd, mw_buf *in)
{
    answer a = {0};
    const char *end;
    while (!(end = find_text(in, "\r\n\r\n")))
        if (!more_bytes(fd, in)) return a;
    size_t head = (size_t)(end - in->p) + 4;
    mw_buf_add(&a.head, in->p, head);
    memmove(in->p, in->p + head, in->n -= head);
    for (size_t i = 0; i < a.head.n; i++)
        if (a.head.p[i] >= 'A' && a.head.p[i] <= 'Z') a.head.p[i] += 'a' - 'A';
    a.status = atoi(a.head.p + 9);
    const char *length = find_text(&a.head, "content-length: ");
    mw_buf_text(&a.body, "");
    if (length) {
        size_t n = strtoul(length + 16, NULL, 10);
        while (in->n < n)
            if (!more_bytes(fd, in)) return a;
        mw_buf_add(&a.body, in->p, n);
        memmove(in->p, in->p + n, in->n -= n);
    } else if (find_text(&a.head, "transfer-encoding: chunked")) {
        undo_chunks(fd, in, &a.body);
    }
    mw_buf_byte(&a.body, 0); /* so that p is text even when there is none */
    a.body.n--;
    return a;
}

static inline answer client_read(int fd)
{
    mw_buf in = {0};
    answer a = client_read_from(fd, &in);
    mw_buf_deinit(&in);
    return a;
}

static inline void answer_deinit(answer *a)
{
    mw_buf_deinit(&a->head);
    mw_buf_deinit(&a->body);
}

/* One request on a connection of its own.  HEADERS are whole lines, or "". */
static inline answer ask(const world *w, const char *method, const char *target,
                         const char *headers, mw_str body)
{
    mw_buf b = {0};
    int fd = client_open(w);
    mw_buf_printf(&b, "%s %s HTTP/1.1\r\nHost: t\r\n%s", method, target, headers);
    if (body.n) mw_buf_printf(&b, "Content-Length: %zu\r\n", body.n);
    mw_buf_text(&b, "\r\n");
    mw_buf_str(&b, body);
    client_send(fd, b.p, b.n);
    mw_buf_deinit(&b);
    answer a = client_read(fd);
    close(fd);
    return a;
}

static inline answer get(const world *w, const char *target)
{
    return ask(w, "GET", target, "", MW_STR(""));
}

static inline answer post(const world *w, const char *target, const char *type, const char *body)
{
    char header[100];
    snprintf(header, sizeof header, "Content-Type: %s\r\n", type);
    return ask(w, "POST", target, header, mw_str_of(body));
}

#define assert_status(a, want)                                         \
    do {                                                               \
        if ((a).status != (want))                                      \
            fail_msg("status %d, not %d: %s", (a).status, (int)(want), \
                     (a).body.p ? (a).body.p : "");                    \
    } while (0)

#define assert_body_has(a, text)                                                     \
    do {                                                                             \
        if (!find_text(&(a).body, text)) fail_msg("no %s in: %s", text, (a).body.p); \
    } while (0)

#define assert_head_has(a, text)                                                     \
    do {                                                                             \
        if (!find_text(&(a).head, text)) fail_msg("no %s in: %s", text, (a).head.p); \
    } while (0)

/* Ask, check the status and that the body has TEXT. */
static inline void assert_get(const world *w, const char *target, int status, const char *text)
{
    answer a = get(w, target);
    assert_status(a, status);
    assert_body_has(a, text);
    answer_deinit(&a);
}

static inline void assert_post(const world *w, const char *target, const char *type,
                               const char *body, int status, const char *text)
{
    answer a = post(w, target, type, body);
    assert_status(a, status);
    assert_body_has(a, text);
    answer_deinit(&a);
}

#endif
