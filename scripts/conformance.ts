/** `npm run conformance -- URL`: what a service that claims the approval API honours of it (docs/PROTOCOL.md). */
import { parseArgs } from 'node:util';
import { checkApiUrl } from '../src/client/api-url.ts';
import { Fault } from '../src/core/fault.ts';
import { visible } from '../src/core/text.ts';
import { exitCodes } from '../src/core/verdict.ts';
import { Api } from './conformance/api.ts';
import { isConformant, runConformance, statementIds, type Result } from './conformance/run.ts';

const usage = `npm run conformance -- URL --username NAME [options]

URL is the base of the API including /api. The key comes from DEPLOY_WARRANT_API_KEY; nobody has to decide anything.

  --username NAME        who is asked: somebody with a passkey at the service
  --repository NAME      what the requests are about, for a key with a scope (default conformance/conformance)
  --service NAME         (default conformance)
  --environment NAME     (default conformance)
  --approval             ask that person to approve one request, and try what needs an approval
  --only ID,ID           only these statements
  --json                 one line of JSON

DEPLOY_WARRANT_ADMIN_KEY, if set, makes one invite. Exit 0: every documented call that was tried is honoured.
Exit 1: one is not. Exit 40: the command line is wrong. Our extensions are reported and do not count.
`;

process.exitCode = 1;

function misused(message: string): Fault {
  return new Fault('configuration', `${message}\n\n${usage}`);
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        username: { type: 'string' },
        repository: { type: 'string', default: 'conformance/conformance' },
        service: { type: 'string', default: 'conformance' },
        environment: { type: 'string', default: 'conformance' },
        approval: { type: 'boolean', default: false },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw misused(error instanceof Error ? error.message : String(error));
  }
}

function settings() {
  const { values, positionals } = parsed();
  const { username, repository, service, environment, approval, json } = values;
  const [url, ...rest] = positionals;
  const { DEPLOY_WARRANT_API_KEY: key = '', DEPLOY_WARRANT_ADMIN_KEY: adminKey } = process.env;
  if (url === undefined || rest.length > 0) throw misused('Give one URL.');
  if (username === undefined) throw misused('Give --username.');
  if (key === '') throw misused('DEPLOY_WARRANT_API_KEY is empty.');
  const only = values.only === undefined ? undefined : new Set(values.only.split(','));
  for (const id of only ?? []) {
    if (!statementIds.includes(id)) throw misused(`There is no statement "${visible(id)}".`);
  }
  const api = new Api(checkApiUrl(url), key);
  const target = { repository, service, environment };
  return {
    api,
    adminKey: adminKey === '' ? undefined : adminKey,
    username,
    target,
    approval,
    only,
    json,
  };
}

function line({ group, id, call, says, result, found }: Result): string {
  const mark = { honoured: 'ok', broken: 'BROKEN', 'not tried': '-' }[result];
  const rest = found === undefined ? '' : result === 'broken' ? `; found: ${found}` : ` (${found})`;
  return `${group.padEnd(10)} ${mark.padEnd(6)} ${id}: ${call} ${says}${rest}`;
}

function counts(results: readonly Result[], group: Result['group']): string {
  const of = results.filter((each) => each.group === group);
  const count = (result: Result['result']) => of.filter((each) => each.result === result).length;
  return `${count('honoured')} honoured, ${count('broken')} broken, ${count('not tried')} not tried`;
}

async function main(): Promise<void> {
  const { approval, json, ...options } = settings();
  const results = await runConformance({
    ...options,
    onAsk: approval ? (url) => console.error(`Approve this within 20 minutes: ${url}`) : undefined,
    ...(json ? {} : { onResult: (result) => console.log(line(result)) }),
  });
  if (json) {
    console.log(
      JSON.stringify({ url: options.api.url.href, conformant: isConformant(results), results }),
    );
  } else {
    console.log(`documented: ${counts(results, 'documented')}`);
    console.log(`extensions: ${counts(results, 'extension')}`);
  }
  process.exitCode = isConformant(results) ? exitCodes.approved : 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.error(error.message);
  process.exitCode = exitCodes[error.code];
}
