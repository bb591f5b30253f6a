import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { runCommand } from './processes.ts';
import { showFact } from './screen.ts';
import { callApi } from './service.ts';
import type { Stage } from './stage.ts';

export interface MainJob {
  readonly approvalId: string;
  readonly fingerprint: string;
  readonly recordFolder: string;
}

/** What a person would write here is a call of their tool; it gets what verify has checked. */
const deployCommand = [
  '-e',
  'console.log(`${process.env.SERVICE} is live at ${process.env.COMMIT}`)',
];

/** Asked, approved, verified, redeemed, deployed. @throws Error with the output of the step that did not do its part */
export async function runMainJob(stage: Stage, recordDir: string): Promise<MainJob> {
  const { checkout, flags, service, apiKey } = stage;
  const { commands } = stage.newRun();
  const asked = await commands.request({ ...flags, reason: 'Show how it works' });
  const { payloadHash } = await callApi<{ readonly payloadHash: string }>({
    apiUrl: service.apiUrl,
    apiKey,
    path: `/confirmations/${asked.id}`,
  });
  const print = fingerprint(payloadHash);
  showFact(
    'asked',
    `Deploy ${flags.service} to ${flags.environment}, commit ${checkout.commit.slice(0, 8)}`,
  );
  showFact('link', asked.link);
  showFact('fingerprint', print);
  await stage.approver.decide(asked.link, 'approved');
  const request = await asked.end;
  if (request.exitCode !== 0)
    throw new Error(`request ended with ${request.exitCode}:\n${request.stderr}`);
  showFact('approved', `by ${stage.username}; the signature is over exactly these facts`);

  await mkdir(recordDir);
  const verify = await commands.verify({
    ...flags,
    'approval-id': asked.id,
    'record-dir': recordDir,
  });
  if (verify.exitCode !== 0)
    throw new Error(`verify ended with ${verify.exitCode}:\n${verify.stderr}`);
  showFact('verified', 'exit code 0, and the one use of the approval is redeemed');

  const deploy = await runCommand({
    command: process.execPath,
    args: deployCommand,
    cwd: checkout.folder,
    env: { SERVICE: flags.service, COMMIT: checkout.commit },
  });
  if (deploy.exitCode !== 0)
    throw new Error(`The deploy command ended with ${deploy.exitCode}:\n${deploy.stderr}`);
  showFact('deployed', deploy.stdout.trim());

  const [recordFolder = ''] = await readdir(recordDir);
  return { approvalId: asked.id, fingerprint: print, recordFolder: join(recordDir, recordFolder) };
}
