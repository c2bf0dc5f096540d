/* test_sd.c - promises of asking name servers: what counts as an answer, and hostile ones.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "net/sd.h"
#include "net/sd_dns.h"
#include "world.h"

/* -- a name server ---------------------------------------------------------------------------- */

/* The first letter of the name says how it answers. */
static size_t answer(unsigned char *p, size_t n)
{
    static const unsigned char a[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 127, 0, 0, 1};
    static const unsigned char srv_to_itself[] = {0xc0, 12, 0, 33, 0, 1, 0, 0,  0,    30,
                                                  0,    8,  0, 0,  0, 0, 0, 80, 0xc0, 0xff};
    static const unsigned char srv_odd[] = {0xc0, 12, 0, 33, 0, 1,  0, 0,    0,   30,   0,   12,
                                            0,    0,  0, 0,  0, 80, 4, 0xff, '/', '\n', '"', 0};
    char how = (char)p[13];
    p[2] = 0x81;
    p[3] = 0x80;
    p[7] = 1;
    p[9] = p[11] = 0;
    switch (how) {
    case 'a': memcpy(p + n, a, sizeof a); return n + sizeof a;
    case 'n': p[7] = 0, p[3] = 0x83; return n; /* there is no such name */
    case 'e': p[7] = 0; return n;              /* it has no such records */
    case 'f': p[7] = 0, p[3] = 0x82; return n; /* the server fails */
    case 's': return 13;                       /* cut off */
    case 'l': memcpy(p + n, srv_to_itself, sizeof srv_to_itself); return n + sizeof srv_to_itself;
    case 'o': memcpy(p + n, srv_odd, sizeof srv_odd); return n + sizeof srv_odd;
    case 'c':
        p[6] = p[7] = 0xff;
        memcpy(p + n, a, sizeof a);
        return n + sizeof a; /* counts lie */
    case 'g': memset(p + 12, 0xee, 300); return 312;
    default: return 0; /* says nothing */
    }
}

static pid_t start_dns(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    *port = ntohs(a.sin_port);
    pid_t pid = fork();
    if (pid) return setpgid(pid, pid), close(fd), pid;
    setpgid(0, 0);
    for (;;) {
        unsigned char p[4096] = {0};
        len = sizeof a;
        ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&a, &len);
        size_t k = n > 16 ? answer(p, (size_t)n) : 0;
        if (k && sendto(fd, p, k, 0, (struct sockaddr *)&a, len) < 0) _exit(1);
    }
}

static mw_value *spec_of(const char *type, const char *name, int port)
{
    char text[300];
    snprintf(
        text, sizeof text,
        "{\"name\":[\"%s.test.\"],\"type\":\"%s\",\"port\":9100,\"servers\":[\"127.0.0.1:%d\"]}",
        name, type, port);
    return mw_value_from_json(mw_str_of(text), NULL);
}

/* -- promises --------------------------------------------------------------------------------- */

static void an_answer_counts_and_a_failure_keeps_what_was_there(void **state)
{
    static const bool stop = false;
    static const struct {
        const char *type, *name;
        size_t failed, targets; /* of which one was there before, when it failed */
    } rows[] = {
        {"A", "a", 0, 1}, {"A", "n", 0, 0},   {"A", "e", 0, 0},   {"A", "f", 1, 1},
        {"A", "s", 1, 1}, {"SRV", "l", 1, 1}, {"SRV", "g", 1, 1}, {"A", "c", 1, 1},
        {"A", "-", 1, 1}, {"SRV", "o", 0, 1},
    };
    int port;
    pid_t server = start_dns(&port);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char before_text[200];
        mw_err err;
        size_t failed;
        mw_err_init(&err);
        snprintf(before_text, sizeof before_text,
                 "[{\"targets\":[\"old:1\"],\"labels\":{\"__meta_dns_name\":\"%s.test.\"}}]",
                 rows[i].name);
        mw_value *before = mw_value_from_json(mw_str_of(before_text), NULL);
        mw_value *spec = spec_of(rows[i].type, rows[i].name, port);
        assert_int_equal(mw_sd_dns_check(spec, &err), MW_OK);
        mw_value *groups = mw_sd_dns_ask(spec, before, 1000, &stop, &failed, &err);
        if (failed != rows[i].failed || mw_groups_targets(groups) != rows[i].targets)
            fail_msg("%s: %zu failed, %zu targets: %s", rows[i].name, failed,
                     mw_groups_targets(groups), err.msg);
        mw_value_free(groups);
        mw_value_free(spec);
        mw_value_free(before);
    }
    end_server(server);
}

static void rows_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        mw_sd_kind kind;
        const char *spec, *words;
    } rows[] = {
        {MW_SD_DNS, "{}", "name"},
        {MW_SD_DNS, "{\"name\":[],\"type\":\"A\"}", "name"},
        {MW_SD_DNS, "{\"name\":[\"a\"],\"type\":\"TXT\"}", "type must be"},
        {MW_SD_DNS, "{\"name\":[\"a\"],\"type\":\"A\"}", "A records need a port"},
        {MW_SD_DNS, "{\"name\":[\"a\"],\"type\":\"SRV\",\"servers\":[\"a,b\"]}", "servers"},
        {MW_SD_DNS, "{\"name\":[\"a\"],\"type\":\"SRV\",\"every\":0}", "every"},
        {MW_SD_HTTP, "{}", "url"},
        {MW_SD_HTTP, "{\"url\":\"file:///etc/passwd\"}", "url"},
        {MW_SD_HTTP, "{\"url\":\"http://a\",\"headers\":{\"a\":\"b\\nc\"}}", "header"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_err err;
        mw_err_init(&err);
        mw_value *spec = mw_value_from_json(mw_str_of(rows[i].spec), NULL);
        assert_int_equal(mw_sd_check(rows[i].kind, spec, &err), MW_EARG);
        if (!strstr(err.msg, rows[i].words)) fail_msg("%s: %s", rows[i].spec, err.msg);
        mw_value_free(spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_counts_and_a_failure_keeps_what_was_there),
        cmocka_unit_test(rows_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
