import { describe, expect, test } from '@jest/globals';
import { createOutlet } from '../../src/cli/outlet.ts';

/** An outlet over streams that keep what is written, in order. */
function outletOn(given: {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}) {
  let text = '';
  const stream = {
    ...given,
    write: (part: string | Uint8Array) => {
      text += String(part);
      return true;
    },
  };
  const outlet = createOutlet({ stdout: stream, stderr: stream, env: given.env ?? {} });
  return { outlet, text: () => text };
}

const refusal = { reason_code: 'facts_mismatch', message: 'It differs.' } as const;
const plain = 'facts_mismatch: It differs. See docs/TROUBLESHOOTING.md#facts_mismatch.\n';

describe('on a terminal', () => {
  test('only the reason code has a colour', () => {
    const { outlet, text } = outletOn({ isTTY: true });
    outlet.sayVerdict(refusal);
    expect(text()).toMatch(
      /^\u001b\[1m\u001b\[31mfacts_mismatch\u001b\[39m\u001b\[22m: It differs/,
    );
    expect(text()).toMatch(/: It differs\. See docs\/TROUBLESHOOTING\.md#facts_mismatch\.\n$/);
  });

  test('approval is green', () => {
    const { outlet, text } = outletOn({ isTTY: true });
    outlet.sayVerdict({ reason_code: 'approved', message: 'alex approved.' });
    expect(text()).toContain('\u001b[32mapproved\u001b[39m');
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('there is none with %j', (env) => {
    const { outlet, text } = outletOn({
      isTTY: true,
      env: { ...env, FORCE_COLOR: '1' },
    });
    outlet.sayVerdict(refusal);
    expect(text()).toBe(plain);
  });

  test('progress is one line that the next one replaces, and that is gone before anything else', () => {
    const { outlet, text } = outletOn({ isTTY: true, columns: 20 });
    outlet.showProgress!('Waiting for alex, 29 min 30 s left');
    outlet.showProgress!('Waiting for alex');
    outlet.print('done');
    outlet.say('and more');
    expect(text().split('\n')).toHaveLength(3);
    const [first = ''] = text().split('\r\u001b[2K').slice(1);
    expect(first).toHaveLength(19);
    expect(text()).toMatch(/Waiting for alex\r\u001b\[2Kdone\nand more\n$/);
  });

  test.each([0, undefined])('progress is one line of 80 where the width is %s', (columns) => {
    const { outlet, text } = outletOn({
      isTTY: true,
      ...(columns === undefined ? {} : { columns }),
    });
    outlet.showProgress!(`Waiting for ${'alex '.repeat(40)}`);
    const [, shown = ''] = text().split('\r\u001b[2K');
    expect(shown).toHaveLength(79);
    expect(shown).toContain('…');
  });

  test('no text can write an escape sequence, neither a message nor progress', () => {
    const { outlet, text } = outletOn({ isTTY: true, env: { NO_COLOR: '1' } });
    outlet.sayVerdict({ ...refusal, message: '\u001b]0;x\u0007\u202e' });
    outlet.say('\u001b[31m');
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    outlet.showProgress!('\u001b[31m\u0007');
    expect(text().replaceAll('\r\u001b[2K', '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('in a log', () => {
  test('a result is never shortened, what is said beside it is', () => {
    const ids = Array.from({ length: 99 }, () => '7b1c6a52-1f5e-4c57-9a0e-3d1b0f1d2c3e').join(',');
    const { outlet, text } = outletOn({});
    outlet.print(`approval-id: ${ids}`);
    expect(text()).toBe(`approval-id: ${ids}\n`);
    outlet.say(ids);
    expect(text().split('\n')[1]).toHaveLength(2_000);
  });

  test.each([{}, { FORCE_COLOR: '1' }])(
    'there is no colour and no line that moves, with %j',
    (env) => {
      const { outlet, text } = outletOn({ env: env });
      outlet.sayVerdict(refusal);
      expect(text()).toBe(plain);
      expect(outlet.showProgress).toBeUndefined();
    },
  );
});
