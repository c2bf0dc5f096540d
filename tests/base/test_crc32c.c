/* test_crc32c.c - promises of the checksum.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/crc32c.h"
#include "mutate.h"

/* The definition, bit by bit. */
static uint32_t defined(const uint8_t *p, size_t n)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++) c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
    }
    return ~c;
}

static void known_sums_come_out(void **state)
{
    uint8_t zeros[32] = {0}, ones[32];
    memset(ones, 255, sizeof ones);
    assert_int_equal(mw_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(mw_crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720, B.4 */
    assert_int_equal(mw_crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(mw_crc32c(0, "", 0), 0);
}

static void every_length_and_alignment_is_summed_as_defined(void **state)
{
    enum { MOST = 8000 };
    mutator m = {42};
    uint8_t *bytes = malloc(MOST + 8);
    for (size_t i = 0; i < MOST + 8; i++) bytes[i] = (uint8_t)mutator_next(&m);
    for (size_t n = 0; n <= MOST; n += n < 1300 ? 1 : 97) {
        uint8_t *p = bytes + n % 8;
        uint32_t want = defined(p, n);
        assert_int_equal(mw_crc32c(0, p, n), want);
        assert_int_equal(mw_crc32c_plain(0, p, n), want);
    }
    free(bytes);
}

static void a_sum_goes_on_where_another_ended(void **state)
{
    mutator m = {7};
    uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)mutator_next(&m);
    uint32_t whole = mw_crc32c(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut += 41) {
        uint32_t first = mw_crc32c(0, bytes, cut);
        assert_int_equal(mw_crc32c(first, bytes + cut, sizeof bytes - cut), whole);
        assert_int_equal(mw_crc32c_plain(first, bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sums_come_out),
        cmocka_unit_test(every_length_and_alignment_is_summed_as_defined),
        cmocka_unit_test(a_sum_goes_on_where_another_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
