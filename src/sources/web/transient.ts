/** The failures of a network that may be over in a moment: these, and no others, are worth another attempt. */
import { FacetError, type FacetErrorDetails } from '../../errors.js';

interface TransientDetails extends FacetErrorDetails {
  retryAfterMs?: number | undefined;
  isFinal?: boolean;
}

export class TransientError extends FacetError {
  /** How long the server asks to be left alone, in ms; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;
  /** Was it waited for as long as a server may take? Another attempt would take as long again. */
  readonly isFinal: boolean;

  constructor(message: string, details: TransientDetails = {}) {
    super('unreachable', message, details);
    this.retryAfterMs = details.retryAfterMs;
    this.isFinal = details.isFinal ?? false;
  }
}

/** The header Retry-After (RFC 9110, 10.2.3), seconds or a date, in ms from `now`. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
