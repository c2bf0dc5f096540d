/* fuzz_dns_answer.c - whatever a name server says is read into values within their bounds, or
 * refused.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz.h"
#include "net/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *out = mw_map_new();
    int code = mw_dns_answer_read((mw_str){(const char *)data, n}, out, &err);
    const mw_value *list = mw_map_find(out, "answers");
    MW_ASSERT((code == MW_OK) == (err.code == MW_OK) && list->list.n <= MW_DNS_RECORDS);
    for (size_t i = 0; i < list->list.n; i++) {
        mw_str text = mw_map_text(list->list.item[i], "data");
        for (size_t k = 0; k < text.n; k++)
            MW_ASSERT((unsigned char)text.p[k] >= ' ' && (unsigned char)text.p[k] < 0x7f);
    }
    mw_value_free(out);
    return 0;
}

static void write_seeds(void)
{
#define SEED(name, s) fuzz_seed(name, s, sizeof s - 1)
    SEED("a", "\x12\x34\x84\0\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x1e\0"
              "\4\x0a\0\0\7");
    SEED("mx", "\x12\x34\x84\0\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\0\x0f\0\1\0\0\0\x1e"
               "\0\7\0\12\2mx\xc0\x11");
    SEED("txt", "\x12\x34\x84\0\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\0\x10\0\1\0\0\0"
                "\x1e\0\6\2a\n\2b\\");
    SEED("caa", "\x12\x34\x84\0\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\1\1\0\1\0\0\0\x1e"
                "\0\x0a\0\5issuea.b");
    SEED("soa", "\x12\x34\x84\0\0\1\0\1\0\0\0\0\4shop\7example\0\0\1\0\1\xc0\x0c\0\6\0\1\0\0\0\x1e"
                "\0\x18\xc0\x0c\xc0\x0c\0\0\7\xe8"
                "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4");
}

FUZZ_INITIALIZE(NULL, write_seeds)
