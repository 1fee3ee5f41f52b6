/*
 * mailbox.h - commands on their way to the engine thread.
 *
 * Lock, append or swap the whole list, unlock, then work: the thread that posts never waits for the engine,
 * and the engine never holds the lock while it acts.
 */
#ifndef ENGINE_TRAIN_MAILBOX_H
#define ENGINE_TRAIN_MAILBOX_H

#include "engine/nn/freeze.h"
#include "thaw/recipe.h"

typedef enum command_kind {
    COMMAND_TRAIN,  /* recipe */
    COMMAND_RESUME, /* run */
    COMMAND_PAUSE,
    COMMAND_CONTINUE,
    COMMAND_STEP,
    COMMAND_MASK, /* mask */
    COMMAND_LR,   /* lr */
    COMMAND_CHECKPOINT,
    COMMAND_PROFILE, /* on */
    COMMAND_STOP,    /* save */
    COMMAND_QUIT,    /* the session is being freed */
} command_kind;

/* One command; which member counts follows from the kind. Owned by whoever holds it: command_free. */
typedef struct command {
    command_kind kind;
    thaw_recipe recipe;
    char *run;
    freeze_mask mask;
    double lr;
    bool save, on;
    struct command *next;
} command;

command *command_new(command_kind kind);
void command_free(command *c); /* NULL is fine */

typedef struct mailbox mailbox;

mailbox *mailbox_new(void);
void mailbox_free(mailbox *m); /* with what nobody took; NULL is fine */

void mailbox_post(mailbox *m, command *c);         /* takes C */
command *mailbox_take(mailbox *m);                 /* the oldest, owned by the caller; NULL: there is none */
command *mailbox_wait(mailbox *m, double seconds); /* the same, waiting for one; negative: for ever */
/* Whether a stop or quit waits to be taken: long work that is not a training step polls this. */
bool mailbox_stop_waits(mailbox *m);

#endif
