import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Circumstances } from '../../src/core/circumstances.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { ApprovalRecord } from '../../src/core/record.ts';
import type { Difference, ReasonCode } from '../../src/core/verdict.ts';

function read(name: string): unknown {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, '../vectors', name), 'utf8'));
}

interface RefusedText {
  readonly kind: 'json';
  readonly name: string;
  readonly by: 'reader';
  readonly hex: string;
}

interface RefusedDocument {
  readonly kind: 'facts' | 'payload' | 'payload text' | 'record' | 'policy';
  readonly name: string;
  readonly by: 'schema' | 'rule';
  readonly text: string;
  readonly fields: readonly string[];
}

/** The project's own vectors (`__tests__/vectors/README.md`). */
export const frozen = {
  payloads: read('payloads.json') as {
    readonly vectors: readonly {
      readonly name: string;
      readonly payload: unknown;
      readonly canonical: string;
      readonly payload_hash: string;
    }[];
  },
  evidence: read('evidence.json') as {
    readonly policies: Readonly<Record<string, Policy>>;
    readonly vectors: readonly {
      readonly name: string;
      readonly policy: string | null;
      readonly record: ApprovalRecord;
      readonly final_facts: DeployFacts;
      readonly now: string;
      readonly assurance: 'signature' | 'service';
      readonly step: 'request' | 'verify';
      readonly circumstances?: Circumstances;
      readonly reason_code: ReasonCode;
      readonly approvers: readonly string[];
    }[];
  },
  refusals: read('refusals.json') as {
    readonly documents: readonly (RefusedText | RefusedDocument)[];
  },
  comparisons: read('comparisons.json') as {
    readonly vectors: readonly {
      readonly name: string;
      readonly signed: DeployFacts;
      readonly final: DeployFacts;
      readonly differences: readonly Difference[];
    }[];
  },
};
