import { getState, saveState } from '@actions/core';

/** What the request step leaves for its post step: the ids it created, and whether they were granted. */
export interface RequestState {
  readonly ids: readonly string[];
  readonly granted: boolean;
}

/** Comes right after each create, so that whatever ends the step from here on, the post step can withdraw the request; the last call counts. */
export function saveCreated(ids: readonly string[]): void {
  saveState('confirmations', ids.join(','));
}

/** The request ended well: a verify step, perhaps in a later job, will use it. */
export function saveGranted(): void {
  saveState('granted', 'true');
}

export function readState(): RequestState {
  const ids = getState('confirmations');
  return { ids: ids === '' ? [] : ids.split(','), granted: getState('granted') === 'true' };
}
