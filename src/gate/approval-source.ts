import type { ClientDependencies } from '../client/dependencies.ts';
import { fetchConfirmation, type StatedConfirmation } from '../client/confirmations.ts';
import { Fault, listProblems } from '../core/fault.ts';
import { policyHash, type Policy } from '../core/policy.ts';
import { parseRecordText, type ApprovalRecord, type Decision } from '../core/record.ts';
import { closedFault } from './closed.ts';
import type { GateDependencies } from './dependencies.ts';
import { decisionOf, emptyRecord, payloadTextOf, type Assurance } from './evidence-record.ts';

interface ApprovalSource {
  readonly approvalIds?: readonly string[] | undefined;
  readonly recordText?: string | undefined;
  readonly policy?: Policy | undefined;
  readonly assurance: Assurance;
  readonly deps: GateDependencies;
}

/**
 * Step 4 of DESIGN 5: the record as it was handed over, or as the service gives it. Where the service is believed without
 * signatures it is asked in any case, since a text proves nothing.
 * @throws Fault; a rejection is returned, in the record
 */
export async function loadRecord(source: ApprovalSource): Promise<ApprovalRecord> {
  const { approvalIds = [], recordText } = source;
  if ((recordText === undefined) === (approvalIds.length === 0)) {
    throw new Fault(
      'configuration',
      'Give exactly one of approval-id and record, from the outputs of the request step.',
    );
  }
  if (recordText === undefined) return fetchRecord(source, approvalIds, undefined);
  const record = readRecord(recordText);
  if (source.assurance === 'signature') return record;
  const ids = record.decisions.map(({ id }) => id);
  return fetchRecord(source, ids, record);
}

function readRecord(text: string): ApprovalRecord {
  if (text === '') {
    throw new Fault(
      'configuration',
      'record is empty. GitHub drops an output that holds a masked value: pass approval-id instead.',
    );
  }
  const record = parseRecordText(text);
  if (record.ok) return record.value;
  const { problems } = record;
  throw new Fault(
    'payload_invalid',
    `The record is not acceptable:\n${listProblems(problems)}\nPass the output record of the request step unchanged, or approval-id.`,
    { problems },
  );
}

/** @param handed the record that was handed over, whose payload stands in where the service gives none */
async function fetchRecord(
  { policy, assurance, deps }: ApprovalSource,
  ids: readonly string[],
  handed: ApprovalRecord | undefined,
): Promise<ApprovalRecord> {
  const { transport } = deps;
  if (transport === undefined) {
    throw new Fault(
      'configuration',
      'There is no approval service to fetch the approval from. Set api-url and api-key.',
    );
  }
  const client: ClientDependencies = { ...deps, transport };
  const decisions: Decision[] = [];
  let payloadText: string | undefined = handed?.payload;
  let payloadHash = handed?.payload_hash;
  for (const id of ids) {
    const confirmation = await fetchConfirmation(client, { id });
    const decision = decisionIn(confirmation, transport.host);
    if (decision === 'rejected' && handed === undefined && confirmation.payload === undefined) {
      throw new Fault(
        'rejected',
        `${transport.host} says that request ${id} was rejected. Ask the approver what has to change before you ask again.`,
      );
    }
    payloadHash ??= confirmation.payloadHash;
    if (confirmation.payloadHash !== payloadHash) {
      throw new Fault(
        'evidence_invalid',
        `Request ${id} is about another payload (${confirmation.payloadHash}) than the first (${payloadHash}). Pass the output approval-id of one request step unchanged.`,
      );
    }
    if (handed === undefined || confirmation.payload !== undefined) {
      payloadText = payloadTextOf(confirmation, transport.host);
    }
    const approver =
      confirmation.username ?? handed?.decisions.find((each) => each.id === id)?.approver;
    decisions.push(decisionOf(confirmation, { decision, approver, policy, now: deps.now() }));
  }
  const policySha256 = policy && policyHash(policy);
  return { ...emptyRecord(assurance, payloadText, policySha256), decisions };
}

/** Only `approved` goes on, to be judged by its evidence; each other status ends here or, if rejected, there. */
function decisionIn({ id, status }: StatedConfirmation, host: string): Decision['decision'] {
  switch (status) {
    case 'approved':
    case 'rejected':
      return status;
    case 'pending':
      throw new Fault(
        'timed_out',
        `${host} says that nobody has decided request ${id} yet. Run verify after the request step, which waits for the decision.`,
      );
    default:
      throw closedFault(status, id, host);
  }
}
