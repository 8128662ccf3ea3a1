/** What every kind of remote source is opened with. */
import type { Retry } from '../retry.js';
import type { Timeouts } from './timeouts.js';

export interface Surroundings {
  timeouts: Timeouts;
  /** For the requests of a listing, which cannot be begun again as a whole. */
  retry: Retry;
}
