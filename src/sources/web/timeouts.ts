/** How long a server may take. */

export interface Timeouts {
  /** Until a connection is there, in ms. */
  connectMs: number;
  /** Until an answer begins, and between two pieces of it, in ms. */
  idleMs: number;
  /** The same for a server that was quick of late: what was lost on the way is soon asked for again. */
  firstIdleMs: number;
}

/** A server that accepts requests and answers none is given up after 5 + 1 + 30 s, the second being the wait between attempts. */
export const defaultTimeouts: Timeouts = { connectMs: 10_000, idleMs: 30_000, firstIdleMs: 5_000 };
