import { checkFacts } from '../core/facts.ts';
import { Fault } from '../core/fault.ts';
import { documentHash } from '../core/hash.ts';
import {
  maxRecordBytes,
  parseJsonWithPlaces,
  type JsonError,
  type JsonValue,
  type Place,
} from '../core/json.ts';
import { parsePayloadText } from '../core/payload.ts';
import { checkPolicy } from '../core/policy.ts';
import { checkRecord } from '../core/record.ts';
import { visible } from '../core/text.ts';
import type { Checked, Problem, RefusalCode } from '../core/verdict.ts';
import type { RunCommand } from './command.ts';
import { readDocument } from './document.ts';

interface Kind {
  readonly check: (value: JsonValue, text: string) => Checked<unknown>;
  readonly refusal: RefusalCode;
}

const kinds: Readonly<Record<string, Kind>> = {
  'deploy-facts/v1': { check: checkFacts, refusal: 'payload_invalid' },
  'deploy-approval/v1': {
    check: (_value, text) => parsePayloadText(text),
    refusal: 'payload_invalid',
  },
  'approval-record/v1': { check: checkRecordAndPayload, refusal: 'payload_invalid' },
  'approval-policy/v1': { check: checkPolicy, refusal: 'configuration' },
};

/** Says whether a file is acceptable as what its `schema` says it is, with every problem. It proves no approval. */
export const check: RunCommand = async (call) => {
  const [path] = call.positionals as readonly [string];
  const bytes = await readDocument(path, call);
  const { value, placeOf } = readPlaced(bytes, path);
  const schema = schemaOf(value);
  const kind = Object.hasOwn(kinds, schema) ? kinds[schema] : undefined;
  if (kind === undefined) throw unknownSchema(path, schema);
  const checked = kind.check(value, new TextDecoder().decode(bytes));
  if (!checked.ok) {
    const problems = checked.problems
      .map((problem) => ({ ...problem, ...placeOf(problem.field) }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
    const lines = problems.map((problem) => placed(path, problem));
    const message = `${visible(path)} is no acceptable ${schema}:\n${lines.join('\n')}`;
    throw new Fault(kind.refusal, message, { problems });
  }
  // By this a record, a verdict and `audit` name the policy.
  const sha256 = schema === 'approval-policy/v1' ? documentHash(value) : undefined;
  if (call.json) call.out.printJson({ schema: 'check/v1', exit_code: 0, document: schema, sha256 });
  else call.out.print(`${path} is an acceptable ${schema}.`);
  if (!call.json && sha256 !== undefined) call.out.print(`Policy SHA-256: ${sha256}`);
  return 0;
};

/** A problem as editors and compilers tell it, so that a click leads there. */
function placed(path: string, { field, message, line, column }: Problem & Place): string {
  return `${visible(path)}:${line}:${column} ${field === '' ? '' : `${field}: `}${message}`;
}

/** JSON by the strict rules of DESIGN 3, with the places of its members. @throws Fault payload_invalid naming file, line and column */
function readPlaced(bytes: Uint8Array, path: string): ReturnType<typeof parseJsonWithPlaces> {
  try {
    return parseJsonWithPlaces(bytes, { maxBytes: maxRecordBytes });
  } catch (cause) {
    const { problem: why, line, column } = cause as JsonError;
    const problem = { field: '', message: why, line, column };
    const message = `${visible(path)} can't be read as JSON:\n${placed(path, problem)}`;
    throw new Fault('payload_invalid', message, { cause, problems: [problem] });
  }
}

/** A record's payload is a text of its own; its problems belong to the record. */
function checkRecordAndPayload(value: JsonValue): Checked<unknown> {
  const record = checkRecord(value);
  if (!record.ok) return record;
  const payload = parsePayloadText(record.value.payload);
  if (payload.ok) return record;
  return {
    ok: false,
    problems: payload.problems.map(({ field, message }) => ({
      field: 'payload',
      message: field === '' ? message : `${field}: ${message}`,
    })),
  };
}

function schemaOf(value: JsonValue): string {
  const schema =
    typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  return typeof schema === 'string' ? schema : '';
}

function unknownSchema(path: string, schema: string): Fault {
  const message = `must be one of ${Object.keys(kinds).join(', ')}, not "${visible(schema, 60)}"`;
  return new Fault('payload_invalid', `${visible(path)}: schema ${message}`, {
    problems: [{ field: 'schema', message }],
  });
}
