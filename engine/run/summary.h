/*
 * summary.h - what the events of a run come to, for the list of runs.
 */
#ifndef ENGINE_RUN_SUMMARY_H
#define ENGINE_RUN_SUMMARY_H

#include "thaw/run.h"

/*
 * Fill in what of INFO comes from the log of the run in FOLDER; INFO's other fields stay. When BRIEF, of a
 * long log only the beginning and the end are read: then *WHOLE becomes false, the best epoch is what the
 * run's end says of it (unknown without), times of phases are not known, and a mask changed in between is
 * not seen.
 */
thaw_status run_summary_read(const char *folder, bool brief, thaw_run_info *info, bool *whole);

#endif
