/**
 * Which tests have to notice a change in which sources. `*` stands for any text. A group's tests are few enough that a change
 * nobody notices costs seconds; tests elsewhere may notice it too, so that the scores are lower bounds.
 */
export const groups = {
  text: {
    sources: [
      ...['core/api', 'core/base64url', 'core/canonical', 'core/document', 'core/fault'],
      ...['core/fingerprint', 'core/glob', 'core/hash', 'core/json', 'core/own-copy'],
      ...[
        'core/problems',
        'core/reason',
        'core/rejection',
        'core/secrets',
        'core/text',
        'core/time',
      ],
      'core/verdict-line',
    ],
    tests: [
      ...['api', 'base64url', 'canonical', 'challenge', 'document', 'facts', 'fault', 'glob'],
      ...[
        'json',
        'own-copy',
        'payload',
        'problems',
        'reason',
        'record',
        'refused-vectors',
        'rejection',
      ],
      ...['secrets', 'text', 'time', 'verdict-line'],
    ].map((name) => `core/${name}`),
  },
  facts: {
    sources: [
      ...['core/authors', 'core/changes', 'core/compare', 'core/fact-rules', 'core/facts'],
      ...['core/final-facts', 'core/identity', 'core/payload', 'core/token'],
    ],
    tests: [
      ...['authors', 'changes', 'compare', 'facts*', 'final-facts', 'identity', 'payload'].map(
        (name) => `core/${name}`,
      ),
      ...['refused-vectors', 'rule-circumstances', 'token*', 'verify-facts'].map(
        (name) => `core/${name}`,
      ),
      'schemas/schemas',
    ],
  },
  policy: {
    sources: [
      ...['core/circumstances', 'core/passkeys', 'core/policy', 'core/policy-faults'],
      ...['core/policy-format', 'core/policy-rule', 'core/quorum', 'core/rule'],
      ...['core/rule-circumstances', 'core/rule-faults'],
    ],
    tests: [...['circumstances*', 'passkeys', 'policy*', 'quorum', 'rule*', 'verify-rules']].map(
      (name) => `core/${name}`,
    ),
  },
  evidence: {
    sources: [
      ...['core/assertion', 'core/challenge', 'core/evidence', 'core/objection', 'core/record'],
      ...['core/record-files', 'core/validity', 'core/verdict', 'core/verify', 'core/webauthn'],
    ],
    tests: [
      ...['assertion', 'challenge', 'record*', 'refused-vectors', 'vectors', 'verdict', 'verify*'],
      'webauthn*',
    ].map((name) => `core/${name}`),
  },
  audit: { sources: ['core/audit'], tests: ['core/audit', 'core/audit-circumstances'] },
  request: {
    sources: [
      ...['approval-source', 'approvers', 'asking', 'changes', 'evidence-record', 'record-folder'],
      ...['record-source', 'request', 'request-plan', 'verify', 'withdraw'],
    ].map((name) => `gate/${name}`),
    tests: [
      'approvers',
      'changes',
      'evidence-record',
      'record*',
      'request*',
      'verify*',
      'withdraw',
    ].map((name) => `gate/${name}`),
  },
  steps: {
    sources: [
      ...['approval-ids', 'circumstances', 'closed', 'conclusion', 'dependencies', 'environment'],
      ...['job-access', 'minutes', 'policy-source', 'process', 'rule', 'service-access'],
      ...['step-inputs', 'steps', 'vocabulary'],
    ].map((name) => `gate/${name}`),
    tests: [
      ...['circumstances', 'closed', 'conclusion', 'inputs', 'process', 'rule', 'step-inputs'],
      ...['steps', 'surroundings', 'vocabulary'],
    ].map((name) => `gate/${name}`),
  },
};
