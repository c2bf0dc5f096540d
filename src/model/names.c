/* names.c - escaping of names, both ways.  SPDX-License-Identifier: MIT */
#include "model/names.h"

#include <string.h>

#include "model/labels.h"

/* The rune at the front of *S, which moves on; a byte that begins none stands for itself. */
static uint32_t take_rune(mw_str *s)
{
    const unsigned char *p = (const unsigned char *)s->p;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (n > s->n) n = 1;
    uint32_t rune = n == 1 ? p[0] : p[0] & masks[n];
    for (size_t i = 1; i < n; i++) rune = rune << 6 | (p[i] & 0x3f);
    *s = (mw_str){s->p + n, s->n - n};
    return rune;
}

static void put_rune(mw_buf *out, uint32_t r)
{
    int more = r < 0x80 ? 0 : r < 0x800 ? 1 : r < 0x10000 ? 2 : 3;
    static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
    mw_buf_byte(out, (char)(marks[more] | r >> (6 * more)));
    while (more-- > 0) mw_buf_byte(out, (char)(0x80 | (r >> (6 * more) & 0x3f)));
}

static bool may_stand(uint32_t c, bool first, bool colons)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (c == ':' && colons) || (c >= '0' && c <= '9' && !first);
}

static bool is_plain(mw_str name, bool colons)
{
    return colons ? mw_metric_name_valid(name) : mw_label_name_valid(name);
}

void mw_name_underscores(mw_str name, bool colons, mw_buf *out)
{
    for (bool first = true; name.n; first = false) {
        uint32_t c = take_rune(&name);
        mw_buf_byte(out, may_stand(c, first, colons) ? (char)c : '_');
    }
}

void mw_name_values(mw_str name, bool colons, mw_buf *out)
{
    if (is_plain(name, colons)) {
        mw_buf_str(out, name);
        return;
    }
    mw_buf_text(out, "U__");
    for (bool first = true; name.n; first = false) {
        uint32_t c = take_rune(&name);
        if (c == '_')
            mw_buf_text(out, "__");
        else if (may_stand(c, first, colons))
            mw_buf_byte(out, (char)c);
        else
            mw_buf_printf(out, "_%x_", c);
    }
}

/* HEX_ at the front of *S. */
static bool take_number(mw_str *s, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s->n && i <= 6; i++) {
        char c = s->p[i];
        if (c == '_') {
            *s = (mw_str){s->p + i + 1, s->n - i - 1};
            return i && *out <= 0x10ffff && !(*out >= 0xd800 && *out <= 0xdfff);
        }
        const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
        if (!at) return false;
        *out = *out * 16 + (uint32_t)(at - digits);
    }
    return false;
}

bool mw_name_unescape(mw_str name, mw_buf *out)
{
    size_t had = out->n;
    uint32_t rune;
    if (!mw_str_starts(name, "U__")) return false;
    for (mw_str s = {name.p + 3, name.n - 3}; s.n;) {
        char c = *s.p;
        s = (mw_str){s.p + 1, s.n - 1};
        if (c == '_' && s.n && *s.p == '_') {
            s = (mw_str){s.p + 1, s.n - 1};
            mw_buf_byte(out, '_');
        } else if (c != '_') {
            mw_buf_byte(out, c);
        } else if (take_number(&s, &rune) && rune) {
            put_rune(out, rune);
        } else {
            out->n = had;
            return false;
        }
    }
    return out->n > had;
}
