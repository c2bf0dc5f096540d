/* test_mail.c - promises of mails, against mail servers of all kinds.  SPDX-License-Identifier: MIT
 */
#include "test.h"

#include <strings.h>

#include "net/net.h"
#include "world.h"

struct world {
    mw_registry *registry;
    mw_net *net;
    mw_host host;
    pid_t server;
    int port;
};

/* -- servers ---------------------------------------------------------------------------------- */

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0) _exit(0);
}

static bool hears(int fd, char *line, size_t room)
{
    size_t n = 0;
    while (n < room - 1 && read(fd, line + n, 1) == 1)
        if (line[n++] == '\n') break;
    line[n] = 0;
    return n > 0;
}

/* Ends the message at its dot; tells in its reply how long it was, and of its first dots. */
static void take_message(int fd)
{
    char line[2000], reply[100];
    size_t bytes = 0, dots = 0;
    say(fd, "354 go on\r\n");
    while (hears(fd, line, sizeof line) && strcmp(line, ".\r\n") != 0) {
        bytes += strlen(line);
        dots += !strncmp(line, "..", 2);
    }
    snprintf(reply, sizeof reply, "250 taken, %zu bytes, %zu dots\r\n", bytes, dots);
    say(fd, reply);
}

/* What it does depends on the address of the sender. */
static void serve(int fd)
{
    char line[2000];
    say(fd, "220-hello\r\n220 here\r\n");
    while (hears(fd, line, sizeof line)) {
        if (!strncasecmp(line, "EHLO flood", 10))
            for (;;) say(fd, "250-more and more and more and more and more and more and more\r\n");
        if (!strncasecmp(line, "EHLO garbage", 12))
            say(fd, "\x01\xff\x00gar\r\nbage\r\n999 \r\n-1 x\r\n");
        if (!strncasecmp(line, "EHLO gone", 9)) _exit(0);
        if (!strncasecmp(line, "EHLO busy", 9))
            say(fd, "421 too busy\x1b[31m\r\n"), _exit(0);
        else if (!strncasecmp(line, "EHLO auth", 9))
            say(fd, "250-here\r\n250 AUTH GSSAPI NTLM PLAIN LOGIN\r\n");
        else if (!strncasecmp(line, "AUTH PLAIN", 10))
            say(fd, "535 wrong\r\n");
        else if (!strncasecmp(line, "AUTH", 4))
            _exit(0);
        else if (!strncasecmp(line, "MAIL FROM:<no@", 14))
            say(fd, "550 not from you\r\n");
        else if (!strncasecmp(line, "RCPT TO:<no@", 12))
            say(fd, "550-nobody\r\n550 here\r\n");
        else if (!strncasecmp(line, "RCPT TO:<later@", 15))
            say(fd, "451 later\r\n");
        else if (!strncasecmp(line, "DATA", 4))
            take_message(fd);
        else if (!strncasecmp(line, "QUIT", 4))
            pause();
        else
            say(fd, "250 fine\r\n");
    }
}

static int setup(void **state)
{
    struct world *w = mw_zalloc(sizeof *w);
    w->server = start_server(serve, &w->port);
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
    end_server(w->server);
    mw_free(w->host.ops);
    mw_free(w);
    return 0;
}

/* From FROM to TO, which is JSON, calling ourselves HELLO. */
static mw_value *mail(struct world *w, const char *hello, const char *from, const char *to,
                      const char *more)
{
    return ask(&w->host, "mail",
               "{\"host\":\"127.0.0.1\",\"port\":%d,\"hello\":\"%s\",\"from\":\"%s\",\"to\":%s,"
               "\"require_tls\":false,"
               "\"timeout\":20,\"message\":\"Subject: x\\r\\n\\r\\n.dot\\r\\n.\\r\\nend\\r\\n\"%s}",
               w->port, hello, from, to, more);
}

/* -- promises --------------------------------------------------------------------------------- */

static void a_mail_is_taken_whole_though_nobody_says_goodbye(void **state)
{
    mw_value *a = mail(*state, "me", "a@b", "[\"c@d\"]", "");
    assert_no_error(a);
    assert_int_equal(mw_map_number(a, "status", 0), 250);
    assert_string_equal(mw_map_text(a, "reply").p, "250 taken, 30 bytes, 2 dots");
    assert_int_equal(mw_map_find(a, "refused")->list.n, 0);
    mw_value_free(a);
}

static void each_refused_recipient_is_told(void **state)
{
    mw_value *a = mail(*state, "me", "a@b", "[\"no@x\",\"c@d\",\"later@x\"]", "");
    assert_no_error(a);
    const mw_value *refused = mw_map_find(a, "refused");
    assert_int_equal(refused->list.n, 2);
    assert_string_equal(mw_map_text(refused->list.item[0], "to").p, "no@x");
    assert_int_equal(mw_map_number(refused->list.item[0], "status", 0), 550);
    assert_string_equal(mw_map_text(refused->list.item[1], "to").p, "later@x");
    assert_string_equal(mw_map_text(refused->list.item[1], "reply").p, "451 later");
    mw_value_free(a);
    a = mail(*state, "me", "a@b", "[\"no@x\",\"later@x\"]", "");
    assert_int_equal(mw_map_find(a, "refused")->list.n, 2);
    assert_error(a, "451 later");
}

static void servers_that_misbehave_are_left(void **state)
{
    struct world *w = *state;
    assert_error(mail(w, "flood", "a@b", "[\"c@d\"]", ""), "");
    assert_error(mail(w, "garbage", "a@b", "[\"c@d\"]", ",\"timeout\":1"), "");
    assert_error(mail(w, "gone", "a@b", "[\"c@d\"]", ""), "");
    assert_error(mail(w, "busy", "a@b", "[\"c@d\"]", ""), "421 too busy [31m");
    assert_error(mail(w, "me", "no@b", "[\"c@d\"]", ""), "550 not from you");
    assert_error(ask(&w->host, "mail",
                     "{\"host\":\"127.0.0.1\",\"port\":%d,\"from\":\"a@b\",\"to\":[\"c@d\"],"
                     "\"message\":\"x\",\"timeout\":20}",
                     w->port),
                 "no STARTTLS");
    assert_error(ask(&w->host, "mail",
                     "{\"host\":\"127.0.0.1\",\"port\":%d,\"from\":\"a@b\",\"to\":[\"c@d\"],"
                     "\"message\":\"x\"}",
                     free_port()),
                 "connection refused");
}

static void signing_in_uses_only_ways_that_we_know(void **state)
{
    mw_value *a = mail(*state, "auth", "a@b", "[\"c@d\"]",
                       ",\"user\":\"ann\",\"password\":\"looking-glass\"");
    assert_true(mw_map_bool(a, "login", false));
    assert_error(a, "535 wrong");
}

static void nothing_is_smuggled(void **state)
{
    struct world *w = *state;
    const char *const bad[] = {"", "a b@c", "a@b>\\r\\nRCPT TO:<e@f", "a@b\\u0000", "<a@b>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char to[100];
        snprintf(to, sizeof to, "[\"%s\"]", bad[i]);
        mw_value *a = mail(w, "me", "a@b", to, "");
        assert_true(mw_map_bool(a, "bad", false));
        assert_error(a, "no address");
        assert_error(mail(w, "me", bad[i], "[\"a@b\"]", ""), "no address");
    }
    assert_error(mail(w, "me\\r\\nMAIL FROM:<x@y>", "a@b", "[\"c@d\"]", ""), "host and port");
    assert_error(mail(w, "me", "a@b", "[]", ""), "1 to 1000 recipients");
    assert_error(
        ask(&w->host, "mail",
            "{\"host\":\"a/b@c\",\"port\":25,\"from\":\"a@b\",\"to\":[\"c@d\"],\"message\":\"x\"}"),
        "");
}

static void a_stop_ends_what_is_under_way(void **state)
{
    struct world *w = *state;
    struct question q;
    char arg[300];
    snprintf(arg, sizeof arg,
             "{\"host\":\"127.0.0.1\",\"port\":%d,\"implicit_tls\":true,\"from\":\"a@b\",\"to\":["
             "\"c@d\"],\"message\":\"x\",\"timeout\":200}",
             w->port); /* TLS with this server comes to nothing */
    ask_begin(&w->host, "mail", mw_value_from_json(mw_str_of(arg), NULL), &q);
    mw_net_stop(w->net);
    assert_error(ask_end(&q), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mail_is_taken_whole_though_nobody_says_goodbye, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_refused_recipient_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(servers_that_misbehave_are_left, setup, teardown),
        cmocka_unit_test_setup_teardown(signing_in_uses_only_ways_that_we_know, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_smuggled, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_what_is_under_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
