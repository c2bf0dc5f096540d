/* fuzz_promtext.c - text exposition: pushed once, and scraped page after page.
 *
 * The input is two pages, split at the first form feed; without one the page comes twice.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "fuzz/stores.h"

static void push(mw_str page)
{
    fuzz_stores s;
    fuzz_stores_open(&s);
    fuzz_stores_check(&s,
                      mw_ingest_promtext(&s.in, MW_PAGE_UNKNOWN, page, 1000, &s.result, &s.err));
    fuzz_stores_close(&s);
}

static void scrape(mw_str first, mw_str second, bool honor)
{
    static const mw_label extra[] = {{MW_STR("job"), MW_STR("j")},
                                     {MW_STR("instance"), MW_STR("i")}};
    fuzz_stores s;
    fuzz_stores_open(&s);
    mw_labels *ls = mw_labels_new(extra, 2, NULL);
    mw_promtext *p = mw_promtext_new(&s.in, ls, honor);
    const mw_str pages[] = {first, second, second, first};
    for (int i = 0; i < 4; i++) {
        memset(&s.result, 0, sizeof s.result);
        mw_err_init(&s.err);
        int code = mw_promtext_page(p, pages[i], 1000 * (i + 1), 50, &s.result, &s.err);
        fuzz_stores_check(&s, code);
    }
    mw_promtext_stale(p, 9000);
    mw_promtext_free(p);
    mw_free(ls);
    fuzz_stores_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_str page = {(const char *)data, n}, first = page, second = page;
    const char *cut = n ? memchr(data, '\f', n) : NULL;
    if (cut) {
        first.n = (size_t)(cut - first.p);
        second = (mw_str){cut + 1, n - first.n - 1};
    }
    push(page);
    scrape(first, second, n & 1);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
