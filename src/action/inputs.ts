import { getInput, setSecret } from '@actions/core';
import { inputWords, type Step } from '../gate/vocabulary.ts';

/** An input exactly as given; the empty string where it is absent. The only reader of inputs among the sources. */
export function readInput(name: string): string {
  return getInput(name, { trimWhitespace: false });
}

/** Has the runner hide the secrets of a step in every log from here on. Comes before anything that could print. */
export function maskSecrets(step: Step): void {
  for (const [name, word] of inputWords(step)) {
    const value = word.secret === true ? readInput(name) : '';
    if (value !== '') mask(value);
  }
}

/** Has the runner hide a value in every log from here on. */
export function mask(secret: string): void {
  setSecret(secret);
}
