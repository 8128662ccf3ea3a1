/** What somebody probably meant to write. */

/** The known word that differs by the fewest edits (Levenshtein), if by less than half of its letters. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map(each => ({ each, edits: editDistance(word.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, edits }) => edits <= Math.max(1, Math.floor(each.length * 0.4)))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.each;
}

function editDistance(a: string, b: string): number {
  // A word longer than this is no slip of the finger, and the table grows with the product of the lengths.
  if (a.length > 64 || b.length > 64) return 64;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}
