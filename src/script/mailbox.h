/* mailbox.h - a bounded queue of messages and late answers, into one thread.
 *
 * Counted references: an operation that answers after its actor is gone still has somewhere to
 * put the answer, where it is freed.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_MAILBOX_H
#define MW_SCRIPT_MAILBOX_H
#include <stdint.h>

#include "script/host.h"

typedef struct mw_mailbox mw_mailbox;

/* One thing for the owner to do. */
typedef struct mw_mail {
    mw_value *value; /* owned by whoever holds the mail; the message or the answer */
    mw_reply *reply; /* a message that was asked; NULL when it was only sent */
    void *reply_arg; /* likewise */
    uint64_t ticket; /* not 0: the answer to the call with this ticket */
} mw_mail;

mw_mailbox *mw_mailbox_new(size_t capacity); /* one reference */
mw_mailbox *mw_mailbox_retain(mw_mailbox *m);
void mw_mailbox_release(mw_mailbox *m); /* NULL is fine */

/* MAIL->value is taken, also on refusal: MW_EBUSY when full, MW_ECANCEL when closed.  The reply is
 * not called on refusal. */
int mw_mailbox_send(mw_mailbox *m, mw_mail mail);

/* A mw_reply: ARG is an mw_call_ticket, which is used up.  Answers are never refused for want of
 * room: their number is bounded by the calls that were made. */
typedef struct mw_call_ticket mw_call_ticket;
mw_call_ticket *mw_call_ticket_new(mw_mailbox *m, uint64_t ticket);
void mw_call_answer(void *arg, mw_value *answer);

/* Waits until there is mail (true) or DEADLINE, by mw_mono_ns, has come or the box is closed and
 * empty (false).  DEADLINE 0: no deadline. */
bool mw_mailbox_next(mw_mailbox *m, int64_t deadline_ns, mw_mail *out);
void mw_mailbox_close(mw_mailbox *m); /* refuses from now on; what is in it can still be read */
bool mw_mailbox_closed(mw_mailbox *m);
size_t mw_mailbox_depth(mw_mailbox *m);

#endif
