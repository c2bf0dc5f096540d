/* selectors.c - reading and matching.  SPDX-License-Identifier: MIT */
#include "net/selectors.h"

#include "base/mem.h"

void mw_selectors_deinit(mw_selectors *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->of[i].n; k++) mw_matcher_deinit(&s->of[i].matcher[k]);
        mw_free(s->of[i].matcher);
    }
    mw_free(s->of);
    *s = (mw_selectors){0};
}

static int read_op(mw_str text)
{
    for (int op = MW_MATCH_EQ; op <= MW_MATCH_NRE; op++)
        if (mw_str_is(text, mw_match_op_text((mw_match_op)op))) return op;
    return -1;
}

static int read_selector(const mw_value *list, mw_selector *out, mw_err *err)
{
    size_t n = list->type == MW_LIST ? list->list.n : 0;
    if (!n) return mw_fail(err, MW_EARG, 0, 0, "a selector must be a list of matchers");
    for (size_t i = 0; i < n; i++) {
        const mw_value *row = list->list.item[i];
        int op = read_op(mw_map_text(row, "op"));
        mw_matcher m;
        if (op < 0) return mw_fail(err, MW_EARG, 0, 0, "a matcher has no op");
        int code = mw_matcher_init(&m, (mw_match_op)op, mw_map_text(row, "name"),
                                   mw_map_text(row, "value"), err);
        if (code) return code;
        MW_PUSH(out->matcher, out->n, out->cap, m);
    }
    return MW_OK;
}

int mw_selectors_read(const mw_value *list, mw_selectors *out, mw_err *err)
{
    size_t n = list && list->type == MW_LIST ? list->list.n : 0;
    int code = MW_OK;
    *out = (mw_selectors){0};
    for (size_t i = 0; i < n && !code; i++) {
        MW_PUSH(out->of, out->n, out->cap, (mw_selector){0});
        code = read_selector(list->list.item[i], &out->of[i], err);
    }
    return code;
}

bool mw_selectors_any(const mw_selectors *s, const mw_labels *ls)
{
    for (size_t i = 0; i < s->n; i++)
        if (mw_matchers_match(s->of[i].matcher, s->of[i].n, ls)) return true;
    return false;
}

void mw_selectors_text(const mw_selectors *s, mw_buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        mw_buf_byte(out, '\n');
        for (size_t k = 0; k < s->of[i].n; k++) {
            const mw_matcher *m = &s->of[i].matcher[k];
            mw_buf_str(out, m->name);
            mw_buf_text(out, mw_match_op_text(m->op));
            mw_buf_json(out, m->value);
        }
    }
}
