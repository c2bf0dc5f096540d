/* test_net.c - promises of outbound requests and probes.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <sys/mman.h>

#include "net/net.h"
#include "net/redis_url.h"
#include "world.h"

struct world {
    mw_registry *registry;
    mw_net *net;
    mw_host host;
    pid_t http, mute, chatty;
    int http_port, mute_port, chatty_port;
};

/* -- servers ---------------------------------------------------------------------------------- */

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0) _exit(1);
}

static int *silences; /* how often a request to /silent came in */

static void serve_http(int fd)
{
    char head[8192];
    for (;;) {
        size_t n = 0;
        while (n < sizeof head - 1) {
            ssize_t got = read(fd, head + n, sizeof head - 1 - n);
            if (got <= 0) _exit(0);
            n += (size_t)got;
            head[n] = 0;
            if (strstr(head, "\r\n\r\n")) break;
        }
        char *path = strchr(head, ' ') + 1;
        if (!strncmp(path, "/hang", 5)) {
            pause();
        } else if (!strncmp(path, "/half", 5)) {
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
            _exit(0);
        } else if (!strncmp(path, "/torn", 5)) {
            say(fd, "HTTP/1.1 200 OK\r\nContent-Le");
            _exit(0);
        } else if (!strncmp(path, "/silent", 7)) {
            (*silences)++;
            _exit(0);
        } else if (!strncmp(path, "/away", 5)) {
            say(fd, "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
        } else if (!strncmp(path, "/file", 5)) {
            say(fd, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: "
                    "0\r\n\r\n");
        } else if (!strncmp(path, "/endless", 8)) {
            say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            for (;;) say(fd, "more and more and more and more\n");
        } else if (!strncmp(path, "no-tunnel.test", 14)) {
            say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        } else if (!strncmp(path, "/echo", 5) || !strncmp(path, "http://", 7)) {
            char out[9000];
            snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nX-One: 1\r\nX-ONE: 2\r\nContent-Length: "
                     "%zu\r\n\r\n%s",
                     n, head);
            say(fd, out);
        } else {
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere");
        }
    }
}

static void serve_mute(int fd) { pause(); }

static void serve_chatty(int fd)
{
    char buf[256];
    say(fd, "220 welcome\r\n");
    if (read(fd, buf, sizeof buf) > 0) say(fd, "250 fine\r\n");
}

static int setup(void **state)
{
    struct world *w = mw_zalloc(sizeof *w);
    silences =
        mmap(NULL, sizeof *silences, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(silences, MAP_FAILED);
    w->http = start_server(serve_http, &w->http_port);
    w->mute = start_server(serve_mute, &w->mute_port);
    w->chatty = start_server(serve_chatty, &w->chatty_port);
    w->registry = mw_registry_new(0);
    w->net = mw_net_new(w->registry);
    mw_net_offer(w->net, &w->host);
    mw_net_start(w->net);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    mw_net_free(w->net);
    mw_registry_free(w->registry);
    end_server(w->http);
    end_server(w->mute);
    end_server(w->chatty);
    mw_free(w->host.ops);
    mw_free(w);
    munmap(silences, sizeof *silences);
    return 0;
}

/* -- requests --------------------------------------------------------------------------------- */

static void a_request_is_answered_with_status_headers_and_body(void **state)
{
    struct world *w = *state;
    mw_value *a = ask(&w->host, "http",
                      "{\"url\":\"http://127.0.0.1:%d/echo\",\"method\":\"PUT\",\"body\":\"hello\","
                      "\"headers\":{\"X-Mine\":\"yes\"}}",
                      w->http_port);
    assert_no_error(a);
    assert_int_equal(mw_map_number(a, "status", 0), 200);
    assert_string_equal(mw_map_text(mw_map_find(a, "headers"), "x-one").p, "1, 2");
    const char *heard = mw_map_text(a, "body").p;
    assert_non_null(strstr(heard, "PUT /echo HTTP/1.1"));
    assert_non_null(strstr(heard, "X-Mine: yes"));
    assert_null(strstr(heard, "Content-Type"));
    assert_null(strstr(heard, "Expect"));
    mw_value_free(a);
}

static void assert_sent(mw_value *answer, bool sent)
{
    assert_int_equal(mw_map_bool(answer, "sent", !sent), sent);
    mw_value_free(answer);
}

static void a_failure_says_whether_the_request_left(void **state)
{
    struct world *w = *state;
    assert_sent(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/x\"}", free_port()), false);
    assert_sent(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/hang\",\"timeout\":0.2}",
                    w->http_port),
                true);
    assert_sent(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/silent\"}", w->http_port),
                true);
}

/* On a connection that was used before, too: what it asked for may have been done. */
static void a_request_that_changes_something_leaves_once(void **state)
{
    struct world *w = *state;
    mw_value_free(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/\"}", w->http_port));
    assert_error(ask(&w->host, "http",
                     "{\"url\":\"http://127.0.0.1:%d/silent\",\"body\":\"buy one\"}", w->http_port),
                 "closed the connection without an answer");
    assert_int_equal(*silences, 1);
    assert_sent(ask(&w->host, "http",
                    "{\"url\":\"http://127.0.0.1:%d/silent\",\"method\":\"DELETE\"}", w->http_port),
                true);
    assert_int_equal(*silences, 2);
}

static void failures_are_told_in_words(void **state)
{
    struct world *w = *state;
    int nobody = free_port();
    char words[100];
    snprintf(words, sizeof words, "connect to 127.0.0.1:%d: connection refused", nobody);
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/secret\"}", nobody), words);
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/hang\",\"timeout\":0.2}",
                     w->http_port),
                 "timed out after 0.2 s");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/silent\"}", w->http_port),
                 "closed the connection without an answer");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/half\"}", w->http_port),
                 "in the middle of its answer");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/torn\"}", w->http_port),
                 "in the middle of its answer");
    assert_error(ask(&w->host, "http",
                     "{\"url\":\"http://127.0.0.1:%d/endless\",\"max_body\":1000}", w->http_port),
                 "larger than 1000 bytes");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/\"}", w->chatty_port), "");
}

static void only_http_is_spoken_and_nothing_is_smuggled(void **state)
{
    struct world *w = *state;
    assert_error(ask(&w->host, "http", "{\"url\":\"file:///etc/passwd\"}"), "only http and https");
    assert_error(ask(&w->host, "http", "{\"url\":\"gopher://127.0.0.1/\"}"), "only http and https");
    assert_error(ask(&w->host, "http", "{}"), "url is missing");
    assert_error(
        ask(&w->host, "http", "{\"url\":\"http://x/\",\"headers\":{\"A\":\"b\\r\\nC: d\"}}"),
        "line break");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://x/\",\"headers\":{\"A B\":\"c\"}}"),
                 "header name");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://x/\",\"method\":\"GET /y\"}"), "method");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://x/\\r\\nA: b\"}"), "control characters");
}

static void a_proxy_is_asked_to_pass_it_on(void **state)
{
    struct world *w = *state;
    mw_value *a = ask(&w->host, "http",
                      "{\"url\":\"http://far.test/in\",\"body\":\"x\","
                      "\"proxy\":\"http://me:word@127.0.0.1:%d\"}",
                      w->http_port);
    assert_no_error(a);
    const char *heard = mw_map_text(a, "body").p;
    assert_non_null(strstr(heard, "POST http://far.test/in HTTP/1.1"));
    assert_non_null(strstr(heard, "Host: far.test"));
    assert_non_null(strstr(heard, "Proxy-Authorization: Basic bWU6d29yZA=="));
    mw_value_free(a);
    a = ask(
        &w->host, "http",
        "{\"url\":\"https://no-tunnel.test/\",\"body\":\"x\",\"proxy\":\"http://127.0.0.1:%d\"}",
        w->http_port);
    assert_non_null(strstr(mw_map_text(a, "error").p, "through the proxy: "));
    assert_non_null(strstr(mw_map_text(a, "error").p, "407"));
    assert_sent(a, false);
    assert_error(ask(&w->host, "http", "{\"url\":\"http://x/\",\"proxy\":\"file:///x\"}"),
                 "proxy begins with");
}

static void redirects_are_followed_only_when_asked_and_only_to_http(void **state)
{
    struct world *w = *state;
    mw_value *a = ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/away\"}", w->http_port);
    assert_int_equal(mw_map_number(a, "status", 0), 302);
    mw_value_free(a);
    a = ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/away\",\"follow\":true}",
            w->http_port);
    assert_string_equal(mw_map_text(a, "body").p, "there");
    assert_null(mw_map_find(mw_map_find(a, "headers"), "location"));
    mw_value_free(a);
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/file\",\"follow\":true}",
                     w->http_port),
                 "http");
}

static void many_hanging_requests_do_not_hold_up_a_quick_one(void **state)
{
    struct world *w = *state;
    enum { N = 40 };
    struct question q[N];
    char arg[200];
    snprintf(arg, sizeof arg, "{\"url\":\"http://127.0.0.1:%d/hang\",\"timeout\":20}",
             w->http_port);
    for (int i = 0; i < N; i++)
        ask_begin(&w->host, "http", mw_value_from_json(mw_str_of(arg), NULL), &q[i]);
    mw_value *a = ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/\"}", w->http_port);
    assert_int_equal(mw_map_number(a, "status", 0), 200);
    mw_value_free(a);
    for (int i = 0; i < N; i++) assert_null(q[i].answer);
    mw_net_stop(w->net); /* answers them all */
    for (int i = 0; i < N; i++) assert_error(ask_end(&q[i]), "moonwatch is stopping");
    assert_error(ask(&w->host, "http", "{\"url\":\"http://127.0.0.1:%d/\"}", w->http_port),
                 "stopping");
    assert_error(ask(&w->host, "tcp", "{\"host\":\"127.0.0.1\",\"port\":%d}", w->mute_port),
                 "stopping");
}

/* -- probes ----------------------------------------------------------------------------------- */

static void a_tcp_probe_connects_says_and_hears(void **state)
{
    struct world *w = *state;
    const char *target = "{\"host\":\"127.0.0.1\",\"port\":%d,\"timeout\":0.3%s}";
    char arg[300];
    mw_value *a = ask(&w->host, "tcp", "{\"host\":\"127.0.0.1\",\"port\":%d}", w->mute_port);
    assert_no_error(a);
    mw_value_free(a);
    a = ask(&w->host, "tcp",
            "{\"host\":\"127.0.0.1\",\"port\":%d,\"send\":\"HELO\\r\\n\",\"expect\":\"250 fine\"}",
            w->chatty_port);
    assert_no_error(a);
    mw_value_free(a);
    snprintf(arg, sizeof arg, target, w->mute_port, ",\"expect\":\"220\"");
    assert_error(ask(&w->host, "tcp", "%s", arg), "timed out after 0.3 s");
    assert_error(ask(&w->host, "tcp",
                     "{\"host\":\"127.0.0.1\",\"port\":%d,\"send\":\"x\",\"expect\":\"999\"}",
                     w->chatty_port),
                 "closed before it said \"999\"");
    assert_error(ask(&w->host, "tcp", "{\"host\":\"127.0.0.1\",\"port\":%d}", free_port()),
                 "connection refused");
    assert_error(ask(&w->host, "tcp", "{\"host\":\"127.0.0.1/x\",\"port\":80}"), "host");
    assert_error(ask(&w->host, "tcp", "{\"host\":\"a\",\"port\":70000}"), "port");
}

static void a_talk_goes_step_by_step(void **state)
{
    struct world *w = *state;
    const char *talk = "{\"host\":\"127.0.0.1\",\"port\":%d,\"timeout\":0.5,\"steps\":[%s]}";
    static const struct {
        const char *steps, *error;
    } rows[] = {
        {"{\"matches\":\"^220 w\"},{\"expect\":\"come\"},{\"send\":\"x\",\"matches\":\"250 f.*e\"}",
         NULL},
        {"{\"matches\":\"^220\"},{\"send\":\"x\",\"expect\":\"220\"}",
         "step 2: closed before it said \"220\""}, /* what a step heard is used */
        {"{\"expect\":\"220\"},{\"expect\":\"250\"}",
         "step 2: timed out after 0.5 s while waiting for \"250\""},
        {"{\"matches\":\"(\"}", "missing"},
        {"{\"expect\":\"220\"},{\"starttls\":true}", "TLS"},
    };
    char arg[600];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(arg, sizeof arg, talk, w->chatty_port, rows[i].steps);
        mw_value *a = ask(&w->host, "tcp", "%s", arg);
        if (rows[i].error) {
            assert_error(a, rows[i].error);
            continue;
        }
        assert_no_error(a);
        assert_string_equal(mw_map_text(a, "heard").p, "220 welcome  250 fine  ");
        assert_string_equal(mw_map_text(a, "ip").p, "4");
        assert_true(mw_map_number(a, "connect", -1) >= 0);
        mw_value_free(a);
    }
}

static void what_no_operation_can_ask_is_refused(void **state)
{
    struct world *w = *state;
    assert_error(ask(&w->host, "dns", "{\"name\":\"a\",\"type\":\"NOPE\"}"), "a type of records");
    assert_error(ask(&w->host, "dns", "{\"name\":\"a\",\"type\":\"A\",\"server\":\"x:0\"}"),
                 "is no name server");
    assert_error(ask(&w->host, "icmp", "{\"host\":\"\"}"), "a host");
    assert_error(ask(&w->host, "icmp", "{\"host\":\"127.0.0.1\",\"size\":65001}"), "a size up to");
    assert_error(ask(&w->host, "grpc", "{\"host\":\"a/b\",\"port\":1}"), "host and port");
    assert_error(ask(&w->host, "grpc", "{\"host\":\"a\",\"port\":0}"), "host and port");
    assert_error(ask(&w->host, "grpc", "{\"host\":\"127.0.0.1\",\"port\":%d}", w->http_port), "");
}

static void hanging_probes_do_not_hold_up_a_quick_one(void **state)
{
    struct world *w = *state;
    enum { N = 20 };
    struct question q[N];
    char arg[200];
    snprintf(arg, sizeof arg, "{\"url\":\"redis://127.0.0.1:%d\",\"timeout\":20}", w->mute_port);
    for (int i = 0; i < N; i++)
        ask_begin(&w->host, "redis", mw_value_from_json(mw_str_of(arg), NULL), &q[i]);
    mw_value *a = ask(&w->host, "tcp", "{\"host\":\"127.0.0.1\",\"port\":%d}", w->mute_port);
    assert_no_error(a);
    mw_value_free(a);
    for (int i = 0; i < N; i++) assert_null(q[i].answer);
    mw_net_stop(w->net);
    for (int i = 0; i < N; i++) assert_error(ask_end(&q[i]), "stopping");
}

static void a_redis_probe_pings_a_real_redis(void **state)
{
    struct world *w = *state;
    char port[16];
    int n = free_port();
    snprintf(port, sizeof port, "%d", n);
    pid_t redis =
        start_program((const char *[]){"redis-server", "--port", port, "--bind", "127.0.0.1",
                                       "--save", "", "--requirepass", "pa ss", NULL});
    mw_value *a = NULL;
    EVENTUALLY((mw_value_free(a),
                a = ask(&w->host, "redis", "{\"url\":\"redis://:pa%%20ss@127.0.0.1:%d/3\"}", n),
                mw_map_bool(a, "pong", false)));
    assert_true(mw_map_number(a, "seconds", -1) >= 0);
    mw_value_free(a);
    assert_error(ask(&w->host, "redis", "{\"url\":\"redis://127.0.0.1:%d\"}", n), "NOAUTH");
    assert_error(ask(&w->host, "redis", "{\"url\":\"redis://:wrong@127.0.0.1:%d\"}", n), "AUTH");
    kill(redis, SIGSTOP);
    assert_error(ask(&w->host, "redis", "{\"url\":\"redis://:x@127.0.0.1:%d\",\"timeout\":0.3}", n),
                 "timed out after 0.3 s");
    kill(redis, SIGCONT);
    end_server(redis);
    assert_error(ask(&w->host, "redis", "{\"url\":\"redis://127.0.0.1:%d\"}", w->chatty_port),
                 "does not look like Redis");
    assert_error(ask(&w->host, "redis", "{\"url\":\"rediss://127.0.0.1\"}"), "TLS");
}

static void a_postgres_probe_says_how_full_the_server_is(void **state)
{
    struct world *w = *state;
    char dir[] = "/tmp/mw-pg-XXXXXX", command[1000];
    int port = free_port();
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof command,
             "set -e; bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)\n"
             "as() { if [ $(id -u) = 0 ]; then setpriv --reuid postgres --regid postgres "
             "--clear-groups \"$@\"; else \"$@\"; fi; }\n"
             "if [ $(id -u) = 0 ]; then chown postgres %s; fi\n"
             "as $bin/initdb -D %s/db -A trust -U postgres --no-sync >/dev/null 2>&1\n"
             "exec >/dev/null 2>&1\n"
             "if [ $(id -u) = 0 ]; then exec setpriv --reuid postgres --regid postgres "
             "--clear-groups $bin/postgres -D %s/db -k %s -p %d -h 127.0.0.1 -F; fi\n"
             "exec $bin/postgres -D %s/db -k %s -p %d -h 127.0.0.1 -F",
             dir, dir, dir, dir, port, dir, dir, port);
    pid_t postgres = start_program((const char *[]){"sh", "-c", command, NULL});
    mw_value *a = NULL;
    EVENTUALLY(
        (mw_value_free(a),
         a = ask(&w->host, "postgres",
                 "{\"dsn\":\"postgresql://postgres@127.0.0.1:%d/postgres\",\"timeout\":5}", port),
         !mw_map_text(a, "error").n));
    assert_int_equal(mw_map_number(a, "max_open", 0), 100);
    assert_int_equal(mw_map_number(a, "open", -1), 0);
    assert_int_equal(mw_map_number(a, "in_use", -1), 0);
    mw_value_free(a);
    assert_error(ask(&w->host, "postgres",
                     "{\"dsn\":\"host=127.0.0.1 port=%d user=postgres "
                     "dbname=nosuch\"}",
                     port),
                 "nosuch");
    kill(-postgres, SIGSTOP);
    assert_error(ask(&w->host, "postgres",
                     "{\"dsn\":\"postgresql://postgres@127.0.0.1:%d/\",\"timeout\":0.3}", port),
                 "timed out after 0.3 s");
    end_server(postgres);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    assert_error(
        ask(&w->host, "postgres", "{\"dsn\":\"postgresql://postgres@127.0.0.1:%d/\"}", free_port()),
        "refused");
}

static void a_broken_dsn_is_not_repeated(void **state)
{
    struct world *w = *state;
    mw_value *a = ask(&w->host, "postgres", "{\"dsn\":\"hunter2\"}");
    assert_null(strstr(mw_map_text(a, "error").p, "hunter2"));
    assert_error(a, "malformed");
}

static void redis_urls_are_taken_apart(void **state)
{
    mw_redis_url u;
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(mw_redis_url_parse("redis://me:s%40cret@[::1]:7000/5", &u, &err), MW_OK);
    assert_string_equal(u.user, "me");
    assert_string_equal(u.password, "s@cret");
    assert_string_equal(u.host, "::1");
    assert_int_equal(u.port, 7000);
    assert_int_equal(u.db, 5);
    assert_int_equal(mw_redis_url_parse("localhost", &u, &err), MW_OK);
    assert_int_equal(u.port, 6379);
    static const char *const bad[] = {
        "",         "redis://",   "redis://h:0",    "redis://h:x",     "redis://h/x",
        "http://h", "rediss://h", "redis://:%zz@h", "redis://h:70000", "redis://:%00@h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mw_err_init(&err);
        if (mw_redis_url_parse(bad[i], &u, &err) == MW_OK) fail_msg("accepted: %s", bad[i]);
        assert_true(err.msg[0] != 0);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered_with_status_headers_and_body),
        T(a_request_that_changes_something_leaves_once),
        T(failures_are_told_in_words),
        T(only_http_is_spoken_and_nothing_is_smuggled),
        T(a_proxy_is_asked_to_pass_it_on),
        T(redirects_are_followed_only_when_asked_and_only_to_http),
        T(a_failure_says_whether_the_request_left),
        T(many_hanging_requests_do_not_hold_up_a_quick_one),
        T(a_tcp_probe_connects_says_and_hears),
        T(a_talk_goes_step_by_step),
        T(what_no_operation_can_ask_is_refused),
        T(hanging_probes_do_not_hold_up_a_quick_one),
        T(a_redis_probe_pings_a_real_redis),
        T(a_postgres_probe_says_how_full_the_server_is),
        T(a_broken_dsn_is_not_repeated),
        cmocka_unit_test(redis_urls_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
