/** What most acceptance tests begin with: a request step, and people who decide on the links it made. */
import { callApi } from '../../scripts/demo/service.ts';
import type { Proxy } from '../../scripts/demo/proxy.ts';
import type { Inputs, Job, RunningStep, StepResult } from './job.ts';
import type { Person, World } from './world.ts';

export interface Asked {
  readonly step: RunningStep;
  /** The approval page of a person, as soon as they are asked. */
  readonly linkFor: (person: Person) => Promise<string>;
}

/** Starts the request step of a job. `inputs` are added to the facts; `approver` is everyone in the policy unless given. */
export function ask(o: {
  readonly world: World;
  readonly job: Job;
  readonly proxy: Proxy;
  readonly policy?: string;
  readonly inputs?: Inputs;
}): Asked {
  const { world, job, proxy, policy = world.policy() } = o;
  const step = job.start('request', { ...world.access(proxy, policy), ...o.inputs });
  let ended: StepResult | undefined;
  void step.result.then((result) => (ended = result));
  return {
    step,
    linkFor: async ({ username }) => {
      for (;;) {
        const link = createdLinks(proxy, job).get(username);
        if (link !== undefined) return link;
        if (ended !== undefined) {
          throw new Error(
            `ended with ${ended.exitCode} before it asked ${username}:\n${ended.stdout}${ended.stderr}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** A request that these people have approved: the result of its step. */
export async function approvedRequest(o: {
  readonly world: World;
  readonly job: Job;
  readonly proxy: Proxy;
  readonly people?: readonly Person[];
  readonly policy?: string;
  readonly inputs?: Inputs;
}): Promise<StepResult> {
  const people = o.people ?? [o.world.alex];
  const approver = people.map(({ username }) => username).join();
  const { step, linkFor } = ask({ ...o, inputs: { approver, ...o.inputs } });
  for (const person of people) await person.decide(await linkFor(person), 'approved');
  return await step.result;
}

/** What the service says of a confirmation, past every proxy. */
export async function statusOf(world: World, id: string): Promise<string> {
  const { status } = await callApi<{ readonly status: string }>({
    apiUrl: world.service.apiUrl,
    apiKey: world.apiKey,
    path: `/confirmations/${id}`,
  });
  return status;
}

/** The links of one job's requests by user name. Jobs are told apart by their run. */
function createdLinks(proxy: Proxy, job: Job): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  for (const { method, path, body, answer } of proxy.requests) {
    if (method !== 'POST' || path !== '/api/confirmations') continue;
    // 200 where an earlier answer was lost on the way, and the same was asked again.
    if (answer?.status !== 201 && answer?.status !== 200) continue;
    const asked = JSON.parse(body) as {
      readonly username: string;
      readonly payload: { readonly facts: { readonly run_id: string } };
    };
    if (asked.payload.facts.run_id !== job.runId) continue;
    links.set(asked.username, (JSON.parse(answer.body) as { readonly url: string }).url);
  }
  return links;
}
