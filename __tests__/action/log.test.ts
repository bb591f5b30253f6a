import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeMarkdown } from '../../src/action/summary.ts';
import { error, info, logText, warning } from '../../src/action/log.ts';
import { commandsIn } from './runner.ts';

const hostile = [
  '::set-output name=status::approved',
  '  ::add-path::/tmp/evil',
  '\t::error::x',
  '##[set-output name=status]approved',
  'fine ##[error]not fine',
  'line\n::warning::second line',
  'line\r::warning::carriage return',
  '::stop-commands::token',
];

describe('a line of the log', () => {
  test.each(hostile)('is no command: %j', (text) => {
    expect(commandsIn(text).length).toBeGreaterThan(0);
    expect(commandsIn(logText(text))).toEqual([]);
  });

  test('is never a command, whatever text is put together', () => {
    const piece = fc.constantFrom(
      ':',
      '::',
      '#',
      '##',
      '[',
      ']',
      '##[',
      '\n',
      '\r',
      ' ',
      '\t',
      'error',
      '%0A',
      '\u202e',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (parts) => {
        expect(commandsIn(logText(parts.join('')))).toEqual([]);
      }),
    );
  });

  test('keeps plain text, line by line', () => {
    expect(logText('commit: signed "a", final "b"\nregion: x')).toBe(
      'commit: signed "a", final "b"\nregion: x',
    );
  });

  test('writes out what hides', () => {
    expect(logText('a\u001b[31m\u202eb')).toBe('a\\u{001B}[31m\\u{202E}b');
  });
});

/** What the runner reads when this is shown. */
function printed(show: (text: string) => void, text: string): string {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    show(text);
    return write.mock.calls.map(([line]) => String(line)).join('');
  } finally {
    write.mockRestore();
  }
}

describe.each([
  ['info', info, []],
  ['warning', warning, ['warning']],
  ['error', error, ['error']],
] as const)('what %s writes into the log', (_name, show, own) => {
  test.each(hostile)('holds no command but its own: %j', (text) => {
    const log = printed(show, text);
    expect(commandsIn(log).map(({ name }) => name)).toEqual(own);
    // The runner decodes what a command says, and shows it line by line.
    const shown = commandsIn(log)[0]?.data ?? log;
    expect(commandsIn(shown)).toEqual([]);
  });

  test('shows what hides', () => {
    expect(printed(show, 'a\u001b[31m\u202eb\u200b')).toContain(
      'a\\u{001B}[31m\\u{202E}b\\u{200B}',
    );
  });
});

describe('a value in the job summary', () => {
  test('has no character that Markdown or HTML gives a meaning', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeMarkdown(text)).toMatch(/^(?:[A-Za-z0-9 ]|&#\d+;)*$/);
      }),
    );
  });

  test.each([
    [
      '</code><img src=x onerror=alert(1)>',
      '&#60;&#47;code&#62;&#60;img src&#61;x onerror&#61;alert&#40;1&#41;&#62;',
    ],
    ['[x](javascript:y)', '&#91;x&#93;&#40;javascript&#58;y&#41;'],
    ['@team', '&#64;team'],
  ])('%s', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });
});
