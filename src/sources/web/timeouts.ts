/** How long a server may take. */

export interface Timeouts {
  /** Until a connection is there, in ms. */
  connectMs: number;
  /** Until an answer begins, and between two pieces of it, in ms. */
  idleMs: number;
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, idleMs: 30_000 };
