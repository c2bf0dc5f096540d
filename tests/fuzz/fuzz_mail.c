/* fuzz_mail.c - what a mail server says, in any order with what is said to it:
 * lines that begin with '>' are ours.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz.h"
#include "net/mail_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_value *to = mw_list_new(), *refused = mw_list_new();
    mw_list_add(to, mw_text_new(MW_STR("a@b")));
    mw_list_add(to, mw_text_new(MW_STR("c@d")));
    mw_mail_talk t = {.to = to, .refused = refused};
    mw_str left = {(const char *)data, n};
    while (left.n) {
        const char *end = memchr(left.p, '\n', left.n);
        mw_str line = {left.p, end ? (size_t)(end - left.p) + 1 : left.n};
        if (line.p[0] == '>')
            mw_mail_said(&t, (mw_str){line.p + 1, line.n - 1});
        else
            mw_mail_heard(&t, line);
        left = (mw_str){left.p + line.n, left.n - line.n};
    }
    if (strlen(t.reply) > MW_MAIL_REPLY || refused->list.n > to->list.n) __builtin_trap();
    if (t.status && (t.status < 200 || t.status > 599)) __builtin_trap();
    for (const char *p = t.reply; *p; p++)
        if ((unsigned char)*p < ' ') __builtin_trap();
    mw_value_free(to);
    mw_value_free(refused);
    return 0;
}
