/*
 * weights.h - looking into a file of weights: .safetensors, and what Python's torch.save writes.
 *
 * The file is mapped and its list of tensors is read; no tensor is touched and nothing in the file is
 * executed.
 */
#ifndef THAW_WEIGHTS_H
#define THAW_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

enum { THAW_TENSOR_DIMS_MAX = 8 };

typedef struct thaw_tensor_info {
    const char *key;  /* owned by the listing */
    const char *type; /* "float32"; static */
    int ndim;
    int64_t dim[THAW_TENSOR_DIMS_MAX];
    int64_t bytes; /* of its elements */
} thaw_tensor_info;

typedef struct thaw_weights_listing thaw_weights_listing;

thaw_status thaw_weights_list(const char *path, thaw_weights_listing **out);
void thaw_weights_listing_free(thaw_weights_listing *l); /* NULL is fine */
const char *
thaw_weights_format(const thaw_weights_listing *l); /* "safetensors", "torch.save (zip)", ... Static */
/* How keys unlike torchvision's were read ("... without the \"backbone.\" in front"), or NULL. */
const char *thaw_weights_note(const thaw_weights_listing *l);
size_t thaw_weights_tensors(const thaw_weights_listing *l);
thaw_tensor_info thaw_weights_tensor(const thaw_weights_listing *l, size_t index);

/* An architecture beside a file: the shares of all tensors, the file's and the model's together, whose keys
 * both have, and whose shapes agree as well. */
typedef struct thaw_weights_match {
    const char *arch; /* static */
    double keys, shapes;
} thaw_weights_match;

enum { THAW_WEIGHTS_NEAREST = 3 };

/* The architecture whose keys and shapes these are, but for the head, or NULL. Static. */
const char *thaw_weights_architecture(const thaw_weights_listing *l);
/* The architectures that are most like it, best first; how many there are: fewer when no key is known. */
size_t thaw_weights_nearest(const thaw_weights_listing *l, thaw_weights_match best[THAW_WEIGHTS_NEAREST]);

#endif
