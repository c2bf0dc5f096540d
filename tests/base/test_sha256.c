/* test_sha256.c - SHA-256 and HMAC by the examples of FIPS 180-4 and RFC 4231.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/sha256.h"

static void texts_in_pieces_are_one_text(void **state)
{
    char hex[MW_SHA256_HEX + 1];
    mw_str pieces[] = {MW_STR("a"), MW_STR(""), MW_STR("bc")};
    mw_sha256_hex(pieces, 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    mw_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void keyed(const char *key, size_t n, const char *text, const char *want)
{
    uint8_t out[MW_SHA256];
    char hex[MW_SHA256_HEX + 1];
    mw_hmac *h = mw_hmac_new((mw_str){key, n});
    for (int again = 0; again < 2; again++) {
        mw_hmac_of(h, mw_str_of(text), out);
        mw_hex(out, sizeof out, hex);
        assert_string_equal(hex, want);
    }
    mw_hmac_free(h);
}

static void keys_of_any_length_hash_as_the_standard_says(void **state)
{
    char key[131];
    memset(key, 0x0b, 20);
    keyed(key, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    keyed("Jefe", 4, "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    keyed(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_in_pieces_are_one_text),
        cmocka_unit_test(keys_of_any_length_hash_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
