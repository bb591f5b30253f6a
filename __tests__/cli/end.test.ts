import { expect, test } from '@jest/globals';
import { gateEnded } from '../../src/cli/end.ts';
import { createOutlet } from '../../src/cli/outlet.ts';
import { exitCodes, refuse, type Verdict } from '../../src/core/verdict.ts';

/** Ends the gate of `run` with this; what it says, and its exit code. */
function ended(verdict: Verdict | undefined, json = false) {
  let text = '';
  const stream = { write: (part: string | Uint8Array) => ((text += String(part)), true) };
  const out = createOutlet({ stdout: stream, stderr: stream, env: {} });
  return { exitCode: gateEnded(verdict, { json, out }), text };
}

const approved: Verdict = {
  ...refuse('rejected', 'alex approved.'),
  reason_code: 'approved',
  exit_code: exitCodes.approved,
};

test('a gate that ends before the command ends with its refusal', () => {
  const { exitCode, text } = ended(refuse('rejected', 'No.'));
  expect(exitCode).toBe(exitCodes.rejected);
  expect(text).toMatch(
    /Ended by the gate: rejected, exit code 10\. The command was not started\.\n$/,
  );
});

test.each([
  ['without a verdict', undefined],
  ['with a verdict that approves', approved],
])('it never ends well: %s it is a bug, and no deploy', (_name, verdict) => {
  const { exitCode, text } = ended(verdict, true);
  expect(exitCode).toBe(exitCodes.internal);
  expect(text).toMatch(
    /Ended by the gate: internal, exit code 70\. The command was not started\.\n$/,
  );
  expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({
    reason_code: 'internal',
    exit_code: exitCodes.internal,
  });
});
