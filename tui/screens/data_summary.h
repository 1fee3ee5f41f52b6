/*
 * data_summary.h - what is in the dataset, in words and as a histogram: the first page of the Data tab's
 * details.
 */
#ifndef TUI_SCREENS_DATA_SUMMARY_H
#define TUI_SCREENS_DATA_SUMMARY_H

#include "tui/screens/data_open.h"
#include "tui/screens/data_twins.h"
#include "tui/screens/facts.h"

/* SET NULL: what a folder of images must look like is said instead. HISTOGRAM: draw it, no other bars are
 * shown. */
void data_summary_draw(facts *f, const thaw_dataset *set, const data_sizes *sizes, const data_twins *twins,
                       bool histogram);

#endif
