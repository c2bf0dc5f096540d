/* mail_talk.c - which reply belongs to what.  SPDX-License-Identifier: MIT */
#include "net/mail_talk.h"

#include <string.h>

static void keep_reply(mw_mail_talk *t, mw_str line)
{
    size_t n = line.n < MW_MAIL_REPLY ? line.n : MW_MAIL_REPLY;
    while (n && n < line.n && ((unsigned char)line.p[n] & 0xc0) == 0x80) n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        t->reply[i] = c < ' ' || c == 0x7f ? ' ' : line.p[i];
    }
    t->reply[n] = 0;
}

static void refuse_recipient(mw_mail_talk *t)
{
    size_t i = t->asked - 1;
    if (!t->asked || i >= t->to->list.n) return;
    mw_value *row = mw_map_new();
    mw_map_set(row, "to", mw_text_new(t->to->list.item[i]->text));
    mw_map_set_number(row, "status", t->status);
    mw_map_set_text(row, "reply", t->reply);
    mw_list_add(t->refused, row);
}

void mw_mail_said(mw_mail_talk *t, mw_str command)
{
    t->saying = MW_MAIL_OTHER;
    if (mw_str_starts(command, "RCPT TO:")) t->saying = MW_MAIL_RECIPIENT, t->asked++;
    if (mw_str_starts(command, "DATA")) t->saying = MW_MAIL_CONTENT;
}

/* The status of a line that ends a reply, "250 text"; 0 for "250-text" and for what is no reply. */
static int status_of(mw_str line)
{
    if (line.n < 3 || (line.n > 3 && line.p[3] != ' ')) return 0;
    if (line.p[0] < '2' || line.p[0] > '5') return 0;
    for (int i = 1; i < 3; i++)
        if (line.p[i] < '0' || line.p[i] > '9') return 0;
    return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

void mw_mail_heard(mw_mail_talk *t, mw_str line)
{
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) line.n--;
    int status = status_of(line);
    if (!status || t->taken) return; /* what comes after it was taken is the goodbye */
    t->status = status;
    keep_reply(t, line);
    if (t->saying == MW_MAIL_RECIPIENT && status >= 400) {
        refuse_recipient(t);
        t->saying = MW_MAIL_OTHER; /* one answer each */
    }
    t->taken = t->saying == MW_MAIL_CONTENT && status < 300;
}
