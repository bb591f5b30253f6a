import { summary } from '@actions/core';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

/** Well under the 1 MiB that the runner takes from a step. */
const maxValueLength = 2_000;

/** One line of the job summary: what it is, and its value as text. */
export type SummaryRow = readonly [label: string, value: string];

/**
 * A value inside Markdown and HTML: every character that is not a plain letter, digit or blank is a numeric reference, which
 * CommonMark (section 2.5) never takes for structure. So there is nothing to emphasise, link, mention or open a tag with.
 */
export function escapeMarkdown(value: string): string {
  return visible(value, maxValueLength).replace(
    /[^A-Za-z0-9 ]/gu,
    (character) => `&#${Number(character.codePointAt(0))};`,
  );
}

/** A table in the job summary. Not being able to write it is worth a warning, no more. */
export async function writeSummary(
  title: string,
  rows: readonly SummaryRow[],
  warn: (message: string) => void,
): Promise<void> {
  const lines = rows
    .filter(([, value]) => value !== '')
    .map(
      ([label, value]) =>
        `<tr><th align="left">${escapeMarkdown(label)}</th><td><code>${escapeMarkdown(value)}</code></td></tr>`,
    );
  try {
    await summary
      .addRaw(`<h3>${escapeMarkdown(title)}</h3>\n<table>\n${lines.join('\n')}\n</table>\n`)
      .write();
  } catch (error) {
    warn(`The job summary can't be written: ${reasonOf(error)}`);
  }
}
