/** What is asked of a file's name, and of what follows from it: shared by both ways of answering a query. */
import type { TextField, TextTest } from './ast.js';
import { extensionOf, kindOf, mimeType, stemOf } from './facts.js';
import { isFoldedField } from './fields.js';
import { fold, isAscii } from './fold.js';
import { type Asks, compileTextTest } from './text-test.js';

/** The name contains the text, whatever the case. */
export function compileContains(text: string): Asks<string> {
  const wanted = fold(text);
  if (!isAscii(wanted)) return name => fold(name).includes(wanted);
  // Folding is dearer than toLowerCase, which finds a little more.
  return name => name.toLowerCase().includes(wanted) && fold(name).includes(wanted);
}

/** The test of a folded field's values is asked of texts in lower case. */
export function compileFieldTest(field: TextField, test: TextTest): Asks<string> {
  const folds = isFoldedField(field) && test.op === 'regex';
  return compileTextTest(folds ? { ...test, ignoreCase: true } : test);
}

/** A field whose value follows from the name, asked of the name; undefined for other fields. Not for links' `type`. */
export function compileNameTest(field: TextField, test: TextTest): Asks<string> | undefined {
  const asks = compileFieldTest(field, test);
  switch (field) {
    case 'name':
    case 'fileName':
      return asks;
    case 'stem':
      return name => asks(stemOf(name));
    case 'ext':
      return name => {
        const extension = extensionOf(name);
        return extension !== undefined && asks(fold(extension));
      };
    case 'mime':
      return name => asks(mimeType(name));
    case 'type':
      return name => asks(kindOf(mimeType(name)));
    default:
      return undefined;
  }
}
