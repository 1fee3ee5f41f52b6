/*
 * train_fixture.h - small runs for tests: a few drawn images, a recipe over them, and a trainer driven on the
 * test's own thread with everything it says written down.
 */
#ifndef TESTS_UNIT_TRAIN_FIXTURE_H
#define TESTS_UNIT_TRAIN_FIXTURE_H

#include "engine/train/trainer.h"

enum { FIXTURE_CLASSES = 8 };

void expect_ok(thaw_status status); /* fails the test with the message */

/* A folder of drawn images, 8 classes with so many each, made in the current folder once. Static. */
const char *fixture_images(int train, int val);

/* A quick run of CIFAR ResNet-20 on fixture_images(4, 2) from random weights, all trainable: 4 steps of 8
   images an epoch, 2 epochs, nothing kept on disk; then ASSIGNMENTS as in thaw_recipe_set, up to NULL. */
void fixture_recipe(thaw_recipe *r, const char *const *assignments);
#define FIXTURE_RECIPE(r, ...) fixture_recipe(r, (const char *const[]){__VA_ARGS__, NULL})

/* A run, what it said, and where. Zero-initialise; set on_event to act in the middle: post to rig.mailbox,
   look at rig.trainer. */
typedef struct rig {
    void (*on_event)(struct rig *rig, const thaw_event *e);
    void *user;
    mailbox *mailbox;
    trainer *trainer; /* NULL before it is prepared */
    thaw_event *event;
    size_t count, capacity;
    trainer_end how;
    thaw_status status; /* of the preparation or the run */
    char *folder;       /* of the run; NULL when it never got one */
    bool keep;          /* leave the trainer open for looking at; rig_clear frees it */
} rig;

void rig_train(rig *r, const thaw_recipe *recipe);
/* The run of fixture_recipe(ASSIGNMENTS) to its end, which must be a good one; left open. */
void rig_train_with(rig *r, void (*on_event)(struct rig *rig, const thaw_event *e),
                    const char *const *assignments);
void rig_resume(rig *r, const char *folder);
void rig_clear(rig *r);
void rig_post(rig *r, command_kind kind);
void rig_post_mask(rig *r, const char *frozen, const char *moving); /* one pattern each, or NULL */

size_t rig_events(const rig *r, thaw_event_kind kind);                      /* how many */
const thaw_event *rig_event(const rig *r, thaw_event_kind kind, int index); /* NULL; -1: the last */
bool rig_logged(const rig *r, const char *part);                            /* a log event contains PART */

/* A number for the bits of everything under PATH ("": all): parameters, buffers, or both and the optimizer's
 * state. */
typedef enum digest_of { DIGEST_WEIGHTS, DIGEST_BUFFERS, DIGEST_ALL } digest_of;
uint64_t rig_digest(const rig *r, const char *path, digest_of what);

/* Train RECIPE_PATH into RUNS to its end, in a process made to be killed meanwhile; what that exits with. */
int fixture_train_as_child(const char *recipe_path, const char *runs);

#endif
