/** The rules in force, as the catalog keeps them: every process that writes arranges the tree by these. */
import type { Database, Statement } from 'better-sqlite3';

export interface AppliedText {
  /** The document, as the user wrote it. */
  text: string;
  /** Milliseconds since the epoch. */
  appliedAt: number;
}

export class AppliedRules {
  readonly #document: Statement<[], { document: string }>;
  readonly #text: Statement<[], AppliedText>;
  readonly #put: Statement<[string, string, number]>;

  constructor(db: Database) {
    this.#document = db.prepare('SELECT document FROM rules');
    this.#text = db.prepare('SELECT text, applied_at AS appliedAt FROM rules');
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO rules(id, text, document, applied_at) VALUES (1, ?, ?, ?)',
    );
  }

  /** What it says, as JSON; undefined when there are no rules. */
  document(): string | undefined {
    return this.#document.get()?.document;
  }

  text(): AppliedText | undefined {
    return this.#text.get();
  }

  /** Inside a write transaction; the tree is to be told. */
  put(text: string, document: string): void {
    this.#put.run(text, document, Date.now());
  }
}
