/** What a property can be called. */
import { FacetError } from '../../src/errors.js';
import { BUILT_IN_FIELDS, isPropertyName } from '../../src/query/fields.js';

export function propertyName(name: string): string {
  if (BUILT_IN_FIELDS.includes(name)) {
    throw new FacetError(
      'usage',
      `a property cannot be called ${name}: in queries that means something else`,
      {
        hint: 'choose another name',
      },
    );
  }
  if (isPropertyName(name)) return name;
  throw new FacetError('usage', `'${name}' is not the name of a property`, {
    hint: 'a name begins with a letter and has letters, digits, _ . and -',
  });
}
