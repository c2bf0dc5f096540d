/* test_pii.c - personal data and secrets are found, and what merely looks like them is not.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/buf.h"
#include "ingest/pii.h"
#include "mutate.h"

enum { ALL = (1 << MW_PII_KINDS) - 1 };

/* TEXT with each hit as [kind:...]. */
static char *marked(unsigned kinds, const char *text)
{
    static mw_buf b;
    mw_str s = mw_str_of(text);
    mw_pii_hit h;
    size_t done = 0;
    mw_buf_reset(&b);
    mw_buf_text(&b, "");
    while (mw_pii_next(kinds, s, done, &h)) {
        mw_buf_add(&b, s.p + done, h.start - done);
        mw_buf_printf(&b, "[%s:%.*s]", mw_pii_names[h.kind], (int)(h.end - h.start), s.p + h.start);
        done = h.end;
    }
    mw_buf_add(&b, s.p + done, s.n - done);
    return b.p;
}

static void what_is_found(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        /* mail */
        {"to ana@example.com.", "to [email:ana@example.com]."},
        {"<ana.b+news@sub.example.co.uk>", "<[email:ana.b+news@sub.example.co.uk]>"},
        {"?mail=ana%40example.com&x", "?mail=[email:ana%40example.com]&x"},
        {"user='o'hara@example.com'", "user='[email:o'hara@example.com]'"},
        {"a%40b%40c.de", "a%40[email:b%40c.de]"},
        {"DB_PASSWORD=hunter2", "DB_PASSWORD=[token:hunter2]"},
        {"\"token\":\n\t\"x\"", "\"token\":\n\t\"[token:x]\""},
        {"no token:\nabcdefghijk", "no token:\nabcdefghijk"},
        {"j\xc3\xbcrgen@b\xc3\xbc"
         "cher.example",
         "[email:j\xc3\xbcrgen@b\xc3\xbc"
         "cher.example]"},
        {"mailto:a@b.io,c@d.io", "mailto:[email:a@b.io],[email:c@d.io]"},
        {"user@localhost and @ana and a@b", "user@localhost and @ana and a@b"},
        {"root@10.0.0.1", "root@[ipv4:10.0.0.1]"},
        {"x@1.2.3 a@@b.com", "x@1.2.3 a@@b.com"},
        /* cards: test numbers that the issuers publish */
        {"4111111111111111", "[card:4111111111111111]"},
        {"4111 1111 1111 1111,", "[card:4111 1111 1111 1111],"},
        {"n=4111-1111-1111-1111;", "n=[card:4111-1111-1111-1111];"},
        {"5555555555554444 378282246310005", "[card:5555555555554444] [card:378282246310005]"},
        {"6011111111111117", "[card:6011111111111117]"},
        {"3530111333300000", "[card:3530111333300000]"},
        {"30569309025904", "[card:30569309025904]"},
        {"2223003122003222", "[card:2223003122003222]"},
        {"4111111111111112", "4111111111111112"},         /* check digit */
        {"9111111111111111", "9111111111111111"},         /* nobody's */
        {"41111111111111111111", "41111111111111111111"}, /* too long */
        {"1732675200000000000 ns", "1732675200000000000 ns"},
        {"a4111111111111111", "a4111111111111111"},
        {"0.4111111111111111", "0.4111111111111111"},
        {"4111 1111-1111 1111", "4111 1111-1111 1111"},
        /* addresses of machines */
        {"from 10.1.2.3:8080", "from [ipv4:10.1.2.3]:8080"},
        {"192.168.0.255, 0.0.0.0", "[ipv4:192.168.0.255], [ipv4:0.0.0.0]"},
        {"v1.2.3.4 1.2.3.4.5 1.2.3 256.1.1.1 1.2.3.4a",
         "v1.2.3.4 1.2.3.4.5 1.2.3 256.1.1.1 1.2.3.4a"},
        {"10.0.0.1.", "[ipv4:10.0.0.1]."},
        {"fe80::1%eth0 [2001:db8::8a2e:370:7334]:443",
         "[ipv6:fe80::1]%eth0 [[ipv6:2001:db8::8a2e:370:7334]]:443"},
        {"2001:0db8:85a3:0000:0000:8a2e:0370:7334",
         "[ipv6:2001:0db8:85a3:0000:0000:8a2e:0370:7334]"},
        {"::1 at 12:30:45, std::vector, a::b::c", "[ipv6:::1] at 12:30:45, std::vector, a::b::c"},
        {"mac 00:1b:44:11:3a:b7", "mac 00:1b:44:11:3a:b7"},
        /* bank accounts */
        {"DE89370400440532013000", "[iban:DE89370400440532013000]"},
        {"DE89 3704 0044 0532 0130 00.", "[iban:DE89 3704 0044 0532 0130 00]."},
        {"GB82WEST12345698765432", "[iban:GB82WEST12345698765432]"},
        {"de88370400440532013000", "de88370400440532013000"},
        {"DE8937040044053201300", "DE8937040044053201300"},
        {"DE893704004405320130001", "DE893704004405320130001"},
        {"XX89370400440532013000", "XX89370400440532013000"},
        /* secrets */
        {"Authorization: Bearer abcdefghijklmnop",
         "Authorization: Bearer [token:abcdefghijklmnop]"},
        {"authorization=\"Basic dXNlcjpwYXNz\"", "authorization=\"Basic [token:dXNlcjpwYXNz]\""},
        {"Bearer of news, bearer eyJhbGciOiJIUzI1NiJ9.e30.x-_yz",
         "Bearer of news, bearer [token:eyJhbGciOiJIUzI1NiJ9.e30.x-_yz]"},
        {"key AKIAIOSFODNN7EXAMPLE.", "key [token:AKIAIOSFODNN7EXAMPLE]."},
        {"ghp_abcdefghijklmnopqrstuvwxyz0123456789",
         "[token:ghp_abcdefghijklmnopqrstuvwxyz0123456789]"},
        {"password=hunter2 next", "password=[token:hunter2] next"},
        {"\"password\": \"hu\\\"nter\", 1", "\"password\": \"[token:hu\\\"nter]\", 1"},
        {"?token=abc&x=1", "?token=[token:abc]&x=1"},
        {"token: 3 left, the password was wrong", "token: 3 left, the password was wrong"},
        {"postgres://app:s3cret@db:5432/x", "postgres://app:[token:s3cret]@db:5432/x"},
        {"http://example.com:8080/a@b", "http://example.com:8080/a@b"},
        {"x\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\ny",
         "x\n[token:-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----]\ny"},
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"},
        {"secretary=ana tokens=5", "secretary=ana tokens=5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(marked(ALL, rows[i][0]), rows[i][1]);
}

static void each_kind_alone_finds_nothing_of_the_others(void **state)
{
    const char *text = "ana@example.com 4111111111111111 10.1.2.3 fe80::1 "
                       "DE89370400440532013000 token=abc";
    for (unsigned k = 0; k < MW_PII_KINDS; k++) {
        mw_pii_hit h;
        size_t n = 0;
        for (size_t from = 0; mw_pii_next(1u << k, mw_str_of(text), from, &h); from = h.end) {
            assert_int_equal(h.kind, k);
            n++;
        }
        assert_int_equal(n, 1);
    }
    assert_string_equal(marked(0, text), text);
}

/* Every hit lies in the text, behind the one before, and is not empty, whatever the bytes are. */
static void any_bytes_are_walked_without_harm(void **state)
{
    static const char seed[] =
        "ana@x.io 4111 1111 1111 1111 10.1.2.3 fe80::1 DE89 3704 0044 0532 0130 00 "
        "\"password\": \"x\\\"\" https://u:p@h %40 Bearer abcdefghijklmnopq -----BEGIN PRIVATE "
        "KEY-----";
    mutator m = {7};
    for (int i = 0; i < 20000; i++) {
        size_t n, from = 0;
        char *bytes = mutate(&m, seed, sizeof seed - 1, &n);
        mw_pii_hit h;
        while (mw_pii_next(ALL, (mw_str){bytes, n}, from, &h)) {
            assert_true(h.start >= from && h.end > h.start && h.end <= n);
            from = h.end;
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found),
        cmocka_unit_test(each_kind_alone_finds_nothing_of_the_others),
        cmocka_unit_test(any_bytes_are_walked_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
