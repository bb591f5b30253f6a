import type { PlainDialect, Token } from './tokens.ts';

/** Commands without a table that the parser does not know, by their words in upper case. */
const harmless = {
  mysql: [
    /^(?:BEGIN|BEGIN WORK|START TRANSACTION|COMMIT|ROLLBACK|UNLOCK TABLES)$/,
    /^SET NAMES '?UTF8(?:MB4)?'?(?: COLLATE '?UTF8\w*'?)?$/,
    /^SET (?:SESSION )?(?:LOCK_WAIT_TIMEOUT|INNODB_LOCK_WAIT_TIMEOUT|MAX_EXECUTION_TIME) = \d+$/,
    /^SET (?:SESSION )?(?:FOREIGN_KEY_CHECKS|UNIQUE_CHECKS) = (?:1|ON)$/,
    /^SET (?:SESSION )?TIME_ZONE = '[^'\\]*'$/,
  ],
  sqlite: [
    /^BEGIN(?: (?:DEFERRED|IMMEDIATE|EXCLUSIVE))?(?: TRANSACTION)?$/,
    /^(?:COMMIT|END|ROLLBACK)(?: TRANSACTION)?$/,
    /^PRAGMA FOREIGN_KEYS = (?:1|ON|TRUE|YES)$/,
    /^PRAGMA FOREIGN_KEYS \( (?:1|ON|TRUE|YES) \)$/,
    /^PRAGMA (?:FOREIGN_KEY_CHECK|INTEGRITY_CHECK|QUICK_CHECK)$/,
    /^ANALYZE(?: \w+)?$/,
  ],
} as const;

/** Whether a statement is a command that neither destroys nor blocks anything. */
export function isPlainCommand(tokens: readonly Token[], dialect: PlainDialect): boolean {
  if (tokens.length > 8) return false;
  const text = tokens.map((token) => token.text.toUpperCase()).join(' ');
  return harmless[dialect].some((pattern) => pattern.test(text));
}
