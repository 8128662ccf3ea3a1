/**
 * The one table of exit statuses, as facet(1) documents it: 0 done · 1 failed · 2 usage · 3 not found · 4 some of
 * several items failed · 5 a remote cannot be reached · 6 integrity · 7 locked or in use · 130 interrupted.
 * Exhaustive by its type: a new error code does not compile without a status. Pure.
 */
import type { FacetErrorCode } from '../src/errors.js';

export const exitStatuses: Readonly<Record<FacetErrorCode, number>> = {
  usage: 2,
  'not-found': 3,
  exists: 1,
  denied: 1,
  unreachable: 5,
  'content-changed': 1,
  integrity: 6,
  'in-use': 7,
  'no-space': 1,
  'read-only': 1,
  partial: 4,
  interrupted: 130,
  failed: 1,
};
