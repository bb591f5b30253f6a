/**
 * Rules for text that a person reads before signing. Free of Node's modules: the approval page uses them too.
 */

/** The longest free text, in Unicode code points (DESIGN 3.1). */
export const maxTextLength = 500;

/**
 * Characters that hide, reorder or imitate others: controls, formats (bidi, zero-width, tags), surrogates, private use, line
 * and paragraph separators, everything a font may leave out (variation selectors, fillers), and blanks other than the space.
 * Unassigned characters are not among them, because what is unassigned depends on the Unicode version of the runtime.
 */
const deceptive =
  /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;
const everyDeceptive = new RegExp(deceptive, 'gu');

/** What is wrong with a free text (a command, value, note or reason), as the end of a sentence; nothing when it is fine. */
export function freeTextProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty; leave it out instead';
  const found = deceptive.exec(value)?.[0];
  if (found === '\n' || found === '\r' || found === '\u2028' || found === '\u2029') {
    return `must be one line, but holds ${codePoint(found)}`;
  }
  if (found !== undefined) {
    return `must not hold ${codePoint(found)}: control, invisible, direction and look-alike blank characters are refused`;
  }
  if (value.startsWith(' ') || value.endsWith(' ')) return 'must not begin or end with a blank';
  if (value.normalize('NFC') !== value) {
    return 'must be in Unicode normalization form NFC (composed characters)';
  }
  const length = Array.from(value).length;
  if (length > maxTextLength) {
    return `must be at most ${maxTextLength} characters long, not ${length}`;
  }
  return undefined;
}

/** Labels that name nothing in particular, in lower case (DESIGN 3.1). */
export const broadLabels: readonly string[] = ['latest', '*', 'all', 'any', 'head', 'tbd'];

/** Whether the whole value is a label that names nothing in particular, in any case (DESIGN 3.1). */
export function isBroadLabel(value: string): boolean {
  return broadLabels.includes(value.toLowerCase());
}

/**
 * A value as it may stand in a message, a log or a page: hidden characters written out as `\u{202E}`, and shortened in the
 * middle to about `maxLength` characters.
 */
export function visible(value: string, maxLength = 120): string {
  const characters = Array.from(value.replace(everyDeceptive, escape));
  if (characters.length <= maxLength) return characters.join('');
  const head = Math.ceil((maxLength - 1) / 2);
  const tail = maxLength - 1 - head;
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

function escape(character: string): string {
  return `\\u{${hex(character)}}`;
}

function codePoint(character: string): string {
  return `U+${hex(character)}`;
}

/** The code point of a text that is not empty, in at least four digits. */
function hex(text: string): string {
  return Number(text.codePointAt(0)).toString(16).toUpperCase().padStart(4, '0');
}
