/** What must be refused: each from a valid approval of its own, so that it fails for the stated reason alone. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RefusalCode } from '../../src/core/verdict.ts';
import type { Asked, CommandLine, StepEnd } from './command-line.ts';
import { startProxy } from './proxy.ts';
import { commitFile, restore } from './repository.ts';
import { showFact } from './screen.ts';
import { callApi } from './service.ts';
import { requestShortLived } from './short-lived.ts';
import type { Stage } from './stage.ts';

export interface Refusal {
  readonly name: string;
  readonly expected: number;
  readonly reason: RefusalCode;
  /** What was changed, where the verdict does not name a fact. */
  readonly about?: string;
  readonly run: () => Promise<StepEnd>;
}

/** The refusals in the order they are shown. The expiring approval is asked for first, and looked at last. */
export async function refusals(stage: Stage, mainApprovalId: string): Promise<readonly Refusal[]> {
  const expired = await expiringApproval(stage, mainApprovalId);
  return [
    {
      name: 'another commit',
      expected: 20,
      reason: 'facts_mismatch',
      run: () =>
        afterApproval(stage, async ({ commands, id }) => {
          await commitFile({
            folder: stage.checkout.folder,
            env: stage.gitEnv,
            path: 'one-more-thing.txt',
            content: 'slipped in after the approval\n',
            message: 'Slip one more thing in',
          });
          return commands.verify({ ...stage.flags, 'approval-id': id });
        }),
    },
    {
      name: 'another environment',
      expected: 20,
      reason: 'facts_mismatch',
      run: () =>
        afterApproval(stage, ({ commands, id }) =>
          commands.verify({ ...stage.flags, environment: 'staging', 'approval-id': id }),
        ),
    },
    {
      name: 'a changed migration file',
      expected: 20,
      reason: 'facts_mismatch',
      about: stage.checkout.migrationPath,
      run: () =>
        afterApproval(stage, async ({ commands, id }) => {
          const path = join(stage.checkout.folder, stage.checkout.migrationPath);
          await writeFile(path, `${await readFile(path, 'utf8')}drop table customers;\n`);
          return commands.verify({ ...stage.flags, 'approval-id': id });
        }),
    },
    {
      name: 'a rejection',
      expected: 10,
      reason: 'rejected',
      run: async () => {
        const { commands } = stage.newRun();
        const { link, end } = await commands.request(stage.flags);
        await stage.approver.decide(link, 'rejected');
        return await end;
      },
    },
    {
      name: 'a second use',
      expected: 23,
      reason: 'already_used',
      run: () =>
        afterApproval(stage, async ({ commands, id }) => {
          const flags = { ...stage.flags, 'approval-id': id };
          const first = await commands.verify(flags);
          // The first use must be a good one, or the second proves nothing.
          return first.exitCode === 0 ? commands.verify(flags) : first;
        }),
    },
    {
      name: '"approved", unsigned',
      expected: 22,
      reason: 'evidence_invalid',
      run: () =>
        afterApproval(stage, async ({ commands, id }) => {
          const liar = await startProxy({
            target: stage.service.origin,
            alter: ({ path }, answer) =>
              path.startsWith('/api/confirmations/')
                ? { ...answer, body: withoutSignature(answer.body) }
                : answer,
          });
          try {
            const flags = { ...stage.flags, 'api-url': `${liar.origin}/api`, 'approval-id': id };
            return await commands.verify(flags);
          } finally {
            await liar.close();
          }
        }),
    },
    { name: 'an expired approval', expected: 11, reason: 'expired', run: expired },
  ];
}

/** Asks, has it approved, checks that the request step itself succeeded, and puts the checkout back afterwards. */
async function afterApproval(
  stage: Stage,
  attempt: (o: { readonly commands: CommandLine; readonly id: string }) => Promise<StepEnd>,
): Promise<StepEnd> {
  const { commands } = stage.newRun();
  const asked: Asked = await commands.request(stage.flags);
  await stage.approver.decide(asked.link, 'approved');
  const request = await asked.end;
  if (request.exitCode !== 0) return request;
  try {
    return await attempt({ commands, id: asked.id });
  } finally {
    await restore(stage.checkout, stage.gitEnv);
  }
}

/** An approval that is given now and used when its time is over, while the others take place. */
async function expiringApproval(
  stage: Stage,
  mainApprovalId: string,
): Promise<() => Promise<StepEnd>> {
  const { apiKey, username, inPerson } = stage;
  const { apiUrl } = stage.service;
  // A target of its own: the next request for the same one would supersede it.
  const region = 'eu-west-2';
  const { runId, commands } = stage.newRun();
  // A busy machine gets longer the second time; a person gets time from the start.
  for (let validSeconds = inPerson ? 90 : 6; ; validSeconds *= 2) {
    const { id, url, expiresAt } = await requestShortLived({
      apiUrl,
      apiKey,
      username,
      earlierId: mainApprovalId,
      facts: { region, run_id: runId },
      validSeconds,
    });
    if (inPerson) {
      showFact(
        'soon over',
        `This one is valid for ${validSeconds} s: it is used when it has expired.`,
      );
    }
    // It may run out in the middle of the decision: its status says what came of it.
    await stage.approver.decide(url, 'approved').catch(() => undefined);
    const status = await decidedStatus({ apiUrl, apiKey, id });
    if (status === 'approved') {
      return async () => {
        const leftMs = expiresAt - Date.now() + 200;
        if (inPerson && leftMs > 0) showFact('waiting', 'for the last approval to expire');
        await new Promise((resolve) => setTimeout(resolve, Math.max(leftMs, 0)));
        return commands.verify({ ...stage.flags, region, 'approval-id': id });
      };
    }
    if (status !== 'expired') throw new Error(`The expiring approval at ${url} is ${status}.`);
    if (inPerson) showFact('too late', `It was valid for ${validSeconds} s only. Here is another.`);
  }
}

/** Waits until the person has decided. */
async function decidedStatus(o: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly id: string;
}): Promise<string> {
  for (;;) {
    const path = `/confirmations/${o.id}?wait=25`;
    const { status } = await callApi<{ readonly status: string }>({ ...o, path });
    if (status !== 'pending') return status;
  }
}

function withoutSignature(body: string): string {
  const confirmation = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify({ ...confirmation, rawAssertion: undefined });
}
