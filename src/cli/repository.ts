import * as z from 'zod';
import { Fault } from '../core/fault.ts';
import { tokenProviders, type TokenProvider } from '../core/identity.ts';
import { visible } from '../core/text.ts';
import { askAsAdmin, sendAsAdmin } from './admin.ts';
import { flagValue, type Call, type RunCommand } from './command.ts';
import { namesOf } from './names.ts';

const listSchema = z.object({
  repositories: z.array(
    z.object({
      id: z.string().regex(/^[A-Za-z0-9_-]+$/),
      provider: z.enum(tokenProviders),
      issuer: z.string(),
      repositoryId: z.string(),
      services: z.array(z.string()),
      environments: z.array(z.string()),
      note: z.string(),
    }),
  ),
});
type Listed = z.infer<typeof listSchema>['repositories'][number];

const scopeFlags = ['services', 'environments', 'note'];
const actions: Readonly<Record<string, { run: RunCommand; flags: readonly string[] }>> = {
  add: { run: add, flags: ['provider', 'id', 'issuer', ...scopeFlags] },
  list: { run: list, flags: [] },
  remove: { run: remove, flags: ['provider', 'id', 'issuer'] },
};

/** The list of repositories whose jobs may ask by the ID token of their CI, in place of a key. */
export const repository: RunCommand = async (call) => {
  const [name] = call.positionals as readonly [string];
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) {
    throw new Fault(
      'configuration',
      `ACTION is ${Object.keys(actions).join(', ')}, not "${visible(name, 60)}".`,
    );
  }
  const own = [...action.flags, 'api-url', 'api-key-file', 'json'];
  const stray = [...call.flags.keys()].find((flag) => !own.includes(flag));
  if (stray !== undefined) {
    throw new Fault('configuration', `"repository ${name}" takes no --${stray}.`);
  }
  return action.run(call);
};

async function add(call: Call): Promise<number> {
  const { provider, repositoryId, issuer } = named(call);
  const { id } = await askAsAdmin(call, {
    method: 'POST',
    path: '/repositories',
    body: {
      ...{ provider, repositoryId, note: flagValue(call, 'note') },
      ...(issuer === '' ? {} : { issuer }),
      services: namesOf(call, 'services'),
      environments: namesOf(call, 'environments'),
    },
    answer: z.object({ id: z.string() }),
  });
  if (call.json) call.out.printJson({ schema: 'repository/v1', id, exit_code: 0 });
  else call.out.print(`Added repository ${repositoryId} of ${provider}.`);
  return 0;
}

async function list(call: Call): Promise<number> {
  const repositories = await listed(call);
  if (call.json) {
    call.out.printJson({
      schema: 'repositories/v1',
      repositories: repositories.map(({ repositoryId, ...rest }) => ({
        ...rest,
        repository_id: repositoryId,
      })),
      exit_code: 0,
    });
    return 0;
  }
  if (repositories.length === 0) call.out.say('There is no repository on the list.');
  for (const { provider, issuer, repositoryId, services, environments, note } of repositories) {
    const words = [
      `${provider} ${repositoryId}`,
      `services ${services.join(',')}`,
      `environments ${environments.join(',')}`,
      `issuer ${issuer}`,
      ...(note === '' ? [] : [note]),
    ];
    call.out.print(words.map((word) => visible(word, 200)).join('; '));
  }
  return 0;
}

async function remove(call: Call): Promise<number> {
  const { provider, repositoryId, issuer } = named(call);
  const found = (await listed(call)).filter(
    (one) =>
      one.provider === provider &&
      one.repositoryId === repositoryId &&
      (issuer === '' || one.issuer === issuer),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) {
    const what = only === undefined ? 'is not on the list' : 'is there of several issuers';
    throw new Fault(
      'configuration',
      `Repository ${repositoryId} of ${provider} ${what}. "deploy-warrant repository list" shows what is there; --issuer tells issuers apart.`,
    );
  }
  await sendAsAdmin(call, { method: 'DELETE', path: `/repositories/${only.id}` });
  if (call.json) call.out.printJson({ schema: 'repository/v1', id: only.id, exit_code: 0 });
  else call.out.print(`Removed repository ${repositoryId} of ${provider}: its tokens are refused.`);
  return 0;
}

async function listed(call: Call): Promise<readonly Listed[]> {
  const request = { method: 'GET', path: '/repositories', answer: listSchema } as const;
  return (await askAsAdmin(call, request)).repositories;
}

/** Which repository is meant. */
function named(call: Call): {
  readonly provider: TokenProvider;
  readonly repositoryId: string;
  readonly issuer: string;
} {
  const given = flagValue(call, 'provider');
  const provider = tokenProviders.find((one) => one === given);
  if (provider === undefined) {
    throw new Fault(
      'configuration',
      `--provider is ${tokenProviders.join(' or ')}, not "${visible(given, 60)}".`,
    );
  }
  const repositoryId = flagValue(call, 'id');
  if (!/^[1-9][0-9]{0,19}$/.test(repositoryId)) {
    throw new Fault(
      'configuration',
      `--id is the number that the forge gave the repository (GitHub: repository_id, GitLab: the project ID), not "${visible(repositoryId, 60)}".`,
    );
  }
  return { provider, repositoryId, issuer: flagValue(call, 'issuer') };
}
