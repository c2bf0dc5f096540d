/* mail_talk.h - who said what in a conversation with a mail server, as far as it matters to a
 * message.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_MAIL_TALK_H
#define MW_NET_MAIL_TALK_H
#include "script/value.h"

enum { MW_MAIL_REPLY = 400 }; /* bytes of what a server said that are kept */

/* Begins as zeroes with TO (a list of texts) and REFUSED (a list, which is added to). */
typedef struct mw_mail_talk {
    const mw_value *to;
    mw_value *refused;                                                 /* {to=, status=, reply=} */
    enum { MW_MAIL_OTHER, MW_MAIL_RECIPIENT, MW_MAIL_CONTENT } saying; /* what was said last */
    size_t asked;                                                      /* recipients named so far */
    int status;                    /* of the last whole reply; 0 before it */
    char reply[MW_MAIL_REPLY + 1]; /* its last line, nothing in it that is not for eyes */
    bool taken;                    /* the server answered for the message with 2xx */
} mw_mail_talk;

void mw_mail_said(mw_mail_talk *t, mw_str command);
void mw_mail_heard(mw_mail_talk *t,
                   mw_str line); /* with or without its line end; anything may be in it */

#endif
