import { rules as presetRules } from '@secretlint/secretlint-rule-preset-recommend';

/** Shapes the preset does not know, or knows only in part (EC and Ed25519 keys, tokens without a vendor's prefix). */
const ownRules: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['private key', /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/],
  ['bearer token', /\bbearer\s+[A-Za-z0-9._~+/-]{16,}=*/i],
  ['Google API key', /\bAIza[A-Za-z0-9_-]{35}/],
];

/** An account number is no secret: it is one of the facts. */
const harmless = new Set(['AWSAccountID']);

/** The part of secretlint's rule interface that its rules really use; our translator hands back the message's own id. */
interface ScannerContext {
  readonly createTranslator: () => (messageId: string) => { readonly messageId: string };
  readonly report: (finding: { readonly message: { readonly messageId: string } }) => void;
  readonly ignore: () => void;
}
interface Source {
  readonly content: string;
  readonly contentType: 'text';
  readonly filePath: string | undefined;
}
interface ScannerRule {
  readonly meta: { readonly id: string };
  readonly create: (
    context: ScannerContext,
    options: { readonly enableIDScanRule: true },
  ) => { readonly file: (source: Source) => unknown };
}

type Scanner = (text: string) => string | undefined;
let presetScanner: Scanner | undefined;

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

/** Runs the preset's rules ourselves: its engine is asynchronous and brings configuration and comments that switch it off. */
function createPresetScanner(): Scanner {
  const findings: string[] = [];
  const scans = (presetRules as unknown as readonly ScannerRule[]).map((rule) => {
    const name = rule.meta.id.replace('@secretlint/secretlint-rule-', '');
    return rule.create(
      {
        createTranslator: () => (messageId) => ({ messageId }),
        report: ({ message: { messageId } }) => {
          if (!harmless.has(messageId)) findings.push(`${name} ${messageId}`);
        },
        ignore: () => undefined,
      },
      { enableIDScanRule: true },
    );
  });
  return (content) => {
    findings.length = 0;
    // The npm rule looks for registry tokens only in a file of that name.
    for (const filePath of [undefined, '.npmrc']) {
      for (const scan of scans) scan.file({ content, contentType: 'text', filePath });
    }
    return findings[0];
  };
}
