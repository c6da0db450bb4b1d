// The numbers of the states, and their order on the page.

import { STATES } from "./elements.js";

export const [WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED, PAUSED, KEPT] = STATES.keys();

/** States in the order of a bar and a legend. */
export const ORDER = [KEPT, OK, FAILED, CANCELLED, RUNNING, PAUSED, SKIPPED, WAITING];
