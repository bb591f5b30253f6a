/**
 * A service, a person with a passkey in software, a forge that signs tokens for jobs, and the actions as a release has them: what
 * the example workflows need.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callApi, createKey, listPasskeys, startService } from '../../scripts/demo/service.ts';
import { softwareApprover } from '../../scripts/demo/software-approver.ts';
import { builtBundles } from '../support/bundles.ts';
import { minimalFacts } from '../support/deploy.ts';
import { claimsFor, startIssuer, type Claims, type Issuer } from '../support/issuer.ts';
import {
  endRuns,
  makeAction,
  makeShop,
  makeStandIn,
  startRun,
  type RunningWorkflow,
  type Shop,
} from './act.ts';

type Texts = Readonly<Record<string, string>>;

const checkout = 'actions/checkout@1af3b93b6815bc44a9784bd300feb67ff0d1eeb3';

/** As the real one does it: one commit deep, on the branch of the event. */
const checkoutScript = `set -e
git init --quiet .
git remote add origin https://github.com/acme/shop.git
git fetch --quiet --depth 1 "file://$SHOP" "$GITHUB_SHA"
git checkout --quiet --force -B main FETCH_HEAD
eval "$AFTER_CHECKOUT"`;

export interface Stage {
  readonly bundles: string;
  readonly folder: string;
  readonly issuer: Issuer;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly policy: string;
  readonly decide: (link: string, decision: 'approved' | 'rejected') => Promise<void>;
  /** What the service says of the request behind a link. */
  readonly statusOf: (link: string) => Promise<string>;
  /** Starts an example, as it is or as `edit` changes it, in a new repository. */
  readonly start: (
    example: string,
    options?: {
      readonly edit?: (text: string) => string;
      /** A workflow of that name that is no example. */
      readonly text?: string;
      /** Bash that runs in each job where the sources are checked out. */
      readonly afterCheckout?: string;
      readonly env?: Texts;
      /** What the forge's token says of every job of the run, beside what is true of it. */
      readonly claims?: Claims;
      /** Local folders for more actions, beside checkout and our own. */
      readonly actions?: Texts;
    },
  ) => RunningWorkflow & { readonly shop: Shop };
  readonly close: () => Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-runner-'));
  const bundles = await builtBundles();
  const issuer = await startIssuer('github');
  const service = await startService({
    bundles,
    data: join(folder, 'data'),
    env: { PATH: process.env.PATH, DEPLOY_WARRANT_OIDC_ISSUER: `github=${issuer.issuer}` },
  });
  await callApi({
    apiUrl: service.apiUrl,
    apiKey: service.adminKey,
    method: 'POST',
    path: '/repositories',
    body: {
      ...{ provider: 'github', repositoryId: '123456789', note: 'shop' },
      ...{ services: ['api'], environments: ['production', 'staging'] },
    },
  });
  const person = softwareApprover();
  await person.enrol(service.inviteUrl, 'alex');
  const [passkey] = await listPasskeys(service);
  const apiKey = await createKey(service, { repositories: ['acme/shop'], environments: ['*'] });
  const policy = JSON.stringify({
    schema: 'approval-policy/v1',
    issuers: [{ provider: 'github', issuer: issuer.issuer }],
    relying_party: { id: 'localhost', origin: service.origin },
    approvers: {
      alex: {
        accounts: [{ provider: 'github', id: '1234567', login: 'alexdoe' }],
        passkeys: [
          {
            id: passkey!.id,
            algorithm: passkey!.algorithm,
            public_key: passkey!.publicKey,
            user_handle: passkey!.userHandle,
          },
        ],
      },
    },
    environments: {
      production: { approvers: ['alex'] },
      staging: { approvers: ['alex'] },
    },
  });
  const action = makeAction(join(folder, 'action'), bundles);
  const standIn = makeStandIn(join(folder, 'checkout'), checkoutScript);
  let shops = 0;

  return {
    ...{ bundles, folder, issuer, apiUrl: service.apiUrl, apiKey, policy },
    decide: (link, decision) => person.decide(link, decision),
    statusOf: async (link) => {
      const path = `/confirmations/${link.split('/').at(-1)!}`;
      const { status } = await callApi<{ status: string }>({
        apiUrl: service.apiUrl,
        apiKey,
        path,
      });
      return status;
    },
    start: (example, options = {}) => {
      const { edit, env, claims, afterCheckout = ':', actions = {} } = options;
      shops += 1;
      const name = `${example}.yml`;
      const original = options.text ?? readFileSync(`examples/github/${name}`, 'utf8');
      const text = edit?.(original) ?? original;
      const shop = makeShop(join(folder, `shop-${shops}`), { name, text });
      issuer.says({ ...claimsOf(shop), ...claims });
      const run = startRun({
        ...{ workflow: name, shop },
        vars: { DEPLOY_WARRANT_POLICY: policy, DEPLOY_WARRANT_API_URL: service.apiUrl },
        secrets: { DEPLOY_WARRANT_API_KEY: apiKey },
        env: { SHOP: shop.folder, AFTER_CHECKOUT: afterCheckout, ...issuer.variables(), ...env },
        actions: { [checkout]: standIn, 'deploy-warrant/deploy-warrant@v1': action, ...actions },
      });
      return { ...run, shop };
    },
    close: async () => {
      endRuns();
      await service.stop();
      await issuer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What GitHub signs of a job of this run in `production`. */
function claimsOf({ commit, runId, workflow }: Shop): Claims {
  return claimsFor('github', {
    ...minimalFacts(),
    ...{
      environment: 'production',
      ref: 'refs/heads/main',
      commit,
      run_id: runId,
      run_attempt: '1',
    },
    ...{ repository: 'acme/shop', repository_id: '123456789', workflow, workflow_sha: commit },
    actor: { login: 'release-agent[bot]', id: '41898282', type: 'agent' },
  });
}
