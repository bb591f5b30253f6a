import { rules as presetRules } from '@secretlint/secretlint-rule-preset-recommend';

/**
 * Shapes that the preset does not know, or knows only in part (EC and Ed25519 keys, tokens without a vendor's prefix). Every
 * repetition that something must follow is bounded, so that a hostile text can't make the search slow.
 */
const ownRules: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['private key', /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,}/],
  ['bearer token', /\bbearer\s+[A-Za-z0-9._~+/-]{16,}/i],
  ['Google API key', /\bAIza[A-Za-z0-9_-]{35}/],
  // `PGPASSWORD=x`, `--password=x`, `?password=x`
  [
    'password',
    beforeValue(
      '(?:[Pp]ass[Ww](?:or)?d|PASSW(?:OR)?D|[Pp]assphrase|PASSPHRASE)=["\']?',
      '[^\\s"\'&]{4}',
    ),
  ],
  // `redis://:x@host`
  ['password in a URL', beforeValue('://[^\\s/:@]{0,200}:', '[^\\s/@]{4,200}@')],
];

/** A secret's value after what introduces it, but not a reference or a name in its place: `$X`, `{x}`, `secret:X`, `DB_PASSWORD`. */
function beforeValue(introduction: string, value: string): RegExp {
  return new RegExp(`${introduction}(?![$<{%*]|secret:|[A-Z][A-Z0-9_]*(?![A-Za-z0-9_]))${value}`);
}

/** The part of secretlint's rule interface that its rules use. Our translator hands back the message's own id. */
interface ScannerRule {
  readonly meta: { readonly id: string };
  readonly create: (
    context: {
      readonly createTranslator: () => (messageId: string) => { readonly messageId: string };
      readonly report: (finding: { readonly message: { readonly messageId: string } }) => void;
    },
    options: { readonly enableIDScanRule: true },
  ) => {
    readonly file: (source: { readonly content: string; readonly filePath?: string }) => void;
  };
}

let presetScanner: ((text: string) => string | undefined) | undefined;

/**
 * The name of the rule by which the text holds what looks like a secret's value, such as `private key` or `aws AWSAccessKeyID`;
 * nothing for a text without one. A secret's name and a hex commit are none. Synchronous.
 */
export function findSecret(text: string): string | undefined {
  const own = ownRules.find(([, pattern]) => pattern.test(text))?.[0];
  if (own !== undefined) return own;
  presetScanner ??= createPresetScanner();
  return presetScanner(text);
}

/** An account number is no secret: it is one of the facts. */
const harmless = 'AWSAccountID';
/** Not a scanner: it lets a comment in the text switch scanners off. */
const commentRule = 'filter-comments';
/** This one looks for registry tokens only in a file of this name. */
const npmRule = { name: 'npm', filePath: '.npmrc' };

/** Runs the preset's rules ourselves: its own engine is asynchronous, and obeys comments. */
function createPresetScanner(): (text: string) => string | undefined {
  let finding: string | undefined;
  const scans: ((content: string) => void)[] = [];
  for (const rule of presetRules as unknown as readonly ScannerRule[]) {
    const name = rule.meta.id.replace('@secretlint/secretlint-rule-', '');
    if (name === commentRule) continue;
    const scanner = rule.create(
      {
        createTranslator: () => (messageId) => ({ messageId }),
        report: ({ message: { messageId } }) => {
          if (messageId !== harmless) finding ??= `${name} ${messageId}`;
        },
      },
      { enableIDScanRule: true },
    );
    scans.push((content) => scanner.file({ content }));
    if (name === npmRule.name) {
      scans.push((content) => scanner.file({ content, filePath: npmRule.filePath }));
    }
  }
  return (content) => {
    finding = undefined;
    for (const scan of scans) scan(content);
    return finding;
  };
}
