/** The offline check of an approval, in a process of its own, so that "the first" really is the first. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Figure } from './figures.ts';
import type { OfflineTimes } from './offline-process.ts';
import type { Sizes } from './options.ts';

export function measureOffline({ checks }: Pick<Sizes, 'checks'>): Figure[] {
  const script = join(import.meta.dirname, 'offline-process.ts');
  const text = execFileSync(process.execPath, [script, String(checks)], { encoding: 'utf8' });
  const times = JSON.parse(text) as OfflineTimes;
  const library = (value: number) => ({ what: '@simplewebauthn/server', value });
  return [
    {
      what: 'One offline check of an approval (`verifyApproval`), the first in its process',
      value: times.verify.first,
      unit: 'ms',
    },
    {
      what: 'the same, once warm',
      value: times.verify.warm,
      unit: 'ms',
      spread: `median of ${checks}`,
      aim: { below: 2 },
    },
    {
      what: 'One passkey signature (`checkAssertion`), the first in its process',
      value: times.assertion.first,
      unit: 'ms',
      beside: library(times.library.first),
    },
    {
      what: 'the same, once warm',
      value: times.assertion.warm,
      unit: 'ms',
      spread: `median of ${checks}`,
      beside: library(times.library.warm),
    },
  ];
}
