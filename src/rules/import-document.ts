/** A rules.yaml that is made of other rules, with comments that say where each part comes from. Loads `yaml`: lazily. */
import { Document, isNode } from 'yaml';
import type { RulesInput } from './schema.js';

export interface Imported {
  /** Of a rules.yaml. */
  text: string;
  /** What could not be carried over exactly. */
  warnings: readonly string[];
}

export type DirectoryInput = NonNullable<RulesInput['directories']>[number];
export type MountInput = NonNullable<DirectoryInput['mounts']>[number];
export type StepInput = NonNullable<MountInput['steps']>[number];

/** The comments are those of directories and mounts. */
export function writeDocument(
  rules: RulesInput,
  heading: readonly string[],
  comments: ReadonlyMap<DirectoryInput | MountInput, string>,
): string {
  const document = new Document(rules);
  document.commentBefore = heading.map(comment).join('\n');
  const note = (path: readonly (string | number)[], text: string | undefined) => {
    const node = document.getIn(path, true);
    if (text !== undefined && isNode(node)) node.commentBefore = comment(text);
  };
  for (const [nth, directory] of (rules.directories ?? []).entries()) {
    note(['directories', nth], comments.get(directory));
    for (const [index, mount] of (directory.mounts ?? []).entries()) {
      note(['directories', nth, 'mounts', index], comments.get(mount));
    }
  }
  return document.toString({ lineWidth: 0 });
}

/** One line, whatever is in it. */
function comment(text: string): string {
  return ` ${text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()}`.trimEnd();
}
