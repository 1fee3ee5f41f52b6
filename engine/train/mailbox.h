/*
 * mailbox.h - commands on their way to the engine thread.
 *
 * Lock, append or swap the whole list, unlock, then work: the thread that posts never waits for the engine,
 * and the engine never holds the lock while it acts.
 */
#ifndef ENGINE_TRAIN_MAILBOX_H
#define ENGINE_TRAIN_MAILBOX_H

#include "engine/nn/freeze.h"
#include "thaw/control.h"
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

/* Who wants to know what became of a command. ANSWER is called once, on the thread that acted on it or freed
   it; PROBLEM is NULL when it was done. All zero: nobody. */
typedef struct command_asker {
    void (*answer)(void *user, uint64_t who, int64_t id, const char *problem);
    void *user;
    uint64_t who;
    int64_t id;
} command_asker;

/* One command; which member counts follows from the kind. Owned by whoever holds it: command_free. */
typedef struct command {
    command_kind kind;
    thaw_recipe recipe;
    char *run;
    freeze_mask mask;
    double lr;
    bool save, on;
    command_asker asker;
    struct command *next;
} command;

command *command_new(command_kind kind);
command *command_from_order(const thaw_order *order); /* NULL for an order that is nothing to do */
/* Tell who asked. */
void command_answer(command *c, const thaw_status *status);
/* Who asked and was not told hears that the run is over. NULL is fine. */
void command_free(command *c);

typedef struct mailbox mailbox;

mailbox *mailbox_new(void);
void mailbox_free(mailbox *m); /* with what nobody took; NULL is fine */

void mailbox_post(mailbox *m, command *c);         /* takes C */
command *mailbox_take(mailbox *m);                 /* the oldest, owned by the caller; NULL: there is none */
command *mailbox_wait(mailbox *m, double seconds); /* the same, waiting for one; negative: for ever */
/* Whether a stop or quit waits to be taken: long work that is not a training step polls this. */
bool mailbox_stop_waits(mailbox *m);

#endif
