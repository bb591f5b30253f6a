/** The choice that a mistyped word most likely meant; nothing if none is near. */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  const near = choices
    .map((choice) => ({ choice, edits: distance(word, choice) }))
    .filter(({ choice, edits }) => edits <= Math.max(1, Math.floor(choice.length / 3)))
    .sort((one, other) => one.edits - other.edits);
  return near[0]?.choice;
}

/** How many characters have to be put in, taken out or replaced (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = Number(row[j - 1]) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, Number(row[j]) + 1, Number(next[j - 1]) + 1));
    }
    row = next;
  }
  return Number(row[to.length]);
}
