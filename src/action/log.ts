import * as core from '@actions/core';
import { visible } from '../core/text.ts';

/** A line of the log is shortened beyond this; messages with both values of many fields stay whole. */
const maxLineLength = 2_000;

/**
 * Text as it may stand in the job's log: line by line, hidden characters written out, and nothing that the runner would take
 * for a command, in either of its two forms (`::name::` at the start of a line, `##[name]` anywhere).
 */
export function logText(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      visible(line, maxLineLength)
        .replaceAll('##[', '##\\[')
        .replace(/^(\s*)::/, '$1\\::'),
    )
    .join('\n');
}

export function info(text: string): void {
  core.info(logText(text));
}

export function warning(text: string): void {
  core.warning(logText(text));
}

export function error(text: string): void {
  core.error(logText(text));
}
