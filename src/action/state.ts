import { getState, saveState } from '@actions/core';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { warning } from './log.ts';

/** What the request step leaves for its post step: the ids it created, and whether they were granted. */
export interface RequestState {
  readonly ids: readonly string[];
  readonly granted: boolean;
}

/**
 * Comes right after each create, so that whatever ends the step from here on, the post step can withdraw the request; the last call counts.
 * @throws Fault internal
 */
export function saveCreated(ids: readonly string[]): void {
  try {
    saveState('confirmations', ids.join(','));
  } catch (cause) {
    throw new Fault(
      'internal',
      `The request can't be kept for its post step, in the file of GITHUB_STATE (${reasonOf(cause)}). See to the runner's disk.`,
      { cause },
    );
  }
}

/**
 * The request ended well: a verify step, perhaps in a later job, will use it. Where that can't be kept, the post step asks the
 * service and leaves what was approved.
 */
export function saveGranted(): void {
  try {
    saveState('granted', 'true');
  } catch (error) {
    warning(`The end of the request can't be kept for its post step: ${reasonOf(error)}`);
  }
}

export function readState(): RequestState {
  const ids = getState('confirmations');
  return { ids: ids === '' ? [] : ids.split(','), granted: getState('granted') === 'true' };
}
