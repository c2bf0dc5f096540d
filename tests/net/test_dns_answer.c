/* test_dns_answer.c - messages of name servers, whole and damaged, and echoes of ICMP.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "net/dns_answer.h"
#include "net/icmp_echo.h"

#define HEAD(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define QUESTION             "\4shop\7example\0\0\1\0\1"
#define RECORD(type, length) "\xc0\x0c\0" type "\0\1\0\0\0\x1e\0" length

static const struct {
    mw_str bytes;
    const char *rcode, *data; /* of the first answer; NULL: none */
    bool bad;
} messages[] = {
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\1", "\4") "\x0a\0\0\7"), "NOERROR", "10.0.0.7",
     false},
    {MW_STR(HEAD("\x84\x00", "\1")
                QUESTION RECORD("\x1c", "\x10") "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
     "NOERROR", "::1", false},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x0f", "\7") "\0\12\2mx\xc0\x11"), "NOERROR",
     "10 mx.example", false},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x21", "\7") "\0\1\0\2\0\3\0"), "NOERROR",
     "1 2 3 .", false},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x10", "\6") "\2a\n\2b\\"), "NOERROR",
     "a\\010b\\\\", false},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x05", "\6") "\3a.b\xc0\x11"), "NOERROR",
     "a\\.b.example", false},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x63", "\3") "\1\2\xff"), "NOERROR", "0102ff",
     false},
    {MW_STR(HEAD("\x84\x03", "\0") QUESTION), "NXDOMAIN", NULL, false},
    {MW_STR(HEAD("\x84\x0c", "\0") QUESTION), "RCODE12", NULL, false},
    /* damaged */
    {MW_STR(""), NULL, NULL, true},
    {MW_STR("\x12\x34\x84\0\0\1\0\1"), NULL, NULL, true},
    {MW_STR(HEAD("\x84\x00", "\1") "\4shop"), NULL, NULL, true},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\1", "\5") "\x0a\0\0\7\0"), NULL, NULL, true},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\1", "\4") "\x0a\0"), NULL, NULL, true},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\5", "\2") "\xc0\x29"), NULL, NULL,
     true}, /* to itself */
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\5", "\2") "\xc0\xff"), NULL, NULL,
     true}, /* forward */
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\5", "\2") "\x80\x01"), NULL, NULL,
     true}, /* no length */
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x10", "\2") "\5a"), NULL, NULL, true},
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\x10", "\1") "\1a"), NULL, NULL,
     true}, /* longer than it is */
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION "\xc0\x0c\1\1\0\1\0\0\0\x1e\0\1"
                                            "\0\5issue"),
     NULL, NULL, true}, /* CAA that ends behind its flags */
    {MW_STR(HEAD("\x84\x00", "\1") QUESTION RECORD("\6", "\4") "\0\0\0\0"), NULL, NULL, true},
};

static void messages_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        mw_err err;
        mw_err_init(&err);
        mw_value *out = mw_map_new();
        int code = mw_dns_answer_read(messages[i].bytes, out, &err);
        if ((code != MW_OK) != messages[i].bad) fail_msg("message %zu: %s", i, err.msg);
        if (code == MW_OK) {
            const mw_value *list = mw_map_find(out, "answers");
            assert_string_equal(mw_map_text(out, "rcode").p, messages[i].rcode);
            assert_int_equal(list->list.n, messages[i].data ? 1 : 0);
            if (messages[i].data)
                assert_string_equal(mw_map_text(list->list.item[0], "data").p, messages[i].data);
        }
        mw_value_free(out);
    }
}

static void an_soa_record_has_a_serial(void **state)
{
    (void)state;
    mw_err err;
    mw_err_init(&err);
    mw_value *out = mw_map_new();
    mw_str bytes = MW_STR(HEAD("\x84\x00", "\1")
                              QUESTION RECORD("\6", "\x18") "\xc0\x0c\xc0\x0c\0\0\7\xe8"
                                                            "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4");
    assert_int_equal(mw_dns_answer_read(bytes, out, &err), MW_OK);
    assert_true(mw_map_number(out, "serial", 0) == 2024);
    assert_string_equal(mw_map_text(mw_map_find(out, "answers")->list.item[0], "data").p,
                        "shop.example shop.example 2024 1 2 3 4");
    mw_value_free(out);
}

static void only_the_reply_to_our_echo_counts(void **state)
{
    (void)state;
    mw_icmp_echo e = {.raw = true, .id = 0x1234, .seq = 7, .token = MW_STR("0123456789abcdef")};
    mw_buf b = {0};
    for (int i = 0; i < 20; i++) mw_buf_byte(&b, i ? 0 : 0x45);
    mw_icmp_echo_write(&e, 56, &b);
    assert_int_equal(b.n, 20 + 8 + 56);
    assert_false(mw_icmp_echo_is_reply(&e, (mw_str){b.p, b.n})); /* the request itself */
    b.p[20] = 0;
    for (size_t n = 0; n < 20 + 8 + 16; n++)
        assert_false(mw_icmp_echo_is_reply(&e, (mw_str){b.p, n}));
    assert_true(mw_icmp_echo_is_reply(&e, (mw_str){b.p, b.n}));
    static const size_t at[] = {20, 21, 24, 27, 28, 43};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        b.p[at[i]] ^= 1;
        assert_false(mw_icmp_echo_is_reply(&e, (mw_str){b.p, b.n}));
        b.p[at[i]] ^= 1;
    }
    b.p[0] = 0x4f; /* a longer header of IP than there are bytes for */
    assert_false(mw_icmp_echo_is_reply(&e, (mw_str){b.p, 40}));
    e.raw = false;
    b.p[24] ^= 1; /* a socket that is not raw has an id of its own */
    assert_true(mw_icmp_echo_is_reply(&e, (mw_str){b.p + 20, b.n - 20}));
    e.v6 = true;
    assert_false(mw_icmp_echo_is_reply(&e, (mw_str){b.p + 20, b.n - 20}));
    b.p[20] = (char)129;
    assert_true(mw_icmp_echo_is_reply(&e, (mw_str){b.p + 20, b.n - 20}));
    mw_buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_or_refused),
        cmocka_unit_test(an_soa_record_has_a_serial),
        cmocka_unit_test(only_the_reply_to_our_echo_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
