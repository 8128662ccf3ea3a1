/** What a property can be called. */
import { FacetError } from '../../src/errors.js';

export function propertyName(name: string): string {
  if (/^[\p{L}_][\p{L}\p{N}_.-]{0,199}$/u.test(name)) return name;
  throw new FacetError('usage', `'${name}' is not the name of a property`, {
    hint: 'a name begins with a letter and has letters, digits, _ . and -',
  });
}
