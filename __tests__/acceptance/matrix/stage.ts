/** What all cells of the matrix share: the bundles, one checkout, people, and one approval that a verify step can use. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { createWorld, type World } from '../../support/approvals.ts';
import { builtBundles } from '../../support/bundles.ts';
import { certificateAuthority, type CertificateAuthority } from '../../support/certificate.ts';
import { startStubService, type Stored } from '../../gate/stub-service.ts';
import { endJobs, startJob, type Inputs, type Job } from '../job.ts';

export const apiKey = 'dw_request_0123456789abcdefghijklmnopqrstuvwxyz';
export const githubToken = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz';

export interface Stage {
  readonly bundles: string;
  readonly world: World;
  readonly job: Job;
  readonly authority: CertificateAuthority;
  /** The file of its certificate. */
  readonly authorityPath: string;
  /** An approval of this job's deploy, and its id. */
  readonly approved: Stored;
  /** What both steps get beside `api-url`. */
  readonly inputs: Inputs;
  /** Where nothing may ever arrive. */
  readonly elsewhere: { readonly origin: string; readonly heard: readonly string[] };
  readonly close: () => Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const bundles = await builtBundles();
  // A job that has no token: what it knows of itself is told by the runner.
  const world = createWorld({ require_oidc: false });
  const job = startJob({
    bundles,
    facts: {
      migration: 'none',
      'migration-files': '',
      'migration-command': '',
      'migration-dialect': '',
    },
  });
  const authority = certificateAuthority();
  const authorityPath = join(job.temp, 'authority.pem');
  writeFileSync(authorityPath, authority.cert);
  const inputs: Inputs = { 'api-key': apiKey, policy: JSON.stringify(world.policy) };

  const stub = await startStubService(world, () => Date.now());
  stub.reactions.set('alex', { status: 'approved' });
  const access = { ...inputs, 'api-url': stub.apiUrl, approver: 'alex' };
  const { exitCode, stdout, stderr } = await job.start('request', access).result;
  await stub.close();
  if (exitCode !== 0) throw new Error(`Nothing is approved: ${exitCode}\n${stdout}${stderr}`);

  const heard: string[] = [];
  const trap: Server = createServer((request, response) => {
    heard.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.end('{}');
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const { port } = trap.address() as AddressInfo;

  return {
    ...{ bundles, world, job, authority, authorityPath, inputs },
    approved: stub.stored[0]!,
    elsewhere: { origin: `http://127.0.0.1:${port}`, heard },
    close: async () => {
      endJobs();
      await new Promise((resolve) => trap.close(resolve));
    },
  };
}
